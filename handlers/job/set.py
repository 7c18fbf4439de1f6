"""Change a job's priority, its limits, and what it does when all tasks are done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from bot.azure.account import Account
from bot.azure.models import Job, JobSpecification, duration
from bot.azure.plane import Written
from bot.azure.writes import jobs
from bot.domain.bodies.edit import REMOVE, patch_for
from bot.domain.bodies.fields import Body
from bot.domain.bodies.limits import PRIORITY, RETRIES
from bot.filter.values import span, spelled
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.grammar import words as split_words
from cards.build import text
from cards.card import Card, Field, Note, Option
from cards.command_line import command as command_line
from cards.command_line import join
from handlers.job import changing
from handlers.job.changing import OnJob
from handlers.shared.common import line
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.verbs import unless_gone

NONE = "none"
"""In place of a limit: there is none."""
_SELECT = "id,eTag,state,priority,constraints,maxParallelTasks,allowTaskPreemption,onAllTasksComplete"
WhenDone = Literal["stay", "end"]
YesNo = Literal["yes", "no"]
_WHEN_DONE: Mapping[WhenDone, str] = {"stay": "noaction", "end": "terminatejob"}


class Settings(msgspec.Struct, frozen=True):
    """What may be changed of a job, as it is typed; None stays."""

    priority: int | None = None
    retries: int | None = None
    time: str | None = None
    parallel: int | None = None
    preemption: YesNo | None = None
    done: WhenDone | None = None

    @classmethod
    def of(cls, job: Job | JobSpecification) -> Settings:
        """As a job is, or those that a schedule starts."""
        limits = job.constraints
        longest = duration(limits.max_wall_clock_time) if limits else None
        return cls(
            job.priority,
            limits.max_task_retry_count if limits else 0,
            spelled(longest) if longest else NONE,
            job.max_parallel_tasks,
            "yes" if job.allow_task_preemption else "no",
            "end" if job.on_all_tasks_complete.lower() == "terminatejob" else "stay",
        )

    def options(self) -> dict[str, object]:
        """Those that are given, as options of the command."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in given.items() if value is not None}

    def changed(self, before: Settings) -> Settings:
        """Only those that differ."""
        both = ((name, getattr(self, name), getattr(before, name)) for name in self.__struct_fields__)
        return Settings(**{name: new for name, new, old in both if new is not None and new != old})

    def changes(self) -> dict[str, Any]:
        """What they are in a job's body, by place."""
        longest = self.time and (REMOVE if self.time == NONE else msgspec.to_builtins(span(self.time)))
        return {
            place: value
            for place, value in (
                ("priority", self.priority),
                ("constraints.maxTaskRetryCount", self.retries),
                ("constraints.maxWallClockTime", longest),
                ("maxParallelTasks", self.parallel),
                ("allowTaskPreemption", self.preemption and self.preemption == "yes"),
                ("onAllTasksComplete", _WHEN_DONE[self.done] if self.done else None),
            )
            if value is not None
        }


NAMES = {
    "priority": "Priority",
    "retries": "Retries of a task",
    "time": "Longest time",
    "parallel": "Tasks at once",
    "preemption": "Gives way to higher priority",
    "done": "When all tasks are done",
}


_MORE = {"parallel", "preemption"}
"""Settings that only who wants more is asked for."""


class Set(OnJob, frozen=True):
    """``wanted`` are the settings that change."""

    wanted: Settings = Settings()


async def setting(
    ctx: Context,
    job: str,
    *,
    retries: int | None = None,
    time: str | None = None,
    parallel: int | None = None,
    preemption: YesNo | None = None,
    done: WhenDone | None = None,
    account: str | None = None,
) -> Preflight:
    """What differs; refuses numbers that no job has."""
    return await _preflight(ctx, job, Settings(None, retries, time, parallel, preemption, done), "job set", account)


async def prioritising(ctx: Context, job: str, priority: int, *, account: str | None = None) -> Preflight:
    """What it is now."""
    return await _preflight(ctx, job, Settings(priority), "job priority", account)


async def _preflight(ctx: Context, job: str, asked: Settings, verb: str, account: str | None) -> Preflight:
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    checked_settings(job, asked)
    found = await changing.found_job(ctx, source, job, verb)
    if over := changing.ended(ctx, source, found):
        return over
    before = Settings.of(found)
    changed = asked.changed(before)
    show = Fix("Open job", line(ctx, source, "job show", found.id))
    if changed == Settings():
        return Preflight(f"Job {found.id} has these settings already.", fixes=(show,))
    if changed.done == "stay":
        return Preflight(
            f"Job {found.id} ends when all its tasks are done, and that cannot be taken back: the service refuses it.",
            fixes=(show,),
        )
    return Preflight(
        effects=tuple(filter(None, (await _ends(source, found, changed),))),
        state=str(before),
        differences=tuple(
            Difference(NAMES[name], shown(name, getattr(before, name)), shown(name, getattr(changed, name)))
            for name in changed.options()
        ),
    )


@command(
    "job priority",
    effect="change",
    azure=True,
    check="job show {job}",
    preflight=prioritising,
    examples=["job priority nightly 100"],
)
async def priority(ctx: Context, job: str, priority: int, *, account: str | None = None) -> AsyncIterator[Card]:
    """Set a job's priority: of the jobs of a pool, tasks of the one with the highest start first.

    :param job: the job's id
    :param priority: from -1000 to 1000; 0 unless it was set
    :param account: the account, by its name in the settings
    """
    async for card in _set(ctx, job, Settings(priority), "job priority", account):
        yield card


@command(
    "job set",
    effect="change",
    azure=True,
    check="job show {job}",
    preflight=setting,
    examples=["job set nightly retries:3", "job set nightly time:12h done:end", "job set nightly parallel:-1"],
)
async def set_(
    ctx: Context,
    job: str,
    *,
    retries: int | None = None,
    time: str | None = None,
    parallel: int | None = None,
    preemption: YesNo | None = None,
    done: WhenDone | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Change a job's limits and rules. What is left out stays.

    :param job: the job's id
    :param retries: how often a task that failed is tried again; -1 without end
    :param time: how long the job may go on, such as 12h or 3d; none for no limit
    :param parallel: how many of its tasks run at once; -1 for as many as fit
    :param preemption: whether its tasks give way to jobs of a higher priority
    :param done: when all tasks are done, the job stays open or ends; once it ends by itself, that cannot be taken back
    :param account: the account, by its name in the settings
    """
    asked = Settings(None, retries, time, parallel, preemption, done)
    async for card in _set(ctx, job, asked, "job set", account):
        yield card


async def _set(ctx: Context, job: str, asked: Settings, verb: str, account: str | None) -> AsyncIterator[Card]:
    source = ctx.account(account)
    again = line(ctx, source, verb, job)
    async for card in ctx.operate("job set", source, job, Set(job, line(ctx, source, "job show", job), again, asked)):
        yield card


@workflow("job set", Set, "Changing job {}")
async def sets(run: Run, asked: Set) -> Outcome:
    """Read the job whole, and send the touched fields with all that they hold."""
    path = run.account.job(asked.job)

    async def read() -> Body:
        fetched = await unless_gone(lambda: run.account.fetch(Job, path, select=_SELECT))
        if fetched is None:
            raise Failure(f"Job {asked.job} does not exist any more.")
        body: Body = msgspec.json.decode(fetched.raw)
        return body

    async def settings() -> Settings:
        return Settings.of(msgspec.convert(await read(), Job))

    body = await run.once("before", dict, read)
    before = Settings.of(msgspec.convert(body, Job))
    changed = asked.wanted.changed(before)
    edit = patch_for("job", body, changed.changes())

    def send() -> Awaitable[Written]:
        return jobs.patch(run.writer, asked.job, edit.body, etag=str(body.get("eTag", "")))

    async def landed() -> bool:
        return changed.changed(await settings()) == Settings()

    await run.write("patch", "Ask Azure for the change", send, landed=landed)
    was = Settings(**{name: getattr(before, name) for name in changed.options()})
    words = ", ".join(f"{NAMES[name].lower()} {shown(name, value)}" for name, value in _values(changed))
    back = "" if changed.done else _back(asked, was)
    alone = changed.options().keys() == {"priority"}
    return Outcome(
        f"Job {asked.job} has {words}" if alone else f"Job {asked.job} is changed: {words}",
        (),
        (changing.show(asked),),
        undo=back,
        before=", ".join(f"{name} {shown(name, value)}" for name, value in _values(was)),
        after=", ".join(f"{name} {shown(name, value)}" for name, value in _values(changed)),
    )


@form_of(
    "job priority",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("priority", "Priority", "number", refresh=True, least=-PRIORITY, most=PRIORITY),
)
async def priority_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from the job."""
    return await _form(ctx, values, "job priority", ("priority",))


@form_of(
    "job set",
    Field("job", "Job", "name", names="job", refresh=True),
    Field("time", "Longest time", hint="Such as 12h or 3d; none for no limit.", refresh=True),
    Field(
        "retries",
        "Retries of a task that failed",
        "number",
        hint="-1 without end.",
        least=-1,
        most=RETRIES,
        refresh=True,
    ),
    Field(
        "done",
        "When all tasks are done",
        "choice",
        options=(Option("it stays open", "stay"), Option("it ends, which cannot be taken back", "end")),
        refresh=True,
    ),
    Field("parallel", "Tasks at once", "number", hint="-1 for as many as fit.", least=-1, more=True),
    Field(
        "preemption",
        "Gives way to higher priority",
        "choice",
        options=(Option("yes", "yes"), Option("no", "no")),
        more=True,
    ),
)
async def set_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from the job; says what differs."""
    return await _form(ctx, values, "job set", ("time", "retries", "done", "parallel", "preemption"))


async def _form(ctx: Context, values: Values, verb: str, names: Sequence[str]) -> FormChanges:
    job, account = values.get("job"), values.get("account")
    if not job:
        return FormChanges()
    before = Settings.of(await changing.found_job(ctx, ctx.account(account), job, verb))
    filled = {name: str(value) for name, value in before.options().items() if name in names}
    asked = settings_of(values, names)
    changes = FormChanges(notes=(Note(text("Nothing differs yet.")),))
    if asked.changed(before) != Settings():
        changes = form_notes(await _preflight(ctx, job, asked, verb, account), names[0])
    first = {name: value for name, value in filled.items() if name not in _MORE}
    rest = {name: shown(name, getattr(before, name)) for name in _MORE & filled.keys()}
    return FormChanges(prefill=first, defaults=rest, errors=changes.errors, notes=changes.notes, submit="Change")


def settings_of(values: Values, names: Sequence[str]) -> Settings:
    """Those of the settings that were filled in. Raises CommandError."""
    values = {name: values[name] for name in names if values.get(name)}
    numbers = {name: _number(values[name]) for name in ("priority", "retries", "parallel") if name in values}
    return Settings(
        numbers.get("priority"),
        numbers.get("retries"),
        values.get("time"),
        numbers.get("parallel"),
        "yes" if values.get("preemption") == "yes" else "no" if "preemption" in values else None,
        "end" if values.get("done") == "end" else "stay" if "done" in values else None,
    )


def _number(typed: str) -> int:
    try:
        return int(typed)
    except ValueError:
        raise CommandError(f"“{typed[:40]}” is not a whole number.") from None


def checked_settings(job: str, asked: Settings, verb: str = "job set") -> None:
    """Raises CommandError for what no job can have."""
    help_ = [f"help {verb}"]
    if asked == Settings():
        raise CommandError(
            "What is to change? Give at least one of its settings.", [command_line("job set", job, retries=3), *help_]
        )
    if asked.priority is not None and not -PRIORITY <= asked.priority <= PRIORITY:
        raise CommandError(f"A priority goes from {-PRIORITY} to {PRIORITY}.", help_)
    if asked.retries is not None and not -1 <= asked.retries <= RETRIES:
        raise CommandError(f"Retries go from 0 to {RETRIES}, and -1 is without end.", help_)
    if asked.parallel is not None and asked.parallel != -1 and asked.parallel < 1:
        raise CommandError("At least one task runs at once; -1 is for as many as fit.", help_)
    if asked.time is not None and asked.time != NONE and not span(asked.time):
        raise CommandError(f"“{asked.time[:40]}” is not a span of time: write one like 12h or 3d, or none.", help_)


async def _ends(source: Account, job: Job, changed: Settings) -> str:
    """What is said of a job that is to end with its tasks."""
    if changed.done != "end":
        return ""
    counts = await changing.counts_of(source, job.id)
    if counts.active or counts.running:
        return "It ends by itself when all its tasks are done; that cannot be taken back."
    return "It has no task left to run, so it ends at once, for good."


def shown(name: str, value: object) -> str:
    """A setting's value in words."""
    match name, value:
        case "done", str():
            return "it ends" if value == "end" else "it stays open"
        case ("retries", -1):
            return "without end"
        case ("parallel", -1):
            return "as many as fit"
        case "time", "none":
            return "no limit"
        case _:
            return str(value)


def _values(settings: Settings) -> Iterator[tuple[str, object]]:
    return ((name, getattr(settings, name)) for name in settings.options())


def _back(asked: Set, was: Settings) -> str:
    """The command that takes it back; of a priority it is given by itself."""
    if was.priority is not None:
        return f"{asked.back} {was.priority}"
    return join([*split_words(asked.back), *(f"{name}:{value}" for name, value in was.options().items())])
