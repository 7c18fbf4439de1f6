"""A ledger made of the bill alone, for days of which the bot's own samples know too little: before it was there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time

from bot.domain.entity import fold
from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.meters import kind_of, meters_of
from bot.domain.money.spend import Spend, total
from storage.port.bill import BillRow
from storage.port.core_use import CoreUse

SOURCE = "the bill"


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
