"""Make a pool: from a form, a template, or JSON that somebody pasted or attached."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.domain.autoscale.suggested import suggested
from bot.domain.bodies import create as bodies
from bot.domain.bodies.clone import Clone
from bot.domain.bodies.fields import Body
from bot.domain.bodies.pasted import NotABody, pasted
from bot.domain.bodies.write_only import missing
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, Instead, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.uploads import is_reference
from cards.build import refusal
from cards.card import Button, Card, Field, Option
from cards.formatting import number
from handlers.pool import given
from handlers.pool.making import NewPool, making, meaning
from handlers.shared.capacity import capacity
from handlers.shared.common import images_of, line, sizes_of
from handlers.shared.preflight import blocked, form_error, form_notes
from handlers.shared.shown_as import Format, shown_as
from handlers.shared.templates import from_template

_PATH = "pool create"


class Wanted(Struct, frozen=True):
    """What was asked for, by the command's options; None and empty are the service's defaults."""

    size: str = ""
    image: str = ""
    dedicated: int | None = None
    spot: int | None = None
    start: str = ""
    upto: int | None = None
    slots: int | None = None
    elevated: bool = False
    retries: int | None = None
    nowait: bool = False
    internode: bool = False
    fill: Literal["spread", "pack"] = "spread"
    packages: str = ""
    containers: str = ""
    subnet: str = ""
    metadata: str = ""
    title: str = ""
    agent: str = ""
    minutes: int | None = None
    template: str = ""
    values: str = ""
    body: str = ""


def _wanted(options: dict[str, Any]) -> Wanted:
    return msgspec.convert({name: value for name, value in options.items() if value is not None}, Wanted, strict=False)


async def preflight(ctx: Context, pool: str, *, account: str | None = None, **options: Any) -> Preflight:
    """Quotas, price, end of life and boot time; refuses what Azure would."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    options.pop("as_", None)
    body = await _body(ctx, source, pool, _wanted(options))

    def again(**other: object) -> str:
        named = str(other.pop("id", pool))
        return line(ctx, source, _PATH, named, **{**options, **other})

    return await meaning(source, body, again)


@command(
    _PATH,
    effect="change",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    reads_with=("as",),
    examples=[
        "pool create gpu size:nc4as_t4_v3 image:ubuntu-24_04 dedicated:4",
        'pool create render size:d4s_v3 image:"ubuntu 24" upto:20 start:"/bin/bash -c setup.sh"',
        "pool create gpu size:d4s_v3 image:ubuntu-24_04 as:bicep",
        "pool create gpu-2 template:gpu values:nodes=4",
    ],
)
async def create(
    ctx: Context,
    pool: str,
    *,
    size: str | None = None,
    image: str | None = None,
    dedicated: int | None = None,
    spot: int | None = None,
    start: str | None = None,
    upto: int | None = None,
    slots: int | None = None,
    elevated: bool = False,
    retries: int | None = None,
    nowait: bool = False,
    internode: bool = False,
    fill: Literal["spread", "pack"] = "spread",
    packages: str | None = None,
    containers: str | None = None,
    subnet: str | None = None,
    metadata: str | None = None,
    title: str | None = None,
    agent: str | None = None,
    minutes: int | None = None,
    template: str | None = None,
    values: str | None = None,
    body: str | None = None,
    as_: Format | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Make a pool. Quotas, the price an hour and the end of support are checked before anything happens.

    :param pool: the new pool's id: 1 to 64 letters, digits, hyphens and underscores
    :param size: the VM size, such as d4s_v3; size list shows them
    :param image: the image, as publisher:offer:sku or words that only one has; image list shows them
    :param dedicated: dedicated nodes
    :param spot: spot nodes
    :param start: the start task's command line, which every node runs when it joins
    :param upto: instead of a number of nodes: as many as there are tasks for, up to this
    :param slots: task slots of a node; tasks that may run on it at once
    :param elevated: run the start task as administrator
    :param retries: how often the start task is tried again
    :param nowait: let tasks run before the start task is done
    :param internode: let nodes talk to each other, for MPI
    :param fill: how tasks are put on nodes: spread over them, or one node after the other
    :param packages: application packages, such as renderer=2.1,tools
    :param containers: run containers: yes, or the images to fetch, with commas between them
    :param subnet: the resource id of a subnet
    :param metadata: such as team=render,cost=42
    :param title: a display name
    :param agent: for an image of your own, its node agent
    :param minutes: how long the first nodes may take, 5 at least
    :param template: a template, instead of size and image
    :param values: what to fill into it, such as nodes=4
    :param body: JSON or Bicep's JSON of a pool, attached or pasted, instead of size and image
    :param as_: only show it, as Bicep, ARM JSON, JSON or az
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = Wanted(
        size or "",
        image or "",
        dedicated,
        spot,
        start or "",
        upto,
        slots,
        elevated,
        retries,
        nowait,
        internode,
        fill,
        packages or "",
        containers or "",
        subnet or "",
        metadata or "",
        title or "",
        agent or "",
        minutes,
        template or "",
        values or "",
        body or "",
    )
    made = await _body(ctx, source, pool, wanted)
    if as_:
        yield shown_as("pool", Clone(made, (), tuple(missing(made))), as_, source)
        return
    asked = NewPool(
        json.dumps(made),
        show=line(ctx, source, "pool show", pool),
        delete=line(ctx, source, "pool delete", pool),
        resize=line(ctx, source, "pool resize", pool),
    )
    async for card in ctx.operate(_PATH, source, pool, asked):
        yield card


@workflow(_PATH, NewPool, "Making pool {}")
async def creating(run: Run, asked: NewPool) -> Outcome:
    """Ask for it, and follow until its nodes work."""
    return await making(run, asked)


async def _body(ctx: Context, source: Account, pool: str, wanted: Wanted) -> Body:
    """The create body. Raises CommandError for what is missing or wrong, and Instead with the form."""
    if wanted.template:
        filled = await from_template(ctx, "pool", wanted.template, pool, wanted.values)
        if lacks := [each.what for each in filled.lacks]:
            raise CommandError(
                f"Template {wanted.template} lacks {', '.join(lacks[:3])}, and no secret is taken here: what is "
                "given in a chat is kept.",
                ["template list"],
            )
        return filled.body
    if wanted.body:
        return await _pasted(ctx, pool, wanted.body)
    if not wanted.size or not wanted.image:
        form = Button("Fill in the form", line(ctx, source, _PATH, pool), how="form", style="primary")
        raise Instead(
            refusal(
                "A pool needs a VM size and an image.",
                "",
                [form, Button("VM sizes", line(ctx, source, "size list")), Button("Images", "image list")],
            )
        )
    if wanted.upto is not None and (wanted.dedicated or wanted.spot):
        raise CommandError("Give either a number of nodes or upto, and not both.", ["help pool create"])
    slots = wanted.slots or 1
    return bodies.pool(
        pool,
        given.vm_size(await sizes_of(source), wanted.size),
        given.image(await images_of(source), wanted.image, wanted.agent),
        dedicated=wanted.dedicated or 0,
        spot=wanted.spot or 0,
        resize_timeout=timedelta(minutes=wanted.minutes) if wanted.minutes else None,
        formula=suggested(slots, wanted.upto) if wanted.upto is not None else "",
        display_name=wanted.title,
        slots=slots,
        inter_node=wanted.internode,
        fill=wanted.fill,
        start_task=bodies.start_task(
            wanted.start, elevated=wanted.elevated, retries=wanted.retries or 0, wait=not wanted.nowait
        )
        if wanted.start
        else None,
        packages=given.packages(source, wanted.packages) if wanted.packages else None,
        container_images=_containers(wanted.containers),
        subnet=wanted.subnet,
        metadata=given.pairs(wanted.metadata, "metadata") if wanted.metadata else None,
    )


def _containers(typed: str) -> list[str] | None:
    """The images to fetch; none for ``yes``; None where there are no containers."""
    named = [each.strip() for each in typed.split(",") if each.strip()]
    return [] if typed.lower() == "yes" else named or None


async def _pasted(ctx: Context, pool: str, body: str) -> Body:
    words = body
    if is_reference(body):
        words = (await ctx.uploads.read(ctx.request, body)).body.decode(errors="replace")
    try:
        found = pasted(words, "pool")
    except NotABody as error:
        raise CommandError(str(error), ["help pool create"]) from None
    return {**found.clone.body, "id": pool}


def _gathered(values: Values) -> Values:
    """The command's parameters: what only narrows a choice is none."""
    return {name: value for name, value in values.items() if name != "like"}


@form_of(
    _PATH,
    Field("pool", "Id", hint="1 to 64 letters, digits, - and _", required=True, refresh=True),
    Field("size", "VM size", "choice", refresh=True),
    Field("image", "Image", "choice", refresh=True),
    Field("dedicated", "Dedicated nodes", "number", default="0", least=0, refresh=True),
    Field("spot", "Spot nodes", "number", default="0", least=0, refresh=True),
    Field("start", "Start task: what every node runs first", default="none"),
    Field("like", "Only VM sizes whose name has", hint="Such as nc, or d8s", more=True, refresh=True),
    Field("upto", "Or as many nodes as tasks need, up to", "number", default="off", least=1, more=True, refresh=True),
    Field("slots", "Task slots of a node", "number", default="1", least=1, most=256, more=True, refresh=True),
    Field("elevated", "Start task runs as administrator", "flag", default="no", more=True),
    Field("retries", "Retries of the start task", "number", default="0", least=-1, more=True),
    Field("nowait", "Tasks need not wait for it", "flag", default="they wait", more=True),
    Field("packages", "Application packages", default="none", more=True),
    Field("containers", "Container images", default="no containers", more=True),
    Field("internode", "Nodes talk to each other", "flag", default="no", more=True),
    Field(
        "fill",
        "Tasks are put on nodes",
        "choice",
        options=(Option("spread over them", "spread"), Option("one node after the other", "pack")),
        more=True,
    ),
    Field("subnet", "Subnet, by its resource id", default="none", more=True),
    Field("metadata", "Metadata", hint="Such as team=render,cost=42", default="none", more=True),
    Field("title", "Display name", default="none", more=True),
    Field("minutes", "Minutes that the first nodes may take", "number", default="15", least=5, more=True),
    Field("template", "Or a template", default="none", more=True, refresh=True),
    Field("values", "What to fill into it", hint="Such as nodes=4", more=True, refresh=True),
    Field("body", "Or JSON of a pool", "file", more=True, most=1),
    gather=_gathered,
    without=("agent", "as"),
)
async def create_form(ctx: Context, values: Values) -> FormChanges:
    """Offers sizes with price and room and images with their end; says what it costs and when the first node is up."""
    source = ctx.account(values.get("account"))
    (pools, _), known, images = await asyncio.gather(
        source.every(Pool, "/pools", select="id,virtualMachineConfiguration"), capacity(source), images_of(source)
    )
    used = [pool.vm_size for pool in known.pools]
    ours = [given.key_of(pool.virtual_machine_configuration) for pool in pools]
    sizes, many = given.size_options(known, used, values.get("like", ""), source.now())
    offered = given.image_options(images, ours, source.now())
    narrowed = f"{number(len(sizes))} of {number(many)}: narrow them under More…" if many > len(sizes) else ""
    options = {"size": sizes, "image": offered}
    asked = {name: value for name, value in _gathered(values).items() if name not in ("pool", "account")}
    pool, hints = values.get("pool", ""), {"size": narrowed} if narrowed else {}
    lacks = {"size", "image"} - asked.keys()
    if not pool or (lacks and "template" not in asked):
        half = pool and len(lacks) == 1 and "body" not in asked
        errors = dict.fromkeys(lacks, "Choose one.") if half else {}
        return FormChanges(options=options, hints=hints, errors=errors, submit="Make")
    try:
        found = await preflight(ctx, pool, account=values.get("account"), **asked)
    except CommandError as error:
        return msgspec.structs.replace(form_error(error, submit="Make"), options=options, hints=hints)
    changes = form_notes(found, submit="Make")
    return msgspec.structs.replace(changes, options=options, hints=hints)
