"""Lists that lag behind what was seen already: nothing goes back, nothing is told twice."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.azure.models.watched import JobRun, JobState, NodeState
from bot.monitor.account_state import AccountState
from bot.monitor.job_changes import fold_jobs
from bot.monitor.node_changes import fold_nodes
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView, NodeView, PoolView
from storage.port.monitoring import Transition
from tests.monitor.late_account import NOON, POOL, after


def pending(at: float = 600, *, jobs: tuple[JobView, ...] = (), pool: PoolView | None = None) -> PendingState:
    """A poll so many seconds after noon, of an account that was first seen at noon."""
    state = AccountState(jobs={each.id: each for each in jobs}, cursors={"baseline": NOON, "jobs": NOON})
    if pool is not None:
        state.pools[pool.id] = pool
    return PendingState.of(state, "late", after(at))


def job(state: str, at: float, *, made: float = 1) -> JobState:
    return JobState(
        id="j",
        creation_time=after(made),
        state=state,
        state_transition_time=after(at),
        execution_info=JobRun(start_time=after(made), pool_id=POOL),
    )


def told(found: list[Transition]) -> list[tuple[str, str, datetime]]:
    return [(each.before, each.after, each.at) for each in found]


def view(state: str, at: float, *, made: float = 1) -> JobView:
    return JobView("j", state=state, since=after(at), created=after(made), pool=POOL)


def test_a_job_is_not_what_a_late_list_says_that_it_was() -> None:
    now = pending(jobs=(view("disabled", 300),))
    fold_jobs(now, [job("active", 200)])
    assert (now.jobs["j"].state, now.jobs["j"].since, now.news) == ("disabled", after(300), [])


def test_of_the_same_moment_a_list_is_believed() -> None:
    now = pending(jobs=(view("active", 300),))
    fold_jobs(now, [job("disabled", 300)])
    assert (now.jobs["j"].state, told(now.news)) == ("disabled", [("active", "disabled", after(300))])


def test_what_is_newer_is_news_once() -> None:
    now = pending(jobs=(view("active", 300),))
    for _ in range(2):
        fold_jobs(now, [job("disabled", 301)])
    assert told(now.news) == [("active", "disabled", after(301))]
    assert now.jobs["j"].before == "active"


@pytest.mark.parametrize("state", ["active", "completed"])
def test_a_job_that_is_over_stays_over_whatever_a_late_list_says(state: str) -> None:
    now = pending(jobs=(view("completed", 300),))
    fold_jobs(now, [job(state, 200)])
    assert (now.jobs["j"].state, now.jobs["j"].since, now.news) == ("completed", after(300), [])


def test_a_job_of_the_same_name_that_was_made_anew_is_another() -> None:
    now = pending(jobs=(view("active", 300),))
    fold_jobs(now, [job("active", 400, made=400)])
    assert told(now.news) == [("active", "deleted", after(400)), ("", "active", after(400))]
    assert [each.id for each in now.ended] == ["j"]
    assert now.jobs["j"].created == after(400)


def test_the_job_that_was_there_before_is_no_news_after_the_one_made_anew() -> None:
    now = pending(jobs=(view("active", 400, made=400),))
    fold_jobs(now, [job("active", 300)])
    assert (now.news, now.ended, now.jobs["j"].created) == ([], [], after(400))


def node(state: str, at: float | None) -> NodeState:
    return NodeState("n", state, None if at is None else after(at))


def seen(state: str, at: float) -> PoolView:
    return PoolView(POOL, troubled={"n": NodeView("n", state, after(at))})


def test_a_node_is_not_what_a_late_list_says_that_it_was() -> None:
    now = pending(pool=seen("offline", 300))
    fold_nodes(now, POOL, [node("unusable", 200)], {})
    assert (now.pools[POOL].troubled["n"].state, now.news) == ("offline", [])


def test_of_the_same_moment_and_later_a_list_of_nodes_is_believed() -> None:
    now = pending(pool=seen("offline", 300))
    fold_nodes(now, POOL, [node("unusable", 300)], {})
    fold_nodes(now, POOL, [node("preempted", 301)], {})
    fold_nodes(now, POOL, [node("preempted", 301)], {})
    assert told(now.news) == [("offline", "unusable", after(300)), ("unusable", "preempted", after(301))]
    assert now.pools[POOL].preempted_at == [after(301)]


def test_a_node_is_in_trouble_until_something_newer_says_that_it_is_not() -> None:
    """Asked for by its id because the list has it no more: what it was before the trouble is no way out of it."""
    now = pending(pool=seen("unusable", 300))
    fold_nodes(now, POOL, [], {"n": node("idle", 200)})
    assert (now.pools[POOL].troubled["n"].state, now.news) == ("unusable", [])
    fold_nodes(now, POOL, [], {"n": node("", 400)})
    assert (now.pools[POOL].troubled["n"].state, now.news) == ("unusable", []), "how it is was not told"
    fold_nodes(now, POOL, [], {"n": node("idle", 300)})
    assert (now.pools[POOL].troubled, told(now.news)) == ({}, [("unusable", "idle", after(300))])


def test_a_node_that_is_asked_for_and_in_trouble_still_is() -> None:
    now = pending(pool=seen("unusable", 300))
    fold_nodes(now, POOL, [], {"n": node("offline", 200)})
    assert (now.pools[POOL].troubled["n"].state, now.news) == ("unusable", [])
    fold_nodes(now, POOL, [], {"n": node("offline", 400)})
    assert (now.pools[POOL].troubled["n"].state, told(now.news)) == (
        "offline",
        [("unusable", "offline", after(400))],
    )


def test_a_node_that_its_pool_has_no_more_is_gone_now() -> None:
    now = pending(pool=seen("unusable", 300))
    fold_nodes(now, POOL, [], {"n": None})
    assert (now.pools[POOL].troubled, told(now.news)) == ({}, [("unusable", "gone", after(600))])


def test_nodes_of_a_pool_that_is_gone_are_not_drawn() -> None:
    now = pending()
    fold_nodes(now, POOL, [node("unusable", 300)], {"n": None})
    assert (now.pools, now.news) == ({}, [])
