from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.azure.models import NodeCounts
from bot.monitor.account_state import AccountState, PendingState
from bot.monitor.plan import Read, chosen, wanted
from bot.monitor.scene import JobView, NodeView, PoolView

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def job(name: str, *, running: int = 0, counted: float = 30, moved: float = 3600, state: str = "active") -> JobView:
    return JobView(
        name,
        state,
        since=ago(3600),
        pool="pool",
        active=5,
        running=running,
        counted=ago(counted),
        progressed=ago(moved),
    )


def pool(**states: int) -> PoolView:
    return PoolView("pool", counts=(NodeCounts(**states, total=sum(states.values())), NodeCounts()))


def reads(
    *jobs: JobView, read: float = 30, watched: tuple[str, ...] = (), nodes: PoolView | None = None
) -> set[tuple[str, str]]:
    pending = drafted(*jobs, read=read, nodes=nodes)
    return {(each.sort, each.name) for each in wanted(pending, watched, 30.0)}


def drafted(*jobs: JobView, read: float = 30, nodes: PoolView | None = None) -> PendingState:
    picture = AccountState(
        pools={"pool": nodes or pool(running=3)},
        jobs={each.id: each for each in jobs},
        tasks={each.id: ago(read) for each in jobs},
    )
    return PendingState.of(picture, "render", NOON)


def test_failures_are_read_in_every_look_only_where_tasks_run() -> None:
    assert reads(job("runs", running=3), job("waits")) == {("tasks", "runs")}
    assert reads(job("runs", running=3), nodes=pool(idle=3)) == set(), "nothing runs where no node does"
    assert reads(JobView("new", "active", since=ago(5), pool="pool")) == {("tasks", "new"), ("counts", "new")}


def test_failures_of_a_job_that_runs_nothing_are_read_when_its_counts_moved_and_once_more_for_what_shows_late() -> None:
    assert reads(job("waits", moved=10), read=20) == {("tasks", "waits")}
    assert reads(job("waits", moved=10), read=5) == set()
    assert reads(job("waits", moved=70), read=40) == {("tasks", "waits")}
    assert reads(job("waits", moved=70), read=5) == set()
    assert reads(job("waits"), read=1801) == {("tasks", "waits")}


def test_counts_come_in_turns_or_where_somebody_watches() -> None:
    assert reads(job("waits", counted=200)) == set()
    assert reads(job("waits", counted=300)) == {("counts", "waits")}
    assert reads(job("waits", counted=20), watched=("waits",)) == {("counts", "waits")}


def test_a_job_that_is_over_is_read_until_nothing_can_show_late() -> None:
    over = job("over", state="completed")
    over.since = ago(20)
    assert reads(over) == {("tasks", "over"), ("counts", "over")}
    assert reads(over, read=10) == {("counts", "over")}, "its failures were read since, its counts were not"
    over.final = True
    assert reads(over, read=10) == set()
    over.since = ago(70)
    assert reads(over, read=30) == {("tasks", "over")}, "none can show late any more"


def test_what_is_being_deleted_is_only_looked_for() -> None:
    assert reads(job("leaving", running=3, counted=900, state="deleting"), read=900) == {("check", "leaving")}


def test_nodes_are_read_where_their_bad_columns_moved_and_in_turns() -> None:
    bad = pool(unusable=1, running=2)
    pending = drafted(nodes=bad)
    assert [each.sort for each in wanted(pending, (), 30.0)] == ["nodes"]
    pending.shapes["pool"], pending.nodes["pool"], pending.moved["pool"] = (1, 0, 0, 0, 0) * 2, ago(30), ago(30)
    assert [each.sort for each in wanted(pending, (), 30.0)] == ["nodes"], "it moved"
    pending.shapes["pool"] = (1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert [each.sort for each in wanted(pending, (), 30.0)] == ["nodes"], "counts and list differ: one shows late"
    bad.troubled["n"] = NodeView("n", "unusable", ago(60))
    assert wanted(pending, (), 30.0) == []
    pending.nodes["pool"] = ago(300)
    assert [each.sort for each in wanted(pending, (), 30.0)] == ["nodes"]


def test_what_cannot_wait_comes_first_then_the_longest_overdue_by_its_own_period() -> None:
    pending = drafted(job("b", running=1), job("a", running=1), JobView("new", "active", since=ago(1), pool="pool"))
    pending.tasks |= {"a": ago(60), "b": ago(90), "new": ago(1)}
    order = [(each.sort, each.name) for each in wanted(pending, (), 30.0)]
    assert order == [("counts", "new"), ("tasks", "new"), ("tasks", "b"), ("tasks", "a")]
    assert [each.name for each in chosen(wanted(pending, (), 30.0), 3)] == ["new", "new", "b"]
    assert chosen([Read("counts", "a", 1.0, None)], -3) == []


def test_turns_that_come_due_together_are_spread_over_looks() -> None:
    many = [job(f"job-{n:03}", counted=400) for n in range(100)]
    assert 10 <= len(wanted(drafted(*many), (), 30.0)) <= 30
