"""What the service fills in where a caller said nothing."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from bot.sandbox.entity_parts import INFINITE, AutoUserSpecification, StartTask, TaskConstraints, UserIdentity
from bot.sandbox.entity_specs import JobConstraints, JobSpecification, TaskSpecification

RETENTION = "P7D"
"""How long a node keeps a task's directory."""

NON_ADMIN = UserIdentity(auto_user=AutoUserSpecification(scope="pool", elevation_level="nonadmin"))
"""Who a command runs as."""


@lru_cache(maxsize=64)
def _plain(retries: int) -> TaskSpecification:
    return TaskSpecification(
        constraints=TaskConstraints(
            max_wall_clock_time=INFINITE, retention_time=RETENTION, max_task_retry_count=retries
        ),
        required_slots=1,
        user_identity=NON_ADMIN,
    )


def task_defaults(spec: TaskSpecification | None, retries: int | None) -> TaskSpecification:
    """The specification itself where it is complete, else a completed copy; `retries` are those of the job."""
    plain = _plain(retries or 0)
    if spec is None:
        return plain
    if spec.required_slots and spec.user_identity and spec.constraints and _whole(spec.constraints):
        return spec
    return msgspec.structs.replace(
        spec,
        constraints=constraints(spec.constraints, retries),
        required_slots=spec.required_slots or 1,
        user_identity=spec.user_identity or NON_ADMIN,
    )


def _whole(given: TaskConstraints) -> bool:
    return None not in (given.max_wall_clock_time, given.retention_time, given.max_task_retry_count)


def constraints(given: TaskConstraints | None, retries: int | None) -> TaskConstraints:
    """Complete task constraints."""
    given = given or TaskConstraints()
    return TaskConstraints(
        max_wall_clock_time=given.max_wall_clock_time or INFINITE,
        retention_time=given.retention_time or RETENTION,
        max_task_retry_count=(retries or 0) if given.max_task_retry_count is None else given.max_task_retry_count,
    )


def start_task_defaults(given: StartTask | None) -> StartTask | None:
    """A complete start task."""
    if given is None:
        return None
    return msgspec.structs.replace(
        given,
        user_identity=given.user_identity or NON_ADMIN,
        max_task_retry_count=given.max_task_retry_count or 0,
        wait_for_success=given.wait_for_success is not False,
    )


def job_defaults(given: JobSpecification) -> JobSpecification:
    """A complete job specification, its own copy."""
    limits = given.constraints or JobConstraints()
    manager, preparation, release = given.job_manager_task, given.job_preparation_task, given.job_release_task
    if manager is not None:
        manager = msgspec.structs.replace(
            manager,
            constraints=constraints(manager.constraints, limits.max_task_retry_count),
            required_slots=manager.required_slots or 1,
            user_identity=manager.user_identity or NON_ADMIN,
            run_exclusive=True if manager.run_exclusive is None else manager.run_exclusive,
            allow_low_priority_node=True
            if manager.allow_low_priority_node is None
            else manager.allow_low_priority_node,
            kill_job_on_completion=True if manager.kill_job_on_completion is None else manager.kill_job_on_completion,
        )
    if preparation is not None:
        preparation = msgspec.structs.replace(
            preparation,
            id=preparation.id or "jobpreparation",
            constraints=constraints(preparation.constraints, limits.max_task_retry_count),
            user_identity=preparation.user_identity or NON_ADMIN,
            wait_for_success=preparation.wait_for_success is not False,
            rerun_on_node_reboot_after_success=preparation.rerun_on_node_reboot_after_success is not False,
        )
    if release is not None:
        release = msgspec.structs.replace(
            release,
            id=release.id or "jobrelease",
            max_wall_clock_time=release.max_wall_clock_time or "PT15M",
            retention_time=release.retention_time or RETENTION,
            user_identity=release.user_identity or NON_ADMIN,
        )
    return msgspec.structs.replace(
        given,
        priority=given.priority or 0,
        max_parallel_tasks=-1 if given.max_parallel_tasks is None else given.max_parallel_tasks,
        uses_task_dependencies=bool(given.uses_task_dependencies),
        allow_task_preemption=bool(given.allow_task_preemption),
        on_all_tasks_complete=given.on_all_tasks_complete or "noaction",
        on_task_failure=given.on_task_failure or "noaction",
        constraints=JobConstraints(
            max_wall_clock_time=limits.max_wall_clock_time or INFINITE,
            max_task_retry_count=limits.max_task_retry_count or 0,
        ),
        job_manager_task=manager,
        job_preparation_task=preparation,
        job_release_task=release,
    )
