"""Changes of a task by somebody: other limits, and a new start after a failure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from bot.sandbox.entities import TaskExecutionInformation
from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.world.defaults import constraints
from bot.sandbox.world.live import LiveJob, LiveTask
from bot.sandbox.world.refused import Refused

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


def replace(account: AccountState, job: LiveJob, task: LiveTask, given: TaskConstraints | None) -> None:
    """Other limits; those that are not given fall back to their defaults. A run that goes on keeps its time limit."""
    account.job_lifecycle.refuse_gone(job)
    if task.state == "completed":
        raise Refused(409, "TaskCompleted", "The specified task is already in a completed state.")
    limits = constraints(given, job.body.constraints.max_task_retry_count)
    task.spec = msgspec.structs.replace(task.spec, constraints=limits)
    _touch(account, task)


def reactivate(account: AccountState, job: LiveJob, task: LiveTask) -> None:
    """A failed task starts anew with all its retries; exit code, failure and output of its last run are gone."""
    account.job_lifecycle.refuse_gone(job)
    info = task.execution_info
    if task.state != "completed":
        raise Refused(409, "TaskNotCompleted", "The specified task is not in a completed state.")
    if info.result != "failure":
        raise Refused(409, "TaskSucceeded", "The specified task has completed successfully.")
    fresh = TaskExecutionInformation(retry_count=0, requeue_count=info.requeue_count)
    account.runner.move(job, task, "active", fresh)
    _touch(account, task)
    account.runner.queue(job, task)
    if job.pool is not None:
        account.runner.pump(job.pool)


def _touch(account: AccountState, task: LiveTask) -> None:
    """A new time of modification, always later than the last."""
    task.last_modified = max(account.world.time, task.last_modified + timedelta(microseconds=1))
