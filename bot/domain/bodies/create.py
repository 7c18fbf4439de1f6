"""Create bodies from simple values, as forms and typed commands have them.

What is left out, or is the service's own default, is not sent: the entity then follows the service where a default
changes. The defaults are those of "Pool - Add", "Job - Add", "Task - Add" and "Job Schedule - Add".
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, TypeAlias

import msgspec

from bot.domain.bodies.fields import Body

Packages: TypeAlias = Mapping[str, str]
"""Application ids with the version of each; an empty version is the application's default one."""
Files: TypeAlias = Mapping[str, str]
"""Paths on the node with the address that each file is downloaded from."""
OnAllTasksComplete: TypeAlias = Literal["noaction", "terminatejob"]
OnTaskFailure: TypeAlias = Literal["noaction", "performexitoptionsjobaction"]

QUARTER = timedelta(minutes=15)
"""The service's default of a pool's resize timeout and of its autoscale interval."""
WEEK = timedelta(days=7)
"""The service's default of how long a task's files are kept."""


@dataclass(frozen=True)
class Image:
    """An operating system: of the marketplace, or by the resource id of an own one; with the agent that fits it."""

    node_agent: str
    publisher: str = ""
    offer: str = ""
    sku: str = ""
    version: str = ""
    resource_id: str = ""


@dataclass(frozen=True)
class Container:
    """The container that a task runs in."""

    image: str
    options: str = ""


def pool(
    pool_id: str,
    vm_size: str,
    image: Image,
    *,
    dedicated: int = 0,
    spot: int = 0,
    resize_timeout: timedelta | None = None,
    formula: str = "",
    interval: timedelta | None = None,
    display_name: str = "",
    slots: int = 1,
    inter_node: bool = False,
    fill: Literal["spread", "pack"] = "spread",
    start_task: Body | None = None,
    packages: Packages | None = None,
    subnet: str = "",
    container_images: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Body:
    """A pool of a fixed size, or with a ``formula`` one that scales itself and takes no counts.

    With ``container_images``, even none, its nodes run containers, and these images are fetched beforehand.
    """
    machine: Body = {"imageReference": _image(image), "nodeAgentSKUId": image.node_agent}
    if container_images is not None:
        machine["containerConfiguration"] = _sent(
            type="dockerCompatible", containerImageNames=list(container_images) or None
        )
    scale = (
        _sent(
            enableAutoScale=True, autoScaleFormula=formula, autoScaleEvaluationInterval=_duration(interval, but=QUARTER)
        )
        if formula
        else _sent(
            targetDedicatedNodes=dedicated or None,
            targetLowPriorityNodes=spot or None,
            resizeTimeout=_duration(resize_timeout, but=QUARTER),
        )
    )
    return _sent(
        id=pool_id,
        displayName=display_name,
        vmSize=vm_size,
        virtualMachineConfiguration=machine,
        **scale,
        taskSlotsPerNode=slots if slots != 1 else None,
        taskSchedulingPolicy={"nodeFillType": fill} if fill != "spread" else None,
        enableInterNodeCommunication=inter_node or None,
        startTask=start_task,
        applicationPackageReferences=_packages(packages),
        networkConfiguration={"subnetId": subnet} if subnet else None,
        metadata=named(metadata),
    )


def start_task(
    command: str,
    *,
    elevated: bool = False,
    retries: int = 0,
    wait: bool = True,
    files: Files | None = None,
    environment: Mapping[str, str] | None = None,
) -> Body:
    """What every node of a pool runs when it joins; without ``wait`` tasks may start before it is done."""
    return _sent(
        commandLine=command,
        userIdentity=_administrator(elevated, "pool"),
        maxTaskRetryCount=retries or None,
        waitForSuccess=None if wait else False,
        resourceFiles=_files(files),
        environmentSettings=named(environment),
    )


def job(
    job_id: str,
    pool_id: str,
    *,
    display_name: str = "",
    priority: int = 0,
    max_wall_clock: timedelta | None = None,
    max_retries: int = 0,
    max_parallel_tasks: int = -1,
    preemption: bool = False,
    dependencies: bool = False,
    when_done: OnAllTasksComplete = "noaction",
    when_failed: OnTaskFailure = "noaction",
    manager: Body | None = None,
    preparation: Body | None = None,
    release: Body | None = None,
    environment: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Body:
    """A job on a pool; ``max_parallel_tasks`` -1 is no limit. Manager, preparation and release as :func:`task` has."""
    return _sent(
        id=job_id,
        displayName=display_name,
        poolInfo={"poolId": pool_id},
        priority=priority or None,
        maxParallelTasks=max_parallel_tasks if max_parallel_tasks != -1 else None,
        allowTaskPreemption=preemption or None,
        constraints=_sent(maxWallClockTime=_duration(max_wall_clock), maxTaskRetryCount=max_retries or None),
        usesTaskDependencies=dependencies or None,
        onAllTasksComplete=when_done if when_done != "noaction" else None,
        onTaskFailure=when_failed if when_failed != "noaction" else None,
        jobManagerTask=manager,
        jobPreparationTask=preparation,
        jobReleaseTask=release,
        commonEnvironmentSettings=named(environment),
        metadata=named(metadata),
    )


def task(
    task_id: str,
    command: str,
    *,
    display_name: str = "",
    elevated: bool = False,
    slots: int = 1,
    max_wall_clock: timedelta | None = None,
    retention: timedelta | None = None,
    max_retries: int | None = None,
    files: Files | None = None,
    environment: Mapping[str, str] | None = None,
    packages: Packages | None = None,
    container: Container | None = None,
    depends_on: Sequence[str] = (),
) -> Body:
    """A task. ``max_retries`` None follows the job."""
    return _sent(
        id=task_id,
        displayName=display_name,
        commandLine=command,
        userIdentity=_administrator(elevated, "task"),
        requiredSlots=slots if slots != 1 else None,
        constraints=_sent(
            maxWallClockTime=_duration(max_wall_clock),
            retentionTime=_duration(retention, but=WEEK),
            maxTaskRetryCount=max_retries,
        ),
        resourceFiles=_files(files),
        environmentSettings=named(environment),
        applicationPackageReferences=_packages(packages),
        containerSettings=(
            _sent(imageName=container.image, containerRunOptions=container.options) if container else None
        ),
        dependsOn={"taskIds": list(depends_on)} if depends_on else None,
    )


def schedule(
    schedule_id: str,
    job_body: Mapping[str, Any],
    *,
    display_name: str = "",
    recurrence: timedelta | None = None,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
    start_window: timedelta | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Body:
    """A schedule that makes jobs like ``job_body``; without ``recurrence`` one job, at ``not_before`` or at once."""
    when = _sent(
        doNotRunUntil=_moment(not_before),
        doNotRunAfter=_moment(not_after),
        startWindow=_duration(start_window),
        recurrenceInterval=_duration(recurrence),
    )
    like = {name: copy.deepcopy(value) for name, value in job_body.items() if name != "id"}
    body = _sent(id=schedule_id, displayName=display_name, metadata=named(metadata))
    return body | {"schedule": when, "jobSpecification": like}


def job_of(schedule_body: Mapping[str, Any], job_id: str) -> Body:
    """The job that a schedule would make, to be run on its own; a schedule's name never has its jobs' colon."""
    return {"id": job_id, **copy.deepcopy(schedule_body["jobSpecification"])}


def named(values: Mapping[str, str] | None) -> list[Body]:
    """``{"a": "b"}`` → ``[{"name": "a", "value": "b"}]``, as metadata and environments are sent."""
    return [{"name": name, "value": value} for name, value in (values or {}).items()]


def _sent(**fields: Any) -> Body:
    """The fields that have something in them; zero, which a caller leaves out itself, and False count as something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {})}


def _image(image: Image) -> Body:
    if image.resource_id:
        return {"virtualMachineImageId": image.resource_id}
    return _sent(
        publisher=image.publisher,
        offer=image.offer,
        sku=image.sku,
        version=image.version if image.version.lower() != "latest" else None,
    )


def _packages(packages: Packages | None) -> list[Body]:
    return [_sent(applicationId=name, version=version) for name, version in (packages or {}).items()]


def _files(files: Files | None) -> list[Body]:
    return [{"filePath": path, "httpUrl": url} for path, url in (files or {}).items()]


def _administrator(elevated: bool, scope: Literal["task", "pool"]) -> Body | None:
    return {"autoUser": {"scope": scope, "elevationLevel": "admin"}} if elevated else None


def _duration(length: timedelta | None, *, but: timedelta | None = None) -> str | None:
    """ISO 8601; None where it is left out or is the default ``but``."""
    return None if length is None or length == but else str(msgspec.to_builtins(length))


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
