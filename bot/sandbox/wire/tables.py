"""What each list of the data plane may be filtered by, selected from and expanded with.

The properties and operators are those of "OData filters in Batch", the published list. Enumerations are checked as the
service does: a state that does not exist is refused, not merely never found.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec.structs
from msgspec import Struct

from bot.sandbox.entities import Job, JobSchedule, Node, Pool, PoolNodeCounts, Task
from bot.sandbox.entity_inventory import (
    ApplicationSummary,
    Certificate,
    ImageInformation,
    JobPreparationAndReleaseTaskStatus,
    NodeFile,
    NodeVMExtension,
    SubtaskInformation,
)

from .odata import EQUALITY, ORDER, PREFIX, Column, Kind, Table

EQUAL: Final = frozenset({"eq"})

_POOL_STATES = frozenset({"active", "deleting"})
_ALLOCATION_STATES = frozenset({"steady", "resizing", "stopping"})
_NODE_STATES = frozenset(
    {
        "creating", "deallocated", "deallocating", "idle", "leavingpool", "offline", "preempted", "rebooting",
        "reimaging", "running", "starting", "starttaskfailed", "unknown", "unusable", "upgradingos",
        "waitingforstarttask",
    }
)  # fmt: skip
_JOB_STATES = frozenset({"active", "completed", "deleting", "disabled", "disabling", "enabling", "terminating"})
_TASK_STATES = frozenset({"active", "completed", "preparing", "running"})
_SCHEDULE_STATES = frozenset({"active", "completed", "deleting", "disabled", "terminating"})
_RESULTS = frozenset({"failure", "success"})
_START_TASK_STATES = frozenset({"completed", "running"})


def _text(*attributes: str, operators: frozenset[str] = PREFIX, values: frozenset[str] = frozenset()) -> Column:
    return Column(attributes, operators, Kind.TEXT, values)


def _state(*attributes: str, values: frozenset[str], operators: frozenset[str] = EQUALITY) -> Column:
    return Column(attributes, operators, Kind.TEXT, values)


def _time(*attributes: str) -> Column:
    return Column(attributes, ORDER, Kind.TIME)


def _number(*attributes: str) -> Column:
    return Column(attributes, ORDER, Kind.INTEGER)


def _flag(*attributes: str) -> Column:
    return Column(attributes, EQUALITY, Kind.BOOLEAN)


_JOB_TIMES: Final = {
    "stateTransitionTime": _time("body", "state_transition_time"),
    "creationTime": _time("body", "creation_time"),
    "lastModified": _time("body", "last_modified"),
    "executionInfo/startTime": _time("body", "execution_info", "start_time"),
    "executionInfo/endTime": _time("body", "execution_info", "end_time"),
}


class Listing(Struct, frozen=True):
    """One list: its name in ``odata.metadata``, its entity, filter and longest page, and what it expands with."""

    fragment: str
    entity: type[Struct]
    table: Table
    most: int = 1000
    expandable: frozenset[str] = frozenset()

    def fields(self) -> Mapping[str, str]:
        """Wire name -> attribute, of everything that may be selected."""
        return _attributes(self.entity)


@cache
def _attributes(entity: type[Struct]) -> Mapping[str, str]:
    return MappingProxyType({field.encode_name: field.name for field in msgspec.structs.fields(entity)})


POOLS: Final = Listing(
    "pools",
    Pool,
    {
        "id": _text("body", "id"),
        "state": _state("body", "state", values=_POOL_STATES),
        "stateTransitionTime": _time("body", "state_transition_time"),
        "allocationState": _state("body", "allocation_state", values=_ALLOCATION_STATES, operators=EQUAL),
        "allocationStateTransitionTime": _time("body", "allocation_state_transition_time"),
        "creationTime": _time("body", "creation_time"),
        "enableAutoScale": _flag("body", "enable_auto_scale"),
        "lastModified": _time("body", "last_modified"),
        "vmSize": _text("body", "vm_size", operators=EQUALITY),
        "enableInterNodeCommunication": _flag("body", "enable_inter_node_communication"),
    },
    expandable=frozenset({"stats"}),
)

NODES: Final = Listing(
    "nodes",
    Node,
    {
        "state": _state("body", "state", values=_NODE_STATES),
        "stateTransitionTime": _time("body", "state_transition_time"),
        "lastBootTime": _time("body", "last_boot_time"),
        "allocationTime": _time("body", "allocation_time"),
        "startTaskInfo/state": _state("body", "start_task_info", "state", values=_START_TASK_STATES, operators=EQUAL),
        "startTaskInfo/result": _state("body", "start_task_info", "result", values=_RESULTS),
        "startTaskInfo/exitCode": _number("body", "start_task_info", "exit_code"),
        "startTaskInfo/startTime": _time("body", "start_task_info", "start_time"),
        "startTaskInfo/endTime": _time("body", "start_task_info", "end_time"),
    },
)

NODE_COUNTS: Final = Listing(
    "poolnodecounts",
    PoolNodeCounts,
    {"poolId": _text("id", operators=EQUAL)},
    most=10,
)

JOBS: Final = Listing(
    "jobs",
    Job,
    {
        "id": _text("body", "id"),
        "state": _state("body", "state", values=_JOB_STATES),
        **_JOB_TIMES,
        "executionInfo/poolId": _text("body", "execution_info", "pool_id"),
    },
    expandable=frozenset({"stats"}),
)

SCHEDULE_JOBS: Final = Listing(
    "jobs",
    Job,
    {name: column for name, column in JOBS.table.items() if name != "id"},
    expandable=frozenset({"stats"}),
)

TASKS: Final = Listing(
    "tasks",
    Task,
    {
        "id": _text("id"),
        "state": _state("state", values=_TASK_STATES),
        "stateTransitionTime": _time("state_transition_time"),
        "creationTime": _time("creation_time"),
        # The published list says lastModifiedTime; the property is called lastModified.
        "lastModifiedTime": _time("last_modified"),
        "lastModified": _time("last_modified"),
        "executionInfo/startTime": _time("execution_info", "start_time"),
        "executionInfo/endTime": _time("execution_info", "end_time"),
        "executionInfo/exitCode": _number("execution_info", "exit_code"),
        "executionInfo/result": _state("execution_info", "result", values=_RESULTS),
    },
    expandable=frozenset({"stats"}),
)

SCHEDULES: Final = Listing(
    "jobschedules",
    JobSchedule,
    {
        "id": _text("body", "id"),
        "state": _state("body", "state", values=_SCHEDULE_STATES),
        "stateTransitionTime": _time("body", "state_transition_time"),
        "creationTime": _time("body", "creation_time"),
        "lastModified": _time("body", "last_modified"),
        "executionInfo/endTime": _time("body", "execution_info", "end_time"),
        "schedule/doNotRunUntil": _time("body", "schedule", "do_not_run_until"),
        "schedule/doNotRunAfter": _time("body", "schedule", "do_not_run_after"),
    },
    expandable=frozenset({"stats"}),
)

_PREPARATION = ("body", "job_preparation_task_execution_info")
_RELEASE = ("body", "job_release_task_execution_info")

PREPARATIONS: Final = Listing(
    "jobpreparationandreleasetaskstatuslist",
    JobPreparationAndReleaseTaskStatus,
    {
        "poolId": _text("body", "pool_id", operators=EQUALITY),
        "nodeId": _text("body", "node_id", operators=EQUALITY),
        **{
            f"{name}/{field}": column
            for name, way in (
                ("jobPreparationTaskExecutionInfo", _PREPARATION),
                ("jobReleaseTaskExecutionInfo", _RELEASE),
            )
            for field, column in {
                "state": _state(*way, "state", values=_START_TASK_STATES, operators=EQUAL),
                "startTime": _time(*way, "start_time"),
                "endTime": _time(*way, "end_time"),
                "exitCode": _number(*way, "exit_code"),
                "result": _state(*way, "result", values=_RESULTS),
            }.items()
        },
    },
)

SUBTASKS: Final = Listing("subtaskinfo", SubtaskInformation, {})

CERTIFICATES: Final = Listing(
    "certificates",
    Certificate,
    {
        "state": _state("body", "state", values=frozenset({"active", "deleting", "deletefailed"})),
        "stateTransitionTime": _time("body", "state_transition_time"),
    },
)

FILES: Final = Listing("files", NodeFile, {"name": _text("id", operators=frozenset({"startswith"}))})

APPLICATIONS: Final = Listing("listapplicationsummariesresponses", ApplicationSummary, {})

IMAGE_TABLE: Final = Listing(
    "supportedimages",
    ImageInformation,
    {
        "osType": _state("body", "os_type", values=frozenset({"linux", "windows"})),
        "verificationType": _state("body", "verification_type", values=frozenset({"verified", "unverified"})),
        "nodeAgentSKUId": _text("body", "node_agent_sku_id", operators=EQUALITY),
    },
)

EXTENSIONS: Final = Listing("extensions", NodeVMExtension, {})
