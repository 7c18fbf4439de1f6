"""What one task waited for, and when it ran."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import select_of
from bot.azure.models.task import Dependencies, TaskMoments
from bot.domain.states import is_over
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts, task_facts
from bot.domain.task_timeline.phases import took
from bot.domain.task_timeline.single import task_finding
from bot.domain.task_timeline.waits import Span, TaskSpans, spans_of
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, muted, text
from cards.card import Block, Bullets, Button, Card, Picture, Time, Words
from cards.charts.timeline import NAMES, Row, Timeline, timeline_alt
from cards.formatting import moment_words, number, percents, plural
from handlers.history.forgotten import or_forgotten
from handlers.shared.common import line, section, titled
from handlers.shared.missing import finding_task
from handlers.shared.states import task_chip
from handlers.timeline.layout import moment, spans
from handlers.timeline.past import kept_task
from handlers.timeline.reading import nodes_of, preparations_of, tasks_of

_ASKED, _LISTED, _DRAWN = 4, 5000, 8
"""Tasks that it depends on: asked one by one up to so many; of more so many tasks of the job are read; and drawn."""


@command("timeline task", effect="read", examples=["timeline task nightly:job-12 frame-0021"])
async def task_timeline(ctx: Context, job: str, task: str, *, account: str | None = None) -> Card:
    """Draw what a task waited for (other tasks, its node's boot, a slot, preparation) and when it ran.

    :param job: the job's id
    :param task: the task's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "task", task, job), finding_task(ctx, source, job, task):
        path, select = source.task(job, task), select_of(TaskMoments)
        try:
            found = await source.fetch(TaskMoments, path, select=select, expand="stats")
        except AzureError as error:
            kept = await kept_task(ctx, source, job, task) if error.not_found else None
            if kept is None:
                raise
            return kept
    own = task_facts([found.value])
    if not own:
        raise CommandError(f"Azure does not say when task {found.value.id} was made, so there is no timeline of it.")
    place, at = found.value.node_info, found.at
    nodes: list[NodeFacts] = []
    prepared: dict[str, tuple[float, float]] = {}
    parents, whole = await _parents(source, job, own[0].after)
    if place and place.node_id:
        made = found.value.creation_time or at
        nodes, prepared = await asyncio.gather(
            nodes_of(ctx, source, place.pool_id, made, at, place.node_id), preparations_of(source, job, at)
        )
    (spent,) = spans_of(own, nodes, prepared, at.timestamp(), parents)
    return _card(ctx, source, job, found.value, at, spent, [*_rows(spent, nodes, parents)], whole)


async def _parents(source: Account, job: str, after: Dependencies | None) -> tuple[list[TaskFacts], bool]:
    """What it depends on, as far as that was read, and whether it was all."""
    if after is None or not (after.task_ids or after.task_id_ranges):
        return [], True
    if after.task_id_ranges or len(after.task_ids) > _ASKED:
        read = await gaps.maybe(f"tasks of job {job}", tasks_of(source, job, _LISTED))
        every = task_facts(read.tasks) if read else []
        return [each for each in every if _named(each.id, after)], read is not None and not read.more
    select = select_of(TaskMoments)
    read_each = (
        gaps.maybe(f"task {each}", source.fetch(TaskMoments, source.task(job, each), select=select))
        for each in after.task_ids
    )
    read_all = await asyncio.gather(*read_each)
    return task_facts([each.value for each in read_all if each]), True


def _named(task: str, after: Dependencies) -> bool:
    numbered = task.isascii() and task.isdigit()
    return task in after.task_ids or (numbered and any(r.start <= int(task) <= r.end for r in after.task_id_ranges))


def _rows(spent: TaskSpans, nodes: Sequence[NodeFacts], parents: Sequence[TaskFacts]) -> list[tuple[str, list[Span]]]:
    """Names and spans of what it depends on (those that ended last), of its node while it waited, and its own."""
    begin, end = spent.spans[0].begin if spent.spans else 0.0, spent.spans[-1].end if spent.spans else 0.0
    rows: list[tuple[str, list[Span]]] = []
    last = sorted(parents, key=lambda each: each.ended if each.ended is not None else end, reverse=True)[:_DRAWN]
    for each in sorted(last, key=lambda task: task.began if task.began is not None else end):
        until = each.ended if each.ended is not None else end
        if each.began is not None and until > begin:
            kind = "failed" if each.failed else "run"
            rows.append((each.id, [Span(kind, max(begin, each.began), min(end, until))]))  # type: ignore[arg-type]
    node = next((node for node in nodes if node.id == spent.task.node), None)
    if node and node.allocated is not None and (node.usable or end) > begin:
        booted = node.booted if node.booted is not None else node.usable or end
        usable = node.usable if node.usable is not None else end
        own = [Span("boot", max(begin, node.allocated), booted), Span("start", max(begin, booted), usable)]
        rows.append(("its node", [Span(s.kind, s.begin, min(end, s.end)) for s in own if min(end, s.end) > s.begin]))
    return [*rows, (spent.task.id, list(spent.spans))]


def _card(
    ctx: Context,
    source: Account,
    job: str,
    task: TaskMoments,
    at: datetime,
    spent: TaskSpans,
    rows: list[tuple[str, list[Span]]],
    whole: bool,
) -> Card:
    state = task_chip(task.state, failed=spent.task.failed)
    begin, end = (spent.spans[0].begin, spent.spans[-1].end) if spent.spans else (spent.task.made, at.timestamp())
    chart = Timeline(
        headline=task_finding(spent),
        subtitle=f"{source.name} · {job} · {task.id} · {moment_words(moment(begin).astimezone(ZoneInfo(ctx.zone)))}",
        since=moment(begin),
        until=moment(max(end, begin + 1)),
        rows=tuple(Row(name, (spans(each, begin),), strong=name == task.id) for name, each in rows if each),
        zone=ctx.zone,
        rows_are=_rows_are(rows),
    )
    return Card(
        title=titled(chart.headline, f"task {task.id}", text(state), f"job {job}"),
        mark=state.mark,
        as_of=at,
        blocks=blocks(
            Picture(f"timeline-{source.name}-{job}-{task.id}", timeline_alt(chart), chart, f"Timeline of {task.id}")
            if spent.spans
            else Words(text("Nothing has happened to it yet.")),
            *section("Step by step", _steps(spent)),
            _small_print(spent, whole),
            build.actions(
                Button("Task", line(ctx, source, "task show", job, task.id), style="primary"),
                Button("Why", line(ctx, source, "why task", job, task.id))
                if spent.task.failed or spent.task.again or spent.task.began is None
                else None,
                Button("Timeline of the job", line(ctx, source, "timeline job", job)),
                Button("Node", line(ctx, source, "timeline node", task.node_info.pool_id, task.node_info.node_id))
                if task.node_info and task.node_info.node_id
                else None,
                Button("Job", line(ctx, source, "job show", job)),
                Button("Refresh", line(ctx, source, "timeline task", job, task.id), how="edit"),
            ),
        ),
    )


def _rows_are(rows: Sequence[tuple[str, list[Span]]]) -> str:
    parents = len(rows) - 1 - any(name == "its node" for name, _ in rows)
    return "the task" + (f" and {plural(parents, 'task')} that it depends on" if parents else "")


def _steps(spent: TaskSpans) -> Bullets | None:
    """Each span with when it began and how long it was."""
    shares = percents([span.seconds for span in spent.spans])
    lines = [
        text(
            Time(moment(span.begin), "clock"),
            f" {NAMES[span.kind]} {took(span.seconds)}",
            muted(f" · {share}"),
        )
        for span, share in zip(spent.spans, shares, strict=True)
    ]
    return Bullets(tuple(lines)) if lines else None


def _small_print(spent: TaskSpans, whole: bool) -> Block | None:
    lines = []
    if not whole:
        lines.append(f"Only the first {number(_LISTED)} tasks of the job were read for those that it depends on.")
    if any(span.kind == "unknown" for span in spent.spans):
        lines.append("It ran more than once: Batch tells of the last run, and how long all were half an hour after it.")
    if not is_over(spent.task.state) and spent.task.began is None and spent.task.again:
        lines.append("Batch says nothing about its earlier run while it waits.")
    lines.append("Files that it downloads before it starts count as its run.")
    return build.note(" ".join(lines))
