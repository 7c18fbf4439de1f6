"""Why a job's tasks wait: alerts and ``why`` go by one tree, so they name one cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

from bot.azure.models import Counts, Job, Node, NodeCounts, Pool, PoolNodeCounts
from bot.azure.models.job import PoolInfo
from bot.azure.models.pool import AutoScaleRun, ResizeError
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.job_waits import tells
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import choose
from bot.domain.diagnosis.pools import PoolCase, of_pool
from bot.domain.job_health import JobFacts
from bot.domain.waiting import why_waits

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
LONG_AGO = AT - timedelta(hours=3)
STATES = ("", "unusable", "starttaskfailed", "starting", "waitingforstarttask", "idle")
_FIELDS = {"starttaskfailed": "start_task_failed", "waitingforstarttask": "waiting_for_start_task"}
QUOTA = ResizeError(code="AccountCoreQuotaReached", message="full")
ERRS = AutoScaleRun(timestamp=AT, error=ResizeError(code="AutoScalingFormulaEvaluationError", message="Line 1"))


def pool_case(state: str, allocation: str, errors: tuple[ResizeError, ...], formula: str, target: int) -> PoolCase:
    many = 2 if state else 0
    nodes = [Node(id=f"n{each}", state=state, state_transition_time=AT - timedelta(minutes=1)) for each in range(many)]
    counted = NodeCounts(**{_FIELDS.get(state, state): many, "total": many}) if state else NodeCounts()
    pool = Pool(
        id="p", state="active", creation_time=LONG_AGO, allocation_state=allocation,
        allocation_state_transition_time=AT - timedelta(minutes=2), current_dedicated_nodes=many,
        target_dedicated_nodes=target, resize_errors=errors, enable_auto_scale=bool(formula),
        auto_scale_run=ERRS if formula == "errs" else AutoScaleRun(timestamp=AT) if formula else None,
    )  # fmt: skip
    idle = [] if state == "idle" else nodes
    return PoolCase(pool=pool, at=AT, counts=PoolNodeCounts("p", counted, NodeCounts()), nodes=idle, waiting=3)


def test_what_is_told_of_a_pool_is_what_the_tree_found() -> None:
    told = 0
    for given in product(STATES, ("steady", "resizing"), ((), (QUOTA,)), ("", "well", "errs"), (0, 4)):
        case = pool_case(*given)
        job = Job(id="j", state="active", creation_time=LONG_AGO, pool_info=PoolInfo(pool_id="p"))
        found = why_waits(JobFacts("j", state="active", pool="p", active=3), case.facts, [])
        clue = choose(of_job(JobCase(job=job, at=AT, counts=Counts(active=3), pool=case)).clues).clue
        assert clue is not None, given
        if found.for_work:
            assert not clue.id.startswith("pool."), (given, clue.id)
            continue
        if any(tells(found.cause, each) for each in of_pool(case)):
            told += 1
            assert tells(found.cause, clue), (given, found.cause, clue.id)
    assert told > 50, "or it says nothing"
