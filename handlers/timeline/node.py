"""How one node came up, and what it ran."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Node
from bot.domain.states import is_bad, word
from bot.domain.task_timeline.phases import took
from bot.domain.task_timeline.single import NodeLife, node_finding, node_life
from bot.domain.task_timeline.waits import Span as Fact
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, facts, text, when
from cards.card import Block, Bullets, Button, Card, Picture, Text, Time, Words
from cards.card import Mark as Status
from cards.charts.timeline import NAMES, Mark, Row, Timeline, timeline_alt
from cards.formatting import moment_words, number, percent, plural
from handlers.history.forgotten import or_forgotten
from handlers.shared.common import line, section, titled
from handlers.shared.missing import finding_node
from handlers.shared.states import node_chip
from handlers.timeline.gone import KeptLife, kept_life
from handlers.timeline.layout import moment, spans

_NODE = (
    "id,state,stateTransitionTime,isDedicated,allocationTime,lastBootTime,startTaskInfo,recentTasks,totalTasksRun,"
    "runningTasksCount"
)
_TOLD, _DRAWN = 8, 24
_GONE = ("preempted", "unusable", "offline", "unknown", "starttaskfailed", "deallocated")
"""States whose beginning is marked: from then on it does no work."""


@command("timeline node", effect="read", examples=["timeline node gpu-a tvmps_0f3…_d"])
async def node_timeline(ctx: Context, pool: str, node: str, *, account: str | None = None) -> Card:
    """Draw how a node came up (boot, start task) and which tasks it ran when.

    :param pool: the pool's id
    :param node: the node's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "node", node, pool), finding_node(ctx, source, pool, node):
        try:
            found = await source.fetch(Node, source.node(pool, node), select=_NODE)
        except AzureError as error:
            kept = await kept_life(ctx, source, pool, node) if error.not_found else None
            if kept is None:
                raise
            return _of_gone(ctx, source, pool, kept)
    life = node_life(found.value, found.at)
    state = node_chip(found.value.state)
    actions = build.actions(
        Button("Node", line(ctx, source, "node show", pool, found.value.id), style="primary"),
        Button("Why", line(ctx, source, "why node", pool, found.value.id)) if is_bad(found.value.state) else None,
        Button("Start task log", line(ctx, source, "nodelog", pool, found.value.id)),
        Button("Pool", line(ctx, source, "pool show", pool)),
        Button("Refresh", line(ctx, source, "timeline node", pool, found.value.id), how="edit"),
    )
    if life is None:
        return Card(
            title=titled(f"Timeline of node {found.value.id}", text(state), f"pool {pool}"),
            mark=state.mark,
            as_of=found.at,
            blocks=blocks(Words(text("There is nothing to draw: it ran no task and says no times.")), actions),
        )
    chart = _chart(ctx, source, pool, found.value, life, found.at)
    return Card(
        title=titled(chart.headline, f"node {found.value.id}", text(state), f"pool {pool}"),
        mark=state.mark,
        as_of=found.at,
        blocks=blocks(
            Picture(
                f"timeline-{source.name}-{pool}-{found.value.id}",
                timeline_alt(chart),
                chart,
                f"Timeline of {found.value.id}",
            ),
            facts(
                ("Allocated", when(found.value.allocation_time)),
                *((NAMES[span.kind].capitalize(), took(span.seconds)) for span in life.coming if span.kind != "failed"),
                ("Ready", when(moment(life.ready)) if life.ready is not None else None),
                ("Ran tasks", f"{took(life.busy)}, {percent(life.busy, life.end - life.begin)} of the time"),
            ),
            *section("Last tasks", _tasks(life)),
            _small_print(found.value, life),
            actions,
        ),
    )


def _of_gone(ctx: Context, source: Account, pool: str, kept: KeptLife) -> Card:
    """The same of a node that is gone, as far as it was kept."""
    node, life = kept.node, kept.life
    drawn = replace(_chart(ctx, source, pool, node, life, kept.until), headline=kept.words, marks=kept.marks)
    return Card(
        title=titled(drawn.headline, f"node {node.id}", "Batch no longer knows it", f"pool {pool}"),
        mark=Status.STOPPED,
        as_of=source.now(),
        blocks=blocks(
            Picture(f"timeline-{source.name}-{pool}-{node.id}", timeline_alt(drawn), drawn, f"Timeline of {node.id}"),
            facts(
                ("Allocated", when(node.allocation_time)),
                ("Boot", took(life.seconds("boot")) if life.coming else None),
                ("Seen last", when(kept.until)),
            ),
            *section("Tasks that failed on it", _tasks(life)),
            build.note("Of a node that is gone only its boot, its troubles and what failed on it were kept."),
            build.actions(
                Button("Why", line(ctx, source, "why node", pool, node.id), style="primary"),
                Button("History", line(ctx, source, "node history", pool, node.id)),
                Button("Pool", line(ctx, source, "pool show", pool)),
            ),
        ),
    )


def _chart(ctx: Context, source: Account, pool: str, node: Node, life: NodeLife, at: datetime) -> Timeline:
    rows = [Row("node", (spans(life.coming, life.begin),), strong=True)] if life.coming else []
    rows += [Row(task.task, (spans([task.span], life.begin),)) for task in life.tasks[-_DRAWN:]]
    return Timeline(
        headline=node_finding(life),
        subtitle=f"{source.name} · {pool} · {node.id} · {moment_words(at.astimezone(ZoneInfo(ctx.zone)))}",
        since=moment(life.begin),
        until=moment(life.end),
        rows=tuple(rows),
        zone=ctx.zone,
        marks=_marks(node, life),
        rows_are=f"the node and {plural(len(life.tasks), 'task')}",
    )


def _marks(node: Node, life: NodeLife) -> tuple[Mark, ...]:
    since = node.state_transition_time
    if node.state.lower() not in _GONE or since is None or not life.begin <= since.timestamp() <= life.end:
        return ()
    return (Mark(since.timestamp() - life.begin, word(node.state)),)


def _tasks(life: NodeLife) -> Bullets | None:
    """The newest first."""
    lines: list[Text] = [
        text(Time(moment(task.span.begin), "clock"), " ", code(task.task), f" of {task.job}: {_ran(task.span)}")
        for task in reversed(life.tasks[-_TOLD:])
    ]
    if (more := len(life.tasks) - len(lines)) > 0:
        lines.append(text(f"and {number(more)} before"))
    return Bullets(tuple(lines)) if lines else None


def _ran(span: Fact) -> str:
    return f"{took(span.seconds)}{', failed' if span.kind == 'failed' else ''}"


def _small_print(node: Node, life: NodeLife) -> Block | None:
    if life.whole:
        return None
    return build.note(
        f"A node tells of its last tasks only: {number(len(life.tasks))} of {plural(node.total_tasks_run, 'task')} "
        "that it ran."
    )
