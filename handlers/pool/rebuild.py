"""Change what a pool takes only while it is empty, as one chain: to 0 nodes, change, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import NodeRow, Pool
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.bodies.fields import Body
from bot.domain.bodies.path import value_at
from bot.domain.licence import pays_windows
from bot.domain.pool_health import fell_short
from bot.domain.pools import reading
from bot.operations.preflight import Difference, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards.build import text
from cards.card import Button, Card, Words
from cards.formatting import duration as spoken
from cards.formatting import money, number, plural
from handlers.pool import editing, given, steps
from handlers.pool.making import image_of, includes_windows, no_room, out_of_support
from handlers.pool.sections import resize_errors
from handlers.pool.steps import Targets
from handlers.shared.boot_time import boot_time
from handlers.shared.capacity import capacity
from handlers.shared.common import images_of, line, sizes_of
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked
from handlers.shared.saved_first import save_pool

PATH = "pool rebuild"
_WORDS = {
    "vmSize": "VM size",
    "virtualMachineConfiguration.imageReference": "Image",
    "virtualMachineConfiguration.nodeAgentSKUId": "Node agent",
    "taskSlotsPerNode": "Task slots of a node",
    "enableInterNodeCommunication": "Nodes talk to each other",
    "taskSchedulingPolicy.nodeFillType": "Tasks are put on nodes",
    "displayName": "Display name",
}
OfTasks = Literal["requeue", "terminate", "taskcompletion"]


class Rebuild(Struct, frozen=True):
    """The changes by their places, and what becomes of running tasks; commands that show, resize and change the pool.

    ``undo`` is the command that changes it back.
    """

    pool: str
    changes: dict[str, Any]
    tasks: OfTasks
    show: str
    resize: str
    undo: str


class Before(Struct, frozen=True):
    """How the pool scaled: its targets and ETag, and its formula with the interval, empty where its size is fixed."""

    targets: Targets
    formula: str
    interval: str


class Wanted(Struct, frozen=True):
    """What was asked for; what is empty stays."""

    size: str = ""
    image: str = ""
    slots: int | None = None
    internode: str = ""
    fill: str = ""
    title: str = ""
    tasks: OfTasks = "requeue"


async def _changes(source: Account, wanted: Wanted) -> dict[str, Any]:
    """The changes by their places. Raises CommandError where there are none."""
    changes: dict[str, Any] = {}
    if wanted.size:
        changes["vmSize"] = given.vm_size(await sizes_of(source), wanted.size)
    if wanted.image:
        image = given.image(await images_of(source), wanted.image)
        parts = {"publisher": image.publisher, "offer": image.offer, "sku": image.sku, "version": image.version}
        changes["virtualMachineConfiguration.imageReference"] = {name: part for name, part in parts.items() if part}
        changes["virtualMachineConfiguration.nodeAgentSKUId"] = image.node_agent
    if wanted.slots is not None:
        changes["taskSlotsPerNode"] = wanted.slots
    if wanted.internode:
        changes["enableInterNodeCommunication"] = wanted.internode == "yes"
    if wanted.fill:
        changes["taskSchedulingPolicy.nodeFillType"] = wanted.fill
    if wanted.title:
        changes["displayName"] = wanted.title
    if not changes:
        raise CommandError("What is to change? Give the size, the image, slots or another.", ["help pool rebuild"])
    return changes


async def preflight(ctx: Context, pool: str, *, account: str | None = None, **options: Any) -> Preflight:
    """What changes, what it interrupts, and what the time without nodes costs; refuses what would not fit."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    wanted = _wanted(options)
    changes = await _changes(source, wanted)
    async with finding_pool(ctx, source, pool, PATH):
        found = await editing.whole(source, pool)
    if waits := steps.unsteady(ctx, source, found.pool):
        return waits
    edit = editing.edit_of(found.body, changes)
    if secrets := [each.what for each in edit.needs if each.required]:
        return Preflight(
            f"To change it, Azure wants {', '.join(secrets)} again, which it never tells, and no secret is taken here."
        )
    after: Body = {**found.body, **edit.body}
    targets, size = Targets.of(found.pool), str(after["vmSize"])
    known, images = await capacity(source, without=found.pool.id), await images_of(source)

    def again(**other: object) -> str:
        return line(ctx, source, PATH, found.pool.id, **{**options, **other})

    slots = int(after.get("taskSlotsPerNode") or 1)
    problem = out_of_support(source, known, images, size, image_of(after)) or no_room(
        known, size, targets, slots, again
    )
    if problem:
        return problem
    costs = [
        known.cost(each, windows=windows, dedicated=targets.dedicated, spot=targets.spot)
        for each, windows in (
            (found.pool.vm_size, pays_windows(found.pool.virtual_machine_configuration)),
            (size, includes_windows(after)),
        )
    ]
    nodes, running = steps.has(found.pool).nodes, await _running(source, found.pool)
    boots = await boot_time(source, known.pools, size) if nodes else None
    effects = []
    if nodes:
        effects.append(f"{_all(nodes)}, then the change, then {targets} come again.")
    if running:
        effects.append(f"{plural(running, 'running task')}: {_INTERRUPTS[wanted.tasks]}.")
    if nodes and boots:
        cost = costs[1].over(boots.total_seconds() / 3600) if costs[1] else None
        price = f", {money(cost.amount, cost.currency)} of which no task has anything" if cost else ""
        effects.append(f"New nodes boot about {spoken(boots)}{price}; no task runs in between.")
    if found.pool.enable_auto_scale:
        effects.append("Its formula is switched off meanwhile, and on again afterwards.")
    return Preflight(
        effects=tuple(effects),
        state=found.etag,
        differences=tuple(_differences(found.body, after, changes)),
        cost_before=costs[0],
        cost_after=costs[1],
        nodes_before=targets.nodes,
        nodes_after=targets.nodes,
        confirm=nodes > 0,
        question=f"Change pool {found.pool.id} and replace {plural(nodes, 'node')}",
    )


_INTERRUPTS = {
    "requeue": "back into the queue, to start anew",
    "terminate": "ended, and counted as failed",
    "taskcompletion": "waited for before the change",
}


@command(
    PATH,
    effect="change",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    examples=["pool rebuild gpu size:nc8as_t4_v3", "pool rebuild gpu image:ubuntu-24_04 tasks:taskcompletion"],
)
async def rebuild(
    ctx: Context,
    pool: str,
    *,
    size: str | None = None,
    image: str | None = None,
    slots: int | None = None,
    internode: Literal["yes", "no"] | None = None,
    fill: Literal["spread", "pack"] | None = None,
    title: str | None = None,
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Change what only an empty pool takes (size, image, slots and such): to 0 nodes, change, and back.

    Each step is durable: whatever happens, the pool gets its nodes again.

    :param pool: the pool's id
    :param size: another VM size
    :param image: another image, as publisher:offer:sku or words that only one has
    :param slots: task slots of a node
    :param internode: whether nodes talk to each other
    :param fill: how tasks are put on nodes: spread over them, or one node after the other
    :param title: another display name
    :param tasks: what becomes of tasks that run: back into the queue, ended, or waited for
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    wanted = _wanted(
        dict(zip(Wanted.__struct_fields__, (size, image, slots, internode, fill, title, tasks), strict=True))
    )
    changes = await _changes(source, wanted)
    async with finding_pool(ctx, source, pool, PATH):
        found = await editing.whole(source, pool)
    asked = Rebuild(
        pool,
        changes,
        tasks,
        show=line(ctx, source, "pool show", pool),
        resize=line(ctx, source, "pool resize", pool),
        undo=line(ctx, source, PATH, pool, **_back(found.body, changes)) if _back(found.body, changes) else "",
    )
    async for card in ctx.operate(PATH, source, pool, asked):
        yield card


@workflow(PATH, Rebuild, "Rebuilding pool {}")
async def rebuilding(run: Run, asked: Rebuild) -> Outcome:
    """Empty it, change it, and fill it again, also where the change is refused."""
    pool = asked.pool
    before = await run.once("before", Before, lambda: _before(run, pool))
    if before.formula:
        await _switch_off(run, pool)
    if before.targets.nodes or steps.has(await steps.read(run, pool)).nodes:
        await save_pool(run, pool)
        etag = await run.once("empty-etag", str, lambda: _etag(run, pool))
        await steps.resize(run, "empty", pool, Targets(0, 0), etag=etag, deallocation=asked.tasks)
    etag = await run.once("patch-etag", str, lambda: _etag(run, pool))
    refused = ""
    try:
        await editing.write(run, "patch", "Change the pool", pool, asked.changes, etag)
    except AzureError as error:
        refused = f"{error.code}: {error.message}"
    found = await _fill(run, pool, before)
    show = Button("Open pool", asked.show, style="primary")
    nodes = steps.has(found)
    if refused:
        return Outcome(
            f"Azure refused to change pool {found.id}; it has {nodes} again",
            (Words(text(refused)),),
            (show,),
            failed=True,
        )
    if not before.formula and fell_short(reading(found)):
        retry = Button("Try again", f"{asked.resize} {before.targets.dedicated} spot:{before.targets.spot}")
        return Outcome(
            f"Pool {found.id} is changed, and has {nodes} instead of {before.targets}",
            tuple(resize_errors(found, run.account.now())),
            (retry, show),
            undo=asked.undo,
            failed=True,
        )
    what = ", ".join(dict.fromkeys(_WORDS[place] for place in asked.changes))
    return Outcome(f"Pool {found.id} is changed and has {nodes}", (), (show,), undo=asked.undo, after=what)


async def _fill(run: Run, pool: str, before: Before) -> Pool:
    """Let it have its nodes again, by its formula or its numbers."""
    etag = await run.once("fill-etag", str, lambda: _etag(run, pool))
    if before.formula:

        def send() -> Awaitable[Written]:
            return pools.enable_autoscale(run.writer, pool, formula=before.formula, interval=before.interval, etag=etag)

        async def landed() -> bool:
            return (await steps.read(run, pool)).enable_auto_scale

        busy = ("TooManyEnableAutoScaleRequests", "PoolBeingResized")
        await run.write("formula", "Scale it by its formula again", send, landed=landed, wait_for=busy)
        return await steps.read(run, pool)
    if not before.targets.nodes:
        return await steps.read(run, pool)
    return await steps.resize(run, "fill", pool, before.targets, etag=etag)


async def _switch_off(run: Run, pool: str) -> None:
    async def landed() -> bool:
        return not (await steps.read(run, pool)).enable_auto_scale

    await run.write(
        "fixed",
        "Switch its formula off",
        lambda: pools.disable_autoscale(run.writer, pool),
        landed=landed,
        wait_for=("PoolBeingResized",),
    )
    await steps.wait_steady(run, "fixed-steady", pool, 0)


async def _before(run: Run, pool: str) -> Before:
    found = (await editing.whole(run.account, pool)).pool
    formula = found.auto_scale_formula if found.enable_auto_scale else ""
    return Before(Targets.of(found), formula, found.auto_scale_evaluation_interval if formula else "")


async def _etag(run: Run, pool: str) -> str:
    return (await steps.read(run, pool)).etag


async def _running(source: Account, pool: Pool) -> int:
    """How many tasks run on the pool's nodes."""
    if not steps.has(pool).nodes:
        return 0
    nodes, _ = await source.every(NodeRow, source.nodes(pool.id), select="id,runningTasksCount")
    return sum(node.running_tasks_count for node in nodes)


def _wanted(options: dict[str, Any]) -> Wanted:
    return msgspec.convert({name: value for name, value in options.items() if value is not None}, Wanted, strict=False)


def _differences(body: Body, after: Body, changes: dict[str, Any]) -> list[Difference]:
    found = [(_WORDS[place], _shown(body, place), _shown(after, place)) for place in changes]
    return [Difference(*each) for each in found if each[1] != each[2]]


def _shown(body: Body, place: str) -> str:
    found = value_at(body, tuple(place.split(".")))
    if isinstance(found, dict):
        return " ".join(str(found[name]) for name in ("offer", "sku") if name in found) or "an image of one's own"
    if isinstance(found, bool):
        return "yes" if found else "no"
    return str(found) if found not in (None, "") else "none"


def _back(body: Body, changes: dict[str, Any]) -> dict[str, object]:
    """The options that change it back; none where one of them cannot be said."""
    options = {
        "vmSize": "size",
        "taskSlotsPerNode": "slots",
        "taskSchedulingPolicy.nodeFillType": "fill",
        "displayName": "title",
    }
    back: dict[str, object] = {}
    for place in changes:
        found = value_at(body, tuple(place.split(".")))
        if place in options:
            if found in (None, ""):
                return {}
            back[options[place]] = str(found)
        elif place == "enableInterNodeCommunication":
            back["internode"] = "yes" if found else "no"
        elif isinstance(found, dict):
            if not found.get("publisher"):
                return {}
            back["image"] = ":".join(str(found.get(name, "")) for name in ("publisher", "offer", "sku"))
    return back


def _all(nodes: int) -> str:
    """``Both nodes go``: every node of the pool, in words."""
    few = {1: "Its only node goes", 2: "Both nodes go"}
    return few.get(nodes) or f"All {number(nodes)} nodes go"
