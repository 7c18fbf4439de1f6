"""The form of what only an empty pool takes."""

from __future__ import annotations

import msgspec

from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option
from handlers.pool import editing, given
from handlers.pool.rebuild import PATH, preflight
from handlers.shared.capacity import capacity
from handlers.shared.common import images_of
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import form_notes

_YES_NO = (Option("yes", "yes"), Option("no", "no"))


@form_of(
    PATH,
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("size", "VM size", "choice", refresh=True),
    Field("image", "Image", "choice", refresh=True),
    Field("slots", "Task slots of a node", "number", least=1, most=256, refresh=True),
    Field("internode", "Nodes talk to each other", "choice", options=_YES_NO, more=True, refresh=True),
    Field(
        "fill",
        "Tasks are put on nodes",
        "choice",
        options=(Option("spread over them", "spread"), Option("one node after the other", "pack")),
        more=True,
        refresh=True,
    ),
    Field("title", "Display name", more=True, refresh=True),
    Field(
        "tasks",
        "Tasks that run",
        "choice",
        options=(
            Option("go back into the queue", "requeue"),
            Option("are ended", "terminate"),
            Option("are waited for", "taskcompletion"),
        ),
        refresh=True,
    ),
)
async def rebuild_form(ctx: Context, values: Values) -> FormChanges:
    """Offers sizes and images; says what is interrupted, and what the time without nodes costs."""
    if not (pool := values.get("pool")):
        return FormChanges(submit="Rebuild")
    source = ctx.account(values.get("account"))
    async with finding_pool(ctx, source, pool, PATH):
        found = (await editing.whole(source, pool)).pool
    known, images = await capacity(source, without=found.id), await images_of(source)
    sizes, _ = given.size_options(known, [each.vm_size for each in known.pools], "", source.now())
    options = {"size": sizes, "image": given.image_options(images, [], source.now())}
    reference = found.virtual_machine_configuration and found.virtual_machine_configuration.image_reference
    defaults = {
        "size": found.vm_size,
        "image": " ".join(filter(None, (reference.offer, reference.sku))) if reference else "its own",
        "slots": str(found.task_slots_per_node),
        "internode": "yes" if found.enable_inter_node_communication else "no",
        "title": found.display_name or "none",
    }
    asked = {name: value for name, value in values.items() if name not in ("pool", "account")}
    if not asked.keys() - {"tasks"}:
        return FormChanges(options=options, defaults=defaults, submit="Rebuild")
    try:
        looked = await preflight(ctx, pool, account=values.get("account"), **asked)
    except CommandError as error:
        notes = (Note(text(error.message), Mark.WARNING),)
        return FormChanges(options=options, defaults=defaults, notes=notes, submit="Rebuild")
    changes = form_notes(looked, "size", submit="Rebuild")
    return msgspec.structs.replace(changes, options=options, defaults=defaults)
