"""Which fields of pools, jobs, tasks and schedules are sent at creation, answered only, and editable later.

Sources: the parameters and models of the data plane's OpenAPI document 2024-07-01.20.0 and of azure-batch 15.1, which
speaks 2025-06-01. The tests hold every table against both, and against recorded bodies back to 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Noun: TypeAlias = Literal["pool", "job", "task", "schedule"]
Body: TypeAlias = dict[str, Any]
"""An object of JSON."""

NOUNS: tuple[Noun, ...] = ("pool", "job", "task", "schedule")


@dataclass(frozen=True)
class Fields:
    """The top-level fields of one noun.

    ``create`` may be sent when it is made, ``answered`` only ever come from the service, ``editable`` may be sent
    later; of these the ``when_empty`` only while the pool has no nodes (OPERATE: rules of each write).
    """

    create: frozenset[str]
    answered: frozenset[str]
    editable: frozenset[str]
    when_empty: frozenset[str] = frozenset()


_ANSWERED = frozenset(
    {
        "odata.metadata",
        "url",
        "eTag",
        "lastModified",
        "creationTime",
        "state",
        "stateTransitionTime",
        "stats",
    }
)
_RUN = _ANSWERED | {"previousState", "previousStateTransitionTime", "executionInfo"}

_POOL_WHEN_EMPTY = frozenset(
    {
        "displayName",
        "enableInterNodeCommunication",
        "mountConfiguration",
        "networkConfiguration",
        "taskSchedulingPolicy",
        "taskSlotsPerNode",
        "upgradePolicy",
        "userAccounts",
        "virtualMachineConfiguration",
        "vmSize",
    }
)
_POOL_EDITABLE = _POOL_WHEN_EMPTY | {"applicationPackageReferences", "metadata", "startTask"}
SCALE = frozenset(
    {
        "autoScaleEvaluationInterval",
        "autoScaleFormula",
        "enableAutoScale",
        "resizeTimeout",
        "targetDedicatedNodes",
        "targetLowPriorityNodes",
    }
)
"""How many nodes a pool has: given at creation, afterwards changed by resizing and autoscale requests alone."""

_JOB_EDITABLE = frozenset(
    {
        "allowTaskPreemption",
        "constraints",
        "maxParallelTasks",
        "metadata",
        "networkConfiguration",
        "onAllTasksComplete",
        "poolInfo",
        "priority",
    }
)

FIELDS: Mapping[Noun, Fields] = MappingProxyType(
    {
        "pool": Fields(
            create=_POOL_EDITABLE | SCALE | {"id"},
            answered=_ANSWERED
            | {
                "allocationState",
                "allocationStateTransitionTime",
                "autoScaleRun",
                "currentDedicated",
                "currentDedicatedNodes",
                "currentLowPriorityNodes",
                "currentNodeCommunicationMode",
                "identity",
                "resizeError",
                "resizeErrors",
            },
            editable=_POOL_EDITABLE,
            when_empty=_POOL_WHEN_EMPTY,
        ),
        "job": Fields(
            create=_JOB_EDITABLE
            | {
                "commonEnvironmentSettings",
                "displayName",
                "id",
                "jobManagerTask",
                "jobPreparationTask",
                "jobReleaseTask",
                "onTaskFailure",
                "usesTaskDependencies",
            },
            answered=_RUN,
            editable=_JOB_EDITABLE,
        ),
        "task": Fields(
            create=frozenset(
                {
                    "affinityInfo",
                    "applicationPackageReferences",
                    "commandLine",
                    "constraints",
                    "containerSettings",
                    "dependsOn",
                    "displayName",
                    "environmentSettings",
                    "exitConditions",
                    "id",
                    "multiInstanceSettings",
                    "outputFiles",
                    "requiredSlots",
                    "resourceFiles",
                    "userIdentity",
                }
            ),
            answered=_RUN | {"nodeInfo"},
            editable=frozenset({"constraints"}),
        ),
        "schedule": Fields(
            create=frozenset({"displayName", "id", "jobSpecification", "metadata", "schedule"}),
            answered=_RUN,
            editable=frozenset({"jobSpecification", "metadata", "schedule"}),
        ),
    }
)

ANSWERED_WITHIN = frozenset({"exactVersion"})
"""Fields inside others that only the service writes: the version of an image that ``latest`` resolved to."""

FREE_FORM = frozenset({"settings", "protectedSettings"})
"""Objects of an extension, whose fields are its publisher's: never inspected."""
