"""What is told of a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.domain.findings import CauseCount, Entity
from bot.domain.knowledge import row
from bot.domain.waiting import ONLY_JUST
from bot.monitor.scene import Held, JobView, PoolView
from tests.alerting.rules.scenes import ago, failing, found, job, node, only, pool, turned, worth

MEMORY = CauseCount("exit code 137", 198, "frame-0021", "MemoryError: unable to allocate 3.1 GiB")
BLOB = CauseCount("BlobNotFound: the blob <path> does not exist", 16, "frame-0100", "")


def ended(*causes: CauseCount, **more: Any) -> JobView:
    """A job that came to its end in this look, counted after that."""
    given: dict[str, Any] = {"state": "completed", "ended": ago(1), "reason": "AllTasksComplete", "succeeded": 10}
    given |= {"final": True, "counted": ago(0)}
    return failing(*causes, **{**given, **more})


def test_a_job_of_a_schedule_has_started() -> None:
    news = [turned("job", "schedule2:job-3", "active"), turned("job", "sim", "active")]
    views = (job("schedule2:job-3"), job("sim"))
    first, second = found("job.started", *views, news=news)
    assert first.headline == "schedule2 / job-3 has started"
    assert second.headline == "job sim has started"
    assert first.entity == Entity("job", "schedule2:job-3")
    assert first.related == (Entity("pool", "gpu-a"), Entity("schedule", "schedule2"))
    assert first.actions[0].command == "job show schedule2:job-3"
    assert found("job.started", news=[turned("job", "sim", "active", "enabling")]) == []
    assert only("job.started", news=news[:1]).related == (Entity("schedule", "schedule2"),)


def test_a_job_has_completed() -> None:
    told = only("job.completed", ended=(ended(succeeded=2003),))
    assert told.headline == "nightly / job-12 has completed: 2,003 tasks in 1 h 59 min"
    assert (told.state, told.since) == ("event", ago(1))
    assert ("Ended because", "all its tasks were completed") in told.figures
    assert only("job.completed", ended=(ended(succeeded=0, started=None),)).headline == "nightly / job-12 has completed"
    # One that was deleted on the way has not completed, and has not failed.
    assert found("job.completed", ended=(ended(state="active"),)) == []
    assert found("job.failed", ended=(ended(MEMORY, state="active"),)) == []


@pytest.mark.parametrize(
    ("view", "kind", "headline", "severity"),
    [
        ({"succeeded": 9, "active": 2, "running": 1}, "job.completed",
         "nightly / job-12 has ended in 1 h 59 min: 9 of 12 tasks succeeded so far", "info"),
        ({"active": None, "counted": None}, "job.completed",
         "nightly / job-12 has ended in 1 h 59 min: its tasks were not counted", "info"),
        ({"succeeded": 0, "active": 11, "failed": 1, "failures": 1}, "job.failed",
         "job nightly:job-12 has failed: 1 of 12 tasks failed so far", "warning"),
        ({"succeeded": 9, "active": 3, "failures": 2}, "job.failed",
         "job nightly:job-12 has failed: 2 of 12 tasks failed so far", "warning"),
        ({"active": None, "succeeded": 0, "counted": None, "failures": 2}, "job.failed",
         "job nightly:job-12 has failed: 2 of 2 tasks failed so far", "warning"),
        ({"active": None, "succeeded": 0, "counted": None, "scheduling_error": ("PoolNotFound", "x")}, "job.failed",
         "job nightly:job-12 has failed: the service could not run it", "critical"),
    ],
)  # fmt: skip
def test_an_end_whose_last_counts_are_to_come_is_told_with_what_is_known(
    view: dict[str, Any], kind: str, headline: str, severity: str
) -> None:
    job = ended(**{"final": False, "counted": ago(3), "failed_at": ago(2), **view})
    told = only(kind, ended=(job,))
    assert (told.headline, worth(kind, told), told.counted) == (headline, severity, job.counted)
    assert found("job.failed" if kind == "job.completed" else "job.completed", ended=(job,)) == []


@pytest.mark.parametrize(
    ("view", "headline", "severity"),
    [
        (ended(MEMORY, BLOB, succeeded=1789), "214 of 2,003 tasks failed", "warning"),
        (ended(MEMORY, BLOB, succeeded=1788, failed=215), "215 of 2,003 tasks failed", "warning"),
        (ended(MEMORY, BLOB, succeeded=1789, reason="TaskFailed"), "214 of 2,003 tasks failed", "warning"),
        (ended(MEMORY, succeeded=0), "198 of 198 tasks failed", "critical"),
        (ended(reason="MaxWallClockTimeExpiry"), "the job ran longer than it may (maxWallClockTime)", "warning"),
        (ended(reason="taskfailed"), "a task failed, and its exit conditions end the job", "warning"),
        (ended(succeeded=0, scheduling_error=("PoolNotFound", "x")), "the service could not run it", "critical"),
        (ended(reason="UserTerminate"), "", ""),
        (ended(reason="whatever somebody wrote"), "", ""),
        (ended(reason="JMComplete"), "", ""),
    ],
)
def test_a_job_that_failed_and_one_that_did_not(view: JobView, headline: str, severity: str) -> None:
    told = found("job.failed", ended=(view,))
    assert [(each.headline, worth("job.failed", each)) for each in told] == (
        [(f"job nightly:job-12 has failed: {headline}", severity)] if headline else []
    )
    assert bool(found("job.completed", ended=(view,))) is not bool(headline)


def test_a_failed_job_tells_its_causes() -> None:
    told = only("job.failed", ended=(ended(BLOB, MEMORY),))
    assert told.cause.startswith(
        "exit code 137 ×198 · BlobNotFound: the blob <path> does not exist ×16; most often the program has no memory"
    )
    assert told.evidence == "MemoryError: unable to allocate 3.1 GiB (frame-0021)"
    assert [action.command for action in told.actions] == [
        "log nightly:job-12 frame-0021 stderr.txt",
        "task list nightly:job-12 state:failed",
        "job clone nightly:job-12",
        "job show nightly:job-12",
    ]
    assert (told.state, told.count) == ("event", 214)


def test_a_job_was_disabled_or_deleted() -> None:
    news = [turned("job", "sim", "disabled", "disabling"), turned("job", "nightly:job-2", "deleted", "active")]
    assert only("job.disabled", job("sim", active=3, state="disabled"), news=news).headline == (
        "job sim was disabled, 3 tasks wait"
    )
    told = only("job.deleted", news=news)
    assert (told.headline, told.actions[0].command) == ("nightly / job-2 was deleted", "job list")


def test_a_job_was_enabled() -> None:
    for before in ("disabled", "disabling", "enabling"):
        told = only("job.enabled", job("sim"), news=[turned("job", "sim", "active", before)])
        assert (told.headline, told.actions[0].command) == ("job sim was enabled", "job show sim")
    assert found("job.enabled", news=[turned("job", "sim", "active"), turned("job", "x", "disabled", "active")]) == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"progressed": ago(14)}, False),
        ({"progressed": ago(15)}, True),
        ({"progressed": None, "started": ago(15)}, True),
        ({"progressed": None, "started": None, "created": ago(15)}, True),
        ({"progressed": None, "started": None, "created": None}, False),
        ({"progressed": ago(60), "active": 0}, False),
        ({"progressed": ago(60), "active": None}, False),
        ({"progressed": ago(60), "running": 1}, False),
        ({"progressed": ago(60), "state": "disabled"}, False),
        ({"progressed": ago(60), "state": "terminating"}, False),
    ],
)
def test_a_job_is_stuck_when_tasks_wait_and_nothing_moves(more: dict[str, Any], told: bool) -> None:
    assert bool(found("job.stuck", pool(idle=1), job(**{"active": 5, **more}))) is told


FORMULA = ("AutoScalingFormulaEvaluationError", "no variable $Tasks")
SHORT = ("AccountCoreQuotaReached", "The specified account has reached core quota")


@pytest.mark.parametrize(
    ("view", "cause"),
    [
        (None, "its pool does not exist or is being deleted; what ran there waits again"),
        (
            pool(idle=2, state="deleting"),
            "its pool does not exist or is being deleted; what ran there waits again",
        ),
        (
            pool(allocation="resizing", allocation_since=ago(22), target_dedicated=4),
            f"its pool gpu-a has been resizing for 20 min, 0 of 4 nodes: {row('pool.resize.too_long').cause}",
        ),
        (pool(autoscale=True), f"its pool gpu-a has no nodes: {row('autoscale.wants_none').cause}"),
        (
            pool(autoscale=True, autoscale_error=FORMULA),
            f"its pool gpu-a has no nodes: {row('autoscale.formula_fails').cause}",
        ),
        (pool(), f"its pool gpu-a has no nodes: {row('pool.scaled_to_zero').cause}"),
        (
            pool(target_dedicated=3, resize_errors=(SHORT,)),
            "its pool gpu-a has no nodes: the account's quota of dedicated cores is used up",
        ),
        (pool(target_dedicated=3), f"its pool gpu-a has none of the 3 nodes it wants: {row('pool.no_reason').cause}"),
        (pool(start_task_failed=2), "no node of its pool gpu-a can work: 2 nodes start task failed"),
        (pool(unusable=2, offline=1), "no node of its pool gpu-a can work: 2 nodes unusable · 1 node offline"),
        (
            pool(waiting_for_start_task=1),
            "1 node of its pool gpu-a still runs the start task, and tasks wait for its success",
        ),
        (pool(rebooting=2), "its nodes are still starting"),
        (pool(leaving_pool=2), "its pool has no node that takes tasks"),
    ],
)
def test_why_a_job_is_stuck(view: PoolView | None, cause: str) -> None:
    told = only("job.stuck", *([view] if view else []), job(active=5, progressed=ago(47), succeeded=3, failed=1))
    assert told.headline == "job nightly:job-12: 5 tasks wait, none has run for 45 min"
    assert told.cause == cause
    assert ("Done", "4 of 9") in told.figures
    assert (told.since, told.count) == (ago(47), 5)
    assert told.related == (Entity("pool", "gpu-a"), Entity("schedule", "nightly"))


def test_why_a_job_is_stuck_by_itself() -> None:
    free = only("job.stuck", pool(idle=2), job(active=5, progressed=ago(47)))
    assert free.cause == (
        f"{row('job.tasks_not_started').cause}: tasks that they depend on, the job's preparation task, more task slots "
        "than a node has, or the most tasks at once that the job allows"
    )
    assert free.actions[0].command == "topology job nightly:job-12"
    seen = Held("task.parent_failed", "4 tasks depend on a, which failed", "task a failed", {"task": "a"}, read=ago(1))
    blocked = only("job.stuck", pool(idle=2), job(active=5, failed=1, progressed=ago(47), held=seen))
    assert (blocked.cause, blocked.evidence) == ("4 tasks depend on a, which failed", "task a failed")
    assert blocked.actions[0].command == "task reactivate nightly:job-12 a"
    young = Held("job.just_begun", ONLY_JUST, harm=False, read=ago(1))
    assert not found("job.stuck", pool(idle=2), job(active=5, progressed=ago(47), held=young))
    nowhere = only("job.stuck", job(active=1, pool="", progressed=ago(47)))
    assert nowhere.cause == "its automatic pool is not there yet"
    assert nowhere.headline == "job nightly:job-12: 1 task waits, none has run for 45 min"
    refused = only("job.stuck", job(active=1, scheduling_error=("AutoPoolCreationFailed", "no"), progressed=ago(47)))
    assert (refused.cause, refused.evidence) == ("the service cannot run the job", "AutoPoolCreationFailed: no")
    sick = pool("gpu-a", node(errors=(("DiskFull", "no space"),)), unusable=1)
    assert only("job.stuck", sick, job(active=1, progressed=ago(47))).evidence == "DiskFull: no space"


@pytest.mark.parametrize(
    ("minutes", "other", "severity"),
    [
        (90, None, None),
        (90, {"priority": 100}, None),
        (90, {"created": ago(hours=9)}, None),
        (90, {"created": ago(30)}, "warning"),  # a later job got its turn
        (90, {"created": ago(30), "progressed": ago(100)}, None),  # it holds the nodes since before
        (90, {"priority": -1, "created": ago(hours=9)}, "warning"),
        (90, {"created": ago(30), "pool": "other"}, None),
        (121, {"priority": 100}, "info"),
        (121, None, "info"),
    ],
)
def test_waiting_for_a_turn_is_not_being_stuck(
    minutes: float, other: dict[str, Any] | None, severity: str | None
) -> None:
    views = [job("sim", **{"running": 8, **other})] if other else []
    told = found("job.stuck", pool(running=4), job(active=5, progressed=ago(minutes)), *views)
    assert [worth("job.stuck", each) for each in told] == ([severity] if severity else [])


def test_the_words_of_waiting_for_a_turn() -> None:
    waiting = job(active=5, progressed=ago(hours=3))
    names = [job(f"sim-{n}", running=8, priority=100 * n) for n in range(5)]
    told = only("job.stuck", pool(running=4), waiting, *names)
    assert told.cause == "jobs of higher priority hold every slot of its pool"
    assert told.evidence == "they hold the nodes: sim-4, sim-3, sim-2"
    assert only("job.stuck", pool(running=4), waiting).cause == "other tasks hold every slot of its pool"


def rated(*samples: tuple[datetime, int, int], **more: Any) -> JobView:
    return failing(MEMORY, **{"created": ago(hours=9), "rate": list(samples), **more})


@pytest.mark.parametrize(
    ("view", "severity"),
    [
        (rated((ago(50), 1000, 40), (ago(1), 1200, 50)), "warning"),
        (rated((ago(50), 1000, 40), (ago(1), 1201, 50)), None),
        (rated((ago(50), 1000, 40), (ago(1), 1010, 49)), None),
        (rated((ago(50), 1000, 40), (ago(1), 1020, 50)), "critical"),
        (rated((ago(50), 1000, 40), (ago(1), 1021, 50)), "warning"),
        (rated((ago(1), 1000, 500)), None),
        (rated((ago(1), 1000, 500), created=ago(55)), "critical"),
        (rated((ago(70), 0, 0), (ago(50), 1000, 500), (ago(1), 1000, 500)), None),
        (rated((ago(50), 1000, 400), (ago(1), 1000, 50)), None),
        (rated((ago(50), 0, 0), (ago(1), 20, 20), failed_at=ago(31)), None),
        (rated((ago(50), 0, 0), (ago(1), 20, 20), state="completed"), None),
        (rated(), None),
    ],
)
def test_too_much_of_a_job_fails(view: JobView, severity: str | None) -> None:
    told = [worth("job.failure_rate", each) for each in found("job.failure_rate", view) if each.state == "open"]
    assert told == ([severity] if severity else [])


def test_the_words_of_a_failure_rate() -> None:
    told = only("job.failure_rate", rated((ago(50), 100, 0), (ago(1), 760, 214)))
    assert told.headline == "job nightly:job-12: 32 % of the last hour's tasks failed, 214 of 660"
    assert told.since == ago(12)
    assert told.cause.startswith("exit code 137: the program has no memory left")


@pytest.mark.parametrize(
    ("more", "minutes"),
    [
        ({"ended": ago(3), "since": ago(2)}, 3),
        ({"ended": ago(3), "since": None}, 3),
        ({"ended": None, "since": ago(2)}, 2),
        ({"ended": None, "since": None}, 0),
    ],
)
def test_a_job_has_failed_when_it_ended_or_else_when_it_was_said_to_be_over(more: dict[str, Any], minutes: int) -> None:
    """Where neither is known, at the full hour, which does not move from look to look."""
    assert only("job.failed", ended=(ended(MEMORY, **more),)).since == ago(minutes)


@pytest.mark.parametrize(("free", "told"), [(20, True), (46, False), (None, False)])
def test_a_job_that_waited_while_nodes_were_free_does_not_wait_for_its_turn(free: int | None, told: bool) -> None:
    """It was stuck then, and is not well again because others hold the nodes now."""
    waiting = job(active=1, failed=1, succeeded=40, progressed=ago(60), since=ago(hours=3))
    busy = job("sim-2", active=0, running=4, priority=500)
    full = pool(running=4, free_at=ago(free) if free else None)
    some = found("job.stuck", full, waiting, busy)
    assert bool(some) is told
    for each in some:
        assert row("job.tasks_not_started").cause in each.cause
