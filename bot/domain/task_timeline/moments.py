"""What is known of when things happened: of tasks and of nodes, in seconds since 1970, as their models tell it.

The service tells the last run of a task only: of those before there are their number, the last time that it was run
again, and, half an hour after its end, how long all runs took (``TaskStatistics.wallClockTime``). A task that downloads
its resource files or packages counts as running ("the start time reflects the time at which the Task started
downloading or deploying these", TaskExecutionInfo.startTime, REST reference of Azure Batch): these are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from bot.azure.models import Node, duration
from bot.azure.models.node import StartTaskInfo
from bot.azure.models.task import Dependencies, Execution, Task, TaskMoments
from bot.domain.entity import fold
from bot.domain.states import is_over
from bot.domain.trends.boots import LONGEST_BOOT
from storage.port.timings import NodeBoot


class TaskFacts(Struct, frozen=True, gc=False):
    """One task: when it was made, began its last run, and ended (None: not yet); ``state`` in lower case.

    ``began`` is None, too, where it was ended before it ran. ``changed`` is when it came into its state. ``again`` is
    how often it was run again, ``requeued`` how often of these it was put back into the queue (its node was lost,
    taken back or rebooted, or its job was disabled: which of these is told nowhere); ``last_again`` the last such
    moment, ``last_back`` whether that was one of the latter. ``before`` are the seconds of the runs before, None where
    nobody knows.
    """

    id: str
    made: float
    state: str
    changed: float
    began: float | None = None
    ended: float | None = None
    failed: bool = False
    again: int = 0
    requeued: int = 0
    last_again: float | None = None
    last_back: bool = False
    before: float | None = None
    node: str = ""
    after: Dependencies | None = None


class NodeFacts(Struct, frozen=True, gc=False):
    """One node: when it was allocated, had booted, and could take tasks (None: not yet, or unknown)."""

    id: str
    allocated: float | None = None
    booted: float | None = None
    usable: float | None = None


def task_facts(tasks: Iterable[TaskMoments | Task]) -> list[TaskFacts]:
    """The tasks that say when they were made."""
    return [_task(task, task.creation_time) for task in tasks if task.creation_time]


def _task(task: TaskMoments | Task, made: datetime) -> TaskFacts:
    run = task.execution_info or Execution()
    over = is_over(task.state)
    began = run.start_time
    requeue, retry = run.last_requeue_time, run.last_retry_time
    back = bool(requeue and (retry is None or requeue >= retry))
    last = requeue if back else retry
    if began is None or (not over and task.state.lower() != "running"):
        began = None  # what an active or preparing task tells of is the run before
    end = run.end_time if over else None
    return TaskFacts(
        task.id,
        made.timestamp(),
        task.state.lower(),
        (task.state_transition_time or made).timestamp(),
        began.timestamp() if began else None,
        end.timestamp() if end else None,
        over and run.result.lower() == "failure",
        run.retry_count + run.requeue_count,
        run.requeue_count,
        last.timestamp() if last else None,
        back,
        _before(task, run) if run.retry_count + run.requeue_count else None,
        fold(task.node_info.node_id) if task.node_info else "",
        task.depends_on,
    )


def _before(task: TaskMoments | Task, run: Execution) -> float | None:
    """Seconds of the runs before the last; None where the statistics are missing or older than the end."""
    stats = task.stats
    if stats is None or stats.last_update_time is None or run.end_time is None or run.start_time is None:
        return None
    whole = duration(stats.wall_clock_time)
    if whole is None or stats.last_update_time < run.end_time:
        return None
    return max(0.0, (whole - (run.end_time - run.start_time)).total_seconds())


def node_facts(nodes: Sequence[Node], boots: Sequence[NodeBoot] = ()) -> list[NodeFacts]:
    """Nodes that are there, and those of which the boot was kept when they are gone."""
    found = {fold(boot.node): _booted(boot) for boot in boots}
    for node in nodes:
        found[fold(node.id)] = _node(node)
    return list(found.values())


def _booted(boot: NodeBoot) -> NodeFacts:
    up = (boot.allocated + timedelta(seconds=boot.seconds)).timestamp()
    return NodeFacts(fold(boot.node), boot.allocated.timestamp(), up, up)


def _node(node: Node) -> NodeFacts:
    """Of a node that was rebooted since, its first boot is not known: it is taken to be up from its allocation."""
    allocated, boot = node.allocation_time, node.last_boot_time
    if allocated is None:
        return NodeFacts(fold(node.id))
    if boot is None:
        up = node.state.lower() in ("idle", "running")
        return NodeFacts(fold(node.id), allocated.timestamp(), None, allocated.timestamp() if up else None)
    if not timedelta() <= boot - allocated <= LONGEST_BOOT:
        return NodeFacts(fold(node.id), allocated.timestamp(), allocated.timestamp(), allocated.timestamp())
    start = node.start_task_info
    usable = boot.timestamp() if start is None else _prepared(start, boot)
    return NodeFacts(fold(node.id), allocated.timestamp(), boot.timestamp(), usable)


def _prepared(start: StartTaskInfo, boot: datetime) -> float | None:
    """When the start task was over: None where it goes on or has failed."""
    if start.end_time is None or start.result.lower() == "failure":
        return None
    return max(boot, start.end_time).timestamp()
