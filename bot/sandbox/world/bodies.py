"""Bodies for the wire: what the service answers about a living thing, complete, with the addresses of the moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from bot.sandbox.entities import (
    Job,
    JobSchedule,
    Node,
    NodeCounts,
    NodeInformation,
    Pool,
    PoolNodeCounts,
    Task,
    TaskCounts,
    TaskCountsResult,
    TaskExecutionInformation,
    TaskInformation,
)
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask

_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_COLUMNS = {
    "leavingpool": "leaving_pool",
    "starttaskfailed": "start_task_failed",
    "waitingforstarttask": "waiting_for_start_task",
    "upgradingos": "upgrading_os",
}


def etag(modified: datetime) -> str:
    """The entity tag: as the service does it, the time of the last change in ticks of 100 ns since the year one."""
    return f"0x{(modified - _YEAR_ONE) // _MICROSECOND * 10:X}"


def touch(body: Pool | Job | JobSchedule, now: datetime) -> None:
    """Marks a body as changed by somebody: a new time, always later than the last, and a new tag."""
    body.last_modified = max(now, body.last_modified + _MICROSECOND)
    body.etag = etag(body.last_modified)


def pool_body(base: str, pool: LivePool) -> Pool:
    """The pool with its current node counts."""
    body = pool.body
    body.url = f"{base}/pools/{body.id}"
    body.current_dedicated_nodes = pool.total(True)
    body.current_low_priority_nodes = pool.total(False)
    return body


def node_body(base: str, node: LiveNode) -> Node:
    """The node with its load and its recent tasks.

    As recorded: of a node that ran none there is no list, of one whose tasks were deleted since it is empty. The state
    is that of the task by now, wherever it runs.
    """
    body = node.body
    body.url = f"{base}/pools/{node.pool.id}/nodes/{body.id}"
    body.running_tasks_count = len(node.running)
    body.running_task_slots_count = node.pool.slots - node.free
    body.recent_tasks = [
        TaskInformation(
            task_url=f"{base}/jobs/{job.id}/tasks/{task.id}",
            job_id=job.id,
            task_id=task.id,
            subtask_id=subtask,
            task_state=task.state,
            execution_info=run_of(task, subtask),
        )
        for job, task, subtask in node.recent
        if job.tasks.get(task.id) is task
    ]
    if not node.recent:
        body.recent_tasks = None
    return body


def run_of(task: LiveTask, subtask: int | None) -> TaskExecutionInformation:
    """How a task ran, or one of its subtasks: of these the first alone fails with it."""
    info = task.execution_info
    if subtask in (None, 1) or task.state != "completed":
        return info
    return msgspec.structs.replace(info, exit_code=0, result="success", failure_info=None)


def job_body(base: str, job: LiveJob) -> Job:
    """The job."""
    job.body.url = f"{base}/jobs/{job.body.id}"
    return job.body


def schedule_body(base: str, schedule: LiveSchedule) -> JobSchedule:
    """The schedule; the address of its newest job is written too."""
    body = schedule.body
    body.url = f"{base}/jobschedules/{body.id}"
    if recent := body.execution_info.recent_job:
        recent.url = f"{base}/jobs/{recent.id}"
    return body


def task_directory(job_id: str, task_id: str) -> str:
    """Where a task lives on its node, below the node's root; the jobs of a schedule share its folder."""
    schedule, colon, number = job_id.rpartition(":")
    return f"workitems/{schedule}/{number}/{task_id}" if colon else f"workitems/{job_id}/job-1/{task_id}"


def task_body(base: str, job: LiveJob, task: LiveTask) -> Task:
    """The task, put together from what it shares with its batch and what is its own."""
    spec = task.spec
    node = None
    if task.node_id is not None:
        node_url = f"{base}/pools/{task.pool_id}/nodes/{task.node_id}"
        directory = task_directory(job.id, task.id)
        node = NodeInformation(
            affinity_id=f"TVM:{task.node_id}",
            node_url=node_url,
            pool_id=task.pool_id,
            node_id=task.node_id,
            task_root_directory=directory,
            task_root_directory_url=f"{node_url}/files/{directory}",
        )
    return Task(
        id=task.id,
        display_name=spec.display_name,
        url=f"{base}/jobs/{job.id}/tasks/{task.id}",
        etag=etag(task.last_modified),
        creation_time=task.creation_time,
        last_modified=task.last_modified,
        state=task.state,
        state_transition_time=task.state_transition_time,
        previous_state=task.previous_state,
        previous_state_transition_time=task.previous_state_transition_time,
        command_line=task.command_line,
        container_settings=spec.container_settings,
        resource_files=spec.resource_files,
        output_files=spec.output_files,
        environment_settings=spec.environment_settings,
        affinity_info=spec.affinity_info,
        user_identity=spec.user_identity,
        exit_conditions=spec.exit_conditions,
        constraints=spec.constraints,
        required_slots=task.slots,
        multi_instance_settings=spec.multi_instance_settings,
        depends_on=task.depends_on,
        application_package_references=spec.application_package_references,
        authentication_token_settings=spec.authentication_token_settings,
        execution_info=task.execution_info,
        node_info=node,
    )


def _node_counts(states: dict[str, int]) -> NodeCounts:
    columns = {_COLUMNS.get(state, state): number for state, number in states.items()}
    return NodeCounts(total=sum(states.values()), **columns)


def node_counts(pool: LivePool) -> PoolNodeCounts:
    """How many nodes of the pool are in each state."""
    return nodes_counted(pool.id, pool.counts)


def nodes_counted(pool_id: str, counts: dict[bool, dict[str, int]]) -> PoolNodeCounts:
    """Counts of nodes by kind (dedicated or not) and state."""
    return PoolNodeCounts(
        pool_id=pool_id, dedicated=_node_counts(counts[True]), low_priority=_node_counts(counts[False])
    )


def _task_counts(counts: list[int]) -> TaskCounts:
    active, running, succeeded, failed = counts
    return TaskCounts(active=active, running=running, completed=succeeded + failed, succeeded=succeeded, failed=failed)


def task_counts(job: LiveJob) -> TaskCountsResult:
    """How many tasks of the job, and how many slots of them, are in each state."""
    return counted(job.counts, job.slot_counts)


def counted(tasks: list[int], slots: list[int]) -> TaskCountsResult:
    """Counts of tasks and of their slots, by the columns of `outcomes`."""
    return TaskCountsResult(task_counts=_task_counts(tasks), task_slot_counts=_task_counts(slots))
