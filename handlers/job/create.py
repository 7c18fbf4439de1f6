"""Make a job: from a few answers, from a template, from JSON, or like another job."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule
from bot.azure.plane import Written
from bot.azure.writes import jobs
from bot.domain.bodies import create as bodies
from bot.domain.bodies.clone import Clone, clone
from bot.domain.bodies.edit import REMOVE
from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import value_at, with_value
from bot.domain.job_health import total
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.policy.question import Target
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.uploads import is_reference
from cards.card import Button, Card
from cards.formatting import plural
from handlers.job.changing import counts_of
from handlers.job.set import Settings, WhenDone, checked_settings
from handlers.shared import new_jobs
from handlers.shared.common import line
from handlers.shared.missing import finding_job
from handlers.shared.preflight import blocked
from handlers.shared.shown_as import Format, shown_as
from handlers.shared.templates import from_template
from handlers.shared.verbs import unless_gone

ENDS_AT_ONCE = "It ends by itself when it has no task to run: add tasks soon, or it is over before they come."


class NewJob(Struct, frozen=True):
    """A job that is to be made: of a ``body``, of an ``upload`` with JSON, ``like`` another job, or of a ``schedule``.

    What may hold secrets is not stored here: JSON stays in its upload, and what is copied is read when it is needed.
    ``changes`` are values by place that are set in the end, ``pool`` the pool where another one is wanted.
    """

    job: str
    show: str
    tasks: str
    back: str
    body: Body | None = None
    upload: str = ""
    like: str = ""
    schedule: str = ""
    pool: str = ""
    changes: Mapping[str, Any] = {}

    def made(self, found: Mapping[str, Any]) -> Body:
        """The create body, made of what was found."""
        body = new_jobs.on_pool({**found, "id": self.job}, self.pool or None)
        return new_jobs.with_changes(body, self.changes)


def changes_of(settings: Settings, name: str | None = None) -> dict[str, Any]:
    """Settings as values by place; no limit is the service's own default."""
    made = {place: value for place, value in settings.changes().items() if value is not REMOVE}
    return {**made, **({"displayName": name} if name else {})}


async def preflight(
    ctx: Context,
    job: str,
    *,
    pool: str | None = None,
    priority: int | None = None,
    time: str | None = None,
    retries: int | None = None,
    done: WhenDone | None = None,
    name: str | None = None,
    template: str | None = None,
    values: str | None = None,
    json: str | None = None,
    as_: Format | None = None,
    account: str | None = None,
) -> Preflight:
    """Whether the id is free, the quota has room, the pool is there, and the body is one that Azure takes."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    settings = Settings(priority, retries, time, None, None, done)
    found, asked = await _asked(ctx, source, job, pool, settings, name, template, values, json)
    return await check_new(ctx, source, found, asked)


@command(
    "job create",
    effect="change",
    azure=True,
    reads_with=("as",),
    check="job show {job}",
    preflight=preflight,
    uses=["pool"],
    examples=[
        "job create nightly pool:gpu-a",
        "job create nightly-1124 template:nightly values:'frames=100'",
        "job create nightly pool:gpu-a priority:100 done:end as:json",
    ],
)
async def create(
    ctx: Context,
    job: str,
    *,
    pool: str | None = None,
    priority: int | None = None,
    time: str | None = None,
    retries: int | None = None,
    done: WhenDone | None = None,
    name: str | None = None,
    template: str | None = None,
    values: str | None = None,
    json: str | None = None,
    as_: Format | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Create a job on a pool: from these answers, from a template, or from JSON.

    What is given besides a template or JSON takes the place of what stands there. Tasks are added afterwards.

    :param job: the new job's id: letters, digits, hyphens and underscores, 64 at most
    :param pool: the pool it runs on
    :param priority: from -1000 to 1000; 0 where it is left out
    :param time: how long it may go on, such as 12h or 3d; no limit where it is left out
    :param retries: how often a task that failed is tried again; -1 without end; 0 where it is left out
    :param done: when all tasks are done, it stays open or ends
    :param name: a display name
    :param template: the name of a template, from template list
    :param values: what fills the template's placeholders, such as frames=100
    :param json: the body of a job as JSON, pasted or attached
    :param as_: show it as JSON or az instead of creating it
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    settings = Settings(priority, retries, time, None, None, done)
    found, asked = await _asked(ctx, source, job, pool, settings, name, template, values, json)
    if as_:
        yield shown_as("job", Clone(asked.made(found.body), found.left_out, found.needs), as_, source, at=source.now())
        return
    async for card in ctx.operate("job create", source, job, asked):
        yield card


async def cloning(
    ctx: Context,
    job: str,
    new: str | None = None,
    *,
    pool: str | None = None,
    priority: int | None = None,
    account: str | None = None,
) -> Preflight:
    """As for a new job; says what cannot be taken over."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    found, asked = await _like(ctx, source, job, new, pool, priority)
    counts = await counts_of(source, asked.like)
    tasks = total(counts)
    said = f"{plural(tasks, 'task of it is', 'tasks of it are')} not copied: the new job has none." if tasks else ""
    ahead = await check_new(ctx, source, found, asked, said)
    return ahead if new else replace(ahead, makes=(Target("job", asked.job),))


@command(
    "job clone",
    effect="change",
    azure=True,
    check="job list",
    preflight=cloning,
    names={"new": "job"},
    uses=["job", "pool"],
    examples=["job clone nightly-1123", "job clone nightly-1123 nightly-1124 pool:gpu-b"],
)
async def clone_job(
    ctx: Context,
    job: str,
    new: str | None = None,
    *,
    pool: str | None = None,
    priority: int | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Create a job like another one, without its tasks.

    :param job: the job that it is to be like
    :param new: the new job's id; the next one that is free where it is left out
    :param pool: another pool
    :param priority: another priority
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    _, asked = await _like(ctx, source, job, new, pool, priority)
    async for card in ctx.operate("job create", source, asked.job, asked):
        yield card


@workflow("job create", NewJob, "Creating job {}")
async def creates(run: Run, asked: NewJob) -> Outcome:
    """Send the create body."""

    async def send() -> Written:
        return await jobs.create(run.writer, asked.made(await _body(run, asked)))

    async def landed() -> bool:
        return await unless_gone(lambda: run.account.fetch(Job, run.account.job(asked.job), select="id")) is not None

    await run.write("create", "Ask Azure for the job", send, landed=landed)
    like = f" like {asked.like}" if asked.like else f" from schedule {asked.schedule}" if asked.schedule else ""
    return Outcome(
        f"Job {asked.job} is created{like}",
        (),
        (Button("Open job", asked.show, style="primary"), Button("Add tasks…", asked.tasks, how="form")),
        undo=asked.back,
        after=f"job {asked.job}",
    )


async def _body(run: Run, asked: NewJob) -> Body:
    """What the job is made of. Raises Failure where it is not there any more."""
    if asked.body is not None:
        return asked.body
    try:
        if asked.upload:
            return new_jobs.read_json("job", await run.upload(asked.upload)).body
    except CommandError as error:
        raise Failure(error.message) from None
    if asked.schedule:
        schedule = await unless_gone(lambda: run.account.fetch(JobSchedule, run.account.schedule(asked.schedule)))
        if schedule is None:
            raise Failure(f"Schedule {asked.schedule} does not exist any more, so there is nothing to run.")
        return of_schedule(new_jobs.decoded(schedule.raw), asked.job).body
    found = await unless_gone(lambda: run.account.fetch(Job, run.account.job(asked.like)))
    if found is None:
        raise Failure(f"Job {asked.like} does not exist any more, so there is nothing to clone.")
    return clone("job", new_jobs.decoded(found.raw)).body


def of_schedule(answered: Mapping[str, Any], job: str) -> Clone:
    """The job that a schedule would make, on its own.

    An automatic pool that lives as long as the schedule is only for the schedule's own jobs ("Job - Add"), so this one
    gets one that lives as long as the job.
    """
    found = clone("schedule", answered)
    body = bodies.job_of(found.body, job)
    place = ("poolInfo", "autoPoolSpecification", "poolLifetimeOption")
    if str(value_at(body, place, "")).lower() == "jobschedule":
        body = with_value(body, place, "job")
    return Clone(body, found.left_out, found.needs)


async def _asked(
    ctx: Context,
    source: Account,
    job: str,
    pool: str | None,
    settings: Settings,
    name: str | None,
    template: str | None,
    values: str | None,
    json: str | None,
) -> tuple[Clone, NewJob]:
    """What the new job is made of, and what is to be done. Raises CommandError for what is wrong or lacking."""
    if settings != Settings():
        checked_settings(job, settings, "job create")
    if template and json:
        raise CommandError("Give either a template or JSON.", ["help job create"])
    upload = ""
    if template:
        filled = await from_template(ctx, "job", template, job, values or "")
        if filled.lacks:
            raise CommandError(lacks(filled.stored.name, [need.place for need in filled.lacks]))
        found = Clone(filled.body)
    elif json:
        reference = json if is_reference(json) else await ctx.uploads.keep(ctx.request, "json", "", json.encode())
        found = new_jobs.read_json("job", (await ctx.uploads.read(ctx.request, reference)).body)
        upload = reference.partition(":")[2]
    elif pool:
        found = Clone(bodies.job(job, pool))
    else:
        raise CommandError("Which pool is it to run on? Give pool:NAME, a template, or JSON.", ["help job create"])
    asked = NewJob(
        job,
        line(ctx, source, "job show", job),
        line(ctx, source, "task add", job),
        line(ctx, source, "job delete", job),
        None if upload else found.body,
        upload,
        pool=pool or "",
        changes=changes_of(settings, name),
    )
    return found, asked


def lacks(template: str, places: list[str]) -> str:
    """The sentence for a template that cannot be used as it is stored."""
    return (
        f"Template {template} has no values at {', '.join(places[:3])}: they are secret and not stored. Create it from "
        "JSON, with them written out."
    )


async def _like(
    ctx: Context, source: Account, job: str, new: str | None, pool: str | None, priority: int | None
) -> tuple[Clone, NewJob]:
    """What a clone is made of, and what is to be done."""
    if priority is not None:
        checked_settings(job, Settings(priority), "job clone")
    async with finding_job(ctx, source, job, "job clone"):
        fetched = await source.fetch(Job, source.job(job))
    found = clone("job", new_jobs.decoded(fetched.raw))
    made = new or await new_jobs.free_id(source, fetched.value.id)
    asked = NewJob(
        made,
        line(ctx, source, "job show", made),
        line(ctx, source, "task add", made),
        line(ctx, source, "job delete", made),
        like=fetched.value.id,
        pool=pool or "",
        changes=changes_of(Settings(priority)),
    )
    return found, asked


async def check_new(ctx: Context, source: Account, found: Clone, asked: NewJob, said: str = "") -> Preflight:
    """Whether the id is free, the quota has room, the pool is there, and the body is one that Azure takes."""
    body = asked.made(found.body)
    if problem := new_jobs.wrong("job", body):
        return Preflight(problem)
    if lacks := new_jobs.required(found):
        return new_jobs.lacking(lacks)
    if refused := await new_jobs.id_taken(ctx, source, asked.job) or await new_jobs.no_room(ctx, source, "job"):
        return refused
    pool = await new_jobs.pool_named(ctx, source, body)
    if refused := new_jobs.unfit(ctx, source, pool):
        return refused
    ends = str(body.get("onAllTasksComplete", "")).lower() == "terminatejob" and not body.get("jobManagerTask")
    effects = (
        f"Job {asked.job} is made{f' on pool {pool.id}' if pool else ', with a pool of its own, which costs'}.",
        said,
        new_jobs.without_nodes(pool),
        ENDS_AT_ONCE if ends else "",
        new_jobs.left_out(found),
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=pool.state.lower() if pool else "",
        uses=new_jobs.used(pool),
    )
