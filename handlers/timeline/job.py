"""Where the time of a job went, as a picture of its tasks on its nodes and in words."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job
from bot.domain.diagnosis.model import Clue
from bot.domain.job_health import pool_of
from bot.domain.states import is_over
from bot.domain.task_timeline.moments import NodeFacts, task_facts
from bot.domain.task_timeline.phases import Course, course_of, finding, took
from bot.domain.task_timeline.waits import TaskSpans, spans_of
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, text, when
from cards.card import Actions, Block, Button, Card, Mark, Picture, Words
from cards.charts.timeline import Timeline, timeline_alt
from cards.formatting import moment_words, number, plural
from handlers.history.forgotten import or_forgotten
from handlers.shared.common import line, section, titled
from handlers.shared.missing import finding_job
from handlers.shared.states import job_chip
from handlers.timeline.layout import marks_of, moment, queue_of, rows_of, stages_of, told_phases, told_waits
from handlers.timeline.past import kept_job
from handlers.timeline.reading import MOST_TASKS, TasksRead, nodes_of, preparations_of, tasks_of
from handlers.why.in_short import holds_up

_AT_WORK = frozenset({"running", "preparing"})


@command("timeline job", effect="read", examples=["timeline job nightly:job-12"])
async def job_timeline(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Draw when the tasks of a job waited, for what, and where they ran, with what took the time.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "timeline job"):
        try:
            found = (await source.fetch(Job, source.job(job))).value
        except AzureError as error:
            kept = await kept_job(ctx, source, job) if error.not_found else None
            if kept is None:
                raise
            return kept
        read = await tasks_of(source, found.id)
    made = min((task.creation_time for task in read.tasks if task.creation_time), default=None)
    nodes: list[NodeFacts] = []
    prepared: dict[str, tuple[float, float]] = {}
    if made is not None:
        nodes = await nodes_of(ctx, source, pool_of(found) or _ran_in(read), made, read.at)
    if made is not None and found.job_preparation_task is not None:
        prepared = await preparations_of(source, found.id, read.at)
    tasks, course = await asyncio.to_thread(_facts, read, nodes, prepared)
    # Of ten thousand tasks a picture takes as long to lay out as their facts to find: not on the event loop either.
    chart = await asyncio.to_thread(_chart, ctx, source, found, tasks, course) if course else None
    stands = _going(tasks) and not any(task.task.state.lower() in _AT_WORK for task in tasks)
    held = await holds_up(ctx, source, found, read.at) if stands and not is_over(found.state) else None
    return _card(ctx, source, found, read, tasks, course, chart, held)


def _ran_in(read: TasksRead) -> str:
    """The pool of the first task that says where it ran."""
    return next((task.node_info.pool_id for task in read.tasks if task.node_info and task.node_info.pool_id), "")


def _facts(
    read: TasksRead, nodes: list[NodeFacts], prepared: dict[str, tuple[float, float]]
) -> tuple[list[TaskSpans], Course | None]:
    tasks = spans_of(task_facts(read.tasks), nodes, prepared, read.at.timestamp())
    return tasks, course_of(tasks)


def _card(
    ctx: Context,
    source: Account,
    job: Job,
    read: TasksRead,
    tasks: list[TaskSpans],
    course: Course | None,
    chart: Timeline | None,
    held: Clue | None,
) -> Card:
    going = _going(tasks)
    buttons = _buttons(ctx, source, job, tasks)
    if course is None or chart is None:
        return Card(
            title=titled(f"Timeline of job {job.id}", "nothing has happened yet"),
            mark=job_chip(job.state).mark,
            as_of=read.at,
            blocks=blocks(
                _held(held), Words(text("There is nothing to draw: the job has no tasks that did anything.")), buttons
            ),
        )
    failed = sum(task.task.failed for task in tasks)
    return Card(
        title=titled(chart.headline, f"job {job.id}", plural(len(tasks), "task")),
        mark=job_chip(job.state, failed=failed).mark,
        as_of=read.at,
        blocks=blocks(
            _held(held),
            Picture(f"timeline-{source.name}-{job.id}", timeline_alt(chart), chart, f"Timeline of {job.id}"),
            *section("Where the time went", told_phases(course)),
            facts(
                ("Took", took(course.seconds) + (" so far" if going else "")),
                ("First task", when(moment(course.begin))),
                ("Most at once", plural(course.at_once, "task")),
                ("A task waited", told_waits(course)),
                ("Failed", number(failed) if failed else None),
                ("Put back", _put_back(tasks)),
                ("Pool", code(pool) if (pool := pool_of(job)) else None),
            ),
            _small_print(read, tasks),
            buttons,
        ),
    )


def _held(held: Clue | None) -> Words | None:
    """What the job waits for now: a picture of what was can only show that it waits."""
    if held is None:
        return None
    words = held.cause if held.about.id in held.cause else f"{held.about.kind} {held.about.id}: {held.cause}"
    return Words(text(chip(Mark.FAILED if held.harm else Mark.CHANGING, "stands still"), f": {words}"))


def _going(tasks: list[TaskSpans]) -> bool:
    """Whether some are not over: a job may stay open long after its last task."""
    return any(not is_over(task.task.state) for task in tasks)


def _chart(ctx: Context, source: Account, job: Job, tasks: list[TaskSpans], course: Course) -> Timeline:
    rows, about = rows_of(tasks, course)
    zone = ZoneInfo(ctx.zone)
    parts = (source.name, job.id, plural(len(tasks), "task"), about, moment_words(moment(course.end).astimezone(zone)))
    return Timeline(
        headline=finding(course, _going(tasks)),
        subtitle=" · ".join(dict.fromkeys(parts)),
        since=moment(course.begin),
        until=moment(course.end),
        rows=rows,
        zone=ctx.zone,
        stages=stages_of(course),
        queue=queue_of(tasks, course),
        marks=marks_of(tasks, course),
        rows_are=about,
    )


def _buttons(ctx: Context, source: Account, job: Job, tasks: list[TaskSpans]) -> Actions | None:
    return build.actions(
        Button("Tasks", line(ctx, source, "task list", job.id), style="primary"),
        Button("Why", line(ctx, source, "why job", job.id)) if _going(tasks) else None,
        Button("Failures", line(ctx, source, "failures job", job.id)) if any(t.task.failed for t in tasks) else None,
        Button("Job", line(ctx, source, "job show", job.id)),
        Button("Refresh", line(ctx, source, "timeline job", job.id), how="edit"),
    )


def _put_back(tasks: list[TaskSpans]) -> str:
    """``10 tasks: their nodes …``: the service does not tell which of it."""
    back = sum(bool(task.task.requeued) for task in tasks)
    return f"{plural(back, 'task')}: a node was lost, taken back or rebooted, or the job disabled" if back else ""


def _small_print(read: TasksRead, tasks: list[TaskSpans]) -> Block | None:
    lines = []
    if read.more:
        lines.append(f"Only the first {number(MOST_TASKS)} tasks were read.")
    if untold := sum(any(span.kind == "unknown" for span in task.spans) for task in tasks):
        lines.append(
            f"{plural(untold, 'task')} ran more than once: Batch tells of the last run only, and half an hour after "
            "its end how long all of them took."
        )
    lines.append("Files that a task downloads before it starts count as its run.")
    return build.note(" ".join(lines))
