"""How runs of tasks end and what that means: columns of the counts, what is told of an outcome, exit conditions."""

from __future__ import annotations

from datetime import datetime

from bot.sandbox.entities import TaskExecutionInformation
from bot.sandbox.entity_specs import ExitOptions
from bot.sandbox.world.behaviour import Cause, failure_of
from bot.sandbox.world.live import LiveTask

ACTIVE, RUNNING, SUCCEEDED, FAILED = range(4)
"""The columns of a job's counts."""

_SATISFIED = "satisfy"


def column(task: LiveTask) -> int:
    """The column that counts the task."""
    if task.state == "active":
        return ACTIVE
    if task.state == "completed":
        return SUCCEEDED if task.execution_info.result == "success" else FAILED
    return RUNNING


def outcome(
    old: TaskExecutionInformation, began: datetime | None, ended: datetime, cause: Cause | None
) -> TaskExecutionInformation:
    """What is told of a task that has completed; `cause` is None where it succeeded.

    It never `began` where it was ended while it waited: then no time is told, as recorded.
    """
    return TaskExecutionInformation(
        start_time=began,
        end_time=ended,
        exit_code=cause.exit_code if cause else 0,
        failure_info=failure_of(cause) if cause else None,
        result="failure" if cause else "success",
        retry_count=old.retry_count,
        last_retry_time=old.last_retry_time,
        requeue_count=old.requeue_count,
        last_requeue_time=old.last_requeue_time,
    )


def retries(task: LiveTask) -> int:
    """How often a task that exits with a code of failure is run again; -1: for ever."""
    return task.spec.constraints.max_task_retry_count or 0 if task.spec.constraints else 0


def options(task: LiveTask) -> ExitOptions:
    """What the way the task ended means, by its exit conditions."""
    conditions, info = task.spec.exit_conditions, task.execution_info
    if conditions is None:
        return ExitOptions()
    code, found = info.exit_code, None
    if code is None:
        found = conditions.pre_processing_error
    else:
        for one in conditions.exit_codes or ():
            if one.code == code:
                found = found or one.exit_options
        for span in conditions.exit_code_ranges or ():
            if span.start <= code <= span.end:
                found = found or span.exit_options
    return found or conditions.default or ExitOptions()


def satisfies(task: LiveTask) -> bool:
    """Whether tasks that depend on this completed one may run."""
    return task.execution_info.result == "success" or options(task).dependency_action == _SATISFIED
