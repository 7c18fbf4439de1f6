"""A ledger made of the bill alone, for days of which the bot's own samples know too little: before it was there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from bot.domain.entity import fold
from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.meters import kind_of, meters_of
from bot.domain.money.reconcile import is_final
from bot.domain.money.spend import Spend, total
from storage.port.bill import BillRow
from storage.port.core_use import CoreUse

SOURCE = "the bill"
SHORT = 0.05
"""A bill of a day that is so much below own usage is not all in yet, or something else is wrong with it."""
_LATE = timedelta(days=7)
"""For so long a bill that is short may still be late; after it there is a discount that nobody has told."""


def billed_ledger(
    account: str, rows: Iterable[BillRow], since: datetime, until: datetime, as_of: datetime | None
) -> Ledger | None:
    """What was billed (amortized) in [since, until), as a ledger; None where nothing was, or in two currencies.

    What each meter came to is money that did something unknown, and its hours are hours of nodes, not of cores, for the
    bill does not tell cores. What belongs to no pool has an empty one.
    """
    found: dict[tuple[str, datetime], list[BillRow]] = {}
    names: dict[str, str] = {}
    for row in rows:
        start = datetime.combine(row.day, time(), UTC)
        if row.basis == "amortized" and since <= start < until:
            found.setdefault((names.setdefault(fold(row.pool), row.pool), start), []).append(row)
    currencies = {row.currency for each in found.values() for row in each}
    if len(currencies) != 1:
        return None
    made = tuple(LedgerRow(pool, start, total(map(_spend, each))) for (pool, start), each in sorted(found.items()))
    first = min(row.start for row in made)
    return Ledger(account, currencies.pop(), since, until, as_of, first, 1.0, made, SOURCE, as_of)


def _spend(row: BillRow) -> Spend:
    """A row of the bill; only machines have hours."""
    money = CoreUse(unknown=row.amount)
    if kind_of(row) != "machines":
        return Spend(row.currency, money=money)
    hours = CoreUse(unknown=row.quantity)
    if any(meter.spot for meter in meters_of(row)):
        return Spend(row.currency, spot_hours=hours, spot_money=money, if_dedicated=None)
    return Spend(row.currency, hours, money=money)


class Best(NamedTuple):
    """The best that is known: a ledger, the days of it that are not final, and those of them that are own usage.

    ``by_own`` has how much more those days' own usage is than what is billed of them.
    """

    ledger: Ledger
    filling: frozenset[date]
    by_own: Mapping[date, float]


def best_known(own: Ledger, watched: frozenset[date], billed: Ledger, as_of: datetime) -> Best:
    """The bill, but on days that are not final own usage where that is more.

    A day is not final before 72 hours, and in its first week as long as its bill is below own usage of a day that was
    ``watched`` throughout. A day that is on no bill, and final, cost nothing; one that is not final is own usage.
    """
    mine, theirs = own.daily(), billed.daily()
    filling: set[date] = set()
    kept: dict[date, float] = {}
    day, last = billed.since.date(), (billed.until - timedelta(seconds=1)).date()
    while day <= last:
        used = mine[day].cost.total if day in mine else 0.0
        paid = theirs[day].cost.total if day in theirs else 0.0
        fresh = datetime.combine(day, time(), UTC) + _LATE > as_of
        if not is_final(day, as_of) or (day in watched and fresh and paid < (1 - SHORT) * used):
            filling.add(day)
            if used > paid:
                kept[day] = used - paid
        day += timedelta(days=1)
    rows = [row for row in billed.rows if row.start.date() not in kept]
    rows += [row for row in own.rows if row.start.astimezone(UTC).date() in kept]
    return Best(replace(billed, rows=tuple(rows)), frozenset(filling), kept)
