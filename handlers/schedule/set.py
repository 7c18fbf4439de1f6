"""Change when a schedule starts jobs, and what they are like; all else that it has stays."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from bot.azure.models import JobSchedule, JobSpecification
from bot.azure.plane import Written
from bot.azure.writes import schedules
from bot.domain.bodies.edit import Edit, applied, patch_for
from bot.domain.bodies.fields import Body
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.grammar import words as split_words
from cards.card import Card
from cards.command_line import command as command_line
from cards.command_line import join
from handlers.job.set import NAMES, Settings, WhenDone, checked_settings
from handlers.job.set import shown as shown_of_jobs
from handlers.schedule import changing
from handlers.schedule.changing import OnSchedule
from handlers.schedule.plan import NONE, Plan, runs_of
from handlers.schedule.recurrence import OVER
from handlers.shared import new_jobs
from handlers.shared.common import line
from handlers.shared.followed import Before
from handlers.shared.missing import finding_schedule
from handlers.shared.preflight import blocked
from handlers.shared.runs import runs_line
from handlers.shared.verbs import unless_gone

_NAMES = {
    "every": "Starts a job every",
    "start": "Not before",
    "end": "Not after",
    "window": "May be late by",
    "pool": "Pool",
    **NAMES,
}
_SPECIFICATION = "jobSpecification"
_WITHOUT = {"every": "once", "start": "at once", "end": "never", "window": "until the next is due"}
"""What holds where there is no such span or moment."""


class Wanted(msgspec.Struct, frozen=True):
    """What is to be: of its plan (moments in UTC), of its jobs, and their pool; what is None stays."""

    plan: Plan = Plan()
    settings: Settings = Settings()
    pool: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Wanted:
        """As a schedule has it."""
        found = msgspec.convert(dict(body), JobSchedule)
        specification = found.job_specification or JobSpecification()
        pool = specification.pool_info.pool_id if specification.pool_info else ""
        return cls(Plan.of(found.schedule), Settings.of(specification), pool or None)

    def options(self) -> dict[str, object]:
        """Those that are given, as options of the command."""
        pool: dict[str, object] = {"pool": self.pool} if self.pool else {}
        return {**self.plan.options(), **self.settings.options(), **pool}

    def changed(self, before: Wanted) -> Wanted:
        """Only those that differ."""
        moved = self.pool if self.pool and self.pool.lower() != (before.pool or "").lower() else None
        return Wanted(self.plan.changed(before.plan), self.settings.changed(before.settings), moved)

    def only(self, names: Mapping[str, object]) -> Wanted:
        """Only those of some names."""
        plan = Plan(**{name: value for name, value in self.plan.options().items() if name in names})
        settings = Settings(**{name: getattr(self.settings, name) for name in self.settings.options() if name in names})
        return Wanted(plan, settings, self.pool if "pool" in names else None)

    def edit(self, body: Body) -> Edit:
        """The request that makes it so and keeps all else."""
        changes: dict[str, Any] = {f"schedule.{name}": value for name, value in self.plan.fields("UTC").items()}
        changes |= {f"{_SPECIFICATION}.{place}": value for place, value in self.settings.changes().items()}
        if self.pool:
            changes[f"{_SPECIFICATION}.poolInfo"] = {"poolId": self.pool}
        return patch_for("schedule", body, changes)


class Set(OnSchedule, frozen=True):
    """``wanted`` is what is to be."""

    wanted: Wanted = Wanted()


class Was(Before, frozen=True):
    """The schedule when it began: what changes, and what it had there."""

    changed: Wanted
    had: Wanted


async def setting(
    ctx: Context,
    schedule: str,
    *,
    every: str | None = None,
    start: str | None = None,
    end: str | None = None,
    window: str | None = None,
    pool: str | None = None,
    priority: int | None = None,
    time: str | None = None,
    retries: int | None = None,
    done: WhenDone | None = None,
    account: str | None = None,
) -> Preflight:
    """What differs, and when it runs then."""
    wanted = _wanted(ctx, schedule, Plan(every, start, end, window), priority, retries, time, done, pool)
    return await check_change(ctx, schedule, wanted, account)


async def check_change(ctx: Context, schedule: str, wanted: Wanted, account: str | None) -> Preflight:
    """What differs, and when it runs then; refuses what cannot be."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_schedule(ctx, source, schedule, "schedule set"):
        fetched = await source.fetch(JobSchedule, source.schedule(schedule))
    found, body = fetched.value, new_jobs.decoded(fetched.raw)
    if over := changing.ended(ctx, source, found):
        return over
    before = Wanted.of(body)
    changed = wanted.changed(before)
    if changed == Wanted():
        show = Fix("Open schedule", line(ctx, source, "schedule show", found.id))
        return Preflight(f"Schedule {found.id} has these settings already.", fixes=(show,))
    edit = changed.edit(body)
    if needed := [need.place for need in edit.needs if need.required]:
        return new_jobs.lacking(needed)
    after = applied(body, edit)
    pool = await new_jobs.pool_named(ctx, source, after[_SPECIFICATION]) if changed.pool else None
    if refused := new_jobs.unfit(ctx, source, pool):
        return refused
    run = found.execution_info
    runs = runs_of(after["schedule"], source.now(), run.next_run_time if run else None)
    of_jobs = changed.pool or changed.settings != Settings()
    effects = (
        f"It starts jobs at {runs_line(runs, ctx.zone)}." if runs else OVER,
        "Jobs that it has started already keep what they were started with." if of_jobs else "",
        new_jobs.without_nodes(pool) if pool else "",
    )
    return Preflight(
        effects=tuple(filter(None, effects)),
        state=fetched.value.etag,
        differences=tuple(
            Difference(_NAMES[name], shown(name, before.options().get(name, "a pool of its own")), shown(name, value))
            for name, value in changed.options().items()
        ),
    )


@command(
    "schedule set",
    effect="change",
    azure=True,
    check="schedule show {schedule}",
    preflight=setting,
    uses=["pool"],
    examples=["schedule set nightly every:12h", "schedule set nightly end:none priority:100 pool:gpu-b"],
)
async def set_(
    ctx: Context,
    schedule: str,
    *,
    every: str | None = None,
    start: str | None = None,
    end: str | None = None,
    window: str | None = None,
    pool: str | None = None,
    priority: int | None = None,
    time: str | None = None,
    retries: int | None = None,
    done: WhenDone | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Change when a schedule starts jobs, and what they are like. What is left out stays.

    :param schedule: the job schedule's id
    :param every: how often it starts a job, such as 6h or 1d; none for once
    :param start: when the first may start, such as 2026-12-01T22:00; none for at once
    :param end: when it ends; none for never
    :param window: how late a job may start, such as 30m; none for until the next one is due
    :param pool: the pool that its jobs run on
    :param priority: of its jobs, from -1000 to 1000
    :param time: how long a job may go on, such as 12h; none for no limit
    :param retries: how often a task that failed is tried again; -1 without end
    :param done: when all tasks of a job are done, it stays open or ends
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = _wanted(ctx, schedule, Plan(every, start, end, window), priority, retries, time, done, pool)
    show, back = line(ctx, source, "schedule show", schedule), line(ctx, source, "schedule set", schedule)
    async for card in ctx.operate("schedule set", source, schedule, Set(schedule, show, back, wanted)):
        yield card


@workflow("schedule set", Set, "Changing schedule {}")
async def sets(run: Run, asked: Set) -> Outcome:
    """Read the schedule whole, and send the touched fields with all that they hold."""

    async def read() -> Body:
        found = await unless_gone(lambda: run.account.fetch(JobSchedule, run.account.schedule(asked.schedule)))
        if found is None:
            raise Failure(f"Schedule {asked.schedule} does not exist any more.")
        return new_jobs.decoded(found.raw)

    async def was() -> Was:
        body = await read()
        before = Wanted.of(body)
        changed = asked.wanted.changed(before)
        return Was(
            str(body.get("eTag", "")), str(body.get("state", "")).lower(), changed, before.only(changed.options())
        )

    before = await run.once("before", Was, was)
    changed = before.changed

    async def send() -> Written:
        # Read anew, since a body may hold secrets and is not stored; the ETag says that it is still the same.
        return await schedules.patch(run.writer, asked.schedule, changed.edit(await read()).body, etag=before.etag)

    async def landed() -> bool:
        return changed.changed(Wanted.of(await read())) == Wanted()

    await run.write("patch", "Ask Azure for the change", send, landed=landed)
    words = ", ".join(f"{_NAMES[name].lower()} {shown(name, value)}" for name, value in changed.options().items())
    back = [f"{name}:{value}" for name, value in before.had.options().items()]
    whole = before.had.options().keys() >= changed.options().keys()
    return Outcome(
        f"Schedule {asked.schedule} is changed: {words}",
        (),
        (changing.show(asked),),
        undo=join([*split_words(asked.back), *back]) if whole else "",
        before=", ".join(back),
        after=", ".join(f"{name}:{value}" for name, value in changed.options().items()),
    )


def _wanted(
    ctx: Context,
    schedule: str,
    plan: Plan,
    priority: int | None,
    retries: int | None,
    time: str | None,
    done: WhenDone | None,
    pool: str | None,
) -> Wanted:
    """What was typed. Raises CommandError for what no schedule can have."""
    settings = Settings(priority, retries, time, None, None, done)
    wanted = Wanted(plan.in_utc(ctx.zone), settings, pool)
    if wanted == Wanted():
        again = [command_line("schedule set", schedule, every="1d"), "help schedule set"]
        raise CommandError("What is to change? Give at least one of its settings.", again)
    if settings != Settings():
        checked_settings(schedule, settings, "schedule set")
    wanted.plan.fields("UTC")
    return wanted


def shown(name: str, value: object) -> str:
    """A setting's value in words."""
    if name in _WITHOUT and value == NONE:
        return _WITHOUT[name]
    if name in ("start", "end"):
        moment = datetime.fromisoformat(str(value))
        return f"{moment:%a} {moment.day} {moment:%b %Y %H:%M} UTC"
    return shown_of_jobs(name, value)
