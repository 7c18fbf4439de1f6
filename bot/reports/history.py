"""What the days of an account cost, as far as they are known, and what is known to have changed in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.accounting.service import Accounting
from bot.domain.core_use import MOSTLY
from bot.domain.entity import fold
from bot.domain.money.billed import best_known, billed_ledger
from bot.domain.money.forecast import WINDOW, Forecast, month_end
from bot.domain.money.ledger import Ledger, LedgerRow, by_day
from bot.domain.money.report import PRICED
from bot.domain.money.spans import utc_day
from bot.domain.money.spend import NOTHING, Spend
from cards.formatting import short_day
from storage.port.decoding import decoded
from storage.port.monitoring import Transition
from storage.port.samples import Bucket

DAYS = 120
"""Days that are looked back: a forecast tries itself on them, and a calm series shows that it is."""
_DAY = timedelta(days=1)
_WEEK = 7
_PAGE = 1000
_TICK = timedelta(microseconds=1)
_IN_FORCE = timedelta(days=4)
"""A change that was there for less of the last week is not why that week was another one."""
_CHANGES = timedelta(days=14)
"""How long ago a pool may have been made, resized or deleted for the last week to be another one than those before."""


Covers: TypeAlias = Callable[[LedgerRow], bool]


def everything(row: LedgerRow) -> bool:
    """Covers all of an account."""
    return True


class Kept(Protocol):
    """What is needed of the store."""

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """See :class:`storage.port.samples.SampleStore`."""
        ...

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
        after: str = "",
    ) -> list[Transition]:
        """See :class:`storage.port.monitoring.MonitoringStore`."""
        ...


class History(Struct, frozen=True):
    """The days of an account up to ``today`` (UTC), which is not over.

    ``ledger`` has all of them. ``known`` are those whose cost is known: by a bill that is final, or, where there is
    none yet, by own usage that was seen and priced as a whole. ``filling`` are days of which neither is so, but
    something is known: the greater of the bill so far and own usage. ``unbilled`` is how much more own usage is than
    the bill, of the days that go by it. ``changes`` are the pools that were made, resized
    and deleted in the last two weeks. ``by_own`` are the known days that were seen and priced as a whole, ``by_bill``
    those whose bill is final; a day may be both, and then costs what the bill says.
    """

    today: date
    ledger: Ledger
    known: frozenset[date]
    changes: tuple[Transition, ...] = ()
    filling: frozenset[date] = frozenset()
    unbilled: Mapping[date, float] = MappingProxyType({})
    by_own: frozenset[date] = frozenset()
    by_bill: frozenset[date] = frozenset()

    @property
    def daily(self) -> dict[date, float]:
        """What each known day cost."""
        return self._costs(self.ledger.daily())

    @property
    def month(self) -> Forecast:
        """How the month of ``today`` ends."""
        found = month_end(self.daily, self.today, changed=self.changed(), filling=self.growing)
        first = self.today.replace(day=1)
        return replace(found, unbilled=sum(cost for day, cost in self.unbilled.items() if day >= first))

    @property
    def growing(self) -> dict[date, float]:
        """What is known so far of each day that is not final."""
        spends = self.ledger.daily()
        return {day: spends.get(day, NOTHING).cost.total for day in sorted(self.filling)}

    def of_pool(self, pool: str) -> dict[date, float]:
        """What each known day of a pool cost; nothing on days on which it had no nodes."""
        return self._costs(by_day(row for row in self.ledger.rows if fold(row.pool) == fold(pool)))

    def _costs(self, spends: Mapping[date, Spend]) -> dict[date, float]:
        return {day: spends.get(day, NOTHING).cost.total for day in sorted(self.known)}

    def pools(self, covers: Covers = everything) -> list[str]:
        """The pools that any of it is of, by name."""
        return sorted({fold(row.pool): row.pool for row in self.ledger.rows if row.pool and covers(row)}.values())

    def changed(self, covers: Covers = everything) -> str:
        """``pool gpu-a was made on 24 Nov``: the pool that changed most within the last week, where it is known why."""
        moved: dict[str, float] = {}
        for pool in self.pools(covers):
            costs = self.of_pool(pool)
            recent = [cost for day, cost in costs.items() if (self.today - day).days <= _WEEK]
            earlier = [cost for day, cost in costs.items() if (self.today - day).days > _WEEK][-3 * _WEEK :]
            if recent and earlier:
                moved[pool] = sum(recent) / len(recent) - sum(earlier) / len(earlier)
        for pool in sorted(moved, key=lambda each: -abs(moved[each]))[:1]:
            latest = self.today - _IN_FORCE
            own = sorted(
                (each for each in self.changes if fold(each.id) == fold(pool) and utc_day(each.at) <= latest),
                key=lambda each: each.at,
            )
            words = [f"pool {pool} was {what} on {short_day(each.at)}" for each in own if (what := _what(each))]
            return words[-1] if words else _came_or_went(pool, self.of_pool(pool))
        return ""


async def history(accounting: Accounting, store: Kept, account: str, now: datetime, days: int = DAYS) -> History:
    """The last days of an account. Raises KeyError for an unknown one, StoreError."""
    today = utc_day(now)
    midnight = datetime.combine(today, time(), UTC)
    since = midnight - days * _DAY
    ledger = await accounting.spend(account, since, midnight + _DAY)
    buckets = await store.usage(account, None, since, midnight, int(_DAY.total_seconds()))
    seen = {utc_day(bucket.start) for bucket in buckets if bucket.seconds >= MOSTLY * _DAY.total_seconds()}
    known = frozenset(seen & _priced(ledger, seen))
    pools = await _all(store, account, "pool", midnight - _CHANGES)
    resizes = await _all(store, account, "allocation", midnight - _CHANGES, "steady")
    scaled = await _all(store, account, "autoscale", midnight - _CHANGES)
    changes = [*pools, *resized(resizes, {fold(each.id) for each in scaled})]
    bill = await accounting.bill(account, since.date(), today - _DAY, "amortized")
    reading = bill.reading
    filling: frozenset[date] = frozenset()
    by_own, by_bill = known, frozenset[date]()
    unbilled: dict[date, float] = {}
    if reading and reading.as_of and reading.first:
        begin = max(since, datetime.combine(reading.first, time(), UTC))
        billed = billed_ledger(account, bill.rows, begin, midnight, reading.as_of)
        if billed and billed.currency == (ledger.currency or billed.currency):
            ledger, known, filling, by_bill = _with_bill(ledger, known, billed, reading.as_of)
            paid, best = billed.daily(), ledger.daily()
            more = {
                day: best.get(day, NOTHING).cost.total - paid.get(day, NOTHING).cost.total for day in _dates(billed)
            }
            unbilled = {day: cost for day, cost in more.items() if cost > 0}
    return History(today, ledger, known, tuple(changes), filling, unbilled, by_own, by_bill)


async def _all(store: Kept, account: str, entity: str, since: datetime, after: str = "") -> list[Transition]:
    """The transitions of a kind since then, page by page, each once, the newest first."""
    found: dict[Transition, None] = {}
    until = None
    while True:
        page = await store.transitions(account, entity=entity, since=since, until=until, limit=_PAGE, after=after)
        found |= dict.fromkeys(page)
        before = page[-1].at + _TICK if len(page) == _PAGE else None  # what shares a moment comes again
        if before is None or (until is not None and before >= until):
            return list(found)
        until = before


def resized(steady: Iterable[Transition], scaled: Collection[str]) -> list[Transition]:
    """Of the moments at which pools became steady those at which somebody had given them another size.

    ``scaled`` are the folded ids of pools that a formula sizes: they go up and down, and that is how they are used.
    Where a node only came back or went, the targets are those of before.
    """
    targets: dict[str, tuple[object, object]] = {}
    found = []
    for each in sorted(steady, key=lambda each: each.at):
        pool, details = fold(each.id), decoded(each.details.encode() or b"{}", dict[str, Any]) or {}
        target = details.get("targetDedicated"), details.get("targetSpot")
        if pool not in scaled and each.before and targets.get(pool) != target:
            found.append(each)
        targets[pool] = target
    return found


def _with_bill(
    own: Ledger, known: frozenset[date], billed: Ledger, as_of: datetime
) -> tuple[Ledger, frozenset[date], frozenset[date], frozenset[date]]:
    """The ledger by the bill where that was read, the days that are known, those that are not final, and the final.

    It is what the card of costs adds up to, what belongs to no pool with it. Pools keep the tags that they last had.
    """
    best, filling, _ = best_known(own, known, billed, as_of)
    tags = {fold(row.pool): row.tags for row in sorted(own.rows, key=lambda row: row.start)}
    rows = [row if row.tags else replace(row, tags=tags.get(fold(row.pool), row.tags)) for row in best.rows]
    rows += [row for row in own.rows if not billed.since <= row.start < billed.until]
    final = frozenset(_dates(billed)) - filling
    return replace(own, rows=tuple(rows), currency=billed.currency), final | known, filling - known, final


def _dates(ledger: Ledger) -> list[date]:
    return [ledger.since.date() + n * _DAY for n in range((ledger.until - ledger.since).days)]


def _priced(ledger: Ledger, days: Iterable[date]) -> set[date]:
    """The days of whose core-hours nearly all have a price."""
    spends = ledger.daily()
    shares = {day: spends.get(day, NOTHING).priced for day in days}
    return {day for day, share in shares.items() if share is None or share >= PRICED}


def _came_or_went(pool: str, costs: Mapping[date, float]) -> str:
    """That a pool has had nodes since a day of the last two weeks, or none any more; empty where neither is so."""
    paid = [day for day, cost in costs.items() if cost]
    if not paid or len(costs) < WINDOW:
        return ""
    last = max(costs)
    if last - min(paid) < _CHANGES:
        return f"pool {pool} has had nodes since {short_day(min(paid))}"
    if timedelta() < last - max(paid) < _CHANGES:
        return f"pool {pool} has had no nodes since {short_day(max(paid))}"
    return ""


def _what(change: Transition) -> str:
    if change.entity == "allocation":
        return "resized"
    return {"deleted": "deleted", "active": "" if change.before else "made"}.get(change.after.lower(), "")
