"""The ledger of an account: core-hours and money of each pool in each span of time, and of each job of a pool.

Sums are exact: rows sum to their account, and jobs with the idle time that no job shares to their pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import astuple, replace

from bot.domain.entity import fold, same_id
from bot.domain.money.rates import Rates
from bot.domain.money.spans import utc_day
from bot.domain.money.spend import NOTHING, Spend, of_cores, total
from bot.domain.tag import tag_of
from storage.port.bill import BillReading, BillRow
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, JobBucket, PoolBucket, PoolEra

_DAY = 86_400
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


class LedgerRow(Struct, frozen=True):
    """One pool in one span of time that begins at ``start``, with the size and the tags that it had then.

    ``pool`` is empty for core-hours of the account that no pool is known for, which have no price. ``at_most`` says
    that busy is no more than what is told, which is so for history from Azure Monitor.
    """

    pool: str
    start: datetime
    spend: Spend
    vm_size: str = ""
    tags: Mapping[str, str] = _NO_TAGS
    at_most: bool = False
    windows: bool = False


class Ledger(Struct, frozen=True):
    """What an account used in [since, until), at its rates, as far as it was seen; ``until`` is now at the latest.

    ``as_of`` is the last sample (None: there is none), ``first`` the first one within the window, ``seen`` the share
    of the window up to now that was sampled. ``currency`` is empty where no price is known.
    """

    account: str
    currency: str
    since: datetime
    until: datetime
    as_of: datetime | None
    first: datetime | None
    seen: float
    rows: tuple[LedgerRow, ...] = ()
    price_source: str = ""
    prices_as_of: datetime | None = None
    sampled: Mapping[datetime, float] = MappingProxyType({})
    """Seconds that were sampled of each span, by its beginning; history from Azure Monitor is none."""
    watched: datetime | None = None
    """The first own sample within the window; ``first`` may be earlier, of Azure Monitor's history."""

    def watched_days(self, share: float) -> frozenset[date]:
        """The UTC days of which at least such a share was sampled."""
        return frozenset(day for day, seconds in self.sampled_days().items() if seconds >= share * _DAY)

    def sampled_days(self) -> dict[date, float]:
        """Seconds that were sampled of each UTC day of which any was."""
        days: dict[date, float] = {}
        for start, seconds in self.sampled.items():
            day = utc_day(start)
            days[day] = days.get(day, 0.0) + seconds
        return days

    @property
    def watched_from(self) -> datetime | None:
        """The beginning of the first span in the window that was sampled; None where none was."""
        return min(self.sampled, default=None)

    @property
    def watched_rows(self) -> tuple[LedgerRow, ...]:
        """The rows of own samples: history from Azure Monitor belongs to no pool, and has no price."""
        return tuple(row for row in self.rows if row.pool)

    @property
    def before(self) -> Spend:
        """What only history from Azure Monitor knows: core-hours of no pool, without a price."""
        return total(row.spend for row in self.rows if not row.pool)

    @property
    def seen_since_first(self) -> float:
        """The share of the time since the first sample within the window that was sampled; 1 where nothing was."""
        span = (self.until - self.since).total_seconds()
        rest = (self.until - self.first).total_seconds() if self.first else 0.0
        return min(1.0, self.seen * span / rest) if rest > 0 else 1.0

    @property
    def total(self) -> Spend:
        """All of it."""
        return total(row.spend for row in self.rows)

    @property
    def of_pools(self) -> Spend:
        """What the bot saw itself: without Azure Monitor's history, which names no pools and has no price."""
        return total(row.spend for row in self.rows if row.pool)

    def by(self, what: str) -> dict[str, Spend]:
        """Sums by ``pool``, ``size`` or ``tag:KEY``; an empty key is for those without.

        Sizes and tag keys are compared without regard to case. Raises ValueError for anything else.
        """
        return totals(self.rows, what)

    def daily(self) -> dict[date, Spend]:
        """Sums by UTC day; a day without a row is not in it."""
        return by_day(self.rows)


class JobSpend(Struct, frozen=True):
    """One job in a pool and a span of time: what its tasks took (``own``, busy alone), and its share of the idle rest.

    Idle core-hours are shared out by busy ones, within the span. Those of a span without any busy ones are nobody's:
    ``job`` is empty and ``own`` nothing. An empty ``job`` with ``own`` is work that no job is known for. A pool that
    was two things within the span, by size or tags, has the job once for each.
    """

    pool: str
    job: str
    start: datetime
    own: Spend
    idle_share: Spend
    vm_size: str = ""
    tags: Mapping[str, str] = _NO_TAGS

    @property
    def whole(self) -> Spend:
        """Own and the share of idle."""
        return self.own + self.idle_share


class Bill(Struct, frozen=True):
    """What Azure billed for an account on some days by one basis, and how its reading stands (None: never asked)."""

    rows: tuple[BillRow, ...] = ()
    reading: BillReading | None = None


def totals(rows: Iterable[LedgerRow], what: str) -> dict[str, Spend]:
    """See :meth:`Ledger.by`."""
    kind, _, key = what.partition(":")
    names: dict[str, str] = {}
    found: dict[str, list[Spend]] = {}
    for row in rows:
        match kind:
            case "pool":
                name = row.pool
            case "size":
                name = row.vm_size
            case "tag" if key:
                name = tag_of(row.tags, key)
            case _:
                raise ValueError(f"nothing is summed by {what!r}: by pool, size or tag:KEY")
        shown = names.setdefault(fold(name), name) if kind != "tag" else name
        found.setdefault(shown, []).append(row.spend)
    return {name: total(spends) for name, spends in found.items()}


def by_day(rows: Iterable[LedgerRow]) -> dict[date, Spend]:
    """See :meth:`Ledger.daily`."""
    found: dict[date, list[Spend]] = {}
    for row in rows:
        found.setdefault(utc_day(row.start), []).append(row.spend)
    return {day: total(spends) for day, spends in found.items()}


class Eras:
    """What each pool was, and when: its size, licence and tags."""

    def __init__(self, eras: Iterable[PoolEra]) -> None:
        self._eras: dict[str, list[PoolEra]] = {}
        for era in sorted(eras, key=lambda era: era.since):
            self._eras.setdefault(fold(era.pool), []).append(era)

    def at(self, pool: str, moment: datetime) -> PoolEra | None:
        """What a pool was at a moment; before it was first seen, what it was then. None where it was never seen."""
        eras = self._eras.get(fold(pool), ())
        return next((era for era in reversed(eras) if era.since <= moment), eras[0] if eras else None)

    def changes(self, since: datetime, until: datetime) -> list[datetime]:
        """When pools became something else in a window: there a span of time has two prices."""
        later = (era.since for eras in self._eras.values() for era in eras[1:])
        return sorted(moment for moment in later if since < moment < until)


def rows_of(buckets: Iterable[PoolBucket], eras: Eras, rates: Rates) -> Iterator[LedgerRow]:
    """A row for each pool and bucket, by the rates of the bucket's beginning."""
    for each in buckets:
        bucket = each.bucket
        era = eras.at(each.pool, bucket.start)
        spend = of_cores(
            rates,
            era.vm_size if era else "",
            era.cores if era else 0,
            windows=era.windows if era else False,
            at=bucket.start,
            dedicated=bucket.dedicated,
            spot=bucket.spot,
        )
        size, tags = (era.vm_size, era.tags) if era else ("", _NO_TAGS)
        yield LedgerRow(each.pool, bucket.start, spend, size, tags, bucket.at_most, era.windows if era else False)


def merged(rows: Iterable[LedgerRow], origin: datetime, step: int) -> tuple[LedgerRow, ...]:
    """Rows of finer spans summed to spans of ``step`` seconds, counted from ``origin``, by start and pool.

    A pool that was two things within a span keeps a row for each.
    """
    found: dict[tuple[datetime, str, str, bool, tuple[tuple[str, str], ...]], LedgerRow] = {}
    for row in rows:
        start = _span_of(row.start, origin, step)
        key = (start, fold(row.pool), fold(row.vm_size), row.windows, tuple(sorted(row.tags.items())))
        known = found.get(key)
        found[key] = LedgerRow(
            known.pool if known else row.pool,
            start,
            known.spend + row.spend if known else row.spend,
            row.vm_size,
            row.tags,
            row.at_most or bool(known and known.at_most),
            row.windows,
        )
    return tuple(found[key] for key in sorted(found))


def _span_of(moment: datetime, origin: datetime, step: int) -> datetime:
    return origin + timedelta(seconds=(moment - origin).total_seconds() // step * step)


def unseen_pools(account: Iterable[Bucket], buckets: Iterable[PoolBucket]) -> Iterator[PoolBucket]:
    """What an account had in each span beyond what its pools had: under an empty name.

    Of the time before the bot watched, Azure Monitor tells nothing by pool.
    """
    pools: dict[datetime, tuple[CoreUse, CoreUse]] = {}
    for each in buckets:
        dedicated, spot = pools.get(each.bucket.start, (NO_USE, NO_USE))
        pools[each.bucket.start] = dedicated + each.bucket.dedicated, spot + each.bucket.spot
    for bucket in account:
        dedicated, spot = pools.get(bucket.start, (NO_USE, NO_USE))
        kept, lent = _beyond(bucket.dedicated, dedicated), _beyond(bucket.spot, spot)
        if kept.total + lent.total > max(1.0, 1e-6 * bucket.total):
            yield PoolBucket("", Bucket(bucket.start, kept, lent, bucket.seconds, bucket.at_most))


def _beyond(whole: CoreUse, part: CoreUse) -> CoreUse:
    return CoreUse(*(max(0.0, a - b) for a, b in zip(astuple(whole), astuple(part), strict=True)))


def jobs_of(rows: Iterable[LedgerRow], jobs: Iterable[JobBucket], only: str | None = None) -> Iterator[JobSpend]:
    """What each job of a pool cost in each span: busy by what its tasks took, idle by its share of all that was busy.

    ``rows`` and ``jobs`` are of the same spans. Whatever is busy in a row and in no job goes to an empty job. Where a
    pool was two things in a span, what a job took there is shared out between them by what was busy in each. ``only``
    that job is told, where it is given.
    """
    spans: dict[tuple[str, datetime], list[LedgerRow]] = {}
    for row in rows:
        spans.setdefault((fold(row.pool), row.start), []).append(row)
    busy: dict[tuple[str, datetime], list[JobBucket]] = {}
    for each in jobs:
        busy.setdefault((fold(each.pool), each.start), []).append(each)
    for key, same in spans.items():
        spend, pool, start = total(row.spend for row in same), same[0].pool, key[1]
        whole = spend.core_hours.busy
        if not whole:
            for row in same:
                if row.spend.core_hours.total and not only:
                    nobodys_idle = idle_part(row.spend, 1.0)
                    yield JobSpend(pool, "", start, NOTHING, nobodys_idle, row.vm_size, row.tags)
            continue
        found = busy.get(key, [])
        dedicated, spot = sum(each.dedicated for each in found) / 3600, sum(each.spot for each in found) / 3600
        # Parts never exceed the row, whatever rounding did to them: sums stay exact.
        kept = max(dedicated, spend.hours.busy), max(spot, spend.spot_hours.busy)
        parts: dict[str, tuple[float, float]] = {}
        for each in found:
            before = parts.get(each.job, (0.0, 0.0))
            parts[each.job] = (before[0] + each.dedicated / 3600, before[1] + each.spot / 3600)
        nobodys = parts.get("", (0.0, 0.0))
        missing = kept[0] - dedicated, kept[1] - spot
        if missing[0] > _DUST * kept[0] or missing[1] > _DUST * kept[1]:
            parts[""] = (nobodys[0] + missing[0], nobodys[1] + missing[1])
        for job, (own, own_spot) in parts.items():
            if only is not None and not same_id(job, only):
                continue
            shares = (own / kept[0] if kept[0] else 0.0, own_spot / kept[1] if kept[1] else 0.0)
            idle_share = busy_part(spend, *shares).core_hours.busy / whole
            for row in same:
                if row.spend.core_hours.total:
                    mine, idle = busy_part(row.spend, *shares), idle_part(row.spend, idle_share)
                    yield JobSpend(pool, job, start, mine, idle, row.vm_size, row.tags)


_DUST = 1e-9


def jobs_merged(spends: Iterable[JobSpend], origin: datetime, step: int) -> tuple[JobSpend, ...]:
    """Those of finer spans summed to spans of ``step`` seconds, counted from ``origin``.

    Idle time that is nobody's stays apart from work that no job is known for.
    """
    found: dict[tuple[datetime, str, str, bool], list[JobSpend]] = {}
    for each in spends:
        nobodys = not each.job and not each.own.core_hours.total
        found.setdefault((_span_of(each.start, origin, step), fold(each.pool), each.job, nobodys), []).append(each)
    return tuple(
        JobSpend(every[0].pool, job, start, total(x.own for x in every), total(x.idle_share for x in every))
        for (start, _, job, _), every in found.items()
    )


def busy_part(spend: Spend, dedicated: float, spot: float) -> Spend:
    """Shares of what was busy in it: of its dedicated, and of its spot nodes."""
    hours, spot_hours = spend.hours.busy * dedicated, spend.spot_hours.busy * spot
    return _part(spend, CoreUse(busy=hours), CoreUse(busy=spot_hours), dedicated, spot, busy=True)


def idle_part(spend: Spend, share: float) -> Spend:
    """A share of what was idle in it."""
    return _part(spend, _idle(spend.hours) * share, _idle(spend.spot_hours) * share, share, share, busy=False)


def _part(spend: Spend, hours: CoreUse, spot_hours: CoreUse, dedicated: float, spot: float, *, busy: bool) -> Spend:
    money, spot_money = spend.money, spend.spot_money
    mine = CoreUse(busy=money.busy * dedicated) if busy else _idle(money) * dedicated
    mine_spot = CoreUse(busy=spot_money.busy * spot) if busy else _idle(spot_money) * spot
    # Without a price are first the spot nodes, where none of theirs is known, then dedicated ones.
    unpriced = 0.0
    if spend.unpriced:
        unpriced_spot = min(spend.unpriced, spend.spot_hours.total) if not spot_money.total else 0.0
        unpriced_kept = min(spend.unpriced - unpriced_spot, spend.hours.total)
        unpriced_spot = spend.unpriced - unpriced_kept
        unpriced = unpriced_kept * _share(hours, spend.hours) + unpriced_spot * _share(spot_hours, spend.spot_hours)
    if_dedicated: float | None = 0.0
    if spot_hours.total:
        if_dedicated = None if spend.if_dedicated is None else spend.if_dedicated * _share(spot_hours, spend.spot_hours)
    return Spend(spend.currency, hours, spot_hours, mine, mine_spot, unpriced, if_dedicated)


def _idle(use: CoreUse) -> CoreUse:
    return replace(use, busy=0.0)


def _share(part: CoreUse, whole: CoreUse) -> float:
    return part.total / whole.total if whole.total else 0.0
