"""Polls one account: reads little, sees every change once, and forgets nothing that was not stored.

See :mod:`bot.monitor.reader` for what is read, :mod:`bot.monitor.plan` for when, and
:mod:`bot.monitor.account_state` for how a poll becomes what is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from msgspec import Struct

from bot.azure.clock import TOLERANCE
from bot.azure.errors import AzureError
from bot.azure.models.price import Prices
from bot.clock import Clock
from bot.domain.states import total
from bot.monitor import black_box, evidence, held_jobs, timings
from bot.monitor.account_state import MEMORY, STREAMS, AccountState, Unread, key_of_box
from bot.monitor.diagnostic_events import fold_events
from bot.monitor.intake import Intake, IntakeStatus
from bot.monitor.job_changes import OVER, close_jobs, fold_jobs, fold_schedules, fold_swept, lose_schedule
from bot.monitor.node_changes import fold_counts, fold_node_states, fold_pools, missing_of
from bot.monitor.pending_state import PendingState
from bot.monitor.plan import PAGE, SLOW, Asked, everything
from bot.monitor.quotas import quota_view
from bot.monitor.reader import Reader, Source
from bot.monitor.scene import Area, Blindness, JobView, MoneyView, Scene
from bot.monitor.turns import REMEMBERED, Turns
from bot.monitor.turns import Store as Told
from bot.settings import KeepSettings, WatchSettings
from storage.port.black_box import KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.monitoring import Cursor, EntitySnapshot, Transition

log = structlog.get_logger()

LONGEST_BACKOFF = 900.0
"""Seconds."""
QUOTA = timedelta(minutes=10)
"""The period of quotas and prices."""
AHEAD = timedelta(minutes=10)
"""How long a cursor must be seen to be in the future before it is brought back."""
SOON = timedelta(minutes=1)
"""The same of prices that are not known yet."""
LOST_AT_ONCE = 20
"""Schedules that are asked for in one poll, one by one, because a list of all does not have them any more."""


class Store(Told, Protocol):
    """What is needed of :class:`storage.port.watching.WatchStore`."""

    async def cursors(self, account: str) -> list[Cursor]:
        """Where every stream of an account stands."""
        ...

    async def snapshots(self, account: str) -> list[EntitySnapshot]:
        """All that was last known of an account."""
        ...

    async def owed(self, account: str, since: datetime) -> tuple[list[KeptTask], list[KeptNode]]:
        """What was put into the black box without its files."""
        ...


class Poll(Struct, frozen=True):
    """What one poll gave: the scene, what is to be stored of it, and how many calls it took."""

    scene: Scene
    batch: ChangeSet
    calls: int = 0


class Effort(Struct, frozen=True):
    """What watching an account took since the program began: polls, those that failed, and calls."""

    polls: int = 0
    blind: int = 0
    calls: int = 0


class Observer:
    """Watches one account.

    ``watched_jobs`` are counted in every poll, because somebody follows them. ``asked`` is what somebody subscribed to,
    which comes first where the budget is small. ``effort`` says what it took.
    """

    def __init__(
        self,
        account: Source,
        store: Store,
        clock: Clock,
        settings: WatchSettings | None = None,
        keep: KeepSettings | None = None,
        intake: Intake | None = None,
    ) -> None:
        """``intake`` hears the account's diagnostic events, where the settings name a hub that has them."""
        self.name = account.name
        self.watched_jobs: set[str] = set()
        self.asked: Asked = everything
        self.money: MoneyView | None = None
        """How the account's money stands; None while nobody has looked."""
        self.effort = Effort()
        self._account = account
        self._store = store
        self._clock = clock
        self._settings = settings or WatchSettings()
        self._boxes = (keep or KeepSettings()).black_box_mb > 0
        self._state = AccountState()
        self._pending: PendingState | None = None
        self._prices = Prices()
        self._blind: Blindness | None = None
        self._ahead: float | None = None
        self._retry_after = 0.0
        self._calls = 0
        self._intake = intake
        self._loaded = asyncio.Event()
        self._heard: int | None = None
        """How many transitions of the last poll came of events; None where these wait on."""

    @property
    def events(self) -> IntakeStatus | None:
        """How the intake of diagnostic events stands; None where there is none."""
        return self._intake.status if self._intake else None

    @property
    def wait(self) -> float:
        """Seconds until the next poll: ever more while the account cannot be read, at least what it asked for.

        A poll that took more requests than it may is followed by a longer pause.
        """
        poll = max(float(self._settings.poll_seconds), self._calls * 60 / self._settings.requests_per_minute)
        if self._blind is None:
            return poll
        backoff: float = min(poll * 2.0 ** min(self._blind.times, 16), max(LONGEST_BACKOFF, poll))
        return max(backoff, self._retry_after)

    async def load(self) -> None:
        """Take up what is stored. Raises StoreError."""
        cursors = await self._store.cursors(self.name)
        streams = [each.at for each in cursors if each.stream in STREAMS]
        known: list[Transition] = []
        if streams:
            known = await self._store.transitions(self.name, since=min(streams) - MEMORY, limit=REMEMBERED)
        state = AccountState()
        state.restore(cursors, await self._store.snapshots(self.name), known)
        if streams and self._boxes:
            tasks, nodes = await self._store.owed(self.name, max(streams) - black_box.PATIENCE)
            state.unread = {key_of_box(task): Unread(task) for task in tasks}
            state.unread |= {key_of_box(node): Unread(node) for node in nodes}
        self._state, self._pending = state, None
        self._loaded.set()

    async def listen(self) -> None:
        """Hear diagnostic events for the polls, from where the store says, until cancelled."""
        if self._intake is None:
            return
        try:
            await self._loaded.wait()
            await self._intake.run(self._state.cursors)
        finally:
            self._loaded.clear()

    def stored(self) -> None:
        """The last poll was stored: what it saw is known from now on."""
        if self._pending is not None:
            self._state, self._pending = self._pending.settled(), None
        if self._intake and self._heard is not None:
            self._intake.settle(self._heard)
            self._heard = None

    def lost(self) -> None:
        """The last poll could not be stored: it was not made, and the next one sees the same."""
        self._pending = self._heard = None

    async def poll(self) -> Poll:
        """Read the account. Never raises: what failed is shown by the scene's ``blind`` and by areas not read."""
        reader = Reader(self._account)
        self._pending = self._heard = None
        read: set[Area] = set()
        pending = PendingState.of(self._state, self.name, self._account.now())
        pending.boxes = self._boxes
        error: AzureError | None
        try:
            await self._see(reader, pending, read)
            close_jobs(pending)  # whatever else could not be read
            error = reader.error
            batch = pending.finish()
        except Exception:
            self._heard = None
            log.exception("monitor.poll_failed", account=self.name)
            error = AzureError("Unexpected", "the program failed at what the account answered; its log says more")
            pending, batch, read = PendingState.of(self._state, self.name, self._account.now()), ChangeSet(), set()
        self._calls = reader.calls
        self._note(error, reader.calls)
        self._pending = pending
        return Poll(self._scene(pending, frozenset(read - reader.missing - reader.silent)), batch, reader.calls)

    # One poll.

    @property
    def _allowed(self) -> int:
        """Calls that a poll may make."""
        return self._settings.requests_per_minute * self._settings.poll_seconds // 60

    async def _see(self, reader: Reader, pending: PendingState, read: set[Area]) -> None:
        """Everything that a poll reads, entered into the pending state; ``read`` are the areas that were."""
        pools = await reader.pools()
        pending.at = reader.at or self._account.now()  # a refusal carries the time too
        self._pull_back(pending)
        whole = self._all_schedules(pending)
        counts, jobs, schedules = await asyncio.gather(
            reader.node_counts(),
            reader.jobs(_since(pending, "jobs")),
            reader.schedules(None if whole else _since(pending, "schedules")),
        )
        if pools is not None:
            fold_pools(pending, pools, reader.aside.get("/pools", ()))
            read.add("pools")
            if counts is not None:
                fold_counts(pending, counts, reader.aside.get("/nodecounts", ()))
                read.add("nodes")
        if jobs is not None:
            fold_jobs(pending, jobs)
            pending.cursors.setdefault("sweep", pending.at)
            pending.advance("jobs")
            read |= {"jobs", "tasks"}
        if schedules is not None:
            fold_schedules(pending, schedules)
            pending.advance("schedules")
            read.add("schedules")
            if whole:
                pending.read["schedules"] = pending.at
                aside = reader.aside.get("/jobschedules", ())
                await _ask_for(missing_of(pending.schedules, schedules, aside)[:LOST_AT_ONCE], reader, pending)
        if reader.error is not None:
            reader.missing |= {"nodes", "tasks"}  # an account in difficulty is not asked for more
            await self._hear(pending)
            return
        if {"pools", "nodes", "jobs"} <= read:
            pending.cursors.setdefault("baseline", pending.at)
        missing = await self._sweep(reader, pending)
        if await self._quota(reader, pending):
            read.add("quota")
        if self.money is not None and self.money.current(self._clock.now()):
            read.add("money")
        turns = Turns(reader, pending, self._store, self._settings, frozenset(self.watched_jobs), self.asked)
        await turns.work()
        await self._hear(pending)
        await turns.rest(missing)
        await evidence.gather(pending, reader, self._allowed - reader.calls)
        await timings.gather(pending, reader.node_times, self._allowed - reader.calls)
        await held_jobs.gather(pending, reader, self._allowed - reader.calls, self.asked)
        if self._settings.nodes == "all" and "nodes" in read:
            await self._node_states(reader, pending)

    async def _hear(self, pending: PendingState) -> None:
        """What diagnostic events tell that the lists did not."""
        if self._intake:
            every = self._settings.tasks == "all"
            self._heard = await fold_events(pending, self._intake.waiting(), self._store, every=every)

    def _pull_back(self, pending: PendingState) -> None:
        """Bring what stands in the future back, once it is seen for :data:`AHEAD` that it does.

        A clock that was wrong for a while put it there, and nothing would be read until then. Not at once: it may be
        the clock of this very poll that is wrong, and then it was right.
        """
        ahead = pending.ahead_of(pending.at + TOLERANCE)
        if not ahead:
            self._ahead = None
            return
        self._ahead = self._ahead if self._ahead is not None else self._clock.elapsed()
        if self._clock.elapsed() - self._ahead >= AHEAD.total_seconds():
            log.warning("monitor.cursors_pulled_back", account=self.name, streams=ahead)
            pending.pull_back(pending.at, timedelta(hours=self._settings.sweep_hours))
            self._ahead = None

    def _all_schedules(self, pending: PendingState) -> bool:
        """Whether schedules are listed whole, which alone shows that one was deleted: wherever that is one call.

        More of them are now and then, and once when a run came due, for the job it made.
        """
        last = pending.read.get("schedules")
        if last is None or pending.at - last >= SLOW or len(pending.schedules) < PAGE:
            return True
        late = timedelta(seconds=self._settings.poll_seconds)
        return any(view.due and last < view.due + late <= pending.at for view in pending.schedules.values())

    async def _sweep(self, reader: Reader, pending: PendingState) -> set[str]:
        """Now and then, all jobs that go on; returns those that are known but not among them."""
        last = pending.cursors.get("sweep")
        if last is None or pending.at - last < timedelta(hours=self._settings.sweep_hours):
            return set()
        rows = await reader.jobs(None)
        if rows is None:
            return set()
        pending.cursors["sweep"] = pending.at
        return fold_swept(pending, rows, reader.aside.get("/jobs", ()))

    async def _node_states(self, reader: Reader, pending: PendingState) -> None:
        """Every change of every node, with the calls that all else has left: only who asks for it is told.

        The pools that were not read for longest come first, one of them at least.
        """
        begin = _since(pending, "nodes") or pending.at
        names = [name for name, view in pending.pools.items() if any(total(counts) for counts in view.counts)]
        known = {name: pending.read.get(f"states {name}", begin) for name in names}
        names.sort(key=lambda name: known[name])
        chosen = names[: max(1, self._allowed - reader.calls)]
        lists = await asyncio.gather(*(reader.node_states(name, known[name]) for name in chosen))
        for name, rows in zip(chosen, lists, strict=True):
            if rows is not None:
                fold_node_states(pending, name, rows)
                known[name] = pending.read[f"states {name}"] = pending.at
        first = min(known.values(), default=pending.at)
        if first < pending.at:
            pending.lag("states", first)
        pending.cursors["nodes"] = max(first, pending.cursors.get("nodes", first))

    async def _quota(self, reader: Reader, pending: PendingState) -> bool:
        if _is_due(pending, "prices", QUOTA if self._prices else SOON):
            self._prices = await self._account.prices()
        if not _is_due(pending, "quota", QUOTA):
            return False
        found = await reader.account()
        if found is None:
            return False
        resource, sizes = found
        pending.quota = quota_view(pending, resource.properties, sizes)
        return True

    # What comes of it.

    def _note(self, error: AzureError | None, calls: int) -> None:
        was, blind = self.effort, self._blind
        self.effort = Effort(was.polls + 1, was.blind + (error is not None), was.calls + calls)
        if error is None:
            if blind is not None:
                log.info("monitor.poll_restored", account=self.name, after=blind.times)
            self._blind, self._retry_after = None, 0.0
            return
        since, times = (blind.since, blind.times + 1) if blind else (self._clock.now(), 1)
        self._blind = Blindness(since, error.code, error.message, times)
        self._retry_after = error.retry_after or 0.0
        log.warning("monitor.poll_refused", account=self.name, code=error.code, status=error.status, times=times)

    def _scene(self, pending: PendingState, read: frozenset[Area]) -> Scene:
        return Scene(
            account=self.name,
            at=pending.at,
            read=read,
            pools=pending.pools,
            jobs=_jobs(pending),
            schedules=pending.schedules,
            quota=pending.quota,
            news=tuple(pending.news),
            ended=tuple(pending.ended),
            blind=self._blind,
            prices=self._prices,
            money=self.money or MoneyView(),
            behind=pending.behind,
        )


async def _ask_for(names: Sequence[str], reader: Reader, pending: PendingState) -> None:
    """Whether schedules that a list does not have are truly gone: lists lag."""
    for name, row in zip(names, await asyncio.gather(*map(reader.schedule, names)), strict=True):
        if row is not None and row.id:
            fold_schedules(pending, [row])
        elif row is not None:
            lose_schedule(pending, name)


def _jobs(pending: PendingState) -> dict[str, JobView]:
    """Jobs that go on, and those whose end is reported."""
    going = {name: view for name, view in pending.jobs.items() if view.state != OVER}
    return going | {view.id: view for view in pending.ended if view.state == OVER}


def _is_due(pending: PendingState, what: str, period: timedelta) -> bool:
    """Whether a period has passed since this was last true."""
    last = pending.read.get(what)
    if last is not None and pending.at - last < period:
        return False
    pending.read[what] = pending.at
    return True


def _since(pending: PendingState, stream: str) -> datetime | None:
    """From where a stream is read. Never from ahead of the poll: the service's clocks need not agree."""
    cursor = pending.cursors.get(stream)
    return min(cursor, pending.at) if cursor else None
