"""The fields of pools and nodes."""

from __future__ import annotations

from typing import Any, Final, get_args

from bot.azure.models import PoolNodeCounts
from bot.domain.pools import error_text
from bot.domain.states import BAD_NODES, NODES, NodeState, counted, is_bad
from bot.filter.common import (
    AGE,
    EQUALITY,
    ID,
    LIFE,
    META,
    MODIFIED,
    ORDER,
    SINCE,
    flag,
    low,
    number,
    part,
    state,
    states,
    text,
    time,
)
from bot.filter.fields import Entity, Field, Kind, Word


def _pool_states() -> dict[str, Word]:
    allocation = {state: Word(state, f"allocationState eq '{state}'") for state in ("steady", "resizing", "stopping")}
    return states("active", "deleting") | allocation


def _nodes(counts: PoolNodeCounts | None, *states: NodeState) -> tuple[int, ...]:
    if counts is None:
        return (0,)
    return (sum(counted(half, state) for half in (counts.dedicated, counts.low_priority) for state in states),)


POOL: Final = Entity(
    "pool",
    "pools",
    (
        state(_pool_states(), lambda row: low(row.state, row.allocation_state), "state,allocationState"),
        *LIFE,
        Field(
            "size",
            Kind.TEXT,
            lambda row: text(row.vm_size),
            "size",
            ("vmsize", "vm"),
            "vmSize",
            "vmSize",
            EQUALITY,
            always=True,
        ),
        number(
            "nodes",
            lambda row: (row.current_dedicated_nodes + row.current_low_priority_nodes,),
            needs="currentDedicatedNodes,currentLowPriorityNodes",
        ),
        number(
            "dedicated", lambda row: (row.current_dedicated_nodes,), "dedicated nodes", needs="currentDedicatedNodes"
        ),
        number(
            "spot",
            lambda row: (row.current_low_priority_nodes,),
            "spot nodes",
            "lowpriority",
            needs="currentLowPriorityNodes",
        ),
        number(
            "target",
            lambda row: ((row.target_dedicated_nodes or 0) + (row.target_low_priority_nodes or 0),),
            "target nodes",
            needs="targetDedicatedNodes,targetLowPriorityNodes",
        ),
        number("bad", lambda c: _nodes(c, *BAD_NODES), "bad nodes", counted=True),
        number("running", lambda c: _nodes(c, "running"), "running nodes", counted=True),
        number("idle", lambda c: _nodes(c, "idle"), "idle nodes", counted=True),
        number("unusable", lambda c: _nodes(c, "unusable"), "unusable nodes", counted=True),
        number("preempted", lambda c: _nodes(c, "preempted"), "preempted nodes", counted=True),
        flag(
            "autoscale",
            lambda row: (row.enable_auto_scale,),
            Word("autoscale", "enableAutoScale eq true"),
            Word("no autoscale"),
            needs="enableAutoScale",
        ),
        Field(
            "error",
            Kind.TEXT,
            lambda row: text(
                *(code for error in row.resize_errors for code in dict.fromkeys((error.code, error_text(error)[0]))),
                row.auto_scale_run.error.code if row.auto_scale_run and row.auto_scale_run.error else "",
            ),
            "error",
            ("errors",),
            "resizeErrors,autoScaleRun",
        ),
        time("resized", "allocationStateTransitionTime", "allocation since", "allocated"),
        MODIFIED,
        number("slots", lambda row: (row.task_slots_per_node,), "task slots a node", needs="taskSlotsPerNode"),
        META,
    ),
)


_NODE_STATES = states(*get_args(NodeState), **{state: facts.word for state, facts in NODES.items()})
_BAD = Word(
    "bad",
    "({})".format(" or ".join(_NODE_STATES[state].yes for state in BAD_NODES)),
    "({})".format(" and ".join(_NODE_STATES[state].no for state in BAD_NODES)),
)


def _node_words(row: Any) -> tuple[str, ...]:
    state = row.state.lower()
    return (state, "bad") if is_bad(state) else text(state)


NODE: Final = Entity(
    "node",
    "nodes",
    (
        state({**_NODE_STATES, "bad": _BAD}, _node_words),
        Field("id", Kind.TEXT, ID.read, "", ("name", "node"), "id", always=True),
        AGE,
        SINCE,
        Field(
            "scheduling",
            Kind.STATE,
            lambda row: low(row.scheduling_state),
            "scheduling",
            (),
            "schedulingState",
            words={"enabled": Word("enabled"), "disabled": Word("disabled")},
        ),
        flag("spot", lambda row: (not row.is_dedicated,), Word("spot"), Word("dedicated"), needs="isDedicated"),
        flag("dedicated", lambda row: (row.is_dedicated,), Word("dedicated"), Word("spot"), needs="isDedicated"),
        number("tasks", lambda row: (row.running_tasks_count,), "running tasks", "running", needs="runningTasksCount"),
        number("slots", lambda row: (row.running_task_slots_count,), "running slots", needs="runningTaskSlotsCount"),
        number("ran", lambda row: (row.total_tasks_run,), "tasks run", "total", needs="totalTasksRun"),
        Field("ip", Kind.TEXT, lambda row: text(row.ip_address), "address", ("address", "ipaddress"), "ipAddress"),
        Field("size", Kind.TEXT, lambda row: text(row.vm_size), "size", ("vmsize", "vm"), "vmSize"),
        Field(
            "error", Kind.TEXT, lambda row: text(*(error.code for error in row.errors)), "error", ("errors",), "errors"
        ),
        time("booted", "lastBootTime", "booted", "boot"),
        time("allocated", "allocationTime", "allocated", "created"),
        Field(
            "setup",
            Kind.STATE,
            lambda row: low(*part(row, "start_task_info", "state"), *part(row, "start_task_info", "result")),
            "start task",
            ("starttask",),
            "startTaskInfo",
            words={
                "running": Word("running", "startTaskInfo/state eq 'running'"),
                "completed": Word("completed", "startTaskInfo/state eq 'completed'"),
                "success": Word("success", "startTaskInfo/result eq 'success'"),
                "failure": Word("failure", "startTaskInfo/result eq 'failure'"),
            },
        ),
        Field(
            "exit",
            Kind.NUMBER,
            lambda row: part(row, "start_task_info", "exit_code"),
            "exit code of the start task",
            ("exitcode",),
            "startTaskInfo",
            "startTaskInfo/exitCode",
            ORDER,
        ),
    ),
    named="id",
)
