"""A state that was read by a clock which stood in the future: what stands there is read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.monitor.account_state import AccountState, NodeWork, Owed, PoolWork
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, PoolView

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
SWEEP = timedelta(minutes=10)


def pending(**known: object) -> PendingState:
    return PendingState.of(AccountState(**known), "render", NOW)  # type: ignore[arg-type]


def test_what_stands_in_the_future_is_named() -> None:
    times = {"a": PAST, "b": NOW, "c": FUTURE}
    found = pending(cursors=times, tasks=times, nodes=times, moved=times, read=times, reported=times)
    assert found.ahead_of(NOW) == ["c", "tasks c", "nodes c", "moved c", "read c", "end c"]
    assert found.ahead_of(FUTURE) == []


def test_it_is_brought_to_the_present_and_what_lies_before_stays() -> None:
    times = {"a": PAST, "c": FUTURE}
    work = {"p": PoolWork(NOW, {"n": NodeWork(3)})}
    pools = {"a": PoolView("a", idle_since=PAST), "c": PoolView("c", idle_since=FUTURE), "n": PoolView("n")}
    rate = [(PAST, 1, 0), (FUTURE, 2, 0)]
    jobs = {
        "a": JobView("a", counted=PAST, exact=PAST, progressed=PAST, rate=[(PAST, 1, 0)]),
        **{name: JobView(name, **{name: FUTURE, "rate": list(rate)}) for name in ("counted", "exact", "progressed")},
    }
    owed = {"a": Owed(PAST, PAST, PAST), "b": Owed(FUTURE, FUTURE, FUTURE), "c": Owed(PAST, PAST)}
    known = AccountState(
        pools=pools, jobs=jobs, cursors=dict(times), tasks=dict(times), nodes=dict(times), moved=dict(times),
        reported=dict(times), read=dict(times), owed=owed, work=work, ends={("j", "t"): FUTURE},
    )  # fmt: skip
    found = PendingState.of(known, "render", NOW)
    found.pull_back(NOW, SWEEP)
    assert not found.ahead_of(NOW)
    brought = {"a": PAST, "c": NOW}
    assert (found.tasks, found.nodes, found.moved, found.reported) == (brought, brought, brought, brought)
    assert found.cursors == {**brought, "sweep": NOW - SWEEP}
    assert found.read == {"a": PAST}, "what is read now and then is read again"
    assert {name: view.idle_since for name, view in found.pools.items()} == {"a": PAST, "c": NOW, "n": None}
    assert found.jobs["a"] is jobs["a"]
    for name in ("counted", "exact", "progressed"):
        view = found.jobs[name]
        assert (view.counted, view.exact, view.progressed, view.rate) == (None, None, NOW, rate[:1]), name
    assert found.owed == {"a": Owed(PAST, PAST, PAST), "b": Owed(NOW, NOW, NOW), "c": Owed(PAST, PAST)}
    assert (found.work, found.ends) == ({}, {})
    assert (known.cursors, known.work, pools["c"].idle_since) == (times, work, FUTURE), (
        "a poll that is lost alters nothing"
    )


def test_a_sweep_that_is_due_stays_due() -> None:
    found = pending(cursors={"sweep": PAST - SWEEP})
    found.pull_back(NOW, SWEEP)
    assert found.cursors["sweep"] == PAST - SWEEP


def test_a_cursor_never_goes_back() -> None:
    found = pending(cursors={"tasks": FUTURE, "nodes": PAST})
    for stream in ("tasks", "nodes", "counts"):
        found.advance(stream)
    assert found.cursors == {"tasks": FUTURE, "nodes": NOW, "counts": NOW}


def test_failures_are_owed_of_known_jobs_from_the_earliest_moment() -> None:
    found = pending(jobs={name: JobView(name) for name in ("a", "b")}, tasks={"b": PAST})
    found.owe(["a", "b", "gone"])
    assert found.owed == {"a": Owed(NOW, NOW), "b": Owed(NOW, PAST)}
    found.owe(["a", "b"], PAST - SWEEP)
    assert found.owed == {"a": Owed(NOW, PAST - SWEEP), "b": Owed(NOW, PAST - SWEEP)}
    found.owe(["b"], NOW)
    assert found.owed["b"].start == PAST - SWEEP


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    names = {"a": NOW, "b": NOW}
    found = pending(
        jobs={name: JobView(name) for name in names}, pools={name: PoolView(name) for name in names}, tasks=names,
        owed={name: Owed(NOW, NOW) for name in names}, reported=names, recounted=set(names), nodes=names, moved=names,
        shapes=dict.fromkeys(names, (1,)), read={"check a": NOW, "retries a": NOW, "check b": NOW},
    )  # fmt: skip
    found.forget_job("a")
    found.forget_pool("a")
    kept = (found.jobs, found.tasks, found.owed, found.reported, found.recounted)
    assert all(set(each) == {"b"} for each in (*kept, found.pools, found.nodes, found.shapes, found.moved))
    assert set(found.read) == {"check b"}
    found.forget_job("never known")
    found.forget_pool("never known")


def test_a_view_is_copied_once_before_it_is_changed() -> None:
    known = AccountState(pools={"p": PoolView("p")}, jobs={"j": JobView("j")})
    found = PendingState.of(known, "render", NOW)
    pool, job, schedule = found.pool("p"), found.job("j"), found.schedule("s")
    pool.preempted_at.append(NOW)
    job.rate.append((NOW, 1, 0))
    job.causes.update(found.job("new").causes)
    assert (found.pool("p") is pool, found.job("j") is job, found.schedule("s") is schedule) == (True, True, True)
    assert (known.pools["p"].preempted_at, known.jobs["j"].rate, known.schedules) == ([], [], {})
    assert set(found.jobs) == {"j", "new"}
