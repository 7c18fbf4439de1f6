"""The timelines of a job and of a task that Batch no longer knows, of what the bot kept of them.

What was kept are the changes of their states, a job's receipt, and the runs that failed: what is not known is said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.entity import schedule_of
from bot.domain.states import is_over, word
from bot.domain.task_timeline.kept import GONE, MADE, KeptRun, last_life, runs_of
from bot.domain.task_timeline.waits import Span as Fact
from bot.requests.context import Context
from cards import build
from cards.build import blocks, text
from cards.card import Bullets, Button, Card, Picture, Text, Time
from cards.card import Mark as Status
from cards.charts.timeline import Mark, Row, Span, Timeline, timeline_alt
from cards.formatting import duration, moment_words, number, plural
from handlers.history.forgotten import receipt
from handlers.shared.common import line, section, titled
from handlers.shared.kept import ended
from handlers.timeline.layout import FEW_TASKS, moment, spans
from storage.port.black_box import KeptTask
from storage.port.monitoring import Transition
from storage.port.runs import JobRun

_CHANGES, _TASKS, _BOXES = 100, 5_000, 1_000
_MARKS = 6
"""Changes that are marked: more would hide each other."""
_STEPS = 12
_GONE = "Batch no longer knows it"


async def kept_job(ctx: Context, source: Account, job: str) -> Card | None:
    """The timeline of a job that is gone; None where nothing was kept of it that has a beginning and an end."""
    runs, boxes = await asyncio.gather(
        ctx.store.job_runs(source.name, job=job, limit=1), ctx.store.kept_tasks(source.name, job, limit=_BOXES)
    )
    name = runs[0].job if runs else boxes[0].job if boxes else job  # changes are found by the very letters
    seen, tasks = await asyncio.gather(
        ctx.store.transitions(source.name, entity="job", id=name, limit=_CHANGES),
        ctx.store.transitions(source.name, entity="task", parent=name, limit=_TASKS),
    )
    life = last_life(seen)
    run = runs[0] if runs else None
    if run is not None and life and run.ended < life[0].at:
        run = None  # of an earlier job with this id
    since = min(filter(None, (life[0].at if life else None, run.started if run else None)), default=None)
    known = runs_of(boxes, tasks, since)
    begin, end = _ends([each.at for each in life], run, known)
    if begin is None or end is None or end <= begin:
        return None
    drawn = known[-FEW_TASKS:]
    over = run.ended if run else next((each.at for each in life if is_over(each.after)), end)
    whole = Span("unknown", 0.0, (min(over, end) - begin).total_seconds())
    chart = Timeline(
        headline=_headline(run, begin, end),
        subtitle=f"{source.name} · {name} · {moment_words(begin.astimezone(ZoneInfo(ctx.zone)))}",
        since=begin,
        until=end,
        rows=(
            Row("the job", ((whole,),), strong=True),
            *(Row(task, (spans(them, begin.timestamp()),)) for task, them in _by_task(drawn).items()),
        ),
        zone=ctx.zone,
        marks=_marks(life, begin, end),
        rows_are=f"the job and {plural(len(drawn), 'run')} of its tasks",
    )
    schedule = schedule_of(name)
    return Card(
        title=titled(chart.headline, f"job {name}", _GONE),
        mark=Status.STOPPED,
        as_of=source.now(),
        blocks=blocks(
            Picture(f"timeline-{source.name}-{name}", timeline_alt(chart), chart, f"Timeline of {name}"),
            receipt(run) if run else None,
            *section("What was seen of it", _changes(life)),
            build.note(_of_job(known, drawn, run)),
            build.actions(
                Button("History", line(ctx, source, "job history", name), style="primary"),
                Button("What was kept", line(ctx, source, "job show", name)),
                Button("Pool", line(ctx, source, "pool show", run.pool)) if run and run.pool else None,
                Button("Runs", line(ctx, source, "cost schedule", schedule)) if schedule else None,
                Button("All jobs", line(ctx, source, "job list")),
            ),
        ),
    )


async def kept_task(ctx: Context, source: Account, job: str, task: str) -> Card | None:
    """The timeline of a task that is gone; None where nothing was kept of it that has a beginning and an end."""
    every = await ctx.store.kept_tasks(source.name, job, task, limit=_BOXES)
    parent, name = (every[0].job, every[0].task) if every else (job, task)  # changes are found by the very letters
    around, changes = await asyncio.gather(
        ctx.store.transitions(source.name, entity="job", id=parent, limit=_CHANGES),
        ctx.store.transitions(source.name, entity="task", parent=parent, id=name, limit=_CHANGES),
    )
    # Of an earlier job with this id nothing belongs to it; a job that was never seen to be made has always been this.
    since = next((each.at for each in last_life(around)[:1] if not each.before), None)
    boxes = [each for each in every if since is None or each.at >= since]
    life = sorted((each for each in changes if since is None or each.at >= since), key=lambda each: each.at)
    known = runs_of(boxes, life)
    begin, end = _ends([*(each.at for each in life), *(each.at for each in boxes)], None, known)
    if begin is None or end is None or end <= begin:
        return None
    failed = sum(each.span.kind == "failed" for each in known)
    chart = Timeline(
        headline=_headline_of_task(known, failed, begin, end),
        subtitle=f"{source.name} · {parent} · {name} · {moment_words(begin.astimezone(ZoneInfo(ctx.zone)))}",
        since=begin,
        until=end,
        rows=(Row(name, (spans(_with_gaps(known, begin, end), begin.timestamp()),), strong=True),),
        zone=ctx.zone,
        marks=_marks(life, begin, end),
        rows_are="the task",
    )
    node = next((each for each in reversed(known) if each.node), None)
    pool = next((each.pool for each in boxes if each.pool), "")
    return Card(
        title=titled(chart.headline, f"task {name}", _GONE, f"job {parent}"),
        mark=Status.STOPPED,
        as_of=source.now(),
        blocks=blocks(
            Picture(f"timeline-{source.name}-{parent}-{name}", timeline_alt(chart), chart, f"Timeline of {name}"),
            *section("What was kept of it", _runs(boxes) or _changes(life)),
            build.note(
                "Of a task that is gone only the runs that failed and the changes that were seen were kept. What is "
                "hatched it waited or ran: that is not known."
            ),
            build.actions(
                Button("What was kept", line(ctx, source, "task show", parent, name), style="primary"),
                Button("Log", line(ctx, source, "log", parent, name)) if any(each.files for each in boxes) else None,
                Button("Node", line(ctx, source, "timeline node", pool, node.node)) if node and pool else None,
                Button("Timeline of the job", line(ctx, source, "timeline job", parent)),
                Button("History", line(ctx, source, "task history", parent, name)),
            ),
        ),
    )


def _by_task(runs: Sequence[KeptRun]) -> dict[str, list[Fact]]:
    """The runs of each task, the first to begin first."""
    found: dict[str, list[Fact]] = {}
    for each in runs:
        found.setdefault(each.task, []).append(each.span)
    return found


def _ends(
    moments: Sequence[datetime], run: JobRun | None, known: Sequence[KeptRun]
) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that anything is known of."""
    found = [*moments, *((run.started, run.ended) if run else ())]
    found += [moment(at) for each in known for at in (each.span.begin, each.span.end)]
    return min(found, default=None), max(found, default=None)


def _headline(run: JobRun | None, begin: datetime, end: datetime) -> str:
    """``Ran for 2 h 12 min, 3 of 120 tasks failed``, as far as that was kept."""
    if run is None:
        return f"Seen for {duration(end - begin)}"
    failed = ""
    if run.failed is not None and run.tasks is not None:
        failed = f", {number(run.failed)} of {plural(run.tasks, 'task')} failed" if run.failed else ", no task failed"
    return f"Ran for {duration(timedelta(seconds=run.seconds))}{failed}"


def _headline_of_task(known: Sequence[KeptRun], failed: int, begin: datetime, end: datetime) -> str:
    """``Failed after 12 min``; of several runs how many of them failed."""
    if len(known) == 1:
        how = "Failed" if failed else "Ran"
        return f"{how} {'after' if failed else 'for'} {duration(timedelta(seconds=known[0].span.seconds))}"
    if known and failed == len(known):
        return f"Failed {number(failed)} times"
    if known:
        return f"{number(failed)} of {plural(len(known), 'run')} that were kept failed"
    return f"Seen for {duration(end - begin)}"


def _with_gaps(known: Sequence[KeptRun], begin: datetime, end: datetime) -> list[Fact]:
    """The runs of a task, and between them stretches of which nothing is known."""
    found: list[Fact] = []
    at = begin.timestamp()
    for each in known:
        if each.span.begin > at:
            found.append(Fact("unknown", at, each.span.begin))
        found.append(each.span)
        at = max(at, each.span.end)
    if end.timestamp() > at and not known:
        found.append(Fact("unknown", at, end.timestamp()))
    return found


def _marks(life: Sequence[Transition], begin: datetime, end: datetime) -> tuple[Mark, ...]:
    """What happened to it, but that it was made, which is where the picture begins."""
    told = [each for each in life if not (each.after == MADE and not each.before) and begin <= each.at <= end]
    return tuple(Mark((each.at - begin).total_seconds(), _word(each)) for each in told[-_MARKS:])


def _word(change: Transition) -> str:
    return "gone" if change.after == GONE else word(change.after)


def _changes(life: Sequence[Transition]) -> Bullets | None:
    """Each change with its time, the newest first."""
    lines: list[Text] = [text(Time(each.at, "clock"), f" {_word(each)}") for each in reversed(life[-_STEPS:])]
    return Bullets(tuple(lines)) if lines else None


def _runs(boxes: Sequence[KeptTask]) -> Bullets | None:
    """Each run that failed in a line, the newest first."""
    lines = [
        text(ended(each), f" on {each.node}" if each.node else "", f" · {each.line}" if each.line else "")
        for each in boxes[:_STEPS]
    ]
    return Bullets(tuple(lines)) if lines else None


def _of_job(known: Sequence[KeptRun], drawn: Sequence[KeptRun], run: JobRun | None) -> str:
    """What the picture does not know."""
    said = [
        "Of a job that is gone only the changes of its state, its receipt and runs that failed were kept: when its "
        "other tasks waited and ran is not known, so the job itself is hatched."
    ]
    if run is not None and run.queue is not None and run.queue >= 1:
        said.append(f"Its first task waited {duration(timedelta(seconds=run.queue))}.")
    if len(known) > len(drawn):
        said.append(f"The last {number(len(drawn))} of {plural(len(known), 'run')} are drawn.")
    return " ".join(said)
