"""Which tasks of a job wait for which, as a picture and as text."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.azure.answers import Fetched
from bot.azure.models import Job, Task
from bot.domain.dependencies import STATES, Graph, Group, State, graph
from bot.domain.job_health import pool_of
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text
from cards.card import Block, Bullets, Button, Card, Mark, Picture, Text, Words
from cards.charts.topology import Box, Kind, Layer, Tie, Topology, parts, topology_alt
from cards.charts.topology import Mark as BoxMark
from cards.formatting import moment_words, number, plural
from handlers.shared.common import line, section, template, titled
from handlers.shared.missing import finding_job
from handlers.shared.states import job_chip

_TASKS = "id,state,executionInfo,dependsOn,exitConditions"
_MOST_TASKS = 10_000
_MOST_SHOWN, _MOST_AFTER = 24, 4
_KINDS: dict[State, Kind] = {
    "failed": "failed",
    "circle": "blocked",
    "blocked": "blocked",
    "waiting": "waiting",
    "running": "running",
    "done": "done",
}
_WORDS: dict[State, str] = {"circle": "waiting in a circle", "blocked": "blocked for ever"}
_CHIPS: dict[State, Mark] = {
    "failed": Mark.FAILED,
    "circle": Mark.STOPPED,
    "blocked": Mark.STOPPED,
    "waiting": Mark.IDLE,
    "running": Mark.RUNNING,
    "done": Mark.DONE,
}
_MARKS: dict[State, BoxMark] = {"failed": "failed", "circle": "blocked", "blocked": "blocked"}


@command("topology job", effect="read", examples=["topology job nightly:job-12"])
async def job_topology(ctx: Context, job: str, *, account: str | None = None) -> Card:
    """Draw the task dependencies of a job, with what failed and what that blocks.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with finding_job(ctx, source, job, "topology job"):
        found = await source.fetch(Job, source.job(job), select="id,state,usesTaskDependencies,poolInfo,executionInfo")
        if not found.value.uses_task_dependencies:
            return _independent(ctx, source, found)
        tasks, more = await _read(source, found.value.id)
    net = await asyncio.to_thread(graph, tasks)
    chart = _chart(source, found.value, net, moment_words(found.at.astimezone(ZoneInfo(ctx.zone))))
    bad = [task for group in net.groups if group.states.get("failed") for task in group.ids]
    stuck = [task for group in net.groups if group.worst in ("blocked", "circle") for task in group.ids]
    return Card(
        title=titled(chart.headline, f"job {found.value.id}", plural(len(tasks), "task")),
        mark=Mark.FAILED if stuck else Mark.WARNING if bad else job_chip(found.value.state).mark,
        as_of=found.at,
        blocks=blocks(
            Picture(f"graph-{source.name}-{found.value.id}", topology_alt(chart), chart, f"Tasks of {found.value.id}")
            if tasks
            else Words(text("The job has no tasks.")),
            *_troubles(net, bad),
            *_steps(net),
            _left_out(net, more),
            build.actions(
                build.open_menu("Open a failed task", template(ctx, source, "task show", found.value.id, "{}"), bad),
                build.open_menu("Open a blocked task", template(ctx, source, "task show", found.value.id, "{}"), stuck),
                Button("Job", line(ctx, source, "job show", found.value.id)),
                Button("Tasks", line(ctx, source, "task list", found.value.id)),
                Button("Account", line(ctx, source, "topology")),
                Button("Refresh", line(ctx, source, "topology job", found.value.id), how="edit"),
            ),
        ),
    )


def _independent(ctx: Context, source: Account, found: Fetched[Job]) -> Card:
    job, pool = found.value, pool_of(found.value)
    return Card(
        title=titled(f"The tasks of {job.id} do not wait for each other"),
        mark=job_chip(job.state).mark,
        as_of=found.at,
        blocks=blocks(
            Words(text("The job was made without task dependencies, so there is nothing to draw.")),
            facts(("State", job_chip(job.state)), ("Pool", code(pool) if pool else None)),
            build.actions(
                Button("Job", line(ctx, source, "job show", job.id), style="primary"),
                Button("Tasks", line(ctx, source, "task list", job.id)),
                Button("Account", line(ctx, source, "topology")),
            ),
        ),
    )


async def _read(source: Account, job: str) -> tuple[list[Task], bool]:
    """The tasks, and whether there are more than can be read."""
    tasks: list[Task] = []
    async for page in source.pages(Task, source.tasks(job), select=_TASKS):
        tasks += page.items
        if len(tasks) >= _MOST_TASKS:
            return tasks[:_MOST_TASKS], page.next is not None or len(tasks) > _MOST_TASKS
    return tasks, False


def _chart(source: Account, job: Job, net: Graph, at: str) -> Topology:
    links = tuple(Tie(link.source, link.target, link.blocking) for link in net.links)
    return Topology(
        headline=_headline(net),
        subtitle=f"{source.name} · {job.id} · {plural(sum(net.states.values()), 'task')} · {at}",
        layers=tuple(Layer() for _ in range(net.layers)),
        boxes=tuple(_box(group) for group in net.groups),
        ties=links,
    )


def _headline(net: Graph) -> str:
    failed, blocked, circle = (net.states.get(state, 0) for state in ("failed", "blocked", "circle"))
    if circle:
        return f"{plural(circle, 'task')} wait for each other in a circle"
    if blocked:
        because = f"by {number(failed)} that failed" if failed else ": what they wait for is missing"
        return f"{plural(blocked, 'task')} blocked for ever {because}".replace(" :", ":")
    if failed:
        return f"{plural(failed, 'task')} failed, none blocked by that"
    return f"{number(net.states.get('done', 0))} of {plural(sum(net.states.values()), 'task')} done"


def _box(group: Group) -> Box:
    count = len(group.ids)
    note = "" if count > 1 else _WORDS.get(group.worst, group.worst)
    made = parts((_KINDS[state], many) for state, many in group.states.items())
    return Box(group.key, group.layer, _label(group), note, _MARKS.get(group.worst, "plain"), made, count)


# The same in words.


def _troubles(net: Graph, bad: Sequence[str]) -> list[Block]:
    lines: list[Text] = []
    if net.circle:
        advice = "They wait for each other for ever: terminate them, and add them anew without the circle."
        lines.append(text(chip(Mark.FAILED, "in a circle"), ": ", _named(net.circle), ". ", advice))
    if net.missing:
        advice = "Tasks wait for what does not exist: add it, or terminate the tasks that wait."
        lines.append(text(chip(Mark.FAILED, "missing"), ": ", _named(net.missing), ". ", advice))
    if bad:
        advice = "No other task is blocked."
        if blocked := net.states.get("blocked"):
            advice = (
                f"{plural(blocked, 'task')} will not start: mend and reactivate what failed, or terminate what waits."
            )
        lines.append(text(chip(Mark.FAILED, plural(len(bad), "failed task")), ": ", _named(bad), ". ", advice))
    return section("What is wrong", Bullets(tuple(lines)) if lines else None)


def _named(names: Sequence[str], most: int = 8) -> Text:
    listed = [text(", " if index else None, code(name)) for index, name in enumerate(names[:most])]
    return text(*listed, f" and {number(len(names) - most)} more" if len(names) > most else None)


def _steps(net: Graph) -> list[Block]:
    """Layer by layer what there is and what it waits for: the picture for those who do not see it."""
    after: dict[str, list[str]] = defaultdict(list)
    labels = {group.key: _label(group) for group in net.groups}
    for link in net.links:
        after[link.target].append(labels[link.source])
    ordered = sorted(net.groups, key=lambda group: group.layer)
    lines = []
    for group in ordered[:_MOST_SHOWN]:
        pieces: list[Text] = []
        for state in STATES:
            if many := group.states.get(state):
                words = _WORDS.get(state, state)
                count = f"{number(many)} {words}" if len(group.ids) > 1 else words
                pieces.append(text(", " if pieces else None, chip(_CHIPS[state], count)))
        lines.append(text(code(_label(group)), ": ", *pieces, _after(after[group.key])))
    if len(ordered) > _MOST_SHOWN:
        lines.append(text(muted(f"and {number(len(ordered) - _MOST_SHOWN)} more of this kind")))
    return section("Step by step", Bullets(tuple(lines)) if lines else None)


def _after(names: Sequence[str]) -> Text:
    if not names:
        return ()
    more = f" and {number(len(names) - _MOST_AFTER)} more" if len(names) > _MOST_AFTER else None
    return text(muted(" after "), ", ".join(names[:_MOST_AFTER]), more)


def _label(group: Group) -> str:
    """``498 × frame-0000 – frame-0499``: the number first, since that is what an elided name keeps."""
    count = len(group.ids)
    return group.label if count == 1 else f"{number(count)} × {group.label}"


def _left_out(net: Graph, more: bool) -> Block | None:
    lines = []
    if more:
        lines.append(f"Only the first {number(_MOST_TASKS)} tasks were read.")
    if net.cut:
        lines.append("There are more dependencies than could be followed: some lines are missing.")
    if any(len(group.ids) > 1 for group in net.groups):
        lines.append("Tasks that are alike are drawn as one.")
    return build.note(" ".join(lines)) if lines else None
