"""The fields of jobs, tasks and job schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bot.azure.models import Counts
from bot.azure.models.task import FAILED_TASKS
from bot.filter.common import LIFE, META, MODIFIED, ORDER, PREFIX, flag, low, number, part, state, states, text, time
from bot.filter.fields import Entity, Field, Kind, Word


def _run(row: Any) -> tuple[tuple[datetime, datetime | None], ...]:
    run = row.execution_info
    return ((run.start_time, run.end_time),) if run is not None and run.start_time is not None else ()


_STARTED = time("started", "executionInfo/startTime", "started", "start")
_ENDED = time("ended", "executionInfo/endTime", "ended", "end", "finished", "completed")
_RAN = Field(
    "ran", Kind.SPAN, _run, "ran", ("runtime", "duration", "took"), "executionInfo", "executionInfo/startTime", ORDER
)


def _counted(name: str, label: str, *aliases: str, of: str = "") -> Field:
    def read(counts: Counts | None) -> tuple[int, ...]:
        return (getattr(counts, of or name),) if counts is not None else ()

    return number(name, read, label, *aliases, counted=True)


def _all_tasks(counts: Counts | None) -> tuple[int, ...]:
    return (counts.active + counts.running + counts.completed,) if counts is not None else ()


_JOB_STATES = states("active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting")
JOB: Final = Entity(
    "job",
    "jobs",
    (
        state(_JOB_STATES),
        *LIFE,
        Field(
            "pool",
            Kind.TEXT,
            lambda row: part(row, "execution_info", "pool_id"),
            "pool",
            ("poolid",),
            "executionInfo",
            "executionInfo/poolId",
            PREFIX,
        ),
        _counted("failed", "failed tasks", "failures"),
        _counted("succeeded", "succeeded tasks"),
        _counted("running", "running tasks"),
        _counted("waiting", "waiting tasks", "queued", of="active"),
        _counted("done", "completed tasks", of="completed"),
        number("tasks", _all_tasks, "tasks", counted=True),
        number("priority", lambda row: (row.priority,), "priority", needs="priority"),
        _STARTED,
        _ENDED,
        _RAN,
        MODIFIED,
        Field(
            "schedule",
            Kind.TEXT,
            lambda row: text(row.id.rpartition(":job-")[0]),
            "schedule",
            (),
            "id",
        ),
        Field(
            "reason",
            Kind.TEXT,
            lambda row: part(row, "execution_info", "terminate_reason"),
            "ended because",
            ("terminatereason",),
            "executionInfo",
        ),
        Field(
            "error",
            Kind.TEXT,
            lambda row: (
                text(row.execution_info.scheduling_error.code)
                if row.execution_info and row.execution_info.scheduling_error
                else ()
            ),
            "error",
            ("schedulingerror",),
            "executionInfo",
        ),
        META,
    ),
)
SCHEDULE_JOB: Final = JOB.client_side("job of a schedule", "id")
"""The jobs of one schedule: the service does not filter them by id."""


def _failed(row: Any) -> bool:
    run = row.execution_info
    return row.state.lower() == "completed" and run is not None and run.result.lower() == "failure"


def _task_words(row: Any) -> tuple[str, ...]:
    state = row.state.lower()
    if state != "completed":
        return text(state)
    run = row.execution_info
    result = run.result.lower() if run is not None else ""
    return (state, {"failure": "failed", "success": "succeeded"}.get(result, state))


_SUCCEEDED = "state eq 'completed' and executionInfo/result eq 'success'"
_NOT_FAILED = "(state ne 'completed' or executionInfo/result ne 'failure')"
_NOT_SUCCEEDED = "(state ne 'completed' or executionInfo/result ne 'success')"


def _failure_code(row: Any) -> tuple[str, ...]:
    run = row.execution_info
    return text(run.failure_info.code) if run is not None and run.failure_info is not None else ()


TASK: Final = Entity(
    "task",
    "tasks",
    (
        state(
            {
                **states("active", "preparing", "running", "completed"),
                "failed": Word("failed", f"({FAILED_TASKS})", _NOT_FAILED),
                "succeeded": Word("succeeded", f"({_SUCCEEDED})", _NOT_SUCCEEDED),
            },
            _task_words,
            "state,executionInfo",
        ),
        *LIFE,
        flag(
            "failed",
            lambda row: (_failed(row),),
            Word("failed", f"({FAILED_TASKS})"),
            Word("not failed", _NOT_FAILED),
            "failure",
            needs="state,executionInfo",
        ),
        Field(
            "exit",
            Kind.NUMBER,
            lambda row: part(row, "execution_info", "exit_code"),
            "exit code",
            ("exitcode", "code"),
            "executionInfo",
            "executionInfo/exitCode",
            ORDER,
        ),
        Field(
            "error",
            Kind.TEXT,
            _failure_code,
            "error",
            ("failureinfo", "cause"),
            "executionInfo",
            implies="executionInfo/result eq 'failure'",
        ),
        Field(
            "result",
            Kind.STATE,
            lambda row: low(*part(row, "execution_info", "result")),
            "result",
            (),
            "executionInfo",
            words={
                "success": Word("success", "executionInfo/result eq 'success'"),
                "failure": Word("failure", "executionInfo/result eq 'failure'"),
            },
        ),
        _STARTED,
        _ENDED,
        _RAN,
        number("retries", lambda row: part(row, "execution_info", "retry_count"), "", "retry", needs="executionInfo"),
        number("requeues", lambda row: part(row, "execution_info", "requeue_count"), needs="executionInfo"),
        Field("node", Kind.TEXT, lambda row: part(row, "node_info", "node_id"), "node", ("nodeid",), "nodeInfo"),
        Field("pool", Kind.TEXT, lambda row: part(row, "node_info", "pool_id"), "pool", ("poolid",), "nodeInfo"),
        Field(
            "command", Kind.TEXT, lambda row: text(row.command_line), "command", ("commandline", "cmd"), "commandLine"
        ),
        number("slots", lambda row: (row.required_slots,), "required slots", needs="requiredSlots"),
        time("modified", "lastModified", "modified", "changed", "lastmodified", filtered=False),
    ),
)

_SCHEDULE_STATES = states("active", "completed", "disabled", "terminating", "deleting")
SCHEDULE: Final = Entity(
    "schedule",
    "schedules",
    (
        state(_SCHEDULE_STATES),
        *LIFE,
        time("next", "executionInfo/nextRunTime", "next run", "nextrun", filtered=False),
        time("ended", "executionInfo/endTime", "ended", "end", "finished"),
        time("from", "schedule/doNotRunUntil", "does not run until", "begins", "donotrununtil"),
        time("until", "schedule/doNotRunAfter", "does not run after", "ends", "donotrunafter"),
        MODIFIED,
        Field(
            "recent",
            Kind.TEXT,
            lambda row: (
                text(row.execution_info.recent_job.id) if row.execution_info and row.execution_info.recent_job else ()
            ),
            "recent job",
            ("job",),
            "executionInfo",
        ),
        Field(
            "pool",
            Kind.TEXT,
            lambda row: (
                text(row.job_specification.pool_info.pool_id)
                if row.job_specification and row.job_specification.pool_info
                else ()
            ),
            "pool",
            ("poolid",),
            "jobSpecification",
        ),
        META,
    ),
)
