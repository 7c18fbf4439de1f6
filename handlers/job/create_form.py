"""The forms in which jobs are made and cloned."""

from __future__ import annotations

from bot.domain.bodies.limits import PRIORITY, RETRIES
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.uploads import is_reference
from cards.card import Field, Option
from cards.form_values import FILE
from handlers.job.create import cloning, preflight
from handlers.job.set import settings_of
from handlers.shared import new_jobs
from handlers.shared.preflight import form_notes

WHEN_DONE = Field(
    "done",
    "When all tasks are done",
    "choice",
    options=(Option("it stays open", "stay"), Option("it ends", "end")),
    default="it stays open",
    refresh=True,
)


@form_of(
    "job create",
    Field("job", "Id", "text", hint="Letters, digits, hyphens and underscores.", refresh=True),
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("priority", "Priority", "number", default="0", least=-PRIORITY, most=PRIORITY),
    Field("time", "Longest time", hint="Such as 12h or 3d.", default="no limit"),
    Field("retries", "Retries of a task that failed", "number", default="0", least=-1, most=RETRIES),
    WHEN_DONE,
    Field("name", "Display name", more=True),
    Field("template", "Template", hint="Its name, from template list.", refresh=True, more=True),
    Field("values", "Values of the template", hint="Such as frames=100.", refresh=True, more=True),
    Field("json", "Or as JSON", "file", most=1, refresh=True, more=True),
    without=("as",),
)
async def create_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether the id is free, the quota has room, and the pool has nodes."""
    source = ctx.account(values.get("account"))
    job, json = values.get("job", ""), values.get("json", "")
    json = "" if json.startswith(FILE) and not is_reference(json) else json  # a file is read when the form is sent
    if not job:
        return FormChanges(submit="Make")
    if not (values.get("pool") or values.get("template") or json):
        taken = await new_jobs.id_taken(ctx, source, job)
        return FormChanges(errors={"job": taken.refused} if taken else {}, submit="Make")
    given = settings_of(values, ("priority", "time", "retries", "done"))
    found = await preflight(
        ctx,
        job,
        pool=values.get("pool"),
        priority=given.priority,
        time=given.time,
        retries=given.retries,
        done=given.done,
        template=values.get("template"),
        values=values.get("values"),
        json=json or None,
        account=values.get("account"),
    )
    return form_notes(found, "job", submit="Make")


@form_of(
    "job clone",
    Field("job", "Like job", "name", names="job", refresh=True),
    Field("new", "Id", "text", hint="Letters, digits, hyphens and underscores.", refresh=True),
    Field("pool", "Pool", "name", names="pool", default="the same", refresh=True),
    Field("priority", "Priority", "number", default="the same", least=-PRIORITY, most=PRIORITY),
)
async def clone_form(ctx: Context, values: Values) -> FormChanges:
    """Offers the next id that is free; says what is not taken over."""
    if not (job := values.get("job")):
        return FormChanges()
    source = ctx.account(values.get("account"))
    found = await cloning(ctx, job, values.get("new"), pool=values.get("pool"), account=values.get("account"))
    changes = form_notes(found, "new", submit="Clone")
    free = await new_jobs.free_id(source, job) if not values.get("new") else ""
    return FormChanges(
        prefill={"new": free} if free else {}, errors=changes.errors, notes=changes.notes, submit="Clone"
    )
