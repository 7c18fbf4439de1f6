"""What the verbs of jobs share: reading one, refusing what its state does not allow, and following it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Counts, Job
from bot.azure.plane import Written
from bot.azure.writes.jobs import OfTasks
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure
from bot.requests.context import Context
from cards.card import Action, Button, Option
from cards.formatting import plural
from handlers.shared import followed
from handlers.shared.common import line
from handlers.shared.followed import GONE, OVER, Before
from handlers.shared.missing import finding_job
from handlers.shared.verbs import more, unless_gone, verb

SELECT = (
    "id,eTag,state,priority,poolInfo,executionInfo,constraints,maxParallelTasks,allowTaskPreemption,"
    "onAllTasksComplete,jobReleaseTask"
)
"""What is needed of a job."""
WHAT_BECOMES_OF_TASKS = (
    Option("Requeue: they stop now and start anew when it goes on", "requeue"),
    Option("Terminate: they end now, as failed, and never run again", "terminate"),
    Option("Wait: they finish first, and none starts meanwhile", "wait"),
)
"""What becomes of the tasks that run when a job is disabled, a sentence each."""
LONGEST_WAIT = timedelta(days=7)
"""How long tasks that are waited for are followed."""

_RARE_WHILE_OPEN = (
    ("Priority…", "priority"),
    ("Limits and rules…", "set"),
    ("Move to another pool…", "move"),
    ("Terminate…", "terminate"),
)
_RARE = (("Clone…", "clone"), ("Delete…", "delete"))


class OnJob(Struct, frozen=True):
    """A job, and the commands that show it and that take the change back (empty where none does)."""

    job: str
    show: str
    back: str = ""


async def found_job(ctx: Context, source: Account, job: str, verb: str) -> Job:
    """The job, as far as verbs need it; ``verb`` is the command that the nearest names are offered for."""
    async with finding_job(ctx, source, job, verb):
        return (await source.fetch(Job, source.job(job), select=SELECT)).value
    raise AssertionError("it is found, or the answer says that it is not")


async def counts_of(source: Account, job: str) -> Counts:
    """A job's tasks by state."""
    return (await source.task_counts(job)).value.task_counts


def ended(ctx: Context, source: Account, job: Job) -> Preflight | None:
    """The refusal where a job ends, has ended or goes, and nothing can be changed of it any more."""
    why = OVER.get(job.state.lower())
    if why is None:
        return None
    fixes = [Fix("Open job", line(ctx, source, "job show", job.id))]
    if job.state.lower() == "completed" and "job clone" in ctx.registry.commands:
        fixes.insert(0, Fix("Clone it", line(ctx, source, "job clone", job.id)))
    return Preflight(f"Job {job.id} cannot be changed any more: {why}.", fixes=tuple(fixes))


def of_tasks(word: str | None) -> OfTasks:
    """What a form's choice means; requeue where nothing was chosen."""
    return "terminate" if word == "terminate" else "wait" if word == "wait" else "requeue"


def of_running(running: int, tasks: str) -> str:
    """What becomes of the tasks that run when a job is disabled; empty where none does."""
    if not running:
        return ""
    one = running == 1
    what = {
        "terminate": "ends now, as failed, and never runs again" if one else "end now, as failed, and never run again",
        "wait": "finishes first" if one else "finish first",
    }.get(tasks, "stops now and starts anew when the job goes on" if one else "stop now and start anew when it goes on")
    return f"{plural(running, 'running task')} {what}."


async def now(run: Run, job: str) -> Job | None:
    """The job as it is; None where it is gone."""

    async def read() -> Job:
        return (await run.account.fetch(Job, run.account.job(job), select=SELECT)).value

    return await unless_gone(read)


async def state_of(run: Run, job: str) -> str:
    """A job's state in lower case, :data:`GONE` where it is gone."""
    found = await now(run, job)
    return found.state.lower() if found else GONE


async def before(run: Run, job: str, name: str = "before") -> Before:
    """The job when the change began, or under another name at a later step. Raises Failure where it is gone."""

    async def read() -> Before:
        found = await now(run, job)
        if found is None:
            raise Failure(f"Job {job} does not exist any more.")
        return Before(found.etag, found.state.lower())

    return await run.once(name, Before, read)


async def ask(run: Run, job: str, name: str, title: str, send: Callable[[], Awaitable[Written]], *landed: str) -> None:
    """Send a change of a job's state; the states ``landed`` say that it took effect."""
    await followed.ask(run, lambda: state_of(run, job), name, title, send, landed)


async def until(
    run: Run,
    job: str,
    name: str,
    title: str,
    *states: str,
    over: Collection[str] = ("completed", GONE),
    longest: timedelta = timedelta(hours=2),
) -> str:
    """Wait until a job is in one of the states, or in one that it does not leave (``over``); the state it is in."""
    return await followed.until(run, lambda: state_of(run, job), name, title, {*states, *over}, longest)


def show(asked: OnJob) -> Button:
    """The button to the job."""
    return Button("Open job", asked.show, style="primary")


def buttons(ctx: Context, source: Account, job: str, state: str, failed: int) -> tuple[Action | None, ...]:
    """What somebody may do to a job in a state, with so many failed tasks: likely verbs, and a menu of the others."""
    state = state.lower()
    opened = state not in OVER
    likely = (
        verb(ctx, source, "Enable", "job enable", job) if state in ("disabled", "disabling") else None,
        verb(ctx, source, "Disable…", "job disable", job, how="form") if state in ("active", "enabling") else None,
        verb(ctx, source, "Add tasks", "task add", job) if opened else None,
        verb(ctx, source, "Reactivate failed…", "job reactivate-failed", job, how="form")
        if failed and opened
        else None,
    )
    rest = (_RARE_WHILE_OPEN if opened else ()) + (_RARE if state != "deleting" else ())
    return *likely, more(ctx, source, "job", (job,), rest)
