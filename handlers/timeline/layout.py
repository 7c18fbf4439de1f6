"""Facts of a timeline laid out as rows of a picture, and told in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.task_timeline.lanes import NOWHERE, NodeLanes, busy_seconds, lanes_of, put_backs, use_of
from bot.domain.task_timeline.phases import Course, Phase, took, words
from bot.domain.task_timeline.phases import Stage as Went
from bot.domain.task_timeline.waits import WAITS, TaskSpans
from bot.domain.task_timeline.waits import Span as Fact
from cards.build import muted, text
from cards.card import Bullets, Text, Time
from cards.charts.timeline import NAMES, Kind, Mark, Queue, Row, Span, Stage
from cards.formatting import number, percents, plural

FEW_TASKS = 24
"""Tasks up to which each has a row of its own."""
MOST_TASKS, MOST_NODES, MOST_LANES = 2500, 60, 120
"""Up to which every run is drawn where it ran; above, how busy nodes were is."""
_DENSE_ROWS, _BINS, _TOLD, _MARKED = 48, 240, 6, 3
_COLOURS: dict[Went, Kind] = {"full": "slots", "order": "held", "run": "run", "last": "run", "none": "unknown"}
_ON_NODES: tuple[Kind, ...] = WAITS


def rows_of(tasks: Sequence[TaskSpans], course: Course) -> tuple[tuple[Row, ...], str]:
    """The rows, and what they are in words: tasks, nodes with every run, or how busy nodes were."""
    if len(tasks) <= FEW_TASKS:
        ordered = sorted(tasks, key=lambda each: (each.spans[-1].begin if each.spans else 0.0, each.task.id))
        return tuple(Row(each.task.id, (spans(each.spans, course.begin),)) for each in ordered), plural(
            len(tasks), "task"
        )
    nodes = lanes_of(tasks)
    slots = sum(len(node.lanes) for node in nodes)
    about = f"{plural(len(nodes), 'node')} with {plural(slots, 'slot')} in use"
    if len(tasks) <= MOST_TASKS and len(nodes) <= MOST_NODES and slots <= MOST_LANES:
        return tuple(_node_row(node, course.begin) for node in nodes), about
    used = use_of(nodes, course.begin, course.end, _BINS, _DENSE_ROWS)
    together = max((len(each.nodes) for each in used), default=1)
    about += f", {plural(together, 'node')} a row" if together > 1 else ""
    return tuple(
        Row(
            _numbers(n * together + 1, len(each.nodes)) if together > 1 else _named(each.nodes[0]),
            shares=each.shares,
            failures=each.failures,
        )
        for n, each in enumerate(used)
    ), about


def _numbers(first: int, many: int) -> str:
    """``8 – 14``: in the order in which they began to work; the subtitle says that these are nodes."""
    return f"{number(first)} – {number(first + many - 1)}" if many > 1 else number(first)


def _node_row(node: NodeLanes, begin: float) -> Row:
    return Row(_named(node.node), tuple(spans(lane, begin) for lane in node.lanes))


def _named(node: str) -> str:
    return "node unknown" if node == NOWHERE else node


def spans(facts: Sequence[Fact], begin: float) -> tuple[Span, ...]:
    """Spans as the picture has them, in seconds after its beginning."""
    return tuple(Span(each.kind, round(each.begin - begin, 2), round(each.end - begin, 2)) for each in facts)


def queue_of(tasks: Sequence[TaskSpans], course: Course) -> tuple[Queue, ...]:
    """How many waited for what; nothing where each has its own row, or none ever waited."""
    if len(tasks) <= FEW_TASKS or course.seconds <= 0:
        return ()
    step, found = course.seconds / _BINS, []
    for kind in (*_ON_NODES, "unknown"):
        of_kind = [span for task in tasks for span in task.spans if span.kind == kind]
        if of_kind:
            values = busy_seconds(of_kind, course.begin, course.end, _BINS) / step
            found.append(Queue(kind, tuple(round(max(0.0, float(value)), 2) for value in values)))
    return tuple(found)


def stages_of(course: Course) -> tuple[Stage, ...]:
    """The phases of a job, as brackets over the picture."""
    return tuple(
        Stage(_kind(phase), phase.begin - course.begin, phase.end - course.begin, words(phase))
        for phase in course.phases
    )


def _kind(phase: Phase) -> Kind:
    return _COLOURS.get(phase.stage, phase.stage)  # type: ignore[arg-type]


def marks_of(tasks: Sequence[TaskSpans], course: Course) -> tuple[Mark, ...]:
    """When most tasks were put back into the queue."""
    most = sorted(put_backs(tasks, course.seconds / 50), key=lambda each: -each.tasks)[:_MARKED]
    return tuple(
        Mark(each.at - course.begin, f"{plural(each.tasks, 'task')} put back")
        for each in sorted(most, key=lambda each: each.at)
    )


def told_phases(course: Course) -> Bullets:
    """The longest phases in their order, each with when it began."""
    shares = percents([phase.end - phase.begin for phase in course.phases], course.seconds)
    phases = list(zip(course.phases, shares, strict=True))
    longest = sorted(phases, key=lambda each: each[0].begin - each[0].end)[:_TOLD]
    lines: list[Text] = [
        text(
            Time(moment(phase.begin), "clock"),
            f" {words(phase)}",
            muted(f" · {share}"),
        )
        for phase, share in sorted(longest, key=lambda each: each[0].begin)
    ]
    if (more := len(course.phases) - len(longest)) > 0:
        lines.append(text(muted(f"and {number(more)} shorter")))
    return Bullets(tuple(lines))


def told_waits(course: Course) -> str:
    """``12 min on average: waits for a slot 9 min, boot 3 min``: of a task."""
    if not course.waited:
        return "not at all"
    kinds = sorted(
        ((kind, seconds) for kind, seconds in course.by_kind.items() if kind in WAITS), key=lambda each: -each[1]
    )
    parts = [f"{NAMES[kind]} {each(seconds, course.tasks)}" for kind, seconds in kinds[:3]]
    average = each(course.waited, course.tasks)
    if len(kinds) == 1:
        return f"{average} on average ({NAMES[kinds[0][0]]})" if course.tasks > 1 else parts[0]
    return f"{average}{' on average' if course.tasks > 1 else ''}: {', '.join(parts)}"


def each(seconds: float, tasks: int) -> str:
    """What it came to for one task."""
    return took(seconds / max(1, tasks))


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a moment."""
    return datetime.fromtimestamp(seconds, UTC)
