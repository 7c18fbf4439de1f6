"""What the service sends, as typed structs: complete for every entity of a Batch account.

See :class:`~bot.azure.models.base.Wire` for the manner of all of them.
"""

from __future__ import annotations

from bot.azure.models.application import Application, ApplicationResource, PackageResource
from bot.azure.models.base import (
    FailureInfo,
    ImageReference,
    NameValue,
    ResourceFile,
    StartTask,
    UserIdentity,
    Wire,
    duration,
    select_of,
)
from bot.azure.models.certificate import Certificate
from bot.azure.models.image import SupportedImage
from bot.azure.models.job import Job, JobSchedule, JobSpecification, PoolInfo
from bot.azure.models.node import Node, NodeCounts, NodeError, NodeRow, PoolNodeCounts
from bot.azure.models.pool import Pool, ResizeError, VmConfiguration
from bot.azure.models.resource import AccountProperties, BatchAccountResource, FamilyQuota, SupportedSku, VmSize
from bot.azure.models.status import OwnTaskRun, PreparationStatus, RemoteLogin, Subtask
from bot.azure.models.task import Counts, Execution, Place, Run, Task, TaskCountsResult, TaskRow

__all__ = [
    "AccountProperties",
    "Application",
    "ApplicationResource",
    "BatchAccountResource",
    "Certificate",
    "Counts",
    "Execution",
    "FailureInfo",
    "FamilyQuota",
    "ImageReference",
    "Job",
    "JobSchedule",
    "JobSpecification",
    "NameValue",
    "Node",
    "NodeCounts",
    "NodeError",
    "NodeRow",
    "OwnTaskRun",
    "PackageResource",
    "Place",
    "Pool",
    "PoolInfo",
    "PoolNodeCounts",
    "PreparationStatus",
    "RemoteLogin",
    "ResizeError",
    "ResourceFile",
    "Run",
    "StartTask",
    "Subtask",
    "SupportedImage",
    "SupportedSku",
    "Task",
    "TaskCountsResult",
    "TaskRow",
    "UserIdentity",
    "VmConfiguration",
    "VmSize",
    "Wire",
    "duration",
    "select_of",
]
