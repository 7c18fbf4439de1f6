"""One trouble reaches people once: of all kinds that see it, the one that tells most is told."""

from __future__ import annotations

import pytest

from bot.alerting.incident_state import IncidentState
from bot.alerting.inhibition import Inhibitions
from bot.alerting.lifecycle import settle
from bot.alerting.model import Incident, Notification
from bot.alerting.slices import at_once
from bot.domain.findings import CauseCount
from bot.monitor.scene import Blindness, Scene
from tests.alerting.rules.scenes import KINDS, NOON, ago, failing, job, node, pool, scene, schedule

SHORT = ("AccountCoreQuotaReached", "The specified account has reached core quota")
FORMULA = ("AutoScalingFormulaEvaluationError", "no variable $Tasks")


def told(look: Scene) -> set[str]:
    """What is told of a look: kind and entity of every incident that no other explains."""
    state = IncidentState()
    found = [(kind, finding) for kind in KINDS.values() for finding in kind.judge(look)]
    at_once(settle(state, look.account, found, KINDS, NOON, NOON))
    return {f"{each.kind} {each.entity.id}" for each in unexplained(state) if each.open}


def unexplained(state: IncidentState) -> list[Incident]:
    """What no other incident explains, in a conversation that hears of everything."""
    for incident in state.incidents():
        state.put(Notification(incident=incident.id, conversation="here", why="", since=NOON))
    inhibitions = Inhibitions(state, KINDS, {})
    return [each for each in state.incidents() if inhibitions.cause(each, "here") is None]


STUCK = job(active=9, progressed=ago(60))


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param(
            scene(pool(target_dedicated=4, resize_errors=(SHORT,)), STUCK),
            {"pool.resize_failed gpu-a"},
            id="no node for want of quota",
        ),
        pytest.param(
            scene(pool("gpu-a", *(node(f"t{n}", "starttaskfailed") for n in range(4)), start_task_failed=4), STUCK),
            {"pool.start_task_failing gpu-a"},
            id="the start task fails everywhere",
        ),
        pytest.param(
            scene(pool("gpu-a", *(node(f"t{n}") for n in range(4)), unusable=4), STUCK),
            {"pool.down gpu-a"},
            id="all nodes are unusable",
        ),
        pytest.param(
            scene(pool(spot_preempted=6, preempted_at=[ago(2)] * 6), STUCK),
            {"pool.down gpu-a"},
            id="all nodes were taken",
        ),
        pytest.param(
            scene(pool(allocation="resizing", allocation_since=ago(70), target_dedicated=4), STUCK),
            {"pool.resize_stuck gpu-a"},
            id="the resize does not end",
        ),
        pytest.param(
            scene(pool(autoscale=True, autoscale_error=FORMULA, autoscale_at=ago(120)), STUCK),
            {"pool.autoscale_failed gpu-a"},
            id="the formula fails",
        ),
        pytest.param(
            scene(
                pool(idle=4, idle_since=ago(50), idle_least=4),
                STUCK,
                schedule(missed=ago(60), job=STUCK.id),
            ),
            {f"job.stuck {STUCK.id}"},
            id="a job waits for itself, its pool is idle, and its schedule waits for it",
        ),
        pytest.param(
            scene(
                pool(running=4),
                failing(
                    CauseCount("exit code 1", 40), exhausted=9, running=1, rate=[(ago(1), 50, 40)], created=ago(50)
                ),
            ),
            {"task.failed nightly:job-12"},
            id="many tasks of a job fail after all retries",
        ),
        pytest.param(
            scene(
                pool(running=4),
                failing(CauseCount("exit code 1", 40), running=1),
                failing(CauseCount("exit code 2", 30), running=1, name="nightly:job-13"),
            ),
            {"task.failed nightly:job-12", "task.failed nightly:job-13"},
            id="two jobs of a pool and a schedule fail, each by itself",
        ),
        pytest.param(
            scene(
                pool("a", unusable=4), pool("b", unusable=1, running=3),
                job("x", pool="a", active=4),
            ),
            {"pool.down a", "node.unusable b"},
            id="one pool does not explain another",
        ),
        pytest.param(
            scene(pool(unusable=1, running=3), blind=Blindness(ago(5), "NoConnection", "refused", 9)),
            {"account.unreachable render-prod"},
            id="the account cannot be read",
        ),
    ],
)  # fmt: skip
def test_one_trouble_is_told_once(look: Scene, expected: set[str]) -> None:
    assert told(look) == expected


def test_what_is_explained_is_told_when_it_outlives_its_cause() -> None:
    assert told(scene(pool(target_dedicated=4), STUCK)) == {"pool.down gpu-a"}
    assert told(scene(pool(), STUCK)) == {f"job.stuck {STUCK.id}"}


def test_failures_of_one_job_do_not_explain_the_rate_of_another() -> None:
    """They have the pool in common, and nothing else."""
    pool_mate = failing(CauseCount("exit code 2", 30), running=1, name="sim", rate=[(ago(1), 40, 30)], created=ago(50))
    look = scene(pool(running=4), failing(CauseCount("exit code 1", 2), running=1), pool_mate)
    rate, failures = KINDS["job.failure_rate"], KINDS["task.failed"]
    state = IncidentState()
    found = [(rate, next(iter(rate.judge(look)))), (failures, next(iter(failures.judge(look))))]
    at_once(settle(state, look.account, found, KINDS, NOON, NOON))
    assert len(unexplained(state)) == 2


def test_who_does_not_hear_of_the_cause_hears_of_what_follows() -> None:
    state = IncidentState()
    look = scene(pool(target_dedicated=4), STUCK)
    found = [(kind, each) for kind in KINDS.values() for each in kind.judge(look)]
    at_once(settle(state, look.account, found, KINDS, NOON, NOON))
    inhibitions = Inhibitions(state, KINDS, {})
    assert all(inhibitions.cause(each, "here") is None for each in state.incidents())
