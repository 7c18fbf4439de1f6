"""What is wrong with a form that was sent, below the field that it is about, whichever command it is of.

A live form says by itself what it knows (:mod:`bot.requests.forms`). For every form the words that it makes are read as
typed ones are; a command that only reads is run up to its first card, and a change of Azure looks ahead. So a name that
does not exist, a filter that cannot be read, or a size that is not offered is said while the form is open, with all
that was filled in. What takes too long, or fails otherwise, keeps no form from being taken: its answer says it then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.requests.binding import bind
from bot.requests.command import Command, CommandError, Instead
from bot.requests.form_errors import place, said
from cards.card import Field, Form, plain

if TYPE_CHECKING:
    from bot.requests.context import Context
    from bot.requests.pipeline import Pipeline

log = structlog.get_logger()


async def with_names(form: Form, known: Command, ctx: Context) -> Form:
    """The form with what there is to choose from for the name that the command needs: open alerts, saved queries.

    Pools, jobs and their like are completed while they are typed instead. Never raises: without it, it is typed.
    """
    offering = ctx.registry.live_names.get(known.path)
    needed = next((each for each in known.parameters if each.required and each.positional), None)
    if offering is None or needed is None or needed.names:
        return form
    given = {field.name: field.value for field in form.fields if field.value}
    try:
        options = tuple(await offering(ctx, given))
    except Exception:
        log.exception("form.names_failed", command=known.path)
        return form
    fields = (
        replace(field, kind="choice", options=options) if options and field.name == needed.name else field
        for field in form.fields
    )
    return replace(form, fields=tuple(fields))


async def checked(pipeline: Pipeline, form: Form, known: Command, values: Mapping[str, str], seconds: float) -> Form:
    """The form with what keeps it from being taken, which its own check did not find. Never raises.

    ``pipeline`` is that of the request which the form makes; within ``seconds``.
    """
    missing = {
        field.name: f"{field.label} is needed."
        for field in form.fields
        if field.required and not values.get(field.name)
    }
    if missing:
        return _wrong(form, missing)
    try:
        async with asyncio.timeout(seconds):
            await _tried(pipeline, form, known)
    except TimeoutError:
        log.info("form.not_tried_in_time", command=known.path)
    except CommandError as error:
        return _wrong(form, {place(form, known, error.at, error.message): said(error, form)})
    except Instead as instead:
        title = plain(instead.card.title)
        return _wrong(form, {place(form, known, "", title): title}) if instead.card.refused else form
    except AzureError as error:
        log.info("form.not_tried", command=known.path, code=error.code, status=error.status)
    except Exception:
        log.exception("form.not_tried", command=known.path)
    return form


async def _tried(pipeline: Pipeline, form: Form, known: Command) -> None:
    """Read what is filled in as a command, and what of it changes nothing. Raises what is wrong with it."""
    call, _ = pipeline.understand()
    if form.live:
        return
    ctx = await pipeline.context()
    bound = await bind(call, ctx)
    if not pipeline.decide(bound, ctx).allowed:
        return  # the refusal is its answer, and is written down
    if bound.effect == "read":
        async for _ in call.cards(ctx):
            return
    elif known.mark.preflight and (found := await known.mark.preflight(ctx, *call.args, **call.kwargs)).refused:
        raise CommandError(found.refused, at=found.at)


def _wrong(form: Form, errors: Mapping[str, str]) -> Form:
    fields: list[Field] = [replace(each, error=each.error or errors.get(each.name, "")) for each in form.fields]
    opened = any(each.more and each.error for each in fields)
    return replace(form, fields=tuple(fields), opened=form.opened or opened)
