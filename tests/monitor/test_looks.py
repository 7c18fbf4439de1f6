"""What cores did between looks is told by when their nodes came and went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.azure.models.watched import PoolState
from bot.monitor.looks import Look, averaged
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import JobCores, Sample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EMPTY = Sample("a", "", NOON + timedelta(seconds=60), 60.0)


def look(second: float, use: CoreUse, *, state: str = "steady", since: float | None = None, spot: bool = False) -> Look:
    """A pool of nodes of one core at that second; its allocation has been ``state`` since another second."""
    at = NOON + timedelta(seconds=second)
    began = None if since is None else NOON + timedelta(seconds=since)
    pool = PoolState(id="p", allocation_state=state, allocation_state_transition_time=began)
    nodes = round(use.total)
    sample = Sample("a", "p", at, 60.0, NO_USE if spot else use, use if spot else NO_USE, nodes, nodes if spot else 0)
    return Look.of(at, [sample], [pool])


@pytest.mark.parametrize(
    ("before", "after", "state", "since", "cores"),
    [
        (CoreUse(2), CoreUse(2, starting=4), "steady", -300, 2 + 4 * 30 / 60),  # nothing is known: half of the time
        (CoreUse(2), CoreUse(2, starting=4), "resizing", -10, 2 + 4 * 30 / 60),  # it began before both
        (CoreUse(2), CoreUse(2, starting=4), "resizing", 40, 2 + 4 * 10 / 60),  # they came between 40 and 60
        (CoreUse(2), CoreUse(2, starting=4), "steady", 40, 2 + 4 * 40 / 60),  # they had come by 40, on average at 20
        (CoreUse(2, leaving=1), CoreUse(2), "steady", 50, 2 + 50 / 60),  # it was gone at 50
        (CoreUse(2, leaving=3), CoreUse(2), "steady", 30, 2 + (30 + 15 + 15) / 60),  # the last at 30, others before
        (CoreUse(3), CoreUse(2, unused=1), "steady", 50, 3),  # as many nodes: a task ended
    ],
)
@pytest.mark.parametrize("spot", [False, True])
def test_nodes_count_from_when_they_came_to_when_they_went(
    before: CoreUse, after: CoreUse, state: str, since: float, cores: float, spot: bool
) -> None:
    [found] = averaged([look(0, before, spot=spot), look(60, after, state=state, since=since, spot=spot)], EMPTY)
    use = found.spot if spot else found.dedicated
    assert found.total == pytest.approx(cores)
    assert use.busy == pytest.approx((before.busy + after.busy) / 2), "what tasks took has nothing to do with it"
    assert all(amount >= 0 for amount in use.reasons().values())
    assert found.nodes == after.total


def test_looks_between_two_samples_count_as_long_as_they_stand_for() -> None:
    looks = [look(0, CoreUse(4)), look(30, CoreUse(4)), look(60, CoreUse(2, unused=2))]
    [found] = averaged(looks, EMPTY)
    assert found.dedicated == CoreUse(4 * 0.75 + 2 * 0.25, unused=2 * 0.25)


def test_a_pool_that_was_there_between_two_samples_alone_is_counted() -> None:
    [found] = averaged([Look.of(NOON, [], []), look(30, CoreUse(8)), Look.of(EMPTY.at, [], [])], EMPTY)
    assert (found.pool, found.nodes, found.dedicated) == ("p", 0, CoreUse(4))


def test_nodes_that_were_taken_at_work_were_at_work() -> None:
    [found] = averaged([look(0, CoreUse(4)), look(60, CoreUse(3), state="steady", since=60)], EMPTY)
    assert found.dedicated == CoreUse(4)


def test_jobs_have_their_part_of_each_look() -> None:
    first, last = (look(second, CoreUse(4)) for second in (0, 60))
    with_jobs = [
        Look(each.at, {"p": Sample("a", "p", each.at, 60.0, CoreUse(4), jobs=(JobCores(name, 4),))}, each.resizes)
        for each, name in ((first, "one"), (last, "two"))
    ]
    [found] = averaged(with_jobs, EMPTY)
    assert found.jobs == (JobCores("one", 2), JobCores("two", 2))
