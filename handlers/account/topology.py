"""How an account hangs together: schedules, jobs, pools and nodes, as a picture and as text."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Counts, Job, JobSchedule, Pool, PoolNodeCounts
from bot.domain.dependencies import stem
from bot.domain.entity import fold, schedule_of
from bot.domain.job_health import cannot_run, pool_of, stands_out
from bot.domain.job_health import total as all_tasks
from bot.domain.states import NODES, NodeState, Role, is_bad, word
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Action, Block, Bullets, Button, Card, Mark, Menu, Picture, Text
from cards.charts.topology import Box, Kind, Layer, Part, Tie, Topology, parts, topology_alt
from cards.charts.topology import Mark as BoxMark
from cards.formatting import moment_words, number, percent, plural
from handlers.pool.trouble import in_words, worst
from handlers.shared import node_counts
from handlers.shared.common import line, section, template, titled
from handlers.shared.states import job_chip

_POOLS = (
    "id,creationTime,state,allocationState,currentDedicatedNodes,currentLowPriorityNodes,targetDedicatedNodes,"
    "targetLowPriorityNodes,resizeErrors,enableAutoScale,autoScaleRun"
)
_JOBS = "id,state,poolInfo,executionInfo,priority,usesTaskDependencies"
_LAYERS = (Layer("schedules", 0.8), Layer("jobs", 1.3), Layer("pools and nodes", 1.1))
_MOST_JOBS, _MOST_POOLS, _MOST_SCHEDULES = 15, 15, 15
"""Boxes of each kind that a square sheet has room for; the rest is rolled up, the ones in trouble last."""
_ALIKE = 3
"""Jobs from which on those with the same story are one box, where there are too many jobs for a box each."""
_COUNTED, _AT_ONCE = 200, 8
_SHOWN_JOBS = 6
_GONE = "no such pool"


class _JobAt(Struct, frozen=True):
    """A job that is not over: its schedule and pool by id (may be empty), and its tasks where they were counted."""

    job: Job
    schedule: str
    pool: str
    counts: Counts | None

    @property
    def failed(self) -> int:
        return self.counts.failed if self.counts else 0

    @property
    def error(self) -> str:
        """What keeps it from running at all."""
        return cannot_run(self.job)

    @property
    def bad(self) -> bool:
        """Whether it stands out."""
        return stands_out(self.job, self.counts)


class _PoolAt(Struct, frozen=True):
    """A pool with its nodes by state, and what is wrong in words; ``pool`` is None for one that jobs only name."""

    id: str
    pool: Pool | None
    states: dict[NodeState, int]
    wrong: str
    failed: bool = False
    """Whether it is missing or has bad nodes, and not only trouble with its size."""

    @property
    def nodes(self) -> int:
        return sum(self.states.values())


class _Whole(Struct, frozen=True):
    """All that was read, the ones in trouble first; ``jobs`` are those that are not over."""

    schedules: list[JobSchedule]
    jobs: list[_JobAt]
    pools: list[_PoolAt]
    at: datetime


@command("topology", effect="read", examples=["topology", "topology account:sim-dev"])
async def topology(ctx: Context, *, account: str | None = None) -> Card:
    """Draw the topology of an account: schedules, unfinished jobs, pools and their nodes.

    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    whole = await _read(source)
    chart = _chart(ctx, source, whole)
    wrong = any(job.failed or job.error for job in whole.jobs) or any(pool.wrong for pool in whole.pools)
    return Card(
        title=titled(chart.headline, source.name, plural(len(whole.jobs), "job"), plural(len(whole.pools), "pool")),
        mark=Mark.WARNING if wrong else Mark.RUNNING,
        as_of=whole.at,
        blocks=blocks(
            Picture(f"topology-{source.name}", topology_alt(chart), chart, f"Topology of {source.name}"),
            *_pools_section(whole),
            build.note("Jobs that are over are not drawn. ", _uncounted(whole)),
            build.actions(
                build.open_menu("Open a job", template(ctx, source, "job show", "{}"), _job_names(whole.jobs)),
                build.open_menu(
                    "Open a pool",
                    template(ctx, source, "pool show", "{}"),
                    [pool.id for pool in whole.pools if pool.pool],
                ),
                _schedule_menu(ctx, source, whole),
                _graph_menu(ctx, source, whole),
                Button("Node map", line(ctx, source, "node map")),
                Button("Refresh", line(ctx, source, "topology"), how="edit"),
            ),
        ),
    )


# Reading.


async def _read(source: Account) -> _Whole:
    (pools, at), entries, (jobs, _), listed = await asyncio.gather(
        source.every(Pool, "/pools", select=_POOLS),
        node_counts.known(source),
        source.every(Job, "/jobs", select=_JOBS, filter="state ne 'completed'"),
        gaps.maybe("schedules", source.every(JobSchedule, "/jobschedules", select="id,state,executionInfo")),
    )
    schedules = listed[0] if listed else []
    counts = await _counts(source, [job.id for job in jobs[:_COUNTED]])
    living = [schedule for schedule in schedules if schedule.state.lower() != "completed"]
    schedule_ids = {fold(schedule.id): schedule.id for schedule in living}
    pool_ids = {fold(pool.id): pool.id for pool in pools}
    found = []
    for job in jobs:
        pool = pool_of(job)
        schedule = schedule_ids.get(fold(schedule_of(job.id)), "")
        found.append(_JobAt(job, schedule, pool_ids.get(fold(pool), pool), counts.get(job.id)))
    found.sort(key=_rank)
    return _Whole(living, found, _pools(pools, entries, found), at)


def _rank(job: _JobAt) -> tuple[bool, bool, int, bool, str]:
    """Those in trouble first."""
    return not job.error, not job.bad, -job.failed, job.job.state.lower() != "active", job.job.id


async def _counts(source: Account, jobs: Sequence[str]) -> dict[str, Counts]:
    """Tasks by state of several jobs, a few at a time; those that cannot be had are left out, and told."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(job: str) -> Counts | None:
        async with gate:
            found = await gaps.maybe(f"task counts of job {job}", source.task_counts(job))
            return found.value.task_counts if found else None

    found = await asyncio.gather(*(one(job) for job in jobs))
    return {job: counts for job, counts in zip(jobs, found, strict=True) if counts}


def _pools(pools: Iterable[Pool], entries: Iterable[PoolNodeCounts] | None, jobs: Iterable[_JobAt]) -> list[_PoolAt]:
    counts = node_counts.by_pool(entries)
    found = []
    for pool in pools:
        entry = counts.get(fold(pool.id))
        trouble = worst(pool, entry)
        states = node_counts.by_state([entry]) if entry else {}
        found.append(_PoolAt(pool.id, pool, states, in_words(trouble), trouble is not None and trouble.kind == "nodes"))
    there = {pool.id for pool in found}
    missing = sorted({job.pool for job in jobs if job.pool} - there)
    found += [_PoolAt(name, None, {}, _GONE, failed=True) for name in missing]
    found.sort(key=lambda pool: (not pool.wrong, -pool.nodes, pool.id))
    return found


# The picture.


def _chart(ctx: Context, source: Account, whole: _Whole) -> Topology:
    used = {job.pool for job in whole.jobs}
    shown = [pool for pool in whole.pools if pool.nodes or pool.wrong or pool.id in used]
    quiet = len(whole.pools) - len(shown)
    pool_boxes, pool_key = _pool_boxes(shown, quiet)
    job_boxes, job_key = _job_boxes(whole.jobs)
    schedule_boxes, schedule_key = _schedule_boxes(whole)
    ties: dict[tuple[str, str], bool] = {}
    rooted: dict[str, None] = {}
    for job in whole.jobs:
        key = job_key[job.job.id]
        if job.schedule:
            ties.setdefault((schedule_key[job.schedule], key), False)
        else:
            rooted[key] = None
        if job.pool:
            pair = key, pool_key[job.pool]
            ties[pair] = ties.get(pair, False) or any(p.id == job.pool and p.pool is None for p in whole.pools)
    at = whole.at.astimezone(ZoneInfo(ctx.zone))
    about = [plural(len(whole.schedules), "schedule")] if whole.schedules else []
    about += [plural(len(whole.jobs), "job"), plural(len(whole.pools), "pool")]
    about += [plural(sum(pool.nodes for pool in whole.pools), "node"), moment_words(at)]
    return Topology(
        headline=_headline(whole),
        subtitle=" · ".join(about),
        layers=_LAYERS,
        boxes=(*schedule_boxes, *job_boxes, *pool_boxes),
        ties=tuple(Tie(source, target, failing) for (source, target), failing in ties.items()),
        root=source.name,
        rooted=tuple(rooted),
    )


def _headline(whole: _Whole) -> str:
    jobs, pools = sum(job.bad for job in whole.jobs), sum(bool(pool.wrong) for pool in whole.pools)
    pieces = [plural(jobs, "job")] if jobs else []
    pieces += [plural(pools, "pool")] if pools else []
    few = sum(bool(job.failed and not job.bad) for job in whole.jobs)
    failures = f"a few failed tasks in {plural(few, 'more job' if jobs else 'job')}"
    if pieces:
        return f"{' and '.join(pieces)} in trouble" + (f", {failures}" if few else "")
    if few:
        return failures.capitalize()
    return "Nothing is in trouble" if whole.jobs or whole.pools else "An empty account"


def _pool_boxes(pools: Sequence[_PoolAt], quiet: int) -> tuple[list[Box], dict[str, str]]:
    """A box a pool, the last ones together, and which box a pool is in."""
    alone = pools if len(pools) <= _MOST_POOLS else pools[: _MOST_POOLS - 1]
    rest = pools[len(alone) :]
    boxes = []
    mark: BoxMark
    for pool in alone:
        if pool.failed:
            mark = "failed"
            note = _GONE if pool.pool is None else f"{number(_bad(pool.states))}/{number(pool.nodes)} bad"
        elif pool.wrong:
            mark, note = "warning", plural(pool.nodes, "node")
        else:
            mark, note = ("plain" if pool.nodes else "quiet"), plural(pool.nodes, "node")
        boxes.append(
            Box(f"pool {pool.id}", 2, pool.id, note, mark, _node_parts(pool.states), troubled=bool(pool.wrong))
        )
    keys = {pool.id: f"pool {pool.id}" for pool in alone}
    if rest:
        states: dict[NodeState, int] = defaultdict(int)
        for pool in rest:
            for state, count in pool.states.items():
                states[state] += count
        wrong = sum(bool(pool.wrong) for pool in rest)
        note = f"{number(wrong)} in trouble" if wrong else plural(sum(states.values()), "node")
        together: BoxMark = "failed" if wrong else "plain"
        boxes.append(Box("pools", 2, f"{len(rest)} more pools", note, together, _node_parts(states), len(rest)))
        keys |= {pool.id: "pools" for pool in rest}
    if quiet:
        boxes.append(Box("quiet", 2, plural(quiet, "empty pool"), "", "quiet", of=quiet))
    return boxes, keys


def _job_boxes(jobs: Sequence[_JobAt]) -> tuple[list[Box], dict[str, str]]:
    """A box a job; beyond the room the ones without trouble are rolled up by schedule and pool."""
    if len(jobs) <= _MOST_JOBS:
        alone, rest = list(jobs), []
    else:
        stories: dict[tuple[str, str, str, bool], list[_JobAt]] = defaultdict(list)
        for job in jobs:
            stories[_story(job)].append(job)
        alone = [job for job in jobs if len(stories[_story(job)]) < _ALIKE]
        groups = len(stories) - len({_story(job) for job in alone})
        alone = alone[: max(_MOST_JOBS // 2, _MOST_JOBS - groups - (len(alone) > _MOST_JOBS - groups))]
        taken = {job.job.id for job in alone}
        rest = [job for job in jobs if job.job.id not in taken]
    boxes = [_job_box(job) for job in alone]
    keys = {job.job.id: f"job {job.job.id}" for job in alone}
    # Too many kinds of them: without what they are called, then by pool alone, then all together.
    for told in (4, 2, 1, 0):
        rolled: dict[tuple[object, ...], list[_JobAt]] = defaultdict(list)
        for job in rest:
            pool, schedule, stem, bad = _story(job)
            rolled[(pool, schedule, stem, bad)[:told]].append(job)
        if len(rolled) <= _MOST_JOBS - len(alone):
            break
    mark: BoxMark
    for index, found in enumerate(rolled.values()):
        key = f"jobs {index}"
        failed = sum(job.failed for job in found)
        note = f"{number(failed)} failed" if failed else ""
        made = parts(part for job in found for part in _task_parts(job.counts))
        label = _label(found)
        mark = "failed" if any(job.bad for job in found) else "warning" if failed else "plain"
        boxes.append(Box(key, 1, label, note, mark, made, len(found)))
        keys |= {job.job.id: key for job in found}
    return boxes, keys


def _story(job: _JobAt) -> tuple[str, str, str, bool]:
    """What jobs are alike in: pool, schedule, their name but for digits, and whether they stand out."""
    return job.pool, job.schedule, stem(job.job.id), job.bad


def _label(jobs: Sequence[_JobAt]) -> str:
    """``48 × storm-00 – storm-47``: the number first, since that is what an elided name keeps; or ``48 jobs``."""
    if len(jobs) == 1:
        return jobs[0].job.id
    names = sorted((job.job.id for job in jobs), key=lambda each: (len(each), each))
    alike = len({stem(each) for each in names}) == 1
    return f"{number(len(jobs))} × {names[0]} – {names[-1]}" if alike else f"{number(len(jobs))} jobs"


def _job_box(job: _JobAt) -> Box:
    state = job.job.state.lower()
    counts = job.counts or Counts()
    total = all_tasks(counts)
    mark: BoxMark
    if job.error:
        mark, note = "failed", job.error
    elif job.failed:
        mark, note = ("failed" if job.bad else "warning"), f"{number(job.failed)} failed"
    elif state != "active":
        mark, note = "warning", word(state)
    else:
        mark, note = "plain", percent(counts.completed, total) if total else "no tasks" if job.counts else ""
    return Box(f"job {job.job.id}", 1, job.job.id, note, mark, parts(_task_parts(job.counts)))


def _schedule_boxes(whole: _Whole) -> tuple[list[Box], dict[str, str]]:
    """A box a schedule: those in trouble or with jobs first, the rest together."""
    busy = {job.schedule for job in whole.jobs}
    ranked = sorted(whole.schedules, key=lambda each: (each.id not in busy, each.state.lower() == "active", each.id))
    alone = ranked if len(ranked) <= _MOST_SCHEDULES else ranked[: _MOST_SCHEDULES - 1]
    boxes = []
    for schedule in alone:
        state = schedule.state.lower()
        boxes.append(
            Box(
                f"schedule {schedule.id}",
                0,
                schedule.id,
                "" if state == "active" else word(state),
                "plain" if state == "active" else "warning",
            )
        )
    keys = {schedule.id: f"schedule {schedule.id}" for schedule in alone}
    if rest := ranked[len(alone) :]:
        boxes.append(Box("schedules", 0, f"{len(rest)} more", "", "plain", of=len(rest)))
        keys |= {schedule.id: "schedules" for schedule in rest}
    return boxes, keys


def _task_parts(counts: Counts | None) -> list[tuple[Kind, int]]:
    if counts is None:
        return []
    return [
        ("failed", counts.failed),
        ("waiting", counts.active),
        ("running", counts.running),
        ("done", counts.succeeded),
    ]


_NODE_KINDS: dict[Role, Kind] = {
    "works": "running",
    "idle": "idle",
    "coming": "changing",
    "leaving": "changing",
    "bad": "bad",
    "gone": "gone",
}


def _node_parts(states: dict[NodeState, int]) -> tuple[Part, ...]:
    return parts((_NODE_KINDS[NODES[state].role], count) for state, count in states.items())


def _bad(states: dict[NodeState, int]) -> int:
    return sum(count for state, count in states.items() if is_bad(state))


# The same in words.


def _pools_section(whole: _Whole) -> list[Block]:
    """Pool by pool what runs in it, the ones in trouble first: the picture for those who do not see it."""
    by_pool: dict[str, list[_JobAt]] = defaultdict(list)
    for job in whole.jobs:
        by_pool[job.pool].append(job)
    lines = [
        _pool_line(pool, by_pool.get(pool.id, []))
        for pool in whole.pools[:_MOST_POOLS]
        if pool.nodes or pool.wrong or pool.id in by_pool
    ]
    if nowhere := by_pool.get("", []):
        lines.append(text(muted("no pool yet"), " ← ", *_jobs_line(nowhere)))
    idle = [schedule for schedule in whole.schedules if not any(job.schedule == schedule.id for job in whole.jobs)]
    if idle:
        names = ", ".join(schedule.id for schedule in idle[:_SHOWN_JOBS])
        more = f" and {number(len(idle) - _SHOWN_JOBS)} more" if len(idle) > _SHOWN_JOBS else ""
        lines.append(text(muted("Schedules without a job now: "), names, more))
    return section("Pools and what runs in them", Bullets(tuple(lines)) if lines else None)


def _pool_line(pool: _PoolAt, jobs: Sequence[_JobAt]) -> Text:
    if pool.wrong:
        mark = Mark.FAILED if pool.failed else Mark.WARNING
        head = text(code(pool.id), " ", chip(mark, pool.wrong))
    else:
        head = text(code(pool.id))
    states = (
        text(": ", node_counts.in_words(pool.states)) if pool.states else text() if pool.wrong else text(": no nodes")
    )
    return text(head, states, " ← " if jobs else muted(", no jobs"), *(_jobs_line(jobs) if jobs else ()))


def _jobs_line(jobs: Sequence[_JobAt]) -> list[Text]:
    lines: list[Text] = []
    for job in jobs[:_SHOWN_JOBS]:
        state = job_chip(job.job.state, failed=job.failed)
        how = job.error or (f"{number(job.failed)} failed" if job.failed else state.word)
        lines += [
            text(", ") if lines else text(),
            text(code(job.job.id), " ", chip(Mark.FAILED if job.bad else state.mark, how)),
        ]
    if len(jobs) > _SHOWN_JOBS:
        lines.append(text(muted(f" and {plural(len(jobs) - _SHOWN_JOBS, 'job')} more")))
    return lines


def _uncounted(whole: _Whole) -> str:
    missing = sum(job.counts is None for job in whole.jobs)
    return f"The tasks of {plural(missing, 'job')} were not counted." if missing else ""


# Onwards.


def _job_names(jobs: Sequence[_JobAt]) -> list[str]:
    return [job.job.id for job in jobs]


def _schedule_menu(ctx: Context, source: Account, whole: _Whole) -> Menu | None:
    if "schedule show" not in ctx.registry.commands:
        return None
    names = [schedule.id for schedule in whole.schedules]
    return build.open_menu("Open a schedule", template(ctx, source, "schedule show", "{}"), names)


def _graph_menu(ctx: Context, source: Account, whole: _Whole) -> Action | None:
    """Jobs whose tasks wait for each other."""
    names = [job.job.id for job in whole.jobs if job.job.uses_task_dependencies]
    return build.open_menu("Task graph of a job", template(ctx, source, "topology job", "{}"), names)
