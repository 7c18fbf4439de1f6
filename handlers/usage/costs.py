"""Money on cards: what a node costs, a pool now, and an account so far this month; nothing where it is unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts
from bot.azure.models.price import Prices
from bot.domain.core_use import WHOLE
from bot.domain.licence import pays_windows
from bot.domain.money.spans import days_of, utc_day
from bot.domain.money.statement import Statement
from bot.domain.price import HourlyCost
from bot.requests.context import Context
from cards.build import bold, text
from cards.card import Text, Time, Words
from cards.formatting import money, percent, short_day
from handlers.cost.parts import billed
from handlers.shared.per_hour import each_hour, now


def hourly(prices: Prices, size: str, *, windows: bool = False) -> str:
    """``$0.526, spot $0.158``, ``$0.096, low priority $0.0192``: a node's price an hour; empty where there is none."""
    kept = prices.hourly(size, windows=windows, spot=False)
    lent = prices.hourly(size, windows=windows, spot=True)
    pieces = [
        money(kept.amount, kept.currency) if kept else "",
        f"{lent.meter} {money(lent.amount, lent.currency)}" if lent else "",
    ]
    return ", ".join(filter(None, pieces))


def a_node(prices: Prices, pool: Pool) -> Text:
    """``$0.526, spot $0.158 an hour · list price, read 5 h ago, 06:00``: what a node of a pool costs."""
    windows = pays_windows(pool.virtual_machine_configuration)
    rate = hourly(prices, pool.vm_size, windows=windows)
    found = (prices.hourly(pool.vm_size, windows=windows, spot=spot) for spot in (False, True))
    sources = " and ".join(dict.fromkeys(price.source for price in found if price))
    with_windows = " with Windows" if windows else ""
    return text(f"{rate} an hour · {sources}{with_windows}, read ", Time(prices.as_of)) if rate else ()


def a_pool(cost: HourlyCost | None) -> str:
    """``$4.21/h``, ``$4.21/h: $3.15 dedicated, $1.06 spot``, or nothing where it is unknown."""
    if cost is None:
        return ""
    parts = ""
    if cost.dedicated and cost.spot:
        parts = f": {money(cost.dedicated, cost.currency)} dedicated, {money(cost.spot, cost.currency)} spot"
    return f"{money(cost.amount, cost.currency)}/h{parts}"


async def line_of(
    ctx: Context, source: Account, pools: Sequence[Pool], counts: Mapping[str, PoolNodeCounts], at: datetime
) -> Words | None:
    """The line of the home card: what the account costs now, and what it cost this month; None if neither is known."""
    prices = await source.prices()
    statement = await ctx.accounting.statement(source.name, days_of("month", at))
    if not prices and not statement.main:
        return None
    pieces = [now(prices, each_hour(prices, pools, counts), len(pools)), month_so_far(statement, ZoneInfo(ctx.zone))]
    return Words(text(bold("Cost  "), " · ".join(filter(None, pieces))))


def month_so_far(statement: Statement, zone: ZoneInfo) -> str:
    """``$3,931 this month, still filling since 27 Nov``; without a bill own usage, and first how much is known.

    ``about $185 since the bot began to watch on 29 Nov``, ``40 % of the core-hours have a known price: about $80 …``.
    """
    if statement.main:
        filling = statement.main.not_final
        return f"{billed(statement)} {statement.words}" + (
            f", still filling since {short_day(filling[0])}" if filling else ""
        )
    ledger = statement.ledger
    if ledger.watched is None:
        return "nothing seen this month yet"
    spend = ledger.of_pools
    priced = 1.0 if spend.priced is None else spend.priced
    late = utc_day(ledger.watched) > statement.days.first
    since = f"since the bot began to watch on {short_day(ledger.watched.astimezone(zone))}" if late else "this month"
    if not priced:
        return f"no core-hours {since} have a known price"
    known = [f"{percent(priced, 1)} of the core-hours have a known price"] if priced < WHOLE else []
    if ledger.first == ledger.watched and ledger.seen_since_first < WHOLE:
        known.append(f"{percent(ledger.seen_since_first, 1)} of the time was sampled")
    lead = f"{', '.join(known)}: " if known else ""
    return f"{lead}about {money(round(spend.cost.total, 2), ledger.currency)} own usage {since}"
