"""Save a template of a pool, a job, a schedule or another template."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from bot.azure.models import Job, JobSchedule, Pool
from bot.chat.request import Author
from bot.domain.bodies.clone import clone
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from bot.requests.preferences import TEMPLATES, person_of, place_of
from cards.build import refusal
from cards.card import Button, Card
from handlers.shared.missing import finding_job, finding_pool, finding_schedule
from handlers.shared.templates import MOST, Stored, Template, Whose, find, made, of
from handlers.template.show import template_card

_NAME = re.compile(r"[^\W_][\w.-]{0,39}")
_SOURCES = ("pool", "job", "schedule", "template")

Typed = Annotated[str, Parameter(allow_leading_hyphen=True)]


async def _channel_saved_by(ctx: Context, name: str, *settings: str, whose: Whose = "channel", **rest: object) -> str:
    """Whoever saved what this channel has under a name; empty where nothing is, or it is asked for oneself."""
    if whose == "mine":
        return ""
    kept = await of(ctx, place_of(ctx.request))
    return next((stored.template.by.id for stored in kept if stored.name == name.casefold()), "")


@command(
    "template save",
    effect="change",
    others="operator",
    owner=_channel_saved_by,
    check="template list",
    examples=[
        "template save nightly from:job/nightly-1123",
        "template save gpu from:pool/gpu-a targetDedicatedNodes={nodes:2} whose:mine",
        "template save nightly from:template/nightly priority={priority:0}",
    ],
)
async def save(
    ctx: Context,
    name: str,
    *settings: Typed,
    from_: str,
    whose: Whose = "channel",
    account: str | None = None,
) -> Card:
    """Save a template for everybody in this channel, or for yourself. Secrets are left out and asked for at use.

    :param name: letters, digits, dots and hyphens, 40 at most
    :param settings: what to write into it, such as priority={priority:0}; nothing behind the = takes it away
    :param from_: what it is made from: pool/NAME, job/NAME, schedule/NAME or template/NAME
    :param whose: the channel's or your own
    :param account: the account, by its name in the settings
    """
    name = name.casefold()
    if not _NAME.fullmatch(name):
        raise CommandError(f"“{name[:60]}” cannot be a name: letters, digits, dots and hyphens, 40 at most.")
    kind, _, source = from_.partition("/")
    if kind not in _SOURCES or not source:
        raise CommandError(
            f"“{from_[:60]}” is nothing that a template is made from: write it as job/NAME, with pool, job, schedule "
            "or template before the slash."
        )
    template = await _made(ctx, kind, source, settings, account)
    owner = place_of(ctx.request) if whose == "channel" else person_of(ctx.request)
    kept = await of(ctx, owner)
    before = next((stored for stored in kept if stored.name == name), None)
    if before is None and len(kept) >= MOST:
        return refusal(
            f"{MOST} templates are saved already, which is the most.",
            "Delete one that nobody needs.",
            [Button("Templates", "template list")],
        )
    await ctx.store.put_preference(TEMPLATES, owner, name, msgspec.json.encode(template), ctx.now())
    news = "saved for you" if owner == person_of(ctx.request) else "saved for everybody here"
    return template_card(ctx, Stored(name, owner, template, ctx.now()), news, replaced=before is not None)


async def _made(ctx: Context, kind: str, source: str, settings: tuple[str, ...], account: str | None) -> Template:
    author = Author.of(ctx.request)
    if kind == "template":
        before = (await find(ctx, source)).template
        return made(before.noun, before.body, settings, author, before.source, before=before)
    noun: Literal["pool", "job", "schedule"] = kind  # type: ignore[assignment]
    body = await _entity(ctx, noun, source, account)
    cloned = clone(noun, body)
    return made(noun, cloned.body, settings, author, f"{noun} {body['id']}")


async def _entity(ctx: Context, noun: Literal["pool", "job", "schedule"], name: str, account: str | None) -> Any:
    """The service's own JSON of an entity."""
    source = ctx.account(account)
    if noun == "pool":
        async with finding_pool(ctx, source, name, "pool show"):
            return msgspec.json.decode((await source.fetch(Pool, source.pool(name))).raw)
    if noun == "job":
        async with finding_job(ctx, source, name, "job show"):
            return msgspec.json.decode((await source.fetch(Job, source.job(name))).raw)
    async with finding_schedule(ctx, source, name, "schedule show"):
        return msgspec.json.decode((await source.fetch(JobSchedule, source.schedule(name))).raw)
