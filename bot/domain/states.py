"""The states of pools, nodes, jobs, tasks and schedules: what each means, in one table for each kind of entity.

State words are the service's in lower case; its own case differs from answer to answer, so find them with the
functions here. ``tone`` names how a state is to be felt; cards give each tone its colour and symbol. What node states
are drawn like in pictures (their letter and colour) is :mod:`cards.charts.node_states`.

Sources: the enumerations of the Batch REST reference, and "Nodes and pools in Azure Batch" for what a node of a state
does. All nodes but preempted and deallocated ones have a machine, and are billed whether they work or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from bot.azure.models import NodeCounts

Tone: TypeAlias = Literal["running", "idle", "changing", "done", "failed", "warning", "stopped", "neutral"]
"""How a state is to be felt: the values of :class:`cards.card.Mark`."""
NodeState: TypeAlias = Literal[
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
]
JobState: TypeAlias = Literal["active", "disabling", "disabled", "enabling", "terminating", "completed", "deleting"]
ScheduleState: TypeAlias = Literal["active", "disabled", "terminating", "deleting", "completed"]
Role: TypeAlias = Literal["works", "idle", "coming", "leaving", "bad", "gone"]
"""What a node is good for: it works; it could; it will (booting, start task); it goes; it has a machine and does no
work; it has none."""


class State(Struct, frozen=True):
    """A state in words, and its tone."""

    word: str
    tone: Tone


class NodeStateFacts(State, frozen=True, kw_only=True):
    """A node's state. ``column`` is its name in :class:`~bot.azure.models.NodeCounts`.

    ``trouble`` ranks the states that somebody should know of, 1 the worst; 0 for the others.
    """

    column: str
    role: Role
    trouble: int = 0

    @property
    def bills(self) -> bool:
        """Whether it has a machine, which is billed and counts against the quota of cores."""
        return self.role != "gone"

    @property
    def takes_tasks(self) -> bool:
        """Whether tasks can run on it now."""
        return self.role in ("works", "idle")


def _node(word: str, tone: Tone, role: Role, column: str = "", trouble: int = 0) -> NodeStateFacts:
    return NodeStateFacts(word, tone, column=column or word, role=role, trouble=trouble)


NODES: Final[Mapping[NodeState, NodeStateFacts]] = MappingProxyType(
    {
        "running": _node("running", "running", "works"),
        "idle": _node("idle", "idle", "idle"),
        "creating": _node("creating", "changing", "coming"),
        "starting": _node("starting", "changing", "coming"),
        "waitingforstarttask": _node("waiting for start task", "changing", "coming", "waiting_for_start_task"),
        "rebooting": _node("rebooting", "changing", "coming"),
        "reimaging": _node("reimaging", "changing", "coming"),
        "upgradingos": _node("upgrading OS", "changing", "coming", "upgrading_os"),
        "leavingpool": _node("leaving pool", "changing", "leaving", "leaving_pool"),
        "starttaskfailed": _node("start task failed", "failed", "bad", "start_task_failed", trouble=2),
        "unusable": _node("unusable", "failed", "bad", trouble=1),
        "unknown": _node("unknown", "warning", "bad", trouble=3),
        "offline": _node("offline", "stopped", "bad", trouble=4),
        "preempted": _node("preempted", "warning", "gone", trouble=5),
        "deallocating": _node("deallocating", "changing", "leaving"),
        "deallocated": _node("deallocated", "stopped", "gone"),
    }
)
"""The sixteen states of a node, in the order people search for them."""
TROUBLED_NODES: Final[tuple[NodeState, ...]] = tuple(
    sorted((state for state, facts in NODES.items() if facts.trouble), key=lambda state: NODES[state].trouble)
)
"""States in which a node does no work and gets none, worst first: the bad ones and preempted."""
BAD_NODES: Final[tuple[NodeState, ...]] = tuple(state for state in TROUBLED_NODES if NODES[state].role == "bad")
"""States in which a node is billed and does no work, worst first; what ``bad`` means on cards and in filters."""

POOLS: Final[Mapping[str, State]] = MappingProxyType(
    {"active": State("active", "running"), "deleting": State("deleting", "changing")}
)
ALLOCATIONS: Final[Mapping[str, State]] = MappingProxyType(
    {
        "steady": State("steady", "running"),
        "resizing": State("resizing", "changing"),
        "stopping": State("stopping", "changing"),
    }
)
JOBS: Final[Mapping[JobState, State]] = MappingProxyType(
    {
        "active": State("active", "running"),
        "disabling": State("disabling", "changing"),
        "disabled": State("disabled", "stopped"),
        "enabling": State("enabling", "changing"),
        "terminating": State("terminating", "changing"),
        "completed": State("completed", "done"),
        "deleting": State("deleting", "changing"),
    }
)
TASKS: Final[Mapping[str, State]] = MappingProxyType(
    {
        "active": State("active", "idle"),
        "preparing": State("preparing", "changing"),
        "running": State("running", "running"),
        "completed": State("completed", "done"),
    }
)
SCHEDULES: Final[Mapping[ScheduleState, State]] = MappingProxyType(
    {
        "active": State("active", "running"),
        "completed": State("completed", "done"),
        "disabled": State("disabled", "stopped"),
        "terminating": State("terminating", "changing"),
        "deleting": State("deleting", "changing"),
    }
)
CERTIFICATES: Final[Mapping[str, State]] = MappingProxyType(
    {
        "active": State("active", "running"),
        "deleting": State("deleting", "changing"),
        "deletefailed": State("delete failed", "failed"),
    }
)
PACKAGES: Final[Mapping[str, State]] = MappingProxyType(
    {"active": State("active", "running"), "pending": State("pending", "changing")}
)
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "batchmanaged": "managed by Batch",
        "batchservice": "by Batch",
        "cachedisk": "cache disk",
        "clienterror": "client error",
        "confidentialvm": "confidential VM",
        "containerimagedefault": "the image's own directory",
        "cricompatible": "CRI-compatible",
        "creationtime": "creation time",
        "diskwithvmgueststate": "disk with VM guest state",
        "dockercompatible": "Docker-compatible",
        "jobprep": "job preparation",
        "jobschedule": "job schedule",
        "noaction": "no action",
        "nonadmin": "non-admin",
        "nonpersistedtpm": "non-persisted TPM",
        "nopublicipaddresses": "no public IP addresses",
        "osdisk": "OS disk",
        "performexitoptionsjobaction": "the action of its exit conditions",
        "premium_lrs": "premium SSD",
        "readonly": "read-only",
        "readwrite": "read and write",
        "retaineddata": "until retained data is gone",
        "servererror": "server error",
        "standard_lrs": "standard HDD",
        "standardssd_lrs": "standard SSD",
        "taskcompletion": "until tasks end",
        "taskfailure": "when the task fails",
        "tasksuccess": "when the task succeeds",
        "taskworkingdirectory": "the task's working directory",
        "temporarydisk": "temporary disk",
        "terminatejob": "end the job",
        "trustedlaunch": "trusted launch",
        "userassigned": "user-assigned",
        "usererror": "user error",
        "usermanaged": "managed by the user",
        "usersubscription": "in the subscription",
        "vfsmounts": "mounted file systems",
        "vmgueststateonly": "VM guest state only",
    }
)
"""What is set of pools, jobs and tasks, where the service's value is several words in one."""
_WORDS: Final = {
    name: facts.word
    for table in (NODES, POOLS, ALLOCATIONS, JOBS, TASKS, SCHEDULES, CERTIFICATES, PACKAGES)
    for name, facts in table.items()
} | dict(SETTINGS)


def facts_of(table: Mapping[Any, State], state: str) -> State:
    """The facts of a state in any case; one that the table does not know is its own word, and neutral."""
    return table.get(state.lower()) or State(word(state), "neutral")


def word(state: str) -> str:
    """A state, or a value that is set, in words: ``starttaskfailed`` becomes "start task failed"."""
    return _WORDS.get(state.lower(), state.lower())


def is_active(state: str) -> bool:
    """Whether a pool, job or schedule is at work."""
    return state.lower() == "active"


def is_over(state: str) -> bool:
    """Whether a job, task or schedule has come to its end."""
    return state.lower() == "completed"


def is_bad(state: str) -> bool:
    """Whether a node of this state is billed and does no work."""
    return state.lower() in BAD_NODES


def counted(counts: NodeCounts, state: NodeState) -> int:
    """How many nodes are in a state."""
    return int(getattr(counts, NODES[state].column))


def total(counts: NodeCounts) -> int:
    """All nodes, whatever their state; summed up where the service leaves its own total out."""
    return counts.total or sum(counted(counts, state) for state in NODES)


def with_machine(counts: NodeCounts) -> int:
    """Nodes that have a machine, and so are billed: all but those that lost it (preempted) or gave it back."""
    without = sum(counted(counts, state) for state, facts in NODES.items() if not facts.bills)
    return max(0, total(counts) - without)
