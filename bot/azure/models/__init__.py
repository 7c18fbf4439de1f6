"""What the service sends, as typed structs: complete for pools, nodes, jobs, tasks and job schedules.

See :class:`~bot.azure.models.base.Wire` for the manner of all of them.
"""

from __future__ import annotations

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
from bot.azure.models.job import Job, JobSchedule, JobSpecification, PoolInfo
from bot.azure.models.node import Node, NodeCounts, NodeError, NodeRow, PoolNodeCounts
from bot.azure.models.pool import Pool, ResizeError, VmConfiguration
from bot.azure.models.resource import AccountProperties, BatchAccountResource, FamilyQuota, SupportedSku, VmSize
from bot.azure.models.task import Counts, Execution, Place, Run, Task, TaskCountsResult, TaskRow

__all__ = [
    "AccountProperties",
    "BatchAccountResource",
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
    "Place",
    "Pool",
    "PoolInfo",
    "PoolNodeCounts",
    "ResizeError",
    "ResourceFile",
    "Run",
    "StartTask",
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
