"""Make another pool like one that is there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.domain.bodies.clone import Clone
from bot.domain.bodies.clone import clone as cloned
from bot.domain.bodies.path import Path, without
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Card, Field
from handlers.pool import given
from handlers.pool.making import NewPool, making, meaning
from handlers.shared.common import images_of, line, sizes_of
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.shown_as import Format, shown_as

_PATH = "pool clone"


async def preflight(
    ctx: Context,
    pool: str,
    to: str,
    *,
    size: str | None = None,
    image: str | None = None,
    dedicated: int | None = None,
    spot: int | None = None,
    bare: bool = False,
    as_: Format | None = None,
    account: str | None = None,
) -> Preflight:
    """What the new pool means, and what it cannot have of the first one."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    made, dropped = await _made(ctx, source, pool, to, size, image, dedicated, spot, bare=bare)

    def again(**other: object) -> str:
        named = str(other.pop("id", to))
        options: dict[str, object] = {"size": size, "image": image, "dedicated": dedicated, "spot": spot, "bare": bare}
        return line(ctx, source, _PATH, pool, named, **{**options, **other})

    if secrets := [each for each in made.needs if each.required]:
        return Preflight(
            f"Azure never tells {', '.join(each.what for each in secrets[:3])}, and no secret is taken here: "
            "what is given in a chat is kept.",
            fixes=(
                Fix("Clone without what needs them", again(bare=True)),
                Fix("Show it as Bicep", line(ctx, source, "show-as pool", pool)),
            ),
        )
    extra = [f"Left out: {each.place}, because {each.why}." for each in made.left_out]
    extra += [f"Left out, because it needs a secret: {each}." for each in dropped]
    return await meaning(source, made.body, again, extra)


@command(
    _PATH,
    effect="change",
    azure=True,
    check="pool show {to}",
    preflight=preflight,
    names={"to": "pool"},
    uses=["pool"],
    reads_with=("as",),
    examples=["pool clone gpu gpu-2", "pool clone gpu gpu-2 dedicated:0", "pool clone gpu gpu-2 as:bicep"],
)
async def clone(
    ctx: Context,
    pool: str,
    to: str,
    *,
    size: str | None = None,
    image: str | None = None,
    dedicated: int | None = None,
    spot: int | None = None,
    bare: bool = False,
    as_: Format | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Make another pool like one that is there, with as many nodes as that one wants.

    :param pool: the pool that it is to be like
    :param to: the new pool's id
    :param size: another VM size
    :param image: another image, as publisher:offer:sku or words that only one has
    :param dedicated: dedicated nodes
    :param spot: spot nodes
    :param bare: leave out users, registries and file shares that need a secret, which Azure never tells
    :param as_: only show it, as Bicep, ARM JSON, JSON or az
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    made, _ = await _made(ctx, source, pool, to, size, image, dedicated, spot, bare=bare)
    if as_:
        yield shown_as("pool", made, as_, source)
        return
    asked = NewPool(
        json.dumps(made.body),
        show=line(ctx, source, "pool show", to),
        delete=line(ctx, source, "pool delete", to),
        resize=line(ctx, source, "pool resize", to),
    )
    async for card in ctx.operate(_PATH, source, to, asked):
        yield card


@workflow(_PATH, NewPool, "Making pool {}")
async def cloning(run: Run, asked: NewPool) -> Outcome:
    """Ask for it, and follow until its nodes work."""
    return await making(run, asked)


async def _made(
    ctx: Context,
    source: Account,
    pool: str,
    to: str,
    size: str | None,
    image: str | None,
    dedicated: int | None,
    spot: int | None,
    *,
    bare: bool,
) -> tuple[Clone, list[str]]:
    """The clone with what is to be different, and with ``bare`` the places that it was made without."""
    async with finding_pool(ctx, source, pool, _PATH):
        fetched = await source.fetch(Pool, source.pool(pool))
    made = cloned("pool", msgspec.json.decode(fetched.raw), to)
    body: dict[str, Any] = dict(made.body)
    if size:
        body["vmSize"] = given.vm_size(await sizes_of(source), size)
    if image:
        wanted = given.image(await images_of(source), image)
        machine = dict(body.get("virtualMachineConfiguration") or {})
        reference = {"publisher": wanted.publisher, "offer": wanted.offer, "sku": wanted.sku, "version": wanted.version}
        machine |= {
            "imageReference": {name: value for name, value in reference.items() if value},
            "nodeAgentSKUId": wanted.node_agent,
        }
        body["virtualMachineConfiguration"] = machine
    if not body.get("enableAutoScale"):
        counts = {"targetDedicatedNodes": dedicated, "targetLowPriorityNodes": spot}
        body |= {name: count for name, count in counts.items() if count is not None}
    dropped: list[str] = []
    if bare:
        holders = {_holder(each.path) for each in made.needs if each.required}
        dropped = sorted({each.what for each in made.needs if each.required})
        body = without(body, *holders)
    needs = () if bare else made.needs
    return Clone(body, made.left_out, needs), dropped


def _holder(path: Path) -> Path:
    """The item of a list that a value belongs to: the user, the registry, the mount."""
    last = max((at for at, step in enumerate(path) if isinstance(step, int)), default=0)
    return path[: last + 1]


@form_of(
    _PATH,
    Field("pool", "Pool that it is to be like", "name", names="pool", refresh=True),
    Field("to", "Id of the new one", hint="1 to 64 letters, digits, - and _", required=True, refresh=True),
    Field("size", "VM size", refresh=True),
    Field("image", "Image", refresh=True),
    Field("dedicated", "Dedicated nodes", "number", least=0, refresh=True),
    Field("spot", "Spot nodes", "number", least=0, refresh=True),
    Field("bare", "Without what needs a secret", "flag", default="no", more=True, refresh=True),
    without=("as",),
)
async def clone_form(ctx: Context, values: Values) -> FormChanges:
    """Says what it costs, whether it fits, and what it cannot have of the first one."""
    pool, to = values.get("pool"), values.get("to")
    if not pool:
        return FormChanges(submit="Clone")
    source = ctx.account(values.get("account"))
    async with finding_pool(ctx, source, pool, _PATH):
        found = (await source.fetch(Pool, source.pool(pool))).value
    machine = found.virtual_machine_configuration
    reference = machine.image_reference if machine else None
    defaults = {
        "size": found.vm_size,
        "image": " ".join(filter(None, (reference.offer, reference.sku))) if reference else "its own",
        "dedicated": str(found.target_dedicated_nodes or 0),
        "spot": str(found.target_low_priority_nodes or 0),
    }
    if not to:
        return FormChanges(defaults=defaults, prefill={"to": f"{found.id}-2"}, submit="Clone")
    looked = await preflight(
        ctx,
        pool,
        to,
        size=values.get("size"),
        image=values.get("image"),
        dedicated=_number(values.get("dedicated")),
        spot=_number(values.get("spot")),
        bare=values.get("bare") == "true",
        account=values.get("account"),
    )
    return msgspec.structs.replace(form_notes(looked, "to", submit="Clone"), defaults=defaults)


def _number(typed: str | None) -> int | None:
    return int(typed) if typed else None
