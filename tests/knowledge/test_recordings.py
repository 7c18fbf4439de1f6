"""Failures as the service was recorded to tell them: each is known by the right row, and told by the diagnosis."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.azure.answers import decoder_of
from bot.azure.models import Job, Node, Pool, Task
from bot.domain import knowledge
from bot.domain.diagnosis.job_case import JobCase
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue
from bot.domain.diagnosis.nodes import NodeCase, of_node
from bot.domain.diagnosis.pools import PoolCase, of_pool
from bot.domain.diagnosis.tasks import TaskCase, of_task
from bot.domain.pool_health import is_steady, reached
from bot.domain.pools import reading
from tests.azure.recordings import recordings

AT = datetime(2026, 11, 18, 12, tzinfo=UTC)

ROWS = {
    ("resize", "ResizeStopped"): "pool.resize.stopped",
    ("resize", "AccountVMSeriesCoreQuotaReached"): "pool.quota.family",
    ("autoscale", "AutoScalingFormulaEvaluationError"): "autoscale.formula_fails",
    ("job", "InvalidCertificatesInAutoPool"): "job.auto_pool.certificate",
    ("task", "CommandProgramNotFound"): "task.program_not_found",
    ("task", "TaskEnded"): "task.ended_by_person",
    ("task", "FailureExitCode"): "exit.usage",  # all of them with exit code 2
    ("task", "FileUploadAccessDenied"): "task.upload_denied",
}
"""What each recorded failure is, by where it shows and its code."""

PLACES = {
    "resizeErrors": "resize",
    "errors": "node",
    "schedulingError": "job",
    "failureInfo": "task",
    "error": "autoscale",
}
"""Fields of the service that tell a failure, and where the table looks for it."""


def _told(value: Any, within: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every failure in an answer with where it shows; ``within`` is the field that ``value`` stands in."""
    if isinstance(value, list):
        for each in value:
            yield from _told(each, within)
    if not isinstance(value, dict):
        return
    if within in PLACES and "code" in value:
        yield PLACES[within], value
        return
    for name, each in value.items():
        # Resource Manager tells the errors of a resize below its operation; a start task's failure is that of a run.
        inner = {"resizeOperationStatus": "resizeErrors", "startTaskInfo": "start_task"}.get(name)
        for where, failure in _told(each, within if name == "errors" and within == "resizeErrors" else inner or name):
            yield ("start_task" if inner == "start_task" and where == "task" else where), failure


def _failures() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Where, the failure, and the exit code's holder: what is told in answers that were no refusals."""
    for each in recordings():
        answer = each["response_body"]
        if each["status"] < 300 and isinstance(answer, dict):
            for where, failure in _told(answer):
                old_task = where == "job" and "/tasks/" in each["route"]  # as tasks told it until 2016
                yield "task" if old_task else where, failure, answer


def _words(failure: dict[str, Any]) -> str:
    said = failure.get("values") or failure.get("details") or []
    message = failure.get("message") or ""
    return " ".join([message if isinstance(message, str) else message["value"], *(each["value"] for each in said)])


def test_each_recorded_failure_is_known_by_its_row() -> None:
    before = Counter(knowledge.unknown())
    seen: Counter[tuple[str, str]] = Counter()
    for where, failure, _ in _failures():
        asked = {"code": failure["code"], "message": _words(failure), "category": failure.get("category", "")}
        exit_code = 2 if failure["code"] == "FailureExitCode" else None
        found = knowledge.find(where, exit_code=exit_code, **asked)
        assert found is not None, (where, failure)
        assert found.id == ROWS[where, failure["code"]], (where, failure)
        seen[where, failure["code"]] += 1
    assert set(seen) == set(ROWS)
    assert sum(seen.values()) > 130
    assert Counter(knowledge.unknown()) == before


def _entities(kind: Any, *routes: str) -> Iterator[Any]:
    """Entities of the answers to these routes, of one and of lists."""
    for each in recordings():
        answer = each["response_body"]
        if each["method"] == "GET" and each["status"] == 200 and each["route"] in routes and isinstance(answer, dict):
            for one in answer.get("value", [answer]):
                yield decoder_of(kind).decode(json.dumps(one))


def _known(found: list[Clue] | tuple[Clue, ...]) -> set[str]:
    assert not [each for each in found if each.id.startswith("unknown.")]
    return {each.id for each in found}


def test_why_tells_of_each_recorded_pool_what_its_errors_mean_now() -> None:
    """A stopped resize is told while nodes are missing, as nothing that is wrong; afterwards its error is stale."""
    told = Counter[tuple[bool, bool]]()
    for pool in _entities(Pool, "DP /pools/{poolId}", "DP /pools"):
        if not pool.resize_errors:
            continue
        facts = reading(pool)
        lacks = is_steady(facts) and not reached(facts) and pool.state == "active"
        found = of_pool(PoolCase(pool=pool, at=(pool.allocation_state_transition_time or AT) + timedelta(minutes=1)))
        assert ("pool.resize.stopped" in _known(found)) is lacks, pool
        assert not any(each.harm for each in found if each.id.startswith("pool.resize")), pool
        told[lacks, bool(found)] += 1
    assert told[True, True] > 10


def test_why_tells_of_each_recorded_task_why_it_failed() -> None:
    seen: Counter[str] = Counter()
    for task in _entities(Task, "DP /jobs/{jobId}/tasks/{taskId}", "DP /jobs/{jobId}/tasks"):
        found = of_task(TaskCase(task=task, job=Job(id="job-1"), at=AT))
        run = task.execution_info
        if not run or run.failure_info is None or task.state != "completed":
            continue
        code = run.failure_info.code
        assert found[0].id == ROWS["task", code], task
        assert found[0].harm
        assert code == "FailureExitCode" or code in " ".join(each.words for each in found[0].evidence), task
        seen[code] += 1
    assert seen == {"CommandProgramNotFound": 7, "TaskEnded": 2, "FailureExitCode": 1}


def test_why_tells_of_each_recorded_job_why_it_could_not_run() -> None:
    seen = 0
    for job in _entities(Job, "DP /jobs/{jobId}", "DP /jobs", "DP /jobschedules/{jobScheduleId}/jobs"):
        found = of_job(JobCase(job=job, at=AT))
        _known([*found.clues, *found.also])
        if job.execution_info and job.execution_info.scheduling_error:
            assert found.clues[0].id == "job.auto_pool.certificate", job
            seen += 1
    assert seen == 31


def test_why_knows_each_recorded_node() -> None:
    seen = Counter[str]()
    for node in _entities(Node, "DP /pools/{poolId}/nodes/{nodeId}", "DP /pools/{poolId}/nodes"):
        found = of_node(NodeCase(node=node, pool=Pool(id="pool-1"), at=AT))
        _known(found)
        seen[node.state] += 1
    assert sum(seen.values()) > 50, seen


def test_a_recorded_failure_under_a_name_that_nobody_knows_is_told_as_the_service_says_it() -> None:
    """The same documents with another code and other words: raw, said to be unknown, and counted."""
    before = knowledge.unknown()
    strange, words = "QuantumFluxInverted", "the flux of slot seven is inverted"

    def renamed(kind: Any, document: Any) -> Any:
        return decoder_of(kind).decode(json.dumps(_renamed(document, strange, words)))

    told: dict[str, Clue] = {}
    for each in recordings():
        answer, route = each["response_body"], each["route"]
        if each["method"] != "GET" or each["status"] != 200 or not isinstance(answer, dict):
            continue
        if route == "DP /jobs/{jobId}/tasks/{taskId}" and "exitCode" not in answer.get("executionInfo", {}):
            task = renamed(Task, answer)
            if task.execution_info and task.execution_info.failure_info:
                told["unknown.task"] = of_task(TaskCase(task=task, job=Job(id="job-1"), at=AT))[0]
        if route == "DP /pools/{poolId}" and answer.get("resizeErrors"):
            pool = renamed(Pool, answer)
            if is_steady(reading(pool)) and not reached(reading(pool)) and pool.state == "active":
                told["unknown.resize"] = of_pool(PoolCase(pool=pool, at=AT))[0]
        if route == "DP /jobs":
            for one in answer["value"]:
                job = renamed(Job, one)
                if job.execution_info and job.execution_info.scheduling_error:
                    told["unknown.job"] = of_job(JobCase(job=job, at=AT)).clues[0]
    assert {name: clue.id for name, clue in told.items()} == {each: each for each in told}
    assert set(told) == {"unknown.task", "unknown.resize", "unknown.job"}
    for clue in told.values():
        assert clue.cause == f"{strange}, which the bot does not know"
        assert f"{strange}: {words}" in " ".join(each.words for each in clue.evidence)
        assert clue.sure == "guess"
        assert clue.steps
    for where in ("task", "resize", "job"):
        assert knowledge.unknown()[where, strange.lower()] > before.get((where, strange.lower()), 0)


def _renamed(value: Any, code: str, words: str, within: str = "") -> Any:
    if isinstance(value, list):
        return [_renamed(each, code, words, within) for each in value]
    if not isinstance(value, dict):
        return value
    if within in PLACES and "code" in value:
        return {**value, "code": code, "message": words, "values": [], "details": []}
    return {name: _renamed(each, code, words, name) for name, each in value.items()}
