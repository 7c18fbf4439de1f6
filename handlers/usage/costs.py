"""Money on cards: what a node costs, a pool now, and an account so far this month; nothing where it is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts, VmSize
from bot.azure.models.price import Prices
from bot.domain.cores import cores_of
from bot.domain.entity import fold
from bot.domain.licence import pays_windows
from bot.domain.pools import reading
from bot.domain.price import HourlyCost, of_pool, per_hour
from bot.requests.context import Context
from cards.build import bold, text
from cards.card import Text, Time, Words
from cards.formatting import money, percent, plural
from handlers.shared.common import sizes_of
from storage.port.store import Store

_DAY = timedelta(days=1)
_WHOLE = 0.98
"""From this share on something counts as all of it."""


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
    with_windows = " with Windows" if windows else ""
    return text(f"{rate} an hour · list price{with_windows}, read ", Time(prices.as_of)) if rate else ()


def a_pool(cost: HourlyCost | None) -> str:
    """``$4.21/h``, ``$4.21/h: $3.15 dedicated, $1.06 spot``, or nothing where it is unknown."""
    if cost is None:
        return ""
    parts = ""
    if cost.dedicated and cost.spot:
        parts = f": {money(cost.dedicated, cost.currency)} dedicated, {money(cost.spot, cost.currency)} spot"
    return f"{money(cost.amount, cost.currency)}/h{parts}"


def now(prices: Prices, pools: Iterable[Pool], counts: Mapping[str, PoolNodeCounts]) -> str:
    """``$12.41/h now`` for all of some pools; those whose price is unknown are counted, not guessed.

    ``counts`` are by folded id.
    """
    found = [of_pool(prices, reading(pool, counts.get(fold(pool.id)))) for pool in pools]
    if not prices or not found:
        return ""
    unknown = sum(cost is None for cost in found)
    total = sum(cost.amount for cost in found if cost)
    without = f" without {plural(unknown, 'pool')} of unknown price" if unknown else ""
    return "" if unknown == len(found) else f"{money(total, prices.currency)}/h now{without}"


async def line_of(
    ctx: Context, source: Account, pools: Sequence[Pool], counts: Mapping[str, PoolNodeCounts], at: datetime
) -> Words | None:
    """The line of the home card: what the account costs now, and about what it cost this month. None without prices."""
    prices, sizes = await asyncio.gather(source.prices(), sizes_of(source))
    if not prices:
        return None
    month = await month_so_far(ctx.store, source.name, pools, sizes, prices, at)
    pieces = [
        now(prices, pools, counts),
        month.sentence(prices, ZoneInfo(ctx.zone)) if month else "no samples this month yet",
    ]
    return Words(text(bold("Cost  "), " · ".join(filter(None, pieces))))


@dataclass(frozen=True)
class Month:
    """What the bot saw of a month: money at list price, since when, which shares of the time and of the cores.

    ``seen`` is the share of the time since then that was sampled, ``priced`` the share of the core-hours that have a
    price (None: there were no cores), ``mixed`` whether pools with both kinds of nodes were shared out as they are now.
    """

    amount: float
    since: datetime
    seen: float
    priced: float | None
    mixed: bool

    def sentence(self, prices: Prices, zone: ZoneInfo) -> str:
        """``about $1,204 this month at list prices of 23 Nov (own samples since 3 Nov)``."""
        if self.priced == 0:
            return "this month's cores have no known price"
        notes = [f"own samples since {_day(self.since, zone)}"]
        if self.seen < _WHOLE:
            notes[0] += f", {percent(self.seen, 1)} of the time"
        if self.priced is not None and self.priced < _WHOLE:
            notes.append(f"without {percent(1 - self.priced, 1)} of the core-hours, of pools that are gone or unpriced")
        if self.mixed:
            notes.append("spot at its share of now")
        amount = money(round(self.amount, 2), prices.currency)
        return f"about {amount} this month at list prices of {_day(prices.as_of, zone)} ({'; '.join(notes)})"


async def month_so_far(
    store: Store, account: str, pools: Sequence[Pool], sizes: Mapping[str, VmSize], prices: Prices, at: datetime
) -> Month | None:
    """What an account cost since the month began (in UTC, as Azure bills), by the bot's samples; None without any.

    Core-seconds of each pool, at the price of a core of its size. Samples do not separate dedicated and spot cores: a
    pool that has both is shared out by the nodes it has, or wants, now.
    """
    at = at.astimezone(UTC)
    begin = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    kept = await store.sampled_range(account)
    if kept is None or kept[1] <= begin:
        return None
    step = int(_DAY.total_seconds())
    whole = await store.usage(account, None, begin, at, step)
    amount = priced = 0.0
    mixed = False
    for pool in pools:  # one after the other: the store has more urgent things to do than a thousand pools at once
        core_seconds = sum(bucket.total for bucket in await store.usage(account, pool.id, begin, at, step))
        rate = _core_hour(pool, sizes, prices)
        if core_seconds and rate is not None:
            amount += core_seconds / 3600 * rate
            priced += core_seconds
            mixed = mixed or all(_kinds(pool))
    total = sum(bucket.total for bucket in whole)
    since = max(kept[0], begin)
    span = (at - since).total_seconds()
    seen = min(1.0, sum(bucket.seconds for bucket in whole) / span) if span > 0 else 1.0
    return Month(amount, since, seen, min(1.0, priced / total) if total else None, mixed)


def _core_hour(pool: Pool, sizes: Mapping[str, VmSize], prices: Prices) -> float | None:
    """What a core of a pool costs an hour on average; None where a price or the number of cores is unknown."""
    cores = cores_of(pool.vm_size, sizes)
    dedicated, spot = _kinds(pool)
    windows = pays_windows(pool.virtual_machine_configuration)
    cost = per_hour(prices, pool.vm_size, windows=windows, dedicated=dedicated, spot=spot)
    return cost.amount / (dedicated + spot) / cores if cost and cores else None


def _kinds(pool: Pool) -> tuple[int, int]:
    """Dedicated and spot nodes that a pool has, else those it wants, else one dedicated."""
    for kinds in (
        (pool.current_dedicated_nodes, pool.current_low_priority_nodes),
        (pool.target_dedicated_nodes or 0, pool.target_low_priority_nodes or 0),
    ):
        if any(kinds):
            return kinds
    return 1, 0


def _day(moment: datetime, zone: ZoneInfo) -> str:
    there = moment.astimezone(zone)
    return f"{there.day} {there:%b}"
