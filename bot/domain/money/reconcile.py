"""The bill beside own usage: how much of the machines' part own samples explain, and what the rest is for. Pure.

Definitions (each figure is in one currency): *explained* is own core-hours at their rates by the amortized bill of
machines alone, since nothing else is sampled; the rest of the bill stands by what its meters are for. A reservation's
purchase is one day's charge in the actual bill and spread in the amortized one ("Amortized costs").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from msgspec import Struct

from bot.domain.money.ledger import Ledger, LedgerRow
from bot.domain.money.meters import METER_KINDS, MeterKind, MeterOf, kind_of, meter_of_size, meters_of
from bot.domain.money.spans import utc_day
from storage.port.bill import Basis, BillCorrection, BillRow

FINAL_AFTER = timedelta(hours=72)
"""A day's charges may change so long after its end ("Understand Cost Management data")."""
TOLD_AFTER = timedelta(hours=24)
"""Usage is on the bill so long after it, at the latest."""
WATCHED = 0.95
"""A day counts as watched throughout from this share on."""
WORTH_TELLING = 0.01
"""From this share on the difference of actual and amortized is told."""
EXPLAINED = (0.95, 1.05)
"""Between these the bill counts as explained."""
_CENT = 0.005


class MachineMeter(Struct, frozen=True):
    """One meter of machines: what it was billed (amortized), its hours, and what own usage of its size comes to.

    ``own`` is None where no own usage is known of any size that it counts.
    """

    meter: str
    billed: float
    hours: float
    own: float | None

    @property
    def explained(self) -> float | None:
        """Own by billed; None where either is missing."""
        return self.own / self.billed if self.own is not None and self.billed > _CENT else None


class Reconciled(Struct, frozen=True):
    """The bill of some days in one currency, beside own usage of the same days.

    ``kinds`` is the amortized bill by what it is for, in the order of :data:`METER_KINDS`, those that are there.

    What machines cost is compared on the ``compared`` days that are told in full: ``machines`` by meter, and ``own``,
    which is None where own prices are in another currency or unknown. ``unbilled`` is the own usage of sizes that no
    meter of the bill counts. ``not_final`` are days that may still change.
    """

    currency: str
    actual: float
    amortized: float
    own: float | None
    machines: tuple[MachineMeter, ...]
    kinds: Mapping[MeterKind, float]
    compared: tuple[date, ...] = ()
    unbilled: float = 0.0
    not_final: tuple[date, ...] = ()

    @property
    def explained(self) -> float | None:
        """Own usage by the amortized bill of machines; None where either is unknown or nothing."""
        machines = self.billed
        return self.own / machines if self.own is not None and machines > _CENT else None

    @property
    def billed(self) -> float:
        """The amortized bill of machines on the days that are compared."""
        return sum(each.billed for each in self.machines)

    @property
    def well_explained(self) -> bool | None:
        """Whether that is within :data:`EXPLAINED`; None where it is unknown."""
        share = self.explained
        return None if share is None else EXPLAINED[0] <= share <= EXPLAINED[1]

    @property
    def worst(self) -> MachineMeter | None:
        """The meter of machines that differs most, in money."""
        return max(self.machines, key=lambda each: abs((each.own or 0.0) - each.billed), default=None)

    @property
    def spread(self) -> float | None:
        """By which share actual and amortized differ, where that is worth telling: positive where actual is more."""
        size = max(abs(self.actual), abs(self.amortized))
        share = (self.actual - self.amortized) / size if size > _CENT else 0.0
        return share if abs(share) > WORTH_TELLING else None


def reconcile(rows: Iterable[BillRow], ledger: Ledger, now: datetime) -> tuple[Reconciled, ...]:
    """The bill by currency, the largest first; no currency is added to another.

    ``rows`` are of both bases and the ledger of the same days. Days that are not told in full yet, and those that were
    not watched throughout, are not compared.
    """
    billed: dict[str, list[BillRow]] = defaultdict(list)
    for row in rows:
        billed[row.currency].append(row)
    found = [_reconciled(currency, each, ledger, now) for currency, each in billed.items()]
    return tuple(sorted(found, key=lambda each: -abs(each.amortized)))


def _reconciled(currency: str, rows: Sequence[BillRow], ledger: Ledger, now: datetime) -> Reconciled:
    amortized = [row for row in rows if row.basis == "amortized"]
    watched = ledger.watched_days(WATCHED)
    compared = {row.day for row in rows if row.day in watched and now >= _end(row.day) + TOLD_AFTER}
    kinds: dict[MeterKind, float] = defaultdict(float)
    meters: dict[str, list[BillRow]] = defaultdict(list)
    for row in amortized:
        kind = kind_of(row)
        kinds[kind] += row.amount
        if kind == "machines" and row.day in compared:
            meters[f"{row.meter} Windows" if "windows" in row.subcategory.lower() else row.meter].append(row)
    known = currency == ledger.currency
    complete = [row for row in ledger.rows if utc_day(row.start) in compared]
    left = _own_by_meter(complete) if known else {}
    machines = []
    for meter, each in sorted(meters.items()):
        counted = {name for row in each for name in meters_of(row)}
        mine = [left.pop(name) for name in sorted(counted) if name in left]
        hours = sum(row.quantity for row in each if row.unit.lower() in ("1 hour", "hours", ""))
        machines.append(MachineMeter(meter, sum(row.amount for row in each), hours, sum(mine) if mine else None))
    return Reconciled(
        currency,
        sum(row.amount for row in rows if row.basis == "actual"),
        sum(row.amount for row in amortized),
        sum(row.spend.cost.total for row in complete) if known else None,
        tuple(sorted(machines, key=lambda each: -each.billed)),
        {kind: kinds[kind] for kind in METER_KINDS if kind in kinds},
        tuple(sorted(compared)),
        sum(left.values()),
        tuple(sorted({row.day for row in rows if not is_final(row.day, now)})),
    )


def _own_by_meter(own: Iterable[LedgerRow]) -> dict[MeterOf, float]:
    found: dict[MeterOf, float] = defaultdict(float)
    for row in own:
        for spot, money in ((False, row.spend.money.total), (True, row.spend.spot_money.total)):
            if money:
                found[meter_of_size(row.vm_size, spot=spot, windows=row.windows)] += money
    return found


def is_final(day: date, now: datetime) -> bool:
    """Whether a UTC day's charges count as settled."""
    return now >= _end(day) + FINAL_AFTER


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def by_day(rows: Iterable[BillRow], basis: Basis) -> dict[str, dict[date, float]]:
    """The bill by currency and day."""
    found: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        if row.basis == basis:
            found[row.currency][row.day] += row.amount
    return {currency: dict(sorted(days.items())) for currency, days in found.items()}


def by_pool(rows: Iterable[BillRow], basis: Basis) -> dict[str, dict[str, float]]:
    """The bill by currency and pool, the dearest first; an empty pool is what belongs to none."""
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        if row.basis == basis:
            found[row.currency][row.pool] += row.amount
    return {currency: dict(sorted(pools.items(), key=lambda each: -each[1])) for currency, pools in found.items()}


class Restated(Struct, frozen=True):
    """A day whose settled amount became another: ``before`` it was shown, ``after`` it is."""

    day: date
    currency: str
    before: float
    after: float


def restated(corrections: Iterable[BillCorrection], basis: Basis) -> tuple[Restated, ...]:
    """The days that changed after they had counted as settled, each with what it first had been and what it is."""
    found: dict[tuple[date, str], Restated] = {}
    for each in sorted(corrections, key=lambda each: (each.day, each.at)):
        if each.basis != basis or not is_final(each.day, each.at):
            continue
        known = found.get((each.day, each.currency))
        before = known.before if known else each.before
        found[each.day, each.currency] = Restated(each.day, each.currency, before, each.after)
    return tuple(each for each in found.values() if abs(each.after - each.before) > _CENT)
