"""Make a schedule: of jobs on a pool, like an existing job, from a template or from JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Job, JobSchedule
from bot.azure.plane import Written
from bot.azure.writes import schedules
from bot.domain.bodies import create as bodies
from bot.domain.bodies.clone import Clone, clone
from bot.domain.bodies.edit import REMOVE
from bot.domain.bodies.fields import Body
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.uploads import is_reference
from cards.card import Button, Card
from handlers.job.create import changes_of, lacks
from handlers.job.set import Settings, WhenDone, checked_settings
from handlers.schedule.plan import Plan, runs_of
from handlers.shared import new_jobs
from handlers.shared.common import line
from handlers.shared.missing import finding_job
from handlers.shared.preflight import blocked
from handlers.shared.runs import runs_line
from handlers.shared.shown_as import Format, shown_as
from handlers.shared.templates import from_template
from handlers.shared.verbs import unless_gone


class NewSchedule(Struct, frozen=True):
    """A schedule that is to be made: of a ``body``, of an ``upload`` with JSON, or of jobs ``like`` one that exists.

    What may hold secrets is not stored here. ``plan`` are fields of the body's ``schedule`` and ``changes`` values of
    its job specification by place, set in the end; ``pool`` is another pool for its jobs.
    """

    schedule: str
    show: str
    back: str
    body: Body | None = None
    upload: str = ""
    like: str = ""
    pool: str = ""
    name: str = ""
    plan: Mapping[str, Any] = {}
    changes: Mapping[str, Any] = {}

    @classmethod
    def of(cls, ctx: Context, source: Account, schedule: str, **rest: Any) -> NewSchedule:
        """With the commands that show it and that take it back."""
        show, back = line(ctx, source, "schedule show", schedule), line(ctx, source, "schedule delete", schedule)
        return cls(schedule, show, back, **rest)

    def made(self, found: Mapping[str, Any]) -> Body:
        """The create body, made of what was found."""
        specification = new_jobs.on_pool(found.get("jobSpecification") or {}, self.pool or None)
        return {
            **found,
            "id": self.schedule,
            **({"displayName": self.name} if self.name else {}),
            "schedule": {**(found.get("schedule") or {}), **self.plan},
            "jobSpecification": new_jobs.with_changes(specification, self.changes),
        }


async def preflight(
    ctx: Context,
    schedule: str,
    *,
    every: str | None = None,
    start: str | None = None,
    end: str | None = None,
    window: str | None = None,
    pool: str | None = None,
    like: str | None = None,
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
    """Whether the id is free, the quota has room, the pool is there, and when it runs."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    plan, settings = Plan(every, start, end, window), Settings(priority, retries, time, None, None, done)
    found, asked = await _asked(ctx, source, schedule, plan, pool, like, settings, name, template, values, json)
    return await check_new(ctx, source, Clone(asked.made(found.body), found.left_out, found.needs), schedule)


@command(
    "schedule create",
    effect="change",
    azure=True,
    reads_with=("as",),
    check="schedule show {schedule}",
    preflight=preflight,
    names={"like": "job"},
    uses=["pool", "like"],
    examples=[
        "schedule create nightly every:1d start:2026-12-01T22:00 like:nightly-1123",
        "schedule create thumbnails every:30m pool:encode-spot done:end",
        "schedule create nightly template:nightly values:'frames=100' every:1d",
    ],
)
async def create(
    ctx: Context,
    schedule: str,
    *,
    every: str | None = None,
    start: str | None = None,
    end: str | None = None,
    window: str | None = None,
    pool: str | None = None,
    like: str | None = None,
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
    """Create a schedule that starts jobs: like a job that exists, on a pool, from a template, or from JSON.

    A job of a schedule gets its tasks from its job manager task: a schedule whose jobs have none starts empty ones.

    :param schedule: the new schedule's id: letters, digits, hyphens and underscores, 64 at most
    :param every: how often it starts a job, such as 6h or 1d; once where it is left out
    :param start: when the first may start, such as 2026-12-01T22:00; at once where it is left out
    :param end: when it ends
    :param window: how late a job may start, such as 30m; until the next one is due where it is left out
    :param pool: the pool that its jobs run on
    :param like: a job that its jobs are to be like
    :param priority: of its jobs, from -1000 to 1000
    :param time: how long a job may go on, such as 12h
    :param retries: how often a task that failed is tried again; -1 without end
    :param done: when all tasks of a job are done, it stays open or ends; the next starts only when it has ended
    :param name: a display name
    :param template: the name of a template, from template list
    :param values: what fills the template's placeholders, such as frames=100
    :param json: the body of a schedule as JSON, pasted or attached
    :param as_: show it as JSON or az instead of creating it
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    plan, settings = Plan(every, start, end, window), Settings(priority, retries, time, None, None, done)
    found, asked = await _asked(ctx, source, schedule, plan, pool, like, settings, name, template, values, json)
    if as_:
        shown = Clone(asked.made(found.body), found.left_out, found.needs)
        yield shown_as("schedule", shown, as_, source, at=source.now())
        return
    async for card in ctx.operate("schedule create", source, schedule, asked):
        yield card


@workflow("schedule create", NewSchedule, "Creating schedule {}")
async def creates(run: Run, asked: NewSchedule) -> Outcome:
    """Send the create body."""
    path = run.account.schedule(asked.schedule)

    async def send() -> Written:
        return await schedules.create(run.writer, asked.made(await _body(run, asked)))

    async def landed() -> bool:
        return await unless_gone(lambda: run.account.fetch(JobSchedule, path, select="id")) is not None

    await run.write("create", "Ask Azure for the schedule", send, landed=landed)
    show = Button("Open schedule", asked.show, style="primary")
    return Outcome(
        f"Schedule {asked.schedule} is created", (), (show,), undo=asked.back, after=f"schedule {asked.schedule}"
    )


async def _body(run: Run, asked: NewSchedule) -> Body:
    """What the schedule is made of. Raises Failure where it is not there any more."""
    if asked.body is not None:
        return asked.body
    try:
        if asked.upload:
            return new_jobs.read_json("schedule", await run.upload(asked.upload)).body
    except CommandError as error:
        raise Failure(error.message) from None
    found = await unless_gone(lambda: run.account.fetch(Job, run.account.job(asked.like)))
    if found is None:
        raise Failure(f"Job {asked.like} does not exist any more, so there is nothing to be like.")
    return bodies.schedule(asked.schedule, clone("job", new_jobs.decoded(found.raw)).body)


async def _asked(
    ctx: Context,
    source: Account,
    schedule: str,
    plan: Plan,
    pool: str | None,
    like: str | None,
    settings: Settings,
    name: str | None,
    template: str | None,
    values: str | None,
    json: str | None,
) -> tuple[Clone, NewSchedule]:
    """What the new schedule is made of, and what is to be done. Raises CommandError for what is wrong or lacking."""
    if settings != Settings():
        checked_settings(schedule, settings, "schedule create")
    when = {place: value for place, value in plan.fields(ctx.zone).items() if value is not REMOVE}
    if sum(bool(each) for each in (template, json, like)) > 1:
        raise CommandError("Give one of a template, JSON, or a job that it is like.", ["help schedule create"])
    upload, kept = "", True
    if template:
        filled = await from_template(ctx, "schedule", template, schedule, values or "")
        if filled.lacks:
            raise CommandError(lacks(filled.stored.name, [need.place for need in filled.lacks]))
        found = Clone(filled.body)
    elif json:
        reference = json if is_reference(json) else await ctx.uploads.keep(ctx.request, "json", "", json.encode())
        found = new_jobs.read_json("schedule", (await ctx.uploads.read(ctx.request, reference)).body)
        upload, kept = reference.partition(":")[2], False
    elif like:
        async with finding_job(ctx, source, like, "job show"):
            fetched = await source.fetch(Job, source.job(like))
        job = clone("job", new_jobs.decoded(fetched.raw))
        found, kept = Clone(bodies.schedule(schedule, job.body), job.left_out, job.needs), False
    elif pool:
        found = Clone(bodies.schedule(schedule, bodies.job("", pool)))
    else:
        raise CommandError(
            "What are its jobs to be like? Give pool:NAME, like:JOB, a template, or JSON.", ["help schedule create"]
        )
    asked = NewSchedule.of(
        ctx,
        source,
        schedule,
        body=found.body if kept else None,
        upload=upload,
        like=like or "",
        pool=pool or "",
        name=name or "",
        plan=when,
        changes=changes_of(settings),
    )
    return found, asked


async def check_new(ctx: Context, source: Account, found: Clone, schedule: str, said: str = "") -> Preflight:
    """Whether the id is free, the quota has room, the pool is there, and when it runs."""
    body = found.body
    if problem := new_jobs.wrong("schedule", body):
        return Preflight(problem)
    if needed := new_jobs.required(found):
        return new_jobs.lacking(needed)
    if refused := await new_jobs.id_taken(ctx, source, schedule) or await new_jobs.no_room(ctx, source, "schedule"):
        return refused
    specification = body["jobSpecification"]
    pool = await new_jobs.pool_named(ctx, source, specification)
    if refused := new_jobs.unfit(ctx, source, pool):
        return refused
    runs = runs_of(body["schedule"], source.now())
    effects = (
        f"It starts jobs at {runs_line(runs, ctx.zone)}." if runs else "It starts no job: its time is over.",
        said,
        ""
        if specification.get("jobManagerTask")
        else "Its jobs have no job manager task, so each starts without tasks.",
        new_jobs.without_nodes(pool),
        new_jobs.left_out(found),
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=pool.state.lower() if pool else "",
        uses=new_jobs.used(pool),
    )
