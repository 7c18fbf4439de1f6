"""The truth about an account: which nodes it had, how busy they were, and what that cost.

Before the simulation began it is made up (`past`), from then on it is counted exactly, from every change of a node's
state and of the slots that tasks hold.

    world.settle()
    account.ledger.core_seconds("render-cpu", since, until).dedicated.busy
    sum(charge.amortized for charge in account.ledger.bill(date(2026, 11, 28)))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from bot.sandbox.world.ledger.billing import Billing
from bot.sandbox.world.ledger.book import Book
from bot.sandbox.world.ledger.charges import Charge
from bot.sandbox.world.ledger.gauges import Gauges
from bot.sandbox.world.ledger.jobs import Hours, JobBook, spread
from bot.sandbox.world.ledger.past import FORGOTTEN, KEPT, PastHour, PastPool, PoolFacts, Shape
from bot.sandbox.world.ledger.use import HOUR, NONE, NOTHING, HourOfPool, Kinds, Use, hour_of
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveTask
from bot.sandbox.world.sizes import size_named

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


class Ledger:
    """Of one account. Settle the world before reading.

    ``shapes`` say how pools with a past were used, by id; they are asked when the pool is made. ``start`` is when the
    simulation began. Windows are exact where they begin and end at full hours, at ``start`` or at the present; an hour
    of the simulation that is cut elsewhere counts by the share of it.
    """

    def __init__(self, account: AccountState) -> None:
        self._account = account
        self._world = account.world
        self.start = account.world.time
        self.shapes: dict[str, Shape] = {}
        self.past: list[PastPool] = []
        self.books: list[Book] = []
        self.jobs = JobBook()
        self.gauges = Gauges(self.start.timestamp())
        self.billing = Billing(self, account.facts, account.world.prices)

    # --- what happens -------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """The world's time, seconds since 1970."""
        return self._world.time.timestamp()

    def opened(self, pool: LivePool) -> None:
        """A pool was made."""
        pool.book = Book(facts_of(pool), self.now)
        self.books.append(pool.book)

    def changed(self, pool: LivePool) -> None:
        """A pool has other tags; or, being empty, another size, image or number of slots: that is another pool."""
        known, now = pool.book.facts, facts_of(pool)
        if (known.size, known.windows, known.slots) == (now.size, now.windows, now.slots):
            pool.book.facts = now
        else:
            self.opened(pool)

    def founded(self, pool: LivePool, since: datetime) -> None:
        """A pool that was made before the simulation began has all the nodes of its past."""
        dedicated, spot = pool.total(True), pool.total(False)
        if dedicated + spot == 0 and pool.id not in self.shapes:
            return
        shape = self.shapes.get(pool.id) or Shape()
        self._remember(facts_of(pool), since, self.start, shape, dedicated=dedicated, spot=spot)

    def remember(
        self,
        pool: str,
        vm_size: str,
        since: datetime,
        until: datetime,
        shape: Shape = FORGOTTEN,
        *,
        dedicated: int = 0,
        spot: int = 0,
        slots: int = 1,
        windows: bool = False,
        tags: dict[str, str] | None = None,
    ) -> None:
        """A pool that was gone before the simulation began; another one may have its id by now."""
        facts = PoolFacts(pool=pool, size=size_named(vm_size), windows=windows, slots=slots, tags=tags or {})
        self._remember(facts, since, min(until, self.start), shape, dedicated=dedicated, spot=spot)

    def _remember(
        self, facts: PoolFacts, since: datetime, until: datetime, shape: Shape, *, dedicated: int, spot: int
    ) -> None:
        if since < until and until > self.start - KEPT:
            seed = f"{self._world.seed}/{self._account.facts.name}"
            self.past.append(PastPool(facts, since, until, dedicated=dedicated, spot=spot, shape=shape, seed=seed))

    def node(self, pool: LivePool, dedicated: bool, before: str | None, after: str | None) -> None:
        """A node came (no state before), went (none after), or is in another state."""
        now = self.now
        self.gauges.node(now, dedicated, pool.size.vcpus, before, after)
        pool.book.node(now, dedicated, before, after)

    def sent(self, job: LiveJob, task: LiveTask, node: LiveNode) -> None:
        """A task holds its slots of a node from now on."""
        now = self.now
        node.pool.book.slots(now, node.body.is_dedicated, task.slots)
        self.gauges.task(now, "start", node.pool.id, job.id)

    def freed(self, job: LiveJob, task: LiveTask, node: LiveNode) -> None:
        """A task holds them no more."""
        now, began, pool = self.now, task.execution_info.start_time, node.pool
        pool.book.slots(now, node.body.is_dedicated, -task.slots)
        if began is not None:
            cores = task.slots * pool.size.vcpus / pool.slots
            self.jobs.ran(pool.id, job.id, node.body.is_dedicated, began.timestamp(), now, cores)

    def completed(self, job: LiveJob, node: LiveNode | None, *, failed: bool) -> None:
        """A task has completed."""
        pool = node.pool.id if node is not None else job.body.execution_info.pool_id or ""
        self.gauges.task(self.now, "complete", pool, job.id)
        if failed:
            self.gauges.task(self.now, "fail", pool, job.id)

    # --- what is known ------------------------------------------------------------------------------------------------

    def pools(self) -> list[str]:
        """The ids of all pools that ever had a node, those of the past among them."""
        used = {book.facts.pool for book in self.books if book.keys()}
        return sorted(used | {part.facts.pool for part in self.past})

    def facts(self) -> list[PoolFacts]:
        """Of every pool that ever had a node; two where one has taken another's id, or has another size."""
        return [part.facts for part in self.past] + [book.facts for book in self.books if book.keys()]

    def core_seconds(self, pool: str | None, since: datetime, until: datetime) -> Kinds:
        """What a pool (None: all of the account) had between two times, and how much of that was busy."""
        return sum((use for _, _, use in self.pieces(pool, since, until)), NOTHING)

    def hours(self, pool: str | None, since: datetime, until: datetime) -> list[HourOfPool]:
        """The same by the hour, without hours in which there was no node."""
        found: dict[int, Kinds] = {}
        for _, key, use in self.pieces(pool, since, until):
            found[key] = found.get(key, NOTHING) + use
        return [HourOfPool(hour_of(key), found[key]) for key in sorted(found)]

    def pieces(self, pool: str | None, since: datetime, until: datetime) -> Iterator[tuple[PoolFacts, int, Kinds]]:
        """The same by pool and hour, where there were nodes; times after the present count nothing."""
        start, end = since.timestamp(), min(until.timestamp(), self.now)
        if start >= end:
            return
        for part in self.past:
            if pool in (None, part.facts.pool):
                yield from _of_past(part, start, end)
        begun = max(start, self.start.timestamp())
        for book in self.books:
            if pool in (None, book.facts.pool):
                yield from self._of_book(book, begun, end)

    def _of_book(self, book: Book, start: float, end: float) -> Iterator[tuple[PoolFacts, int, Kinds]]:
        now, begun = self.now, self.start.timestamp()
        for key, seconds in spread(start, end):
            use = book.hour(key, now)
            if use is NOTHING or not use.total.nodes:
                continue
            told = min((key + 1) * HOUR, now) - max(key * HOUR, begun)
            yield book.facts, key, use if seconds >= told - 1e-6 else use * (seconds / told)

    def job_core_seconds(self, job: str, since: datetime | None = None, until: datetime | None = None) -> Kinds:
        """Busy core-seconds of a job in the simulation; ``cores`` and ``nodes`` are zero, for a job has none."""
        return sum((use for _, name, _, use in self.job_hours(since, until) if name == job), NOTHING)

    def by_job(self, pool: str, since: datetime | None = None, until: datetime | None = None) -> dict[str, Kinds]:
        """Busy core-seconds of all jobs in a pool of the simulation; they add up to the pool's."""
        found: dict[str, Kinds] = {}
        for where, name, _, use in self.job_hours(since, until):
            if where == pool:
                found[name] = found.get(name, NOTHING) + use
        return found

    def job_hours(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[tuple[str, str, int, Kinds]]:
        """Pool, job, number of the hour since 1970, and busy core-seconds in it; of the simulation."""
        start, end = (since or self.start).timestamp(), until.timestamp() if until else self.now
        for pool, job, hours in [*self.jobs.all(), *self._running()]:
            for key, busy in hours.items():
                told = min((key + 1) * HOUR, self.now) - max(key * HOUR, self.start.timestamp())
                seen = min((key + 1) * HOUR, self.now, end) - max(key * HOUR, self.start.timestamp(), start)
                if seen > 0:
                    share = min(1.0, seen / told)
                    dedicated, spot = (Use(busy=seconds * share) for seconds in busy)
                    yield pool, job, key, Kinds(dedicated, spot)

    def _running(self) -> Iterator[tuple[str, str, Hours]]:
        """What runs at this moment, so far."""
        book = JobBook()
        for job in self._account.jobs.values():
            for task, node in job.running.items():
                if (began := task.execution_info.start_time) is not None:
                    cores = task.slots * node.pool.size.vcpus / node.pool.slots
                    book.ran(node.pool.id, job.id, node.body.is_dedicated, began.timestamp(), self.now, cores)
        return book.all()

    def bill(self, day: date) -> Sequence[Charge]:
        """All charges of a UTC day as they are in the end, corrections included; up to now where it is today."""
        return self.billing.charges(day)


def facts_of(pool: LivePool) -> PoolFacts:
    """What a pool of the simulation is billed by."""
    config = pool.body.virtual_machine_configuration
    windows = config is not None and "windows" in config.node_agent_sku_id.lower()
    tags = pool.body.resource_tags or {}
    return PoolFacts(pool=pool.id, size=pool.size, windows=windows, slots=pool.slots, tags=tags)


def _of_past(part: PastPool, start: float, end: float) -> Iterator[tuple[PoolFacts, int, Kinds]]:
    start, end = max(start, part.since.timestamp()), min(end, part.until.timestamp())
    for key, seconds in spread(start, end):
        hour = part.at(key)
        if hour is not None and hour.dedicated + hour.spot:
            yield part.facts, key, past_use(part.facts, hour, seconds)


def past_use(facts: PoolFacts, hour: PastHour, seconds: float) -> Kinds:
    """So many seconds of an hour of the past."""
    kinds = []
    for nodes in (hour.dedicated, hour.spot):
        cores = nodes * facts.size.vcpus * seconds
        kinds.append(Use(nodes * seconds, cores, cores * hour.busy) if nodes else NONE)
    return Kinds(*kinds)
