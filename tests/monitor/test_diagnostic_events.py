"""What diagnostic events tell beside the lists: what nobody had told, once, in whatever order and however often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from bot.azure.models import FailureInfo, Place, Run
from bot.azure.models.diagnostic import Diagnostic, EventError, EventRun, PoolEvent, TaskEvent
from bot.azure.models.task import TaskConstraints
from bot.azure.models.watched import TaskState
from bot.monitor.account_state import AccountState
from bot.monitor.diagnostic_events import fold_events
from bot.monitor.intake import STREAM, Waiting
from bot.monitor.job_changes import fold_tasks
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, PoolView
from storage.port.errors import StoreError
from storage.port.monitoring import Transition
from tests.monitor.late_account import NOON, POOL, after
from tests.monitor.observed_sandbox import MemoryStore

JOB, STREAMS = "Night", ("baseline", "jobs", "schedules", "nodes", "tasks")


class Watching:
    """An account that is looked at: what lists and events tell is drawn and stored, look by look."""

    def __init__(self, *jobs: str) -> None:
        self.store = MemoryStore()
        self.state = AccountState(cursors=dict.fromkeys(STREAMS, NOON))
        for name in jobs or (JOB,):
            self.state.jobs[name] = JobView(name, state="active", since=NOON, created=NOON, pool=POOL)
            self.state.tasks[name] = NOON
        new = PendingState.of(AccountState(), "late", NOON)
        new.cursors, new.jobs, new.tasks = dict(self.state.cursors), dict(self.state.jobs), dict(self.state.tasks)
        self.store.record(new.finish())

    async def look(
        self,
        at: float,
        events: Iterable[Diagnostic] = (),
        rows: Iterable[TaskState] = (),
        pools: Iterable[str] = (),
        *,
        every: bool = False,
    ) -> PendingState:
        pending = PendingState.of(self.state, "late", after(at))
        for name in pools:
            pending.pool(name).state = "active"
        listed = list(rows)
        if listed:
            await fold_tasks(pending, JOB, listed)
        for stream in STREAMS[1:]:
            pending.advance(stream)
        for name in pending.jobs:
            pending.tasks[name] = pending.at
        await fold_events(pending, Waiting(tuple(events)), self.store, every=every)
        self.store.record(pending.finish())
        self.state = pending.settled()
        return pending

    async def restart(self) -> None:
        self.state = AccountState()
        self.state.restore(
            await self.store.cursors(""), await self.store.snapshots(""), await self.store.transitions("")
        )

    def told(self, entity: str = "task") -> list[tuple[str, str, datetime]]:
        found = [each for each in self.store.told.values() if each.entity == entity]
        return [(each.id, each.after, each.at) for each in sorted(found, key=lambda each: each.at)]


def details(change: Transition) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(change.details)
    return found


def event(
    kind: str = "complete", task: str = "t", at: float = 60, *, retries: int = 0, most: int = 0, written: float = 1.0,
    job: str = JOB, result: str = "Failure", code: int | None = 9, node: str = "n1", ended: bool = True,
) -> Diagnostic:  # fmt: skip
    error = EventError("UserError", "FailureExitCode", "It ended so.") if result == "Failure" else EventError()
    run = EventRun(after(at - 5), after(at) if ended else None, code, retries, 0, result, error)
    of = TaskEvent(job, task, Place(POOL, node), TaskConstraints(max_task_retry_count=most), run)
    return Diagnostic(f"task{kind}event", after(at + written), of)


def pool(kind: str, at: float = 60, *, name: str = "brief", **more: Any) -> Diagnostic:
    return Diagnostic(f"pool{kind}event", after(at), PoolEvent(name, **more))


def row(task: str = "t", at: float = 60, *, retries: int = 0) -> TaskState:
    info = FailureInfo("UserError", "FailureExitCode", "It ended so.")
    run = Run(after(at - 5), after(at), 9, info, "failure", retries)
    return TaskState(task, "completed", after(at), execution_info=run, node_info=Place(POOL, "n1"))


async def test_a_failure_that_no_list_showed_is_told_with_all_that_is_known_of_it() -> None:
    watching = Watching()
    look = await watching.look(300, [event(retries=2, most=2)])
    assert watching.told() == [("t", "failed", after(60))]
    said = details(look.news[0])
    assert said == {
        "exitCode": 9, "code": "FailureExitCode", "category": "UserError", "message": "It ended so.", "pool": POOL,
        "node": "n1", "retries": 2, "source": "event",
    }  # fmt: skip
    view = look.jobs[JOB]
    assert (view.failures, view.exhausted, view.failed_at, view.learned) == (1, 1, after(60), None)
    assert [each.task for each in look.kept.values() if hasattr(each, "task")] == ["t"]
    assert look.failed_in == {JOB}, "its tasks are counted in this look"


@pytest.mark.parametrize("apart", [-4.9, 0, 0.2, 4.9])
@pytest.mark.parametrize("retries", [0, 2])
async def test_what_a_list_told_is_not_told_again_by_its_event(apart: float, retries: int) -> None:
    watching = Watching()
    await watching.look(90, rows=[row(retries=retries)])
    look = await watching.look(4000, [event(at=60 + apart, retries=retries, most=retries)])  # long forgotten here
    assert not look.news
    assert look.jobs[JOB].failures == 1


@pytest.mark.parametrize("apart", [-4.9, 0, 0.2, 4.9])
@pytest.mark.parametrize("again", [False, True])
async def test_what_an_event_told_is_not_told_again_by_a_list(apart: float, again: bool) -> None:
    watching = Watching()
    await watching.look(90, [event(), event("fail")])
    if again:
        await watching.restart()
    look = await watching.look(120, rows=[row(at=60 + apart)])
    assert not look.news
    assert watching.told() == [("t", "failed", after(60))]


async def test_another_failure_of_the_same_task_is_another() -> None:
    watching = Watching()
    await watching.look(90, rows=[row(at=60)])
    await watching.look(120, [event(at=80), event(at=61, retries=1, most=1)])
    assert [at for _, _, at in watching.told()] == [after(60), after(61), after(80)]
    await watching.look(150, rows=[row(at=140)])
    assert len(watching.told()) == 4


async def test_a_task_with_a_retry_left_has_not_failed_and_its_job_is_asked() -> None:
    watching = Watching()
    for hint in (event("fail", most=2), event("fail", most=-1), event("start", retries=1, ended=False)):
        look = await watching.look(300, [hint])
        assert not look.news
        assert look.read[f"retries {JOB}"] < look.at
        watching.state.read.clear()
    await watching.look(330, [event(most=2)])  # that it is over all the same, its complete event says
    assert watching.told() == [("t", "failed", after(60))]


@pytest.mark.parametrize(
    ("result", "code", "failed"), [("Success", 0, False), ("", 0, False), ("", 3, True), ("", None, True)]
)
async def test_how_a_task_ended(result: str, code: int | None, failed: bool) -> None:
    watching = Watching()
    await watching.look(90, [event(result=result, code=code)])
    assert bool(watching.told()) == failed
    watching = Watching()
    await watching.look(90, [event(result=result, code=code)], every=True)
    assert [each for _, each, _ in watching.told()] == ["failed" if failed else "completed"]


async def test_starts_and_good_ends_are_told_on_request_and_once() -> None:
    watching = Watching()
    running = TaskState("t", "running", after(10), execution_info=Run(after(10)))
    ended = TaskState("t", "completed", after(60), execution_info=Run(after(10), after(60), 0, None, "success"))
    await watching.look(30, rows=[running], every=True)
    events = [event("start", at=11, ended=False), event(result="Success", code=0)]
    await watching.look(90, events, every=True)
    await watching.look(120, events, rows=[ended], every=True)
    assert watching.told() == [("t", "running", after(10)), ("t", "completed", after(60))]


async def test_failures_of_a_job_that_nobody_knew_are_told_too() -> None:
    watching = Watching()
    look = await watching.look(300, [event(job="brief")])
    assert [(each.parent, each.id, each.after) for each in look.news] == [("brief", "t", "failed")]
    assert "brief" not in look.jobs


async def test_ids_are_the_same_in_any_case() -> None:
    watching = Watching()
    await watching.look(90, [event(job="NIGHT")])
    assert [each.parent for each in watching.store.told.values()] == [JOB]
    look = await watching.look(120, rows=[row(task="T")])
    assert not look.news


async def test_what_was_before_the_first_look_or_is_still_to_come_is_no_news() -> None:
    watching = Watching()
    old, odd = event(at=-60), Diagnostic("taskcompleteevent", datetime.min.replace(tzinfo=NOON.tzinfo), event().of)
    look = await watching.look(90, [old, event(at=9000), pool("create", at=-60), pool("create", at=9000)])
    assert not look.news
    await watching.look(120, [odd])
    assert watching.told() == [("t", "failed", after(60))], "it is what it says that counts"


async def test_pools_between_two_looks() -> None:
    watching = Watching()
    sizes = {"current_dedicated_nodes": 2, "target_dedicated_nodes": 3, "current_low_priority_nodes": 1}
    life = [
        pool("deletecomplete", 130, start_time=after(100), end_time=after(125)),
        pool("create", 60, vm_size="STANDARD_D2S_V3"),
        pool("resizecomplete", 95, end_time=after(94), result_code="AllocationTimedOut", **sizes),
        pool("deletestart", 100),
        pool("resizestart", 61, **sizes),
        pool("autoscale", 70, timestamp=after(69), error=EventError(code="Syntax", message="It ends too early.")),
        pool("autoscale", 80, timestamp=after(79), results="$TargetDedicatedNodes=3"),
    ]
    for events in (life[:3], life[3:], life):
        await watching.look(300, events)
    assert watching.told("pool") == [
        ("brief", "active", after(60)), ("brief", "deleting", after(100)), ("brief", "deleted", after(125)),
    ]  # fmt: skip
    assert watching.told("allocation") == [("brief", "resizing", after(61)), ("brief", "steady", after(94))]
    assert watching.told("autoscale") == [("brief", "failed", after(69))]
    said = {each.after: details(each) for each in watching.store.told.values() if each.entity == "allocation"}
    assert said["steady"]["errors"] == ["AllocationTimedOut"]
    assert (said["steady"]["dedicated"], said["steady"]["spot"], said["steady"]["targetDedicated"]) == (2, 1, 3)


async def test_what_became_of_a_pool_that_lists_show_they_tell_themselves() -> None:
    watching = Watching()
    gone = pool("deletecomplete", 130, start_time=after(100), end_time=after(125))
    look = await watching.look(150, [pool("create"), gone], pools=["brief"])
    assert not look.news
    pending = PendingState.of(watching.state, "late", after(180))
    pending.note("pool", "brief", "deleted", after(180))
    pending.forget_pool("brief")
    watching.store.record(pending.finish())
    watching.state = pending.settled()
    look = await watching.look(210, [pool("create"), pool("deletestart", 100), gone])
    assert not look.news, "they said so as they missed it, though at another time"


async def test_a_resize_that_lists_saw_is_not_told_again() -> None:
    watching = Watching()
    pending = PendingState.of(watching.state, "late", after(90))
    pending.pools["brief"] = PoolView("brief", state="active")
    pending.note("allocation", "brief", "resizing", after(40))
    pending.note("allocation", "brief", "steady", after(80))
    watching.store.record(pending.finish())
    watching.state = pending.settled()
    events = [pool("resizestart", 50), pool("resizecomplete", 82, end_time=after(80.4), result_code="Success")]
    assert not (await watching.look(300, events)).news


async def test_what_cannot_be_compared_waits_on() -> None:
    watching = Watching()

    class Broken(MemoryStore):
        async def transitions(self, *_: Any, **__: Any) -> list[Transition]:
            raise StoreError("the disk is full")

    pending = PendingState.of(watching.state, "late", after(90))
    waiting = Waiting((event(),), {f"{STREAM}0": after(80)})
    assert await fold_events(pending, waiting, Broken()) is None
    assert not pending.news and f"{STREAM}0" not in pending.cursors
    assert await fold_events(pending, waiting, watching.store) == 1
    assert pending.cursors[f"{STREAM}0"] == after(80)


async def test_a_position_never_stands_in_the_future_nor_goes_back() -> None:
    watching = Watching()
    pending = PendingState.of(watching.state, "late", after(90))
    await fold_events(pending, Waiting((), {f"{STREAM}0": after(9000)}), watching.store)
    await fold_events(pending, Waiting((), {f"{STREAM}0": after(10)}), watching.store)
    assert pending.cursors[f"{STREAM}0"] == after(90)


class Seen(Struct, frozen=True):
    """A run that failed, and in which look (of 30 s each) it shows where: in a list, and in events."""

    task: int
    failed: int
    retries: int
    listed: int | None
    events: tuple[tuple[int, int, str], ...]
    """In how many looks each comes, by how many tenths of a second its time differs, and its kind."""


RUN = st.builds(
    Seen,
    st.integers(0, 3),
    st.integers(1, 8),
    st.integers(0, 2),
    st.none() | st.integers(0, 18),
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(-49, 49), st.sampled_from(["complete", "fail"])), max_size=4
    ).map(tuple),
)


@given(
    st.lists(RUN, min_size=1, max_size=8, unique_by=lambda each: (each.task, each.failed)),
    st.sets(st.integers(0, 70)),
    st.randoms(),
)
async def test_every_failure_is_told_once_in_any_order_and_however_often(
    runs: list[Seen], restarts: set[int], chance: Any
) -> None:
    watching = Watching()
    shown: dict[int, tuple[list[TaskState], list[Diagnostic]]] = {}
    for run in runs:
        name, at = f"t{run.task}", run.failed * 120.0
        first = int(at // 30) + 1
        if run.listed is not None:
            shown.setdefault(first + run.listed, ([], []))[0].append(row(name, at, retries=run.retries))
        # One run has one time in all of its events.
        apart = run.events[0][1] / 20 if run.events else 0.0
        for later, _, kind in run.events:
            of = event(kind, name, at + apart, retries=run.retries, most=run.retries)
            shown.setdefault(first + later, ([], []))[1].append(of)
    for look in range(1, 100):
        if look in restarts:
            await watching.restart()
        rows, events = shown.get(look, ([], []))
        chance.shuffle(events)
        await watching.look(look * 30.0, events, rows)
    expected = Counter(f"t{run.task}" for run in runs if run.listed is not None or run.events)
    assert Counter(name for name, _, _ in watching.told()) == expected
    assert not watching.store.doubled
    assert watching.state.jobs[JOB].failures == sum(expected.values())
