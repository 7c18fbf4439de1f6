"""Why a job's tasks wait, in the order in which it would have to be mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.azure.models import NodeCounts
from bot.domain.job_health import JobFacts
from bot.domain.pools import PoolFacts
from bot.domain.waiting import Wait, moved_at, why_waits

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ERROR = ("SomeError", "in words")
YOUNG = {"autoscale": True, "created": NOW - HOUR / 6, "autoscale_at": NOW,
         "autoscale_error": ("InsufficientSampleData", "in words")}  # fmt: skip


def job(name: str = "render", **more: Any) -> JobFacts:
    """An active job that last moved an hour ago."""
    known = {"state": "active", "pool": "cpu", "created": NOW - 3 * HOUR, "progressed": NOW - HOUR}
    return JobFacts(id=name, **known | more)


def pool(nodes: int = 2, *, wants: int | None = None, **more: Any) -> PoolFacts:
    """A steady pool of so many nodes, in the states given as ``counts``."""
    known = {"state": "active", "allocation": "steady", "dedicated": nodes}
    counts = NodeCounts(**more.pop("counts", {"running": nodes}), total=nodes)
    return PoolFacts(
        "cpu", target_dedicated=nodes if wants is None else wants, counts=(counts, NodeCounts()), **known | more
    )


@pytest.mark.parametrize(
    ("given", "of", "wait"),
    [
        # the job itself, before anything of its pool
        (job(state="disabled"), None, Wait("disabled")),
        (job(state="Disabling"), None, Wait("disabled")),
        (job(scheduling_error=ERROR), None, Wait("cannot run", ERROR)),
        (job(pool=""), None, Wait("no automatic pool")),
        (job(), None, Wait("no such pool")),
        (job(), pool(state="deleting"), Wait("pool deleted")),
        # a pool without any node
        (job(), pool(0, allocation="resizing"), Wait("resizing")),
        (job(), pool(0, allocation="stopping", wants=2), Wait("resizing")),
        (job(), pool(0, **YOUNG), Wait("autoscale warms up", ("InsufficientSampleData", "in words"))),
        (job(), pool(0, autoscale=True, autoscale_error=ERROR), Wait("autoscale fails", ERROR)),
        (job(), pool(0, autoscale=True), Wait("autoscale wants none")),
        (job(), pool(0, autoscale_error=ERROR), Wait("scaled to zero")),
        (job(), pool(0, wants=2, resize_errors=(ERROR, ("Other", ""))), Wait("resize failed", ERROR)),
        (job(), pool(0, wants=2), Wait("no nodes yet")),
        # nodes that take no tasks
        (job(), pool(3, counts={"unusable": 1, "offline": 2}), "nodes in trouble"),
        (job(), pool(counts={"waiting_for_start_task": 1, "starting": 1}), Wait("start task")),
        (job(), pool(counts={"starting": 2}), Wait("nodes starting")),
        (job(), pool(counts={"leaving_pool": 2}), Wait("nodes take no tasks")),
        (job(), pool(counts={"unusable": 2}, allocation="resizing"), "nodes in trouble"),
        # nodes that do
        (job(), pool(counts={"running": 1, "unusable": 1}), Wait("others first")),
        (job(), pool(counts={"idle": 1, "running": 1}), Wait("tasks themselves")),
        (job(failed=3), pool(counts={"idle": 2}), Wait("failed tasks")),
        (job(), pool(allocation="resizing"), Wait("others first")),
    ],
)  # fmt: skip
def test_one_cause_is_found(given: JobFacts, of: PoolFacts | None, wait: Wait | str) -> None:
    found = why_waits(given, of, [])
    assert found.cause == wait if isinstance(wait, str) else found == wait
    assert found.queued == (found.cause == "others first")


def test_nodes_in_trouble_are_counted_the_worst_first() -> None:
    found = why_waits(job(), pool(4, counts={"offline": 2, "start_task_failed": 1, "unusable": 1}), [])
    assert found.troubled == (("unusable", 1), ("starttaskfailed", 1), ("offline", 2))


def test_what_is_on_its_way_is_no_trouble_yet() -> None:
    settling = {"resizing", "autoscale warms up", "no nodes yet", "nodes starting", "start task"}
    assert all(Wait(each).settling for each in settling)  # type: ignore[arg-type]
    assert not Wait("scaled to zero").settling


@pytest.mark.parametrize(
    ("other", "overtook"),
    [
        # it got its turn since this one moved, although it comes after it
        ({"priority": -1, "progressed": NOW}, True),
        ({"created": NOW - 2 * HOUR, "progressed": NOW}, True),
        # it comes before it, or got no turn since
        ({"priority": 1, "progressed": NOW}, False),
        ({"created": NOW - 4 * HOUR, "progressed": NOW}, False),
        ({"progressed": NOW}, False),
        ({"created": None, "progressed": NOW}, False),
        ({"priority": -1, "progressed": NOW - HOUR}, False),
        ({"priority": -1, "progressed": None}, False),
    ],
)
def test_who_comes_later_and_gets_its_turn_shows_that_it_is_no_queue(other: dict[str, Any], overtook: bool) -> None:
    found = why_waits(job(), pool(), [job("first", priority=5), job("other", **other)])
    assert found.cause == ("tasks themselves" if overtook else "others first")


def test_those_before_it_are_named_the_most_urgent_first() -> None:
    others = [job("c"), job("b"), job("a", priority=-3), job("z", priority=9)]
    assert why_waits(job(), pool(), others) == Wait("others first", first=("z", "b", "c", "a"), higher=True)
    assert not why_waits(job(priority=9), pool(), others).higher
    never = job(created=None, progressed=None)
    assert why_waits(never, pool(), [job("a", priority=-3, progressed=NOW)]).queued, "when it moved is not known"


def test_when_a_job_last_moved() -> None:
    started = NOW - 2 * HOUR
    assert moved_at(job(started=started)) == NOW - HOUR
    assert moved_at(job(started=started, progressed=None)) == started
    assert moved_at(job(progressed=None)) == NOW - 3 * HOUR
