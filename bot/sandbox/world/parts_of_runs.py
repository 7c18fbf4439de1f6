"""How the parts of jobs fare on their nodes: preparation and release tasks, subtasks of multi-instance tasks."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.sandbox.entities import NodeInformation
from bot.sandbox.entity_inventory import (
    JobPreparationAndReleaseTaskStatus,
    JobPreparationTaskExecutionInformation,
    JobReleaseTaskExecutionInformation,
    SubtaskInformation,
)
from bot.sandbox.world.behaviour import exited, failure_of
from bot.sandbox.world.bodies import task_directory
from bot.sandbox.world.content import number
from bot.sandbox.world.live import LiveJob, LiveNode, LiveTask
from bot.sandbox.world.refused import Refused


class Status(Struct, frozen=True):
    """Preparation and release on one node; `id` is the node's."""

    id: str
    body: JobPreparationAndReleaseTaskStatus


class Subtask(Struct, frozen=True):
    """One subtask; `id` orders the list."""

    id: str
    body: SubtaskInformation


def statuses(base: str, job: LiveJob, now: datetime) -> list[Status]:
    """Of every node that ran a preparation of the job, also of those that are gone. May raise `Refused`."""
    prepared, released = job.body.job_preparation_task, job.body.job_release_task
    if prepared is None and released is None:
        raise Refused(
            409,
            "JobPreparationTaskOrReleaseTaskNotSpecified",
            "The specified job does not have either job preparation task or job release task.",
        )
    pool_id = job.body.execution_info.pool_id or ""
    found = []
    for node_id, done in sorted(job.preparations.items()):
        url = f"{base}/pools/{pool_id}/nodes/{node_id}"
        status = JobPreparationAndReleaseTaskStatus(pool_id=pool_id, node_id=node_id, node_url=url)
        if prepared is not None:
            over = done.end_time <= now
            directory = task_directory(job.id, prepared.id or "jobpreparation")
            status.job_preparation_task_execution_info = JobPreparationTaskExecutionInformation(
                start_time=done.start_time,
                end_time=done.end_time if over else None,
                state="completed" if over else "running",
                task_root_directory=directory,
                task_root_directory_url=f"{url}/files/{directory}",
                exit_code=done.exit_code if over else None,
                failure_info=failure_of(exited(done.exit_code)) if over and done.exit_code else None,
                retry_count=0,
                result=("failure" if done.exit_code else "success") if over else None,
            )
        if released is not None and done.release_start_time is not None:
            ended = done.release_end_time
            over = ended is not None and ended <= now
            directory = task_directory(job.id, released.id or "jobrelease")
            status.job_release_task_execution_info = JobReleaseTaskExecutionInformation(
                start_time=done.release_start_time,
                end_time=ended if over else None,
                state="completed" if over else "running",
                task_root_directory=directory,
                task_root_directory_url=f"{url}/files/{directory}",
                exit_code=0 if over else None,
                result="success" if over else None,
            )
        found.append(Status(node_id, status))
    return found


def companions(node: LiveNode, wanted: int) -> list[str]:
    """The nodes that run the subtasks of a task whose primary runs on `node`: those after it in the order of ids."""
    nodes = node.pool.ordered()
    place = nodes.index(node)
    others = nodes[place + 1 :] + nodes[:place]
    return [other.id for other in others if other.state in ("idle", "running") and not other.draining][:wanted]


def subtasks(base: str, job: LiveJob, task: LiveTask) -> list[Subtask]:
    """The further instances of a multi-instance task; none of any other task, or while it waits for a node."""
    if task.spec.multi_instance_settings is None or task.pool_id is None:
        return []
    nodes = job.instances.get(task.id, [])
    return [
        Subtask(f"{place:04}", _subtask(base, job, task, place, node_id))
        for place, node_id in enumerate(nodes, start=1)
    ]


def _subtask(base: str, job: LiveJob, task: LiveTask, place: int, node_id: str) -> SubtaskInformation:
    """Follows from the primary: it begins a moment later and ends a moment earlier; the first fails with it."""
    info = task.execution_info
    url = f"{base}/pools/{task.pool_id}/nodes/{node_id}"
    directory = f"{task_directory(job.id, task.id)}/{place}"
    key = f"{job.id}/{task.id}/{info.start_time}/{place}"
    began = (info.start_time or task.state_transition_time) + timedelta(milliseconds=number(key, 900))
    node = NodeInformation(
        affinity_id=f"TVM:{node_id}",
        node_url=url,
        pool_id=task.pool_id,
        node_id=node_id,
        task_root_directory=directory,
        task_root_directory_url=f"{url}/files/{directory}",
    )
    told = SubtaskInformation(id=place, node_info=node, start_time=began, state=task.state, state_transition_time=began)
    if task.state == "running":
        told.state_transition_time = max(began, task.state_transition_time)
        told.previous_state, told.previous_state_transition_time = "preparing", began
    if task.state == "completed" and info.end_time is not None:
        ended = max(began, info.end_time - timedelta(milliseconds=number(key + "/end", 700)))
        told.end_time = told.state_transition_time = ended
        told.previous_state, told.previous_state_transition_time = "running", began
        code = info.exit_code if info.exit_code and place == 1 else 0
        told.exit_code, told.result = code, "failure" if code else "success"
        told.failure_info = failure_of(exited(code)) if code else None
    return told
