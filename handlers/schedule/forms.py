"""The forms in which schedules are made and edited, with the next five runs at their foot."""

from __future__ import annotations

from bot.azure.models import JobSchedule
from bot.domain.bodies.limits import PRIORITY, RETRIES
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.uploads import is_reference
from cards.build import text
from cards.card import Field, Note, Option
from cards.form_values import FILE
from handlers.job.set import settings_of
from handlers.schedule.create import preflight
from handlers.schedule.plan import Plan
from handlers.schedule.set import Wanted, check_change, shown
from handlers.shared import new_jobs
from handlers.shared.missing import finding_schedule
from handlers.shared.preflight import form_notes

_EVERY = Field("every", "Starts a job every", hint="Such as 30m, 6h or 1d.", default="once", refresh=True)
_START = Field("start", "Not before", "moment", default="at once", refresh=True)
_END = Field("end", "Not after", "moment", default="never", refresh=True)
_WINDOW = Field("window", "May be late by", hint="Such as 30m.", default="until the next is due", more=True)
_POOL = Field("pool", "Pool", "name", names="pool", refresh=True)
_PRIORITY = Field("priority", "Priority of its jobs", "number", least=-PRIORITY, most=PRIORITY, more=True)
_TIME = Field("time", "Longest time of a job", hint="Such as 12h; none for no limit.", more=True)
_RETRIES = Field("retries", "Retries of a task that failed", "number", least=-1, most=RETRIES, more=True)
_DONE = Field(
    "done",
    "When all tasks of a job are done",
    "choice",
    options=(Option("it stays open, and the next job waits", "stay"), Option("it ends", "end")),
    more=True,
)
_SETTINGS = ("priority", "time", "retries", "done")


@form_of(
    "schedule create",
    Field("schedule", "Id", "text", hint="Letters, digits, hyphens and underscores.", refresh=True),
    _EVERY,
    _START,
    Field("like", "Its jobs are like", "name", names="job", refresh=True),
    _POOL,
    _END,
    _WINDOW,
    _PRIORITY,
    _TIME,
    _RETRIES,
    _DONE,
    Field("name", "Display name", more=True),
    Field("template", "Template", hint="Its name, from template list.", refresh=True, more=True),
    Field("values", "Values of the template", hint="Such as frames=100.", refresh=True, more=True),
    Field("json", "Or as JSON", "file", most=1, refresh=True, more=True),
    without=("as",),
)
async def create_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether the id is free, and when it runs."""
    schedule, json = values.get("schedule", ""), values.get("json", "")
    json = "" if json.startswith(FILE) and not is_reference(json) else json  # a file is read when the form is sent
    if not schedule:
        return FormChanges(submit="Make")
    if not (json or any(values.get(name) for name in ("pool", "like", "template"))):
        taken = await new_jobs.id_taken(ctx, ctx.account(values.get("account")), schedule)
        return FormChanges(errors={"schedule": taken.refused} if taken else {}, submit="Make")
    given = settings_of(values, _SETTINGS)
    found = await preflight(
        ctx,
        schedule,
        **_plan(values).options(),  # type: ignore[arg-type]
        pool=values.get("pool"),
        like=values.get("like"),
        priority=given.priority,
        time=given.time,
        retries=given.retries,
        done=given.done,
        template=values.get("template"),
        values=values.get("values"),
        json=json or None,
        account=values.get("account"),
    )
    return form_notes(found, "schedule", submit="Make")


@form_of(
    "schedule set",
    Field("schedule", "Schedule", "name", names="schedule", refresh=True),
    _EVERY,
    _START,
    _END,
    _POOL,
    _WINDOW,
    _PRIORITY,
    _TIME,
    _RETRIES,
    _DONE,
)
async def set_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from the schedule; says what differs, and when it runs then."""
    if not (schedule := values.get("schedule")):
        return FormChanges()
    account = values.get("account")
    source = ctx.account(account)
    async with finding_schedule(ctx, source, schedule, "schedule set"):
        before = Wanted.of(new_jobs.decoded((await source.fetch(JobSchedule, source.schedule(schedule))).raw))
    plan = _plan(values).in_utc(ctx.zone)
    wanted = Wanted(plan, settings_of(values, _SETTINGS), values.get("pool"))
    changes = FormChanges(notes=(Note(text("Nothing differs yet.")),))
    if wanted.changed(before) != Wanted():
        changes = form_notes(await check_change(ctx, schedule, wanted, account), "schedule")
    held = before.options()
    first = {name: str(held[name]) for name in ("every", "start", "end", "pool") if held.get(name, "none") != "none"}
    return FormChanges(
        prefill=first,
        defaults={name: shown(name, value) for name, value in held.items() if name not in first},
        errors=changes.errors,
        notes=changes.notes,
        submit="Change",
    )


def _plan(values: Values) -> Plan:
    return Plan(**{name: values[name] for name in ("every", "start", "end", "window") if values.get(name)})
