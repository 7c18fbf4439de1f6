"""The fields of each entity. Which properties ``$filter`` takes, and with which operators, is from the official page
"OData filters in Batch"; what is not there is left to the client. A new entity is one table.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bot.azure.models import Counts, PoolNodeCounts
from bot.filter.fields import Entity, Field, Kind, Reader, Word

_EQ = frozenset({"eq"})
_EQUALITY = frozenset({"eq", "ne"})
_ORDER = _EQUALITY | {"gt", "ge", "lt", "le"}
_PREFIX = _ORDER | {"startswith"}

BAD_NODE_STATES: Final = ("unusable", "starttaskfailed", "unknown", "offline")
"""What ``state:bad`` means: the node is billed and does no work."""


def _text(*values: str) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _low(*values: str) -> tuple[str, ...]:
    return tuple(value.lower() for value in values if value)


def _some(value: Any) -> tuple[Any, ...]:
    return () if value is None else (value,)


def _part(row: Any, part: str, name: str) -> tuple[Any, ...]:
    """``row.part.name`` where both are there and set."""
    owner = getattr(row, part)
    value = getattr(owner, name) if owner is not None else None
    return () if value is None or value == "" else (value,)


def _word(wire: str, value: str, told: str = "") -> Word:
    return Word(told or value, f"{wire} eq '{value}'", f"{wire} ne '{value}'")


def _states(*values: str, **told: str) -> dict[str, Word]:
    return {value: _word("state", value, told.get(value, "")) for value in values}


def _state(words: dict[str, Word], read: Reader | None = None, needs: str = "state") -> Field:
    return Field("state", Kind.STATE, read or (lambda row: _low(row.state)), needs=needs, always=True, words=words)


def _time(name: str, wire: str, label: str, *aliases: str, always: bool = False, filtered: bool = True) -> Field:
    """A moment at a path of the wire's names; the models have the same path in snake case."""
    first, *rest = ("".join(f"_{c.lower()}" if c.isupper() else c for c in part) for part in wire.split("/"))

    def top(row: Any) -> tuple[Any, ...]:
        return _some(getattr(row, first))

    def below(row: Any) -> tuple[Any, ...]:
        return _part(row, first, rest[0])

    return Field(
        name,
        Kind.TIME,
        below if rest else top,
        label,
        aliases,
        wire.split("/", maxsplit=1)[0],
        wire if filtered else "",
        _ORDER if filtered else frozenset(),
        always,
    )


def _number(name: str, read: Reader, label: str = "", *aliases: str, needs: str = "", counted: bool = False) -> Field:
    return Field(name, Kind.NUMBER, read, label, aliases, needs, counted=counted)


def _flag(name: str, read: Reader, yes: Word, no: Word, *aliases: str, needs: str = "") -> Field:
    return Field(name, Kind.FLAG, read, "", aliases, needs, always=True, words={"yes": yes, "no": no})


_ID = Field("id", Kind.TEXT, lambda row: (row.id,), "", (), "id", "id", _PREFIX, always=True)
_NAME = Field(
    "name", Kind.TEXT, lambda row: _text(row.id, row.display_name), "", ("display",), "id,displayName", always=True
)
_AGE = Field(
    "age",
    Kind.AGE,
    lambda row: _some(row.state_transition_time),
    "in its state",
    ("old",),
    "stateTransitionTime",
    "stateTransitionTime",
    _ORDER,
    always=True,
)
_SINCE = Field(
    "since",
    Kind.TIME,
    _AGE.read,
    "changed",
    (),
    "stateTransitionTime",
    "stateTransitionTime",
    _ORDER,
    always=True,
    opens=True,
)
_CREATED = _time("created", "creationTime", "created", "creation", always=True)
_MODIFIED = _time("modified", "lastModified", "modified", "changed", "lastmodified", always=True)
_META = Field(
    "meta",
    Kind.TEXT,
    lambda row: tuple(f"{m.name}={m.value}" for m in row.metadata),
    "metadata",
    ("metadata", "tag"),
    "metadata",
)
_LIFE = (_ID, _NAME, _AGE, _SINCE, _CREATED)


def _pool_states() -> dict[str, Word]:
    allocation = {state: Word(state, f"allocationState eq '{state}'") for state in ("steady", "resizing", "stopping")}
    return _states("active", "deleting") | allocation


def _nodes(counts: PoolNodeCounts | None, *states: str) -> tuple[int, ...]:
    if counts is None:
        return (0,)
    return (sum(getattr(half, state) for half in (counts.dedicated, counts.low_priority) for state in states),)


POOL: Final = Entity(
    "pool",
    "pools",
    (
        _state(_pool_states(), lambda row: _low(row.state, row.allocation_state), "state,allocationState"),
        *_LIFE,
        Field(
            "size",
            Kind.TEXT,
            lambda row: _text(row.vm_size),
            "size",
            ("vmsize", "vm"),
            "vmSize",
            "vmSize",
            _EQUALITY,
            always=True,
        ),
        _number(
            "nodes",
            lambda row: (row.current_dedicated_nodes + row.current_low_priority_nodes,),
            needs="currentDedicatedNodes,currentLowPriorityNodes",
        ),
        _number(
            "dedicated", lambda row: (row.current_dedicated_nodes,), "dedicated nodes", needs="currentDedicatedNodes"
        ),
        _number(
            "spot",
            lambda row: (row.current_low_priority_nodes,),
            "spot nodes",
            "lowpriority",
            needs="currentLowPriorityNodes",
        ),
        _number(
            "target",
            lambda row: ((row.target_dedicated_nodes or 0) + (row.target_low_priority_nodes or 0),),
            "target nodes",
            needs="targetDedicatedNodes,targetLowPriorityNodes",
        ),
        _number(
            "bad", lambda c: _nodes(c, "unusable", "start_task_failed", "unknown", "offline"), "bad nodes", counted=True
        ),
        _number("running", lambda c: _nodes(c, "running"), "running nodes", counted=True),
        _number("idle", lambda c: _nodes(c, "idle"), "idle nodes", counted=True),
        _number("unusable", lambda c: _nodes(c, "unusable"), "unusable nodes", counted=True),
        _number("preempted", lambda c: _nodes(c, "preempted"), "preempted nodes", counted=True),
        _flag(
            "autoscale",
            lambda row: (row.enable_auto_scale,),
            Word("autoscale", "enableAutoScale eq true"),
            Word("no autoscale"),
            needs="enableAutoScale",
        ),
        Field(
            "error",
            Kind.TEXT,
            lambda row: _text(
                *(error.code for error in row.resize_errors),
                row.auto_scale_run.error.code if row.auto_scale_run and row.auto_scale_run.error else "",
            ),
            "error",
            ("errors",),
            "resizeErrors,autoScaleRun",
        ),
        _time("resized", "allocationStateTransitionTime", "allocation since", "allocated"),
        _MODIFIED,
        _number("slots", lambda row: (row.task_slots_per_node,), "task slots a node", needs="taskSlotsPerNode"),
        _META,
    ),
)


_NODE_STATES = _states(
    "idle",
    "running",
    "rebooting",
    "reimaging",
    "creating",
    "starting",
    "waitingforstarttask",
    "starttaskfailed",
    "unusable",
    "unknown",
    "leavingpool",
    "offline",
    "preempted",
    "upgradingos",
    "deallocating",
    "deallocated",
    waitingforstarttask="waiting for start task",
    starttaskfailed="start task failed",
    leavingpool="leaving pool",
    upgradingos="upgrading OS",
)
_BAD = Word(
    "bad",
    "({})".format(" or ".join(_NODE_STATES[state].yes for state in BAD_NODE_STATES)),
    "({})".format(" and ".join(_NODE_STATES[state].no for state in BAD_NODE_STATES)),
)


def _node_words(row: Any) -> tuple[str, ...]:
    state = row.state.lower()
    return (state, "bad") if state in BAD_NODE_STATES else _text(state)


NODE: Final = Entity(
    "node",
    "nodes",
    (
        _state({**_NODE_STATES, "bad": _BAD}, _node_words),
        Field("id", Kind.TEXT, _ID.read, "", ("name", "node"), "id", always=True),
        _AGE,
        _SINCE,
        Field(
            "scheduling",
            Kind.STATE,
            lambda row: _low(row.scheduling_state),
            "scheduling",
            (),
            "schedulingState",
            words={"enabled": Word("enabled"), "disabled": Word("disabled")},
        ),
        _flag("spot", lambda row: (not row.is_dedicated,), Word("spot"), Word("dedicated"), needs="isDedicated"),
        _flag("dedicated", lambda row: (row.is_dedicated,), Word("dedicated"), Word("spot"), needs="isDedicated"),
        _number("tasks", lambda row: (row.running_tasks_count,), "running tasks", "running", needs="runningTasksCount"),
        _number("slots", lambda row: (row.running_task_slots_count,), "running slots", needs="runningTaskSlotsCount"),
        _number("ran", lambda row: (row.total_tasks_run,), "tasks run", "total", needs="totalTasksRun"),
        Field("ip", Kind.TEXT, lambda row: _text(row.ip_address), "address", ("address", "ipaddress"), "ipAddress"),
        Field("size", Kind.TEXT, lambda row: _text(row.vm_size), "size", ("vmsize", "vm"), "vmSize"),
        Field(
            "error", Kind.TEXT, lambda row: _text(*(error.code for error in row.errors)), "error", ("errors",), "errors"
        ),
        _time("booted", "lastBootTime", "booted", "boot"),
        _time("allocated", "allocationTime", "allocated", "created"),
        Field(
            "setup",
            Kind.STATE,
            lambda row: _low(*_part(row, "start_task_info", "state"), *_part(row, "start_task_info", "result")),
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
            lambda row: _part(row, "start_task_info", "exit_code"),
            "exit code of the start task",
            ("exitcode",),
            "startTaskInfo",
            "startTaskInfo/exitCode",
            _ORDER,
        ),
    ),
    named="id",
)


def _run(row: Any) -> tuple[tuple[datetime, datetime | None], ...]:
    run = row.execution_info
    return ((run.start_time, run.end_time),) if run is not None and run.start_time is not None else ()


_STARTED = _time("started", "executionInfo/startTime", "started", "start")
_ENDED = _time("ended", "executionInfo/endTime", "ended", "end", "finished", "completed")
_RAN = Field(
    "ran", Kind.SPAN, _run, "ran", ("runtime", "duration", "took"), "executionInfo", "executionInfo/startTime", _ORDER
)


def _counted(name: str, label: str, *aliases: str, of: str = "") -> Field:
    def read(counts: Counts | None) -> tuple[int, ...]:
        return (getattr(counts, of or name),) if counts is not None else ()

    return _number(name, read, label, *aliases, counted=True)


def _all_tasks(counts: Counts | None) -> tuple[int, ...]:
    return (counts.active + counts.running + counts.completed,) if counts is not None else ()


_JOB_STATES = _states("active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting")
JOB: Final = Entity(
    "job",
    "jobs",
    (
        _state(_JOB_STATES),
        *_LIFE,
        Field(
            "pool",
            Kind.TEXT,
            lambda row: _part(row, "execution_info", "pool_id"),
            "pool",
            ("poolid",),
            "executionInfo",
            "executionInfo/poolId",
            _PREFIX,
        ),
        _counted("failed", "failed tasks", "failures"),
        _counted("succeeded", "succeeded tasks"),
        _counted("running", "running tasks"),
        _counted("waiting", "waiting tasks", "queued", of="active"),
        _counted("done", "completed tasks", of="completed"),
        _number("tasks", _all_tasks, "tasks", counted=True),
        _number("priority", lambda row: (row.priority,), "priority", needs="priority"),
        _STARTED,
        _ENDED,
        _RAN,
        _MODIFIED,
        Field(
            "schedule",
            Kind.TEXT,
            lambda row: _text(row.id.rpartition(":job-")[0]),
            "schedule",
            (),
            "id",
        ),
        Field(
            "reason",
            Kind.TEXT,
            lambda row: _part(row, "execution_info", "terminate_reason"),
            "ended because",
            ("terminatereason",),
            "executionInfo",
        ),
        Field(
            "error",
            Kind.TEXT,
            lambda row: (
                _text(row.execution_info.scheduling_error.code)
                if row.execution_info and row.execution_info.scheduling_error
                else ()
            ),
            "error",
            ("schedulingerror",),
            "executionInfo",
        ),
        _META,
    ),
)
SCHEDULE_JOB: Final = JOB.client_side("job of a schedule", "id")
"""The jobs of one schedule: the service does not filter them by id."""


def _failed(row: Any) -> bool:
    run = row.execution_info
    return row.state.lower() == "completed" and run is not None and run.result.lower() == "failure"


def _task_words(row: Any) -> tuple[str, ...]:
    state = row.state.lower()
    if state != "completed":
        return _text(state)
    run = row.execution_info
    result = run.result.lower() if run is not None else ""
    return (state, {"failure": "failed", "success": "succeeded"}.get(result, state))


_FAILED = "state eq 'completed' and executionInfo/result eq 'failure'"
_SUCCEEDED = "state eq 'completed' and executionInfo/result eq 'success'"
_NOT_FAILED = "(state ne 'completed' or executionInfo/result ne 'failure')"
_NOT_SUCCEEDED = "(state ne 'completed' or executionInfo/result ne 'success')"


def _failure_code(row: Any) -> tuple[str, ...]:
    run = row.execution_info
    return _text(run.failure_info.code) if run is not None and run.failure_info is not None else ()


TASK: Final = Entity(
    "task",
    "tasks",
    (
        _state(
            {
                **_states("active", "preparing", "running", "completed"),
                "failed": Word("failed", f"({_FAILED})", _NOT_FAILED),
                "succeeded": Word("succeeded", f"({_SUCCEEDED})", _NOT_SUCCEEDED),
            },
            _task_words,
            "state,executionInfo",
        ),
        *_LIFE,
        _flag(
            "failed",
            lambda row: (_failed(row),),
            Word("failed", f"({_FAILED})"),
            Word("not failed", _NOT_FAILED),
            "failure",
            needs="state,executionInfo",
        ),
        Field(
            "exit",
            Kind.NUMBER,
            lambda row: _part(row, "execution_info", "exit_code"),
            "exit code",
            ("exitcode", "code"),
            "executionInfo",
            "executionInfo/exitCode",
            _ORDER,
        ),
        Field(
            "error",
            Kind.TEXT,
            _failure_code,
            "error",
            ("failureinfo", "cause"),
            "executionInfo",
            implies="executionInfo/result eq 'failure'",
        ),
        Field(
            "result",
            Kind.STATE,
            lambda row: _low(*_part(row, "execution_info", "result")),
            "result",
            (),
            "executionInfo",
            words={
                "success": Word("success", "executionInfo/result eq 'success'"),
                "failure": Word("failure", "executionInfo/result eq 'failure'"),
            },
        ),
        _STARTED,
        _ENDED,
        _RAN,
        _number("retries", lambda row: _part(row, "execution_info", "retry_count"), "", "retry", needs="executionInfo"),
        _number("requeues", lambda row: _part(row, "execution_info", "requeue_count"), needs="executionInfo"),
        Field("node", Kind.TEXT, lambda row: _part(row, "node_info", "node_id"), "node", ("nodeid",), "nodeInfo"),
        Field("pool", Kind.TEXT, lambda row: _part(row, "node_info", "pool_id"), "pool", ("poolid",), "nodeInfo"),
        Field(
            "command", Kind.TEXT, lambda row: _text(row.command_line), "command", ("commandline", "cmd"), "commandLine"
        ),
        _number("slots", lambda row: (row.required_slots,), "required slots", needs="requiredSlots"),
        _time("modified", "lastModified", "modified", "changed", "lastmodified", filtered=False),
    ),
)

_SCHEDULE_STATES = _states("active", "completed", "disabled", "terminating", "deleting")
SCHEDULE: Final = Entity(
    "schedule",
    "schedules",
    (
        _state(_SCHEDULE_STATES),
        *_LIFE,
        _time("next", "executionInfo/nextRunTime", "next run", "nextrun", filtered=False),
        _time("ended", "executionInfo/endTime", "ended", "end", "finished"),
        _time("from", "schedule/doNotRunUntil", "does not run until", "begins", "donotrununtil"),
        _time("until", "schedule/doNotRunAfter", "does not run after", "ends", "donotrunafter"),
        _MODIFIED,
        Field(
            "recent",
            Kind.TEXT,
            lambda row: (
                _text(row.execution_info.recent_job.id) if row.execution_info and row.execution_info.recent_job else ()
            ),
            "recent job",
            ("job",),
            "executionInfo",
        ),
        Field(
            "pool",
            Kind.TEXT,
            lambda row: (
                _text(row.job_specification.pool_info.pool_id)
                if row.job_specification and row.job_specification.pool_info
                else ()
            ),
            "pool",
            ("poolid",),
            "jobSpecification",
        ),
        _META,
    ),
)

ENTITIES: Final = {entity.name: entity for entity in (POOL, NODE, JOB, SCHEDULE_JOB, TASK, SCHEDULE)}
