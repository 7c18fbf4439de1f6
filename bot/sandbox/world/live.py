"""Things that live: each holds the body the wire answers and what the simulation knows beside it.

A `LiveTask` is its own body, to keep a hundred thousand of them small: it carries the fields one may filter by under
the wire's names, and shares its specification and its behaviour with the other tasks of its batch.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct

from bot.sandbox.entities import Job, JobSchedule, Node, Pool, TaskExecutionInformation, VirtualMachineInfo
from bot.sandbox.entity_parts import ResizeError
from bot.sandbox.entity_specs import TaskDependencies, TaskSpecification
from bot.sandbox.world.behaviour import Cause, MachineBehaviour, Work
from bot.sandbox.world.sizes import VmSize

if TYPE_CHECKING:
    from bot.sandbox.world.autoscale import PoolMetrics
    from bot.sandbox.world.ledger.book import Book
    from bot.sandbox.world.node_users import NodeUser

NODE_STATES = (
    "creating", "idle", "leavingpool", "offline", "preempted", "rebooting", "reimaging", "running", "starting",
    "starttaskfailed", "unusable", "unknown", "waitingforstarttask", "upgradingos", "deallocated", "deallocating",
)  # fmt: skip
"""Every state of a node, in the order of the columns of `NodeCounts`."""


RECENT = 10
"""A node's list of recent tasks holds so many of those that ran or run on it."""


class LiveTask(Struct, gc=False, eq=False, kw_only=True):
    """One task; `run` counts the times it was sent to a node, so that an event of an earlier run is known as stale.

    `held` are the seconds that all its runs took which are over.
    """

    id: str
    spec: TaskSpecification
    work: Work
    command_line: str
    depends_on: TaskDependencies | None = None
    slots: int
    creation_time: datetime
    last_modified: datetime
    state: str
    state_transition_time: datetime
    previous_state: str | None = None
    previous_state_transition_time: datetime | None = None
    execution_info: TaskExecutionInformation
    pool_id: str | None = None
    node_id: str | None = None
    run: int = 0
    held: float = 0.0


class Preparation(Struct, gc=False, kw_only=True):
    """The job preparation (and later release) task of one job on one node; `failed` nodes take no task of the job."""

    node_id: str
    start_time: datetime
    end_time: datetime
    exit_code: int
    release_start_time: datetime | None = None
    release_end_time: datetime | None = None


class LiveNode:
    """One node: `free` slots, the tasks it runs, and whether it is on its way out (`draining`).

    `pending` is an operation that begins when the last task has ended.
    """

    __slots__ = (
        "body", "draining", "free", "left", "life", "number", "pending", "pool", "recent", "running", "shelf",
        "users",
    )  # fmt: skip

    def __init__(self, body: Node, pool: LivePool, number: int, slots: int) -> None:
        self.body = body
        self.pool = pool
        self.number = number
        self.free = slots
        self.running: dict[LiveTask, LiveJob] = {}
        self.recent: deque[tuple[LiveJob, LiveTask, int | None]] = deque(maxlen=RECENT)
        self.shelf: int | None = None
        self.draining = False
        self.pending: Callable[[], None] | None = None
        self.users: dict[str, NodeUser] = {}
        self.left = False
        self.life = 0

    @property
    def id(self) -> str:
        """The node's id."""
        return self.body.id

    @property
    def state(self) -> str:
        """The node's state."""
        return self.body.state

    @property
    def open(self) -> bool:
        """Whether new tasks may be sent here."""
        body = self.body
        waits = self.draining or self.pending is not None
        return body.state in ("idle", "running") and body.scheduling_state == "enabled" and not waits

    def remember(self, job: LiveJob, task: LiveTask, subtask: int | None = None) -> None:
        """The task, or that subtask of it, is the newest of the node's recent ones: the last, as recorded."""
        entry = (job, task, subtask)
        if entry in self.recent:
            self.recent.remove(entry)
        self.recent.append(entry)

    def look_back(self, job: LiveJob, task: LiveTask) -> None:
        """The task ended here before the world began: it is among the recent ones where it is one of the last."""
        past = sorted([*self.recent, (job, task, None)], key=_ended)
        self.recent.clear()
        self.recent.extend(past)


class LivePool:
    """One pool: its nodes, how many are in which state, and those with free slots, by how many.

    Fault injection may make its resize `stuck`, and set `autoscale_fault` to "error" (every evaluation fails) or
    "stale" (nothing is evaluated).
    """

    __slots__ = (
        "_order", "autoscale_fault", "body", "book", "counts", "deallocation", "evaluations", "jobs", "machine",
        "machines", "metrics", "network", "nodes", "number", "open", "resizes", "scaled_at", "serial",
        "shortfall", "size", "slots", "stuck", "waiting",
    )  # fmt: skip

    def __init__(self, body: Pool, size: VmSize, machines: MachineBehaviour, number: int, network: str) -> None:
        self.body = body
        self.size = size
        self.book: Book
        self.machines = machines
        self.number = number
        self.slots = body.task_slots_per_node
        self.nodes: dict[str, LiveNode] = {}
        self.counts: dict[bool, dict[str, int]] = {kind: dict.fromkeys(NODE_STATES, 0) for kind in (True, False)}
        self.open: list[OrderedDict[str, LiveNode]] = [OrderedDict() for _ in range(self.slots + 1)]
        self.jobs: list[LiveJob] = []
        self.network = network
        self.serial = 0
        self.resizes = 0
        self.waiting = False
        self.stuck = False
        self.autoscale_fault: str | None = None
        self.deallocation = "requeue"
        self.shortfall: list[ResizeError] = []
        self.evaluations = 0
        self.metrics: PoolMetrics | None = None
        self.scaled_at: datetime | None = None
        self.machine = _machine(body)
        self._order: list[LiveNode] | None = None

    @property
    def id(self) -> str:
        """The pool's id."""
        return self.body.id

    def rebuilt(self, size: VmSize) -> None:
        """Size, slots or image of the pool, which is empty, may have changed."""
        self.size = size
        self.machine = _machine(self.body)
        if self.slots != self.body.task_slots_per_node:
            self.slots = self.body.task_slots_per_node
            self.open = [OrderedDict() for _ in range(self.slots + 1)]

    def total(self, dedicated: bool) -> int:
        """How many nodes of the kind there are, in whatever state."""
        return sum(self.counts[dedicated].values())

    def ordered(self) -> list[LiveNode]:
        """All nodes in the order the service lists them: by id. The list is kept until nodes come or go."""
        if self._order is None:
            self._order = [self.nodes[node_id] for node_id in sorted(self.nodes)]
        return self._order

    def reordered(self) -> None:
        """Tells that nodes came or went."""
        self._order = None


class LiveJob:
    """One job: its tasks, those ready to run by the slots they need, those that wait for others, those that run.

    `folded` has the ids, in lower case, of tasks whose ids are not in lower case; `instances` the nodes of the subtasks
    of every multi-instance task that has run. A job that is stuck has a list of what was due meanwhile in `held`; of
    others it is None.
    """

    __slots__ = (
        "_order", "auto_pool", "body", "counts", "dependents", "folded", "forced_failures", "held", "instances",
        "life", "number", "plan", "pool", "preparation", "preparations", "ready", "refused", "release",
        "running", "schedule", "slot_counts", "tasks", "waiting",
    )  # fmt: skip

    def __init__(self, body: Job, number: int) -> None:
        self.body = body
        self.number = number
        self.tasks: dict[str, LiveTask] = {}
        self.folded: set[str] = set()
        self.ready: dict[int, deque[LiveTask]] = {}
        self.waiting: dict[str, int] = {}
        self.dependents: dict[str, list[LiveTask]] = {}
        self.running: dict[LiveTask, LiveNode] = {}
        self.preparation = Work(median=12.0)
        self.release = Work(median=6.0)
        self.preparations: dict[str, Preparation] = {}
        self.refused: set[str] = set()
        self.instances: dict[str, list[str]] = {}
        self.counts = [0, 0, 0, 0]
        self.slot_counts = [0, 0, 0, 0]
        self.pool: LivePool | None = None
        self.auto_pool: str | None = None
        self.schedule: LiveSchedule | None = None
        self.plan: Plan | None = None
        self.forced_failures: tuple[Cause, int] | None = None
        self.held: list[tuple[Callable[..., None], tuple[Any, ...]]] | None = None
        self.life = 0
        self._order: list[LiveTask] | None = None

    @property
    def id(self) -> str:
        """The job's id."""
        return self.body.id

    @property
    def state(self) -> str:
        """The job's state."""
        return self.body.state

    def ordered(self) -> list[LiveTask]:
        """All tasks in the order the service lists them: by id. The list is kept until tasks come or go."""
        if self._order is None:
            self._order = sorted(self.tasks.values(), key=_by_id)
        return self._order

    def holds(self, task_id: str) -> bool:
        """Whether there is a task of that id, whatever its case; in constant time, however many tasks there are."""
        folded = task_id.lower()
        return task_id in self.tasks or folded in self.tasks or folded in self.folded

    def hold(self, task: LiveTask) -> None:
        """One more task."""
        self.tasks[task.id] = task
        if (folded := task.id.lower()) != task.id:
            self.folded.add(folded)
        self.reordered()

    def drop(self, task: LiveTask) -> None:
        """One task less."""
        del self.tasks[task.id]
        self.folded.discard(task.id.lower())
        self.reordered()

    def clear(self) -> None:
        """The job is no more, and no list tells of its tasks any longer."""
        self.tasks.clear()
        self.folded.clear()
        self.reordered()

    def reordered(self) -> None:
        """Tells that tasks came or went."""
        self._order = None


class LiveSchedule:
    """One job schedule, how many jobs it made, the one that is not finished, and the plan its jobs' managers follow.

    A `blocked` one makes no jobs, though they are due.
    """

    __slots__ = ("auto_pool", "blocked", "body", "current", "due", "made", "manager", "plan")

    def __init__(self, body: JobSchedule, plan: Plan | None) -> None:
        self.body = body
        self.plan = plan
        self.manager: Work | None = None
        self.made = 0
        self.current: LiveJob | None = None
        self.due = 0
        self.blocked = False
        self.auto_pool: str | None = None

    @property
    def id(self) -> str:
        """The schedule's id."""
        return self.body.id

    @property
    def state(self) -> str:
        """The schedule's state."""
        return self.body.state


Plan: TypeAlias = Callable[[LiveJob], None]
"""What a job manager does to its job when it runs: it adds tasks."""


def _ended(entry: tuple[LiveJob, LiveTask, int | None]) -> datetime:
    return entry[1].state_transition_time


def _by_id(task: LiveTask) -> str:
    return task.id


def _machine(body: Pool) -> VirtualMachineInfo | None:
    config = body.virtual_machine_configuration
    if config is None:
        return None
    image = config.image_reference
    return VirtualMachineInfo(image_reference=msgspec.structs.replace(image, exact_version=image.version))
