"""Move a job to another pool: disabled, changed and enabled again as one chain that nothing interrupts for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.errors import AzureError
from bot.azure.models import Job, Pool
from bot.azure.plane import Written
from bot.azure.writes import jobs
from bot.azure.writes.jobs import OfTasks
from bot.domain.refused_writes import advice
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Button, Card, Field, Words
from handlers.job import changing
from handlers.job.changing import OnJob
from handlers.shared.common import line
from handlers.shared.followed import Before
from handlers.shared.missing import finding_pool
from handlers.shared.new_jobs import POOL, unfit, without_nodes
from handlers.shared.preflight import blocked, form_notes


class Move(OnJob, frozen=True):
    """``pool`` is where it goes, ``open_pool`` the command that shows that one."""

    pool: str = ""
    tasks: OfTasks = "requeue"
    open_pool: str = ""


class Was(Before, frozen=True):
    """The job before: the pool it had too."""

    pool: str


async def moving(
    ctx: Context, job: str, pool: str, *, tasks: OfTasks = "requeue", account: str | None = None
) -> Preflight:
    """Whether the pool takes it, and what becomes of the tasks that run."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found = await changing.found_job(ctx, source, job, "job move")
    if over := changing.ended(ctx, source, found):
        return over
    show = Fix("Open job", line(ctx, source, "job show", found.id))
    info = found.pool_info
    if info is None or not info.pool_id:
        return Preflight(
            f"Job {found.id} has a pool that is made for it, and Azure does not move such a job: clone it to another "
            "pool instead.",
            fixes=(show,),
        )
    if info.pool_id.lower() == pool.lower():
        return Preflight(f"Job {found.id} runs on pool {info.pool_id} already.", fixes=(show,))
    async with finding_pool(ctx, source, pool, "pool show"):
        target = (await source.fetch(Pool, source.pool(pool), select=POOL)).value
    if why := unfit(ctx, source, target):
        return why
    counts = await changing.counts_of(source, found.id)
    active = found.state.lower() in ("active", "enabling")
    effects = (
        changing.of_running(counts.running, tasks) if active else "",
        "It is disabled for as long as that takes, and enabled again." if active else "It is disabled, and stays so.",
        without_nodes(target),
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=f"{found.state.lower()} {info.pool_id} {target.state.lower()}",
        differences=(Difference("Pool", info.pool_id, target.id),),
        confirm=active and counts.running > 0 and tasks != "wait",
        question=f"Move job {found.id} to pool {target.id}",
    )


@command(
    "job move",
    effect="change",
    azure=True,
    check="job show {job}",
    preflight=moving,
    examples=["job move nightly gpu-b", "job move nightly gpu-b tasks:wait"],
)
async def move(
    ctx: Context, job: str, pool: str, *, tasks: OfTasks = "requeue", account: str | None = None
) -> AsyncIterator[Card]:
    """Move a job to another pool. An active job is disabled, moved, and enabled again.

    :param job: the job's id
    :param pool: the pool it is to run on
    :param tasks: what becomes of tasks that run: requeue stops them, to start anew on the other pool; terminate ends
        them as failed, for good; wait lets them finish first
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Move(
        job,
        line(ctx, source, "job show", job),
        line(ctx, source, "job move", job),
        pool,
        tasks,
        line(ctx, source, "pool show", pool),
    )
    async for card in ctx.operate("job move", source, job, asked):
        yield card


@workflow("job move", Move, "Moving job {}")
async def moves(run: Run, asked: Move) -> Outcome:
    """Disable, wait, change the pool, and enable where it was active; where that is refused, enable too."""
    was = await run.once("before", Was, lambda: _was(run, asked.job))
    active = was.state in ("active", "enabling")
    if active:
        await _disabled(run, asked, was)
    held = await changing.before(run, asked.job, "held")

    def change() -> Awaitable[Written]:
        return jobs.patch(run.writer, asked.job, {"poolInfo": {"poolId": asked.pool}}, etag=held.etag)

    async def moved() -> bool:
        found = await changing.now(run, asked.job)
        return found is not None and _pool(found).lower() == asked.pool.lower()

    refused: AzureError | None = None
    try:
        await run.write("move", f"Give it pool {asked.pool}", change, landed=moved)
    except AzureError as error:
        refused = error
    state = await _enabled(run, asked) if active else held.state
    buttons = (changing.show(asked), Button("Open pool", asked.open_pool))
    if refused:
        why = f"{refused.message} {advice(refused.code)}".strip()
        kept = f"Job {asked.job} stays on pool {was.pool} and is {state}"
        return Outcome(kept, (Words(text(f"Azure answered {refused.code}: {why}")),), buttons, failed=True)
    has = f"runs on pool {asked.pool}" if state == "active" else f"has pool {asked.pool}, and is {state}"
    return Outcome(
        f"Job {asked.job} {has}",
        (),
        buttons,
        undo=f"{asked.back} {was.pool}",
        before=was.pool,
        after=asked.pool,
    )


async def _disabled(run: Run, asked: Move, was: Was) -> None:
    """Disable the job, and wait until none of its tasks runs."""

    def disable() -> Awaitable[Written]:
        return jobs.disable(run.writer, asked.job, tasks=asked.tasks, etag=was.etag)

    await changing.ask(run, asked.job, "disable", "Disable it", disable, "disabling", "disabled")
    state = await changing.until(
        run, asked.job, "disabled", "Wait until none of its tasks runs", "disabled", "active",
        longest=changing.LONGEST_WAIT,
    )  # fmt: skip
    if state != "disabled":
        raise Failure(f"Job {asked.job} is {state}: somebody else changed it meanwhile. It was not moved.")


async def _enabled(run: Run, asked: Move) -> str:
    """Enable the job again, and wait until it is active; the state that it comes to."""
    now = await changing.before(run, asked.job, "moved")

    def enable() -> Awaitable[Written]:
        return jobs.enable(run.writer, asked.job, etag=now.etag)

    landed = ("enabling", "active", "terminating", "completed")
    await changing.ask(run, asked.job, "enable", "Enable it again", enable, *landed)
    return await changing.until(run, asked.job, "enabled", "Wait until it is active", "active", "disabled")


async def _was(run: Run, job: str) -> Was:
    found = await changing.now(run, job)
    if found is None:
        raise Failure(f"Job {job} does not exist any more.")
    return Was(found.etag, found.state.lower(), _pool(found))


def _pool(job: Job) -> str:
    return job.pool_info.pool_id if job.pool_info else ""


@form_of(
    "job move",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("tasks", "Tasks that run", "choice", options=changing.WHAT_BECOMES_OF_TASKS, refresh=True),
)
async def move_form(ctx: Context, values: Values) -> FormChanges:
    """Says what is interrupted, and whether the pool has nodes."""
    job, pool = values.get("job"), values.get("pool")
    if not (job and pool):
        return FormChanges()
    tasks = changing.of_tasks(values.get("tasks"))
    found = await moving(ctx, job, pool, tasks=tasks, account=values.get("account"))
    return form_notes(found, "pool", submit="Move")
