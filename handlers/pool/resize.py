"""Make a pool larger or smaller, and stop that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, get_args

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import NodeRow, Pool
from bot.azure.writes import pools
from bot.domain.licence import pays_windows
from bot.domain.pool_health import fell_short
from bot.domain.pools import reading
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, Instead, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import refusal, text
from cards.card import Button, Card, Field, Mark, Note, Option
from cards.formatting import number, plural
from handlers.pool import steps
from handlers.pool.sections import resize_errors
from handlers.pool.steps import Targets
from handlers.shared.capacity import Capacity, capacity
from handlers.shared.common import line
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.saved_first import save_pool

_SHORTEST = 5
"""Minutes that a resize may take at least ("Pool - Resize")."""


class Resize(Struct, frozen=True):
    """What was asked for; None stays as it is. ``minutes`` is the resize timeout, 0 for the service's default.

    ``back`` and ``show`` are the beginning of the command that undoes it, and the one that shows the pool; ``stop``
    stops it.
    """

    pool: str
    dedicated: int | None
    spot: int | None
    tasks: pools.Deallocation | None
    minutes: int
    back: str
    show: str
    stop: str = ""


async def preflight(
    ctx: Context,
    pool: str,
    dedicated: int | None = None,
    *,
    spot: int | None = None,
    tasks: pools.Deallocation | None = None,
    minutes: int | None = None,
    account: str | None = None,
) -> Preflight:
    """Quotas, price and what is interrupted; refuses what Azure would."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    _checked(dedicated, spot, minutes)
    async with finding_pool(ctx, source, pool, "pool resize"):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    before = Targets.of(found)
    if dedicated is None and spot is None and not found.enable_auto_scale:
        raise Instead(_how_many(ctx, source, found, before))
    after = before.asked(dedicated, spot)
    if found.enable_auto_scale:
        return Preflight(
            f"Pool {found.id} scales by a formula, so its size cannot be set.",
            fixes=(Fix("Disable autoscale", line(ctx, source, "pool autoscale disable", found.id)),),
        )
    if waits := steps.unsteady(ctx, source, found):
        return waits
    known = await capacity(source)
    if problem := _does_not_fit(ctx, source, known, found, after):
        return problem
    windows = pays_windows(found.virtual_machine_configuration)
    costs = [
        known.cost(found.vm_size, windows=windows, dedicated=each.dedicated, spot=each.spot) for each in (before, after)
    ]
    fewer = max(0, found.current_dedicated_nodes - after.dedicated)
    fewer += max(0, found.current_low_priority_nodes - after.spot)
    running = fewer and await _running(source, found.id)
    return Preflight(
        effects=(_interrupted(fewer, tasks),) if fewer else (),
        state=str(before),
        differences=tuple(
            Difference(what, str(one), str(other))
            for what, one, other in (
                (steps.SIZES[0], before.dedicated, after.dedicated),
                (steps.SIZES[1], before.spot, after.spot),
            )
            if one != other
        ),
        cost_before=costs[0],
        cost_after=costs[1],
        nodes_before=before.nodes,
        nodes_after=after.nodes,
        confirm=bool(running) or (not before.nodes and after.nodes > 0),
        question=f"Resize pool {found.id} to {after}",
    )


@command(
    "pool resize",
    effect="change",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    examples=["pool resize gpu 12", "pool resize gpu spot:40", "pool resize gpu 0 tasks:taskcompletion"],
)
async def resize(
    ctx: Context,
    pool: str,
    dedicated: int | None = None,
    *,
    spot: int | None = None,
    tasks: Literal["requeue", "terminate", "taskcompletion"] | None = None,
    minutes: int | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Set how many nodes a pool has.

    Quotas and the price an hour are checked before anything happens.

    :param pool: the pool's id
    :param dedicated: dedicated nodes; the pool's target stays where it is left out
    :param spot: spot nodes; the pool's target stays where it is left out
    :param tasks: what becomes of tasks on nodes that go: back into the queue, ended, or waited for
    :param minutes: how long the resize may take, 5 at least; 15 where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Resize(
        pool,
        dedicated,
        spot,
        tasks,
        minutes or 0,
        back=line(ctx, source, "pool resize", pool),
        show=line(ctx, source, "pool show", pool),
        stop=line(ctx, source, "pool stop-resize", pool),
    )
    async for card in ctx.operate("pool resize", source, pool, asked):
        yield card


@workflow("pool resize", Resize, "Resizing pool {}")
async def resizing(run: Run, asked: Resize) -> Outcome:
    """Ask for the nodes, and follow until the pool is steady; where some go, what they have to tell is kept first."""
    before = await run.once("before", Targets, lambda: steps.targets(run, asked.pool))
    after = before.asked(asked.dedicated, asked.spot)
    if after.dedicated < before.dedicated or after.spot < before.spot:
        await save_pool(run, asked.pool)
    found = await steps.resize(
        run,
        "resize",
        asked.pool,
        after,
        etag=before.etag,
        deallocation=asked.tasks,
        minutes=asked.minutes,
        stop=asked.stop,
    )
    undo = f"{asked.back} {before.dedicated} spot:{before.spot}"
    short = bool(fell_short(reading(found)))
    nodes, halted = steps.has(found), "" if short else steps.halted(found, after)
    what = f"has {nodes} and wanted {after}" if short else halted or f"has {nodes}"
    return Outcome(
        f"Pool {found.id} {what}",
        tuple(resize_errors(found, run.account.now())) if short else (),
        (Button("Open pool", asked.show, style="primary"),),
        undo=undo,
        before=str(before),
        after=str(Targets.of(found)),
        left=steps.left(Targets.of(found)),
        failed=short,
        stopped=bool(halted),
        mark=Mark.WARNING if halted else Mark.DONE,
    )


@form_of(
    "pool resize",
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("dedicated", "Dedicated nodes", "number", refresh=True, least=0),
    Field("spot", "Spot nodes", "number", refresh=True, least=0),
    Field(
        "tasks",
        "Tasks on nodes that go",
        "choice",
        options=(
            Option("go back into the queue", "requeue"),
            Option("are ended", "terminate"),
            Option("are waited for", "taskcompletion"),
        ),
        default="go back into the queue",
        more=True,
    ),
    Field("minutes", "Minutes that it may take", "number", default="15", least=5, more=True),
)
async def resize_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from the pool; says what it costs, what it interrupts, and how many fit."""
    pool, account = values.get("pool"), values.get("account")
    if not pool:
        return FormChanges()
    source = ctx.account(account)
    async with finding_pool(ctx, source, pool, "pool resize"):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    now = Targets.of(found)
    wanted = now.asked(*(int(values[name]) if values.get(name) else None for name in ("dedicated", "spot")))
    looked, known = await asyncio.gather(
        preflight(ctx, pool, wanted.dedicated, spot=wanted.spot, tasks=_tasks(values), account=account),
        capacity(source),
    )
    present = {"dedicated": str(now.dedicated), "spot": str(now.spot)}
    changes = form_notes(looked, "pool", submit="Resize")
    room = _room(known, found)
    return msgspec.structs.replace(
        changes, prefill=present, defaults=present, notes=(*changes.notes, *([Note(text(room))] if room else []))
    )


async def _running(source: Account, pool: str) -> int:
    """The tasks that run on a pool's nodes."""
    nodes, _ = await source.every(NodeRow, source.nodes(pool), select="id,runningTasksCount")
    return sum(node.running_tasks_count for node in nodes)


def _tasks(values: Values) -> pools.Deallocation | None:
    chosen = values.get("tasks")
    return next((each for each in get_args(pools.Deallocation) if each == chosen), None)


def _room(known: Capacity, pool: Pool) -> str:
    """What the quotas leave room for, in a sentence; empty where nothing is known of them."""
    free = [
        f"{number(room)} more {kind}"
        for kind, spot in (("dedicated", False), ("spot", True))
        if (room := known.room(pool.vm_size, spot=spot).nodes) is not None
    ]
    return f"The quotas leave room for {' and '.join(free)} nodes." if free else ""


def _how_many(ctx: Context, source: Account, pool: Pool, now: Targets) -> Card:
    """That a number is missing, with the form, which holds the present ones."""
    return refusal(
        "How many nodes?",
        f"Pool {pool.id} is to have {now} now. Fill in the form, or give the number of dedicated nodes, of spot nodes, "
        "or both.",
        [
            Button("Fill in the form", line(ctx, source, "pool resize", pool.id), how="form", style="primary"),
            Button("Open pool", line(ctx, source, "pool show", pool.id)),
        ],
    )


def _checked(dedicated: int | None, spot: int | None, minutes: int | None) -> None:
    """Raises CommandError for what no pool can be asked for."""
    if min(dedicated or 0, spot or 0) < 0:
        raise CommandError("A pool cannot have fewer than 0 nodes.", ["help pool resize"])
    if minutes is not None and minutes < _SHORTEST:
        raise CommandError(f"A resize may take {_SHORTEST} minutes at least.", ["help pool resize"])


def _does_not_fit(ctx: Context, source: Account, known: Capacity, pool: Pool, after: Targets) -> Preflight | None:
    """The refusal where a quota leaves no room, with the largest number that fits as a button."""
    for now, wanted, spot in (
        (pool.current_dedicated_nodes, after.dedicated, False),
        (pool.current_low_priority_nodes, after.spot, True),
    ):
        refused = known.refused(pool.vm_size, wanted - now, spot=spot) if wanted > now else None
        if refused is None:
            continue
        why, fits = refused
        most = now + fits
        at = "spot" if spot else "dedicated"
        again = line(ctx, source, "pool resize", pool.id, **{at: most})
        fixes = (Fix(f"Choose {most}", again), Fix("Quotas", line(ctx, source, "account show")))
        return Preflight(why, fixes=fixes, at=at)
    return None


def _interrupted(fewer: int, tasks: pools.Deallocation | None) -> str:
    """What becomes of the tasks on the nodes that go."""
    what = {
        "terminate": "tasks that run on them are ended and count as failed",
        "taskcompletion": "each goes when the tasks on it are over",
    }.get(tasks or "", "tasks that run on them go back into the queue and start anew")
    return f"{plural(fewer, 'node goes', 'nodes go')}: {what}."
