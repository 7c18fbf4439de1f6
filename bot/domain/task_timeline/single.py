"""One task and one node over time: what each spent its time with, and the finding about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.models import Node
from bot.azure.models.node import RecentTask
from bot.domain.states import is_over
from bot.domain.task_timeline.phases import took
from bot.domain.task_timeline.waits import WAITS, Kind, Span, TaskSpans
from bot.domain.trends.boots import LONGEST_BOOT
from cards.formatting import percent, plural


def task_finding(spans: TaskSpans) -> str:
    """Where most of the time of a task went, in one sentence without its full stop."""
    whole = sum(span.seconds for span in spans.spans)
    if not whole:
        return "It took no time at all"
    task = spans.task
    span = took(whole) + ("" if is_over(task.state) else " so far")
    waited, vain, ran = spans.seconds(*WAITS), spans.seconds("unknown", "earlier"), spans.seconds("run", "failed")
    how = "was put back into the queue" if task.requeued else "was run again"
    again = f"it {how} {plural(task.again, 'time')}" if task.again else ""
    most = max(waited, vain, ran)
    if most == waited:
        parts = sorted(((spans.seconds(kind), kind) for kind in WAITS if spans.seconds(kind)), reverse=True)
        told = ", ".join(f"{took(seconds)} {_WAITED[kind]}" for seconds, kind in parts[:3])
        return f"For {percent(waited, whole)} of {span}, it waited: {told}"
    if most == vain:
        return f"For {percent(vain, whole)} of {span}, it waited or ran in vain: {again}"
    ended = "It ran" if not task.failed else "It failed after it ran"
    before = f", after {took(waited + vain)} of waiting" if waited + vain > 0.01 * whole else ""
    share = "" if ran == whole else f"{percent(ran, whole)} of "
    return f"{ended} for {share}{span}{before}" + (f"; {again}" if again else "")


_WAITED: dict[Kind, str] = {
    "held": "for other tasks",
    "nodes": "until its node was there",
    "boot": "boot of its node",
    "start": "start task of its node",
    "slots": "for a slot",
    "preparation": "for the preparation of its job",
    "requeued": "after it was put back into the queue",
}


class KnownTask(Struct, frozen=True):
    """A task that a node ran, or a part of one that runs on several (``subtask``), with when (seconds since 1970)."""

    job: str
    task: str
    subtask: int | None
    span: Span


class NodeLife(Struct, frozen=True):
    """A node from ``begin`` on: how it came up, which tasks it ran in order, and seconds in which it ran any.

    ``whole`` where the tasks are all that it ever ran, and the time is all of its life; else what is known is its last
    tasks. ``ready`` is when it could take tasks, None where it cannot, or that is not known.
    """

    begin: float
    end: float
    coming: tuple[Span, ...]
    tasks: tuple[KnownTask, ...]
    busy: float
    whole: bool
    ready: float | None

    def seconds(self, kind: str) -> float:
        """How long it was coming up in that way."""
        return sum(span.seconds for span in self.coming if span.kind == kind)


def node_life(node: Node, now: datetime) -> NodeLife | None:
    """What a node tells of its own time; None where that is nothing."""
    end = now.timestamp()
    tasks = tuple(sorted(filter(None, (_known(task, end) for task in node.recent_tasks)), key=lambda t: t.span.begin))
    coming, ready = _coming(node, end)
    whole = len(node.recent_tasks) >= node.total_tasks_run + node.running_tasks_count or not tasks
    if not whole:
        coming = ()
    begins = [span.begin for span in coming] or [task.span.begin for task in tasks]
    if not begins or min(begins) >= end:
        return None
    return NodeLife(min(begins), end, coming, tasks, _covered([task.span for task in tasks]), whole, ready)


def _known(task: RecentTask, now: float) -> KnownTask | None:
    run = task.execution_info
    if run is None or run.start_time is None:
        return None
    over = is_over(task.task_state)
    end = run.end_time.timestamp() if over and run.end_time else now
    begin = run.start_time.timestamp()
    kind = "failed" if over and run.result.lower() == "failure" else "run"
    return KnownTask(task.job_id, task.task_id, task.subtask_id, Span(kind, begin, max(begin, end)))  # type: ignore[arg-type]


def _coming(node: Node, now: float) -> tuple[tuple[Span, ...], float | None]:
    """Its boot and its start task, and when it was ready. Of a node that was rebooted since, its last boot is told."""
    allocated, booted, start = node.allocation_time, node.last_boot_time, node.start_task_info
    found = []
    if allocated and (booted is None or allocated <= booted <= allocated + LONGEST_BOOT):
        found.append(Span("boot", allocated.timestamp(), booted.timestamp() if booted else now))
    ready = booted.timestamp() if booted else None
    if start and start.start_time:
        begin = start.start_time.timestamp()
        ended = start.end_time.timestamp() if start.end_time else now
        failed = start.result.lower() == "failure"
        found.append(Span("failed" if failed else "start", begin, max(begin, ended)))
        ready = ended if start.end_time and not failed else None
    return tuple(span for span in found if span.seconds > 0), ready


def _covered(spans: Sequence[Span]) -> float:
    """Seconds in which at least one of them was."""
    covered, at = 0.0, float("-inf")
    for span in sorted(spans, key=lambda each: each.begin):
        covered += max(0.0, span.end - max(at, span.begin))
        at = max(at, span.end)
    return covered


def node_finding(life: NodeLife) -> str:
    """What a node spent most of its time with, in one sentence without its full stop."""
    whole = life.end - life.begin
    about = took(whole) if life.whole else f"the last {took(whole)}"
    parts = {
        "its boot": life.seconds("boot"),
        "its start task": life.seconds("start"),
        "a start task that failed": life.seconds("failed"),
    }
    most = max(parts, key=parts.__getitem__)
    idle = whole - life.busy - sum(parts.values())
    if parts[most] > max(life.busy, idle):
        return f"{percent(parts[most], whole)} of {about} went into {most}: {took(parts[most])}"
    came = ", ".join(f"{took(seconds)} into {name}" for name, seconds in parts.items() if seconds > 0.01 * whole)
    after = f", {came}" if came else ""
    if life.busy >= idle:
        return f"It ran tasks for {percent(life.busy, whole)} of {about}{after}"
    return f"For {percent(idle, whole)} of {about}, it ran nothing{after}"
