from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.alerting.model import Subscription
from bot.alerting.routing import Asked
from bot.alerting.rules import discover
from bot.azure.models import NodeCounts
from bot.chat.request import Conversation
from bot.domain.retries import Retried
from bot.monitor.account_state import AccountState, NodeWork, Owed, PoolWork
from bot.monitor.pending_state import PendingState
from bot.monitor.plan import FEEDS, RETRIED, SLOW, Read, chosen, wanted, working
from bot.monitor.scene import JobView, NodeView, PoolView

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def job(name: str, *, running: int = 0, counted: float = 30, moved: float = 3600, state: str = "active") -> JobView:
    return JobView(
        name,
        state,
        since=ago(3600),
        created=ago(7200),
        pool="pool",
        active=0 if state == "completed" else 5,
        running=running,
        counted=ago(counted),
        exact=ago(counted),
        progressed=ago(moved),
    )


def pool(**states: int) -> PoolView:
    return PoolView("pool", counts=(NodeCounts(**states, total=sum(states.values())), NodeCounts()))


def drafted(*jobs: JobView, nodes: PoolView | None = None, work: PoolWork | None = None) -> PendingState:
    state = AccountState(
        pools={"pool": nodes or pool(running=3)},
        jobs={each.id: each for each in jobs},
        tasks={each.id: ago(30) for each in jobs},
        work={"pool": work} if work else {},
        read={f"retries {each.id}": ago(30) for each in jobs},
    )
    return PendingState.of(state, "render", NOON)


def reads(*jobs: JobView, watched: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    return {(each.sort, each.name) for each in wanted(drafted(*jobs), watched, 30.0)}


@pytest.mark.parametrize(
    ("states", "jobs", "work", "listed"),
    [
        ({"running": 3}, [job("a")], None, True),
        ({"idle": 3}, [job("a")], None, True),  # a short task may have come and gone between two looks
        ({"starting": 3}, [job("a")], None, False),
        ({"unusable": 3}, [job("a")], None, False),
        ({"running": 3}, [], None, False),
        ({"running": 3}, [job("a", state="deleting")], None, False),
        ({}, [job("a")], PoolWork(ago(30), {"gone": NodeWork(1, ("a",))}), True),  # how did what it ran end?
        ({}, [job("a")], PoolWork(ago(30)), False),
    ],
)
def test_the_nodes_of_a_pool_are_asked_where_something_may_have_run(
    states: dict[str, int], jobs: list[JobView], work: PoolWork | None, listed: bool
) -> None:
    assert [each.name for each in working(drafted(*jobs, nodes=pool(**states), work=work))] == ["pool"] * listed


def test_a_pool_in_which_nothing_may_run_hides_no_other() -> None:
    pools = {
        name: PoolView(name, counts=(NodeCounts(**{name: 1}, total=1), NodeCounts())) for name in ("idle", "running")
    }
    pools = {"empty": pool(running=3), "starting": pool(starting=1), **pools}
    jobs = {name: replace(job(name), pool=name) for name in ("starting", "idle", "running")}
    found = working(PendingState.of(AccountState(pools=pools, jobs=jobs), "render", NOON))
    assert [each.name for each in found] == ["running", "idle"]


def test_jobs_that_only_wait_cost_nothing_however_many_they_are() -> None:
    many = [job(f"job-{n:04}", counted=60, moved=3600) for n in range(1000)]
    assert wanted(drafted(*many), (), 30.0) == []
    assert len(working(drafted(*many))) == 1


def test_a_pool_of_thousands_takes_a_call_for_each_thousand_that_work() -> None:
    [read] = working(drafted(job("a"), nodes=pool(running=2001, idle=5000)))
    assert read.cost == 3


def test_pools_in_which_nodes_work_come_before_those_in_which_none_does_the_longest_unread_first() -> None:
    busy = {name: PoolView(name, counts=(NodeCounts(running=1, total=1), NodeCounts())) for name in ("b", "a", "new")}
    rests = PoolView("rests", counts=(NodeCounts(idle=1, total=1), NodeCounts()))
    jobs = {name: JobView(name, "active", pool=name) for name in (*busy, "rests")}
    work = {"a": PoolWork(ago(30)), "b": PoolWork(ago(90)), "rests": PoolWork(ago(900))}
    state = AccountState(pools={**busy, "rests": rests}, jobs=jobs, work=work)
    found = working(PendingState.of(state, "render", NOON))
    assert [each.name for each in found] == ["new", "b", "a", "rests"]


def test_failures_are_listed_of_jobs_that_are_owed_at_once_and_when_nothing_shows_late_any_more() -> None:
    pending = drafted(job("a", running=1))
    for owed, due in (
        (Owed(ago(0), ago(30)), True),
        (Owed(ago(30), ago(60), read=ago(30)), False),
        (Owed(ago(60), ago(90), read=ago(30)), True),
    ):
        pending.owed["a"] = owed
        assert [each.sort for each in wanted(pending, (), 30.0)] == ["tasks"] * due


def test_counts_come_at_once_of_a_new_job_and_in_every_look_where_somebody_watches() -> None:
    assert reads(JobView("new", "active", since=ago(5), pool="pool")) == {("counts", "new")}
    assert reads(job("waits", counted=20), watched=("WAITS",)) == {("counts", "waits")}


@pytest.mark.parametrize(
    ("running", "retried", "since", "asked"),
    [
        (0, False, 99_999, False),
        (1, False, RETRIED.total_seconds() - 1, False),
        (1, False, RETRIED.total_seconds(), True),
        (0, True, SLOW.total_seconds() - 1, False),
        (0, True, SLOW.total_seconds(), True),
    ],
)
def test_tasks_that_are_run_again_are_asked_for_where_some_run_or_were(
    running: int, retried: bool, since: float, asked: bool
) -> None:
    again = replace(job("a", running=running), retried={"t": Retried("t", 2)} if retried else {})
    pending = drafted(again)
    pending.read["retries a"] = ago(since)
    assert ("retries" in {each.sort for each in wanted(pending, (), 30.0)}) is asked


def test_failures_from_before_the_first_look_are_asked_for_where_there_are_some() -> None:
    for past, failed, active, asked in (
        (True, 2, 5, True),
        (False, 2, 5, False),
        (True, 0, 5, False),
        (True, 2, None, False),
    ):
        view = replace(job("a"), past=past, failed=failed, active=active)
        assert (("past", "a") in reads(view)) is asked


@pytest.mark.parametrize(
    ("running", "calm", "period"),
    [(1, 0, 900), (1, 7200, 900), (0, 60, 900), (0, 3600, 1800), (0, 36_000, 3600)],
)
def test_a_job_is_counted_the_more_seldom_the_longer_nothing_happens(running: int, calm: int, period: int) -> None:
    """``calm``: seconds without progress when it was counted last."""
    early = job("a", running=running, counted=period - 1, moved=period - 1 + calm)
    due = job("a", running=running, counted=period, moved=period + calm)
    assert (reads(early), reads(due)) == (set(), {("counts", "a")})


def test_a_job_that_is_over_is_counted_at_once_and_where_that_lagged_once_more() -> None:
    over = job("over", state="completed", counted=3700)
    assert reads(over) == {("counts", "over")}, "it was counted before it ended"
    over.exact = ago(3590)
    assert reads(over) == {("counts", "over")}, "that lagged: it is not final"
    over.since, over.exact = ago(59), ago(30)
    assert reads(over) == set(), "it may lag still"
    over.since, over.final = ago(3600), True
    assert reads(over) == set()


def test_what_is_being_deleted_is_only_looked_for() -> None:
    assert reads(job("leaving", running=3, counted=900, state="deleting")) == {("check", "leaving")}


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


def test_news_comes_first_then_what_cannot_wait_then_what_is_overdue_the_longest() -> None:
    new = JobView("new", "active", since=ago(1), pool="pool")
    pending = drafted(job("b", counted=1200, moved=1201), job("c", counted=950, moved=951), job("fails"), new)
    pending.owed["fails"] = Owed(NOON, ago(30))
    order = [(each.sort, each.name) for each in wanted(pending, (), 30.0)]
    assert order == [("tasks", "fails"), ("counts", "new"), ("counts", "b"), ("counts", "c")]
    assert [each.name for each in chosen(wanted(pending, (), 30.0), 3)] == ["fails", "new", "b"]
    assert chosen([Read("counts", "a", 1.0, None)], -3) == []
    dear = [Read("work", "a", 1.0, None, cost=3), Read("work", "b", 1.0, None)]
    assert [[each.name for each in chosen(dear, allowed)] for allowed in (2, 3, 4)] == [[], ["a"], ["a", "b"]]


def test_turns_that_come_due_together_are_spread_over_looks() -> None:
    many = [job(f"job-{n:03}", running=1, counted=1000) for n in range(100)]
    assert 10 <= len(wanted(drafted(*many), (), 30.0)) <= 30
    leave = [job(f"job-{n:03}", state="terminating", counted=10) for n in range(100)]
    for pending in (drafted(*leave), drafted(*(replace(each, state="deleting") for each in leave))):
        found = wanted(pending, (), 30.0)
        assert {each.sort for each in found} == {"check"}
        assert 10 <= len(found) <= 30


def asked(*entities: str, kinds: tuple[str, ...] = (), accounts: str = "*") -> Asked:
    """What is subscribed of the account render."""
    where = Conversation("slack", "C1")
    known = [
        Subscription(id=each, conversation=where, entity=each, kinds=kinds, accounts=accounts) for each in entities
    ]
    return Asked(known, discover(), "render")


def test_what_somebody_subscribed_to_comes_first() -> None:
    pending = drafted(*(job(name) for name in ("a", "gold", "z")), nodes=pool(running=3, unusable=2))
    pending.owe({"a", "gold", "z"})

    def order(asks: Asked) -> list[tuple[str, str]]:
        return [(each.sort, each.name) for each in wanted(pending, (), 30.0, asks) if each.rank == 0]

    alike = order(asked("*"))
    assert alike == order(Asked([], discover(), "render")), "where nobody asks for anything all is alike"
    assert order(asked("job:gold"))[0] == ("tasks", "gold")
    assert order(asked("*", kinds=("node.*",)))[0] == ("nodes", "pool")
    assert order(asked("*", kinds=("task.*",)))[-1] == ("nodes", "pool")
    assert order(asked("pool:pool", kinds=("task.failed",)))[-1] == ("nodes", "pool"), "jobs of the pool are meant"
    assert order(asked("job:gold", accounts="other*")) == alike
    assert len(chosen(wanted(pending, (), 30.0, asked("job:gold")), 1)) == 1


def test_the_pool_of_what_somebody_subscribed_to_tells_first() -> None:
    state = AccountState(
        pools={name: PoolView(name, counts=pool(running=1).counts) for name in ("a", "b", "c")},
        jobs={name: replace(job(f"job-{name}"), pool=name) for name in ("a", "b", "c")},
    )
    pending = PendingState.of(state, "render", NOON)
    assert [each.name for each in working(pending, asked("*"))] == ["a", "b", "c"]
    assert [each.name for each in working(pending, asked("pool:c"))] == ["c", "a", "b"]
    assert [each.name for each in working(pending, asked("job:job-b"))] == ["b", "a", "c"]


def test_news_on_request_is_read_last_of_all() -> None:
    pending = drafted(job("failing"), job("a"), job("long", running=2, counted=4000))
    pending.owe({"a"}, news=True)
    pending.owe({"failing"})
    order = [(each.sort, each.name) for each in wanted(pending, (), 30.0, asked("*", kinds=("task.completed",)))]
    assert order[0] == ("tasks", "failing")
    assert order[-1] == ("tasks", "a")
    assert ("counts", "long") in order
    pending.owe({"a"})
    assert not pending.owed["a"].news, "what is owed for its failures is so, whatever else is asked of it"
    pending.owe({"a"}, news=True)
    assert not pending.owed["a"].news


def test_what_a_read_feeds_are_rules_that_there_are() -> None:
    named = {kind for kinds in FEEDS.values() for kind in kinds}
    assert named <= set(discover())
    loud = {name for name, rule in discover().items() if not rule.quiet and {"nodes", "tasks"} & set(rule.reads)}
    assert loud <= named, "those that nodes and tasks are read for"
