"""The answer about one pool, node, job, task or schedule: what is read of it, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule, Node, Pool, PoolNodeCounts, Task
from bot.domain.diagnosis.job_case import Explained, JobCase
from bot.domain.diagnosis.jobs import of_job
from bot.domain.diagnosis.model import Clue, Verdict, choose
from bot.domain.diagnosis.nodes import NodeCase, may_have_printed, of_node
from bot.domain.diagnosis.pools import PoolCase, of_pool, well
from bot.domain.diagnosis.schedules import ScheduleCase, of_schedule
from bot.domain.diagnosis.tasks import failed, of_task
from bot.domain.entity import Entity
from bot.domain.price import HourlyCost, of_nodes
from bot.domain.price import of_pool as price_of_pool
from bot.domain.states import is_over, word
from bot.monitor.file_ends import START
from bot.requests.context import Context
from cards.formatting import number, plural
from handlers.schedule.show import recent_job
from handlers.why.began import open_since
from handlers.why.deeds import deed
from handlers.why.jobs import read_job
from handlers.why.kept import kept_start_line
from handlers.why.pools import case_of, idle_since, waiting_for
from handlers.why.reads import Reads
from handlers.why.tasks import read_task


class Answer(Struct, frozen=True, kw_only=True):
    """A verdict about an entity as of ``at``.

    ``works`` where something of it is known to be at work, or cannot be told to be,
    ``waits`` where it is a job or a task that waits, ``gone`` where Batch no longer knows it, ``well`` says how it is
    where nothing is wrong, ``cost`` is what the trouble costs (None: nothing, or not known).
    """

    about: Entity
    verdict: Verdict
    at: datetime
    waits: bool = False
    works: bool = True
    gone: bool = False
    well: Sequence[str] = ()
    cost: HourlyCost | None = None


async def about_pool(ctx: Context, reads: Reads, found: Pool, counts: PoolNodeCounts | None, at: datetime) -> Answer:
    """Why a pool does not do its work."""
    waiting = await waiting_for(reads, found)
    idle = await idle_since(ctx, reads, found, counts)
    case = await case_of(ctx, reads, found, counts, at, waiting=waiting, idle=idle)
    verdict = choose(of_pool(case))
    cost = await _cost(reads.source, verdict.clue, case)
    return Answer(about=Entity("pool", found.id), verdict=verdict, at=at, well=[well(case)], cost=cost)


async def about_job(ctx: Context, reads: Reads, found: Job, at: datetime) -> Answer:
    """Why a job does not do its work."""
    case = await read_job(ctx, reads, found, at)
    explained = of_job(case)
    verdict = choose(explained.clues, explained.also)
    cost = await _cost(reads.source, verdict.clue, case.pool)
    works = case.counts is None or case.counts.running > 0
    return Answer(
        about=case.about, verdict=verdict, at=at, waits=case.waits, works=works, well=_well_job(case), cost=cost
    )


async def about_node(ctx: Context, reads: Reads, pool: str, found: Node, at: datetime) -> Answer:
    """Why a node does no work."""
    source = reads.source
    around = await reads.maybe(f"pool {pool}", Pool, source.pool(pool))
    run = found.start_task_info
    printed = None
    if run and run.result.lower() == "failure" and may_have_printed(run):
        files = source.files(source.node(pool, found.id))
        printed = await reads.printed("the output of its start task", files, START)
        printed = printed or await kept_start_line(ctx, reads, pool, found)
    case = NodeCase(
        node=found,
        pool=around or Pool(id=pool),
        at=at,
        printed=printed,
        disabled=await deed(ctx, source, ("node disable-scheduling",), (pool,), found.state_transition_time),
    )
    verdict = choose(of_node(case))
    running = plural(found.running_tasks_count, "task")
    how = f"{word(found.state)}, {running} running, {number(found.total_tasks_succeeded)} succeeded so far"
    cost = await _cost(source, verdict.clue, PoolCase(pool=around, at=at)) if around else None
    return Answer(about=Entity("node", found.id, pool), verdict=verdict, at=at, well=[how], cost=cost)


async def about_task(ctx: Context, reads: Reads, found: Task, job: Job, at: datetime) -> Answer:
    """Why a task failed, waits or does not end."""
    case, around = await read_task(ctx, reads, found, job, at)
    explained = _around(of_task(case), around)
    verdict = choose(explained.clues, explained.also)
    cost = await _cost(reads.source, verdict.clue, around.pool if around else None)
    waits = found.state.lower() == "active"
    return Answer(about=case.about, verdict=verdict, at=at, waits=waits, well=_well_task(found), cost=cost)


async def about_schedule(ctx: Context, reads: Reads, found: JobSchedule, at: datetime) -> Answer:
    """Why a schedule does not do its work."""
    source, last = reads.source, recent_job(found)
    job = await reads.maybe(f"its last job {last}", Job, source.job(last)) if last else None
    of_last = await read_job(ctx, reads, job, at) if job else None
    case = ScheduleCase(
        schedule=found,
        at=at,
        last=job,
        explained=of_job(of_last) if of_last else Explained(),
        waits=bool(of_last and of_last.waits),
        ended=await deed(ctx, source, ("schedule disable", "schedule end"), (found.id,), found.state_transition_time),
        missed=open_since(ctx, source, "schedule.barren", (Entity("schedule", found.id),)),
    )
    explained = of_schedule(case)
    verdict = choose(explained.clues, explained.also)
    cost = await _cost(source, verdict.clue, of_last.pool if of_last else None)
    about = Entity("schedule", found.id)
    works = bool(of_last and of_last.counts and of_last.counts.running)
    return Answer(about=about, verdict=verdict, at=at, works=works, well=_well_schedule(found, of_last), cost=cost)


def _around(own: Sequence[Clue], around: JobCase | None) -> Explained:
    """What explains a task: its own causes, and where it waits and they hold nothing against it, its job's."""
    if around is None:
        return Explained((*own,))
    explained = of_job(around)
    if any(each.harm for each in own):
        return Explained((*own,), (*explained.clues, *explained.also))
    return Explained((*own, *explained.clues), explained.also)


async def _cost(source: Account, clue: Clue | None, case: PoolCase | None) -> HourlyCost | None:
    """What the trouble costs an hour: nodes that do no work, or all of a pool that is itself in trouble."""
    if clue is None or not clue.harm or case is None or not (clue.nodes or clue.about.kind == "pool"):
        return None
    prices = await source.prices()
    return of_nodes(prices, case.facts, clue.nodes) if clue.nodes else price_of_pool(prices, case.facts)


def _well_job(case: JobCase) -> list[str]:
    """A job that does its work, in words."""
    state, counts = word(case.job.state), case.counts
    if counts is None:
        return [state]
    done = f"{state}: {number(counts.succeeded)} of {plural(counts.completed, 'task')} that ended succeeded"
    return [f"{done}, {number(counts.running)} running, {number(counts.active)} waiting"]


def _well_task(task: Task) -> list[str]:
    run = task.execution_info
    how = f", exit code {run.exit_code}" if run and run.exit_code is not None else ""
    over = is_over(task.state) and not failed(task)
    return [f"{'it succeeded' if over else word(task.state)}{how}"]


def _well_schedule(schedule: JobSchedule, last: JobCase | None) -> list[str]:
    if last is None:
        return [word(schedule.state)]
    counts = last.counts
    tasks = f", {number(counts.running)} of its tasks running, {number(counts.active)} waiting" if counts else ""
    over = is_over(last.job.state)
    return [f"{word(schedule.state)}, its last job {last.job.id} is {word(last.job.state)}{'' if over else tasks}"]
