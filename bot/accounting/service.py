"""The accounting of accounts: own usage at its rates, by pool and job, and the bill as it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from bot.accounting.eras import shown_eras
from bot.azure.models.price import Prices
from bot.azure.price_settings import Reservation
from bot.domain.money.ledger import (
    Bill,
    Eras,
    JobSpend,
    Ledger,
    LedgerRow,
    jobs_merged,
    jobs_of,
    merged,
    rows_of,
    unseen_pools,
)
from bot.domain.money.price_book import PriceBook
from bot.domain.money.reconcile import reconcile, restated
from bot.domain.money.reserved import ReservedRates
from bot.domain.money.spans import Days
from bot.domain.money.statement import Statement
from storage.port.bill import Basis, BillStore
from storage.port.samples import Bucket, PoolBucket, SampleStore
from storage.retention import Retention

DAY = 86_400
_FINER = tuple(
    (kept - timedelta(days=1), step)
    for step, kept in sorted(Retention().rollups.items())
    if kept is not None and 60 < step < DAY
)
"""To what age which spans are kept that are shorter than a day, less a day; minutes are too many."""
_SHORT = 1800
"""Seconds of the spans in which reservations, and idle time among jobs, are shared out, where they are kept."""
_SHORT_KEPT = next(age for age, step in _FINER if step == _SHORT)
_MANY = 500
"""From so many buckets on they are counted beside the event loop."""


class Kept(SampleStore, BillStore, Protocol):
    """What is needed of the store."""


class Priced(Protocol):
    """What is needed of :class:`bot.azure.account.Account`."""

    async def prices(self) -> Prices:
        """What is paid in the account's region."""
        ...

    def reservations(self, prices: Prices) -> Sequence[Reservation]:
        """Reserved nodes, in the currency of these prices."""
        ...

    def now(self) -> datetime:
        """The service's clock."""
        ...


class Sources(Protocol):
    """What is needed of :class:`bot.azure.accounts.Accounts`."""

    def get(self, name: str | None = None) -> Priced:
        """The account of that name. Raises KeyError."""
        ...


class Accounting:
    """Own usage and the bill of accounts, by their names in the settings. It keeps nothing itself.

    Every method may raise StoreError, and KeyError for a name that the settings do not know. None waits for Azure, but
    for the moment that a card waits for prices which were never read (:data:`bot.azure.prices.PATIENCE`).
    """

    def __init__(self, store: Kept, accounts: Sources) -> None:
        self._store = store
        self._accounts = accounts

    async def rates(self, account: str) -> PriceBook:
        """The rates of an account, as they changed: own prices, else list prices less the discount."""
        return PriceBook(await self._accounts.get(account).prices())

    async def spend(self, account: str, since: datetime, until: datetime, *, step: int = DAY) -> Ledger:
        """Own usage at its rates in [since, until), in spans of ``step`` seconds (a multiple of a kept resolution).

        Where a pool or a price changed within a span, the span is counted in shorter ones, as far as they are kept.
        Spans begin as those of :meth:`storage.port.samples.SampleStore.usage` do.
        """
        source = self._accounts.get(account)
        prices = await source.prices()
        rates = PriceBook(prices)
        now = source.now()
        whole = await self._store.usage(account, None, since, until, step)
        eras = Eras(shown_eras(await self._store.pool_eras(account)))
        reservations = source.reservations(prices)
        fine = _SHORT if reservations and step > _SHORT and now - since < _SHORT_KEPT and not step % _SHORT else step
        account_buckets = whole if fine == step else await self._store.usage(account, None, since, until, fine)
        pools = await self._store.usage_by_pool(account, since, until, fine)
        pools += unseen_pools(account_buckets, pools)
        split = sorted({*eras.changes(since, until), *rates.changes(since, until)})
        pools, finer = await self._split(account, pools, split, fine, now)

        def count() -> tuple[LedgerRow, ...]:
            applied = ReservedRates(rates, reservations, pools, eras) if reservations else rates
            rows = rows_of(pools, eras, applied)
            return merged(rows, whole[0].start, step) if (finer or fine != step) and whole else tuple(rows)

        rows = await asyncio.to_thread(count) if len(pools) > _MANY else count()
        known, sampled = await self._store.known_range(account), await self._store.sampled_range(account)
        first = max(known[0], since) if known and known[0] < until else None
        return Ledger(
            account,
            rates.currency,
            since,
            min(until, now),
            sampled[1] if sampled else None,
            first,
            _seen(whole, since, min(until, now)),
            rows,
            rates.source,
            rates.as_of,
            await self._sampled(account, whole, step, now),
            max(sampled[0], since) if sampled and sampled[0] < until else None,
        )

    async def _sampled(self, account: str, whole: Sequence[Bucket], step: int, now: datetime) -> dict[datetime, float]:
        """Seconds that were sampled, by span. Spans with history in them are taken apart where shorter are kept."""
        found = {bucket.start: bucket.seconds for bucket in whole if not bucket.at_most}
        mixed = [each.start for each in whole if each.at_most and now - each.start < _FINER[1][0]]
        if not mixed or step <= _SHORT or step % _SHORT:
            return found
        end = mixed[-1] + timedelta(seconds=step)
        for each in await self._store.usage(account, None, mixed[0], end, _SHORT):
            span = mixed[0] + (each.start - mixed[0]) // timedelta(seconds=step) * timedelta(seconds=step)
            if not each.at_most and span in mixed:
                found[each.start] = each.seconds
        return found

    async def jobs(
        self, account: str, since: datetime, until: datetime, *, step: int = DAY, job: str | None = None
    ) -> tuple[JobSpend, ...]:
        """What the jobs of an account's pools cost in [since, until), by span; ``step`` is a multiple of 1800.

        All of them with the idle time that is nobody's sum to the pools of :meth:`spend`. With ``job`` only that one.
        Idle time is shared out by the half hour, however long the spans are: so a job has the same share of it on every
        card. Of what is older than half hours are kept it is by the finest spans that are.
        """
        age = self._accounts.get(account).now() - since
        fine = next((each for kept, each in _FINER[1:] if age < kept and each < step and not step % each), step)
        ledger = await self.spend(account, since, until, step=fine)
        jobs = await self._store.usage_by_job(account, since, until, fine)
        whole = await self._store.usage(account, None, since, until, step) if fine != step else []
        rows = [row for row in ledger.rows if row.pool]

        def count() -> tuple[JobSpend, ...]:
            found = jobs_of(rows, jobs, job)
            return jobs_merged(found, whole[0].start, step) if whole else tuple(found)

        return await asyncio.to_thread(count)

    async def bill(self, account: str, first: date, last: date, basis: Basis) -> Bill:
        """What Azure billed on these days (UTC), both inclusive, as far as it was read, and how reading it stands."""
        self._accounts.get(account)
        rows = await self._store.bill(account, first, last)
        return Bill(tuple(row for row in rows if row.basis == basis), await self._store.bill_reading(account))

    async def statement(self, account: str, days: Days) -> Statement:
        """Own usage and the bill of some days, side by side; own usage by the day."""
        ledger = await self.spend(account, days.since, days.until)
        rows = await self._store.bill(account, days.first, days.last)
        corrections = await self._store.bill_corrections(account, days.first, days.last)
        now = self._accounts.get(account).now()
        return Statement(
            days,
            now,
            ledger,
            tuple(rows),
            await self._store.bill_reading(account),
            reconcile(rows, ledger, now),
            restated(corrections, "amortized"),
        )

    async def _split(
        self, account: str, pools: Sequence[PoolBucket], moments: Iterable[datetime], step: int, now: datetime
    ) -> tuple[list[PoolBucket], bool]:
        """The buckets with those in which something changed replaced by finer ones, and whether there are such."""
        kept = list(pools)
        finer = False
        for begin in _around(kept, moments, step):
            end = begin + timedelta(seconds=step)
            within = next((each for age, each in _FINER if now - begin < age and each < step), None)
            if within is None or step % within:
                continue
            fine = [
                each
                for each in await self._store.usage_by_pool(account, begin, end, within)
                if begin <= each.bucket.start < end
            ]
            coarse = [each for each in kept if each.pool and each.bucket.start == begin]
            if _same(fine, coarse):  # it may have been pruned
                kept = [each for each in kept if not (each.pool and each.bucket.start == begin)] + fine
                finer = True
        return kept, finer


def _around(buckets: Sequence[PoolBucket], moments: Iterable[datetime], step: int) -> Iterator[datetime]:
    """The beginnings of the buckets within which a moment lies, each once."""
    starts = sorted({each.bucket.start for each in buckets})
    wanted = list(moments)
    for start in starts:
        if any(start < moment < start + timedelta(seconds=step) for moment in wanted):
            yield start


def _same(fine: Iterable[PoolBucket], coarse: Iterable[PoolBucket]) -> bool:
    one, other = (sum(each.bucket.total for each in buckets) for buckets in (fine, coarse))
    return abs(one - other) <= 1e-6 * max(one, other)


def _seen(buckets: Iterable[Bucket], since: datetime, until: datetime) -> float:
    """The share of a window that was sampled; all of an empty one."""
    span = (until - since).total_seconds()
    return min(1.0, sum(bucket.seconds for bucket in buckets) / span) if span > 0 else 1.0
