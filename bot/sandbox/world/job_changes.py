"""Changes of a job by somebody: priority, limits, what it does in the end, metadata and, while disabled, its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.entity_parts import INFINITE
from bot.sandbox.entity_requests import JobPatch, JobReplace
from bot.sandbox.entity_specs import JobConstraints, PoolInformation
from bot.sandbox.world.bodies import touch
from bot.sandbox.world.live import LiveJob
from bot.sandbox.world.refused import Refused, wrong_state

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState


def patch(account: AccountState, job: LiveJob, given: JobPatch) -> None:
    """Changes what is given. Raises `Refused` (400, 409)."""
    changes = {name: getattr(given, name) for name in given.__struct_fields__ if getattr(given, name) is not None}
    _change(account, job, changes)


def replace(account: AccountState, job: LiveJob, given: JobReplace) -> None:
    """Changes everything that may change; what is not given falls back to its default. Raises `Refused` (400, 409)."""
    _change(
        account,
        job,
        {
            "priority": given.priority or 0,
            "max_parallel_tasks": -1 if given.max_parallel_tasks is None else given.max_parallel_tasks,
            "allow_task_preemption": bool(given.allow_task_preemption),
            "on_all_tasks_complete": given.on_all_tasks_complete or "noaction",
            "constraints": given.constraints or JobConstraints(),
            "metadata": given.metadata,
            "pool_info": given.pool_info,
        },
    )


def _change(account: AccountState, job: LiveJob, changes: dict[str, object]) -> None:
    lifecycle, body = account.job_lifecycle, job.body
    lifecycle.refuse_gone(job)
    if changes.get("on_all_tasks_complete") == "noaction" and body.on_all_tasks_complete.lower() == "terminatejob":
        raise Refused(
            400,
            "InvalidPropertyValue",
            "The value provided for one of the properties in the request body is invalid.",
            PropertyName="onAllTasksComplete",
            PropertyValue="noaction",
            Reason="The value cannot be changed from terminatejob to noaction",
        )
    pool_info = changes.pop("pool_info", None)
    if isinstance(pool_info, PoolInformation):
        _check_move(job, pool_info)
    for name, value in changes.items():
        setattr(body, name, value)
    body.metadata = body.metadata or None
    body.constraints = JobConstraints(
        max_wall_clock_time=body.constraints.max_wall_clock_time or INFINITE,
        max_task_retry_count=body.constraints.max_task_retry_count or 0,
    )
    if isinstance(pool_info, PoolInformation):
        _move(account, job, pool_info)
    touch(body, account.world.time)
    lifecycle.changed(job)


def _check_move(job: LiveJob, wanted: PoolInformation) -> None:
    """Another pool only while the job is disabled; of an automatic pool nothing but `keepAlive` may change.

    The rules are the documents', the code of the refusal is the likeliest of the published list.
    """
    now = job.body.pool_info
    old, new = now.auto_pool_specification, wanted.auto_pool_specification
    if old is not None and new is not None:
        if old.pool_lifetime_option.lower() != "job" or new.pool_lifetime_option != old.pool_lifetime_option:
            raise wrong_state("Only keepAlive of an automatic pool whose lifetime is that of the job can be updated")
    elif (old is not None or new is not None or not _same(now, wanted)) and job.state != "disabled":
        raise wrong_state("The pool of the job can be updated only when the job is disabled")


def _same(now: PoolInformation, wanted: PoolInformation) -> bool:
    return (now.pool_id or "").lower() == (wanted.pool_id or "").lower()


def _move(account: AccountState, job: LiveJob, wanted: PoolInformation) -> None:
    now = job.body.pool_info
    old, new = now.auto_pool_specification, wanted.auto_pool_specification
    if old is not None and new is not None:
        old.keep_alive = new.keep_alive
        job.auto_pool = None if old.keep_alive else job.body.execution_info.pool_id
    elif old is not None or new is not None or not _same(now, wanted):
        account.job_lifecycle.leave_pool(job)
        job.body.pool_info = wanted
        job.refused.clear()
        job.preparations.clear()
        account.job_lifecycle.house(job)
