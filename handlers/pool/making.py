"""Make a pool of a create body: what it means beforehand, and the steps until its nodes work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Pool, SupportedImage, VmConfiguration
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.bodies import write_only
from bot.domain.bodies.create import Image
from bot.domain.bodies.fields import Body
from bot.domain.bodies.limits import problems
from bot.domain.bodies.path import spelled, value_at
from bot.domain.bodies.write_only import missing
from bot.domain.entity import same_id
from bot.domain.licence import pays_windows
from bot.domain.pool_health import fell_short
from bot.domain.pools import reading
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome
from cards.card import Button, Mark
from cards.formatting import duration, number, plural
from handlers.pool import given, steps
from handlers.pool.sections import resize_errors
from handlers.pool.steps import Targets
from handlers.shared.boot_time import boot_time
from handlers.shared.capacity import Capacity, capacity
from handlers.shared.chosen_nodes import by_state
from handlers.shared.common import day, images_of
from handlers.shared.states import SOON

Again = Callable[..., str]
"""The command again, with other options: ``again(dedicated=36)``."""
_SLOTS_A_CORE, _MOST_SLOTS = 4, 256
"""Task slots of a node at most ("Pool - Add")."""
_SKEW = timedelta(minutes=2)
"""By how much the service's clock and ours may differ."""


class NewPool(Struct, frozen=True):
    """A create body, as JSON; the commands that show the pool and delete it, and the beginning of the one that resizes.

    It has no secret value of its own: those that need one are refused before.
    """

    body: str
    show: str
    delete: str
    resize: str


async def meaning(source: Account, body: Body, again: Again, extra: Sequence[str] = ()) -> Preflight:
    """What it means to make this pool; refuses what Azure would, with what could be made instead.

    ``extra`` are sentences about what it will be.
    """
    if wrong := problems("pool", body):
        named = _PARAMETERS.get(wrong[0].place.partition(".")[0].partition("[")[0], "")
        if named == "pool":
            return Preflight(f"An id has {wrong[0].words}.", at=named)
        return Preflight(f"It cannot be created as it is: {'; '.join(map(str, wrong[:3]))}.", at=named)
    secrets = [each.what for each in missing(body) if each.required]
    secrets += [spelled(path) for path in write_only.given(body)]
    if secrets:
        return Preflight(
            f"It needs secrets ({', '.join(secrets[:3])}), and none is taken here: what is given in a chat is kept. "
            "Show it as Bicep, and deploy that with them as parameters."
        )
    known, images = await capacity(source), await images_of(source)
    wanted, size = wants(body), str(body["vmSize"])
    problem = (
        _taken(known, body, again)
        or out_of_support(source, known, images, size, image_of(body))
        or no_room(known, size, wanted, int(body.get("taskSlotsPerNode") or 1), again)
    )
    if problem:
        return problem
    windows = includes_windows(body)
    cost = known.cost(size, windows=windows, dedicated=wanted.dedicated, spot=wanted.spot)
    effects = [*extra]
    if (end := given.ended(images, image_of(body))) and end - source.now() <= SOON:
        effects.append(f"Batch supports this image until {day(end)} only.")
    if wanted.nodes:
        boots = await boot_time(source, known.pools, size)
        if boots:
            effects.append(f"The first node is expected in about {duration(boots)}, as nodes of this account booted.")
    return Preflight(
        effects=tuple(effects),
        state=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        differences=(
            Difference("Nodes", "none", "as its formula says" if body.get("enableAutoScale") else str(wanted)),
            Difference("Size", "none", size),
        ),
        cost_after=cost,
        nodes_before=0,
        nodes_after=wanted.nodes,
        confirm=wanted.nodes > 0,
        question=f"Make pool {body['id']} with {wanted}",
    )


_PARAMETERS = {
    "id": "pool",
    "displayName": "title",
    "metadata": "metadata",
    "startTask": "start",
    "targetDedicatedNodes": "dedicated",
    "targetLowPriorityNodes": "spot",
    "taskSlotsPerNode": "slots",
    "resizeTimeout": "minutes",
    "applicationPackageReferences": "packages",
    "autoScaleFormula": "upto",
}
"""The parameter, and so the field of the form, that says what stands at the beginning of a path in the body."""


def _taken(known: Capacity, body: Body, again: Again) -> Preflight | None:
    """The refusal where the account has a pool of that id, or may have no more pools."""
    named = str(body["id"])
    if any(same_id(pool.id, named) for pool in known.pools):
        return Preflight(
            f"There is a pool {named} already.", fixes=(Fix("Choose another id", again(id=f"{named}-2")),), at="pool"
        )
    most = known.account.pool_quota if known.account else None
    if most is not None and len(known.pools) >= most:
        return Preflight(f"The account has the {plural(most, 'pool')} that it may have: delete one that is not needed.")
    return None


def out_of_support(
    source: Account, known: Capacity, images: Sequence[SupportedImage], size: str, image: Image
) -> Preflight | None:
    """The refusal where Batch has ended its support of a size or an image; None where it has not."""
    found = known.sizes.get(size.lower())
    ends = (("size", size, found.eol if found else None), ("image", "this image", given.ended(images, image)))
    for at, what, end in ends:
        if end and end <= source.now():
            return Preflight(f"Batch has ended its support of {what} on {day(end)}: choose another.", at=at)
    return None


def no_room(known: Capacity, size: str, wanted: Targets, slots: int, again: Again) -> Preflight | None:
    """The refusal where a size cannot have so many nodes, or so many slots on each; None where it can."""
    found = known.sizes.get(size.lower())
    if found and not found.spot and wanted.spot:
        return Preflight(
            f"{size} is not available as spot nodes.",
            fixes=(Fix("Dedicated ones", again(dedicated=wanted.nodes, spot=0)),),
            at="spot",
        )
    for kind, count, spot in (("dedicated", wanted.dedicated, False), ("spot", wanted.spot, True)):
        if count and (refused := known.refused(size, count, spot=spot)):
            why, most = refused
            return Preflight(
                why, fixes=(Fix(f"Choose {number(most)}", again(**{kind: most})),) if most else (), at=kind
            )
    most = min(_SLOTS_A_CORE * found.vcpus, _MOST_SLOTS) if found and found.vcpus else _MOST_SLOTS
    if slots > most:
        return Preflight(
            f"A node of {size} has {plural(most, 'task slot')} at most.",
            fixes=(Fix(f"Choose {most}", again(slots=most)),),
            at="slots",
        )
    return None


def wants(body: Body) -> Targets:
    """The nodes that a body asks for."""
    return Targets(int(body.get("targetDedicatedNodes") or 0), int(body.get("targetLowPriorityNodes") or 0))


def image_of(body: Body) -> Image:
    """The image of a body, as far as it is one of the marketplace."""
    reference = value_at(body, ("virtualMachineConfiguration", "imageReference")) or {}
    return Image("", *(str(reference.get(name, "")) for name in ("publisher", "offer", "sku")))


def includes_windows(body: Body) -> bool:
    """Whether the price of a node includes Windows."""
    return pays_windows(msgspec.convert(body.get("virtualMachineConfiguration"), VmConfiguration | None, strict=False))


async def making(run: Run, asked: NewPool) -> Outcome:
    """Ask for it, and follow until its nodes have come and run their start task."""
    body: Body = json.loads(asked.body)
    pool, wanted = str(body["id"]), wants(body)

    def send() -> Awaitable[Written]:
        return pools.create(run.writer, body)

    async def landed() -> bool:
        try:
            found: Pool = await steps.read(run, pool)
        except AzureError as error:
            if error.not_found:
                return False
            raise
        return bool(found.creation_time and found.creation_time >= run.row.started - _SKEW)

    await run.write("create", f"Ask Azure for pool {pool}", send, landed=landed)
    buttons = (Button("Open pool", asked.show, style="primary"),)
    if not wanted.nodes:
        what = "its formula decides how many nodes it has" if body.get("enableAutoScale") else "it has no nodes"
        return Outcome(f"Pool {pool} is made; {what}", (), buttons, undo=asked.delete, after=f"pool {pool}")
    stop = asked.show.replace("pool show", "pool stop-resize", 1)
    found = await steps.wait_steady(run, "nodes", pool, wanted.nodes, stop=stop)
    errors = fell_short(reading(found))
    if not errors and (halted := steps.halted(found, wanted)):
        return Outcome(
            f"Pool {pool} is made and {halted}",
            (),
            buttons,
            undo=asked.delete,
            after=str(steps.has(found)),
            stopped=True,
            mark=Mark.WARNING,
        )
    if errors:
        again = Button("Try again", f"{asked.resize} {wanted.dedicated} spot:{wanted.spot}")
        return Outcome(
            f"Pool {pool} is made and has {steps.has(found)} instead of {wanted}",
            tuple(resize_errors(found, run.account.now())),
            (*((again,) if steps.may_help(errors) else ()), *buttons),
            undo=asked.delete,
            after=str(steps.has(found)),
            failed=True,
        )
    await steps.wait_ready(run, "ready", pool)
    bad = [row.state for row in (await steps.rows(run, pool)).values() if row.state.lower() in steps.BROKEN]
    trouble = f", {by_state(bad)}" if bad else ""
    return Outcome(
        f"Pool {pool} has {steps.has(found)}{trouble}",
        (),
        buttons,
        undo=asked.delete,
        after=str(steps.has(found)),
        mark=Mark.WARNING if bad else Mark.DONE,
    )
