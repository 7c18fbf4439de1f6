"""Give a pool that scales by a formula a fixed size again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.pool_health import fell_short
from bot.domain.pools import reading
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run, Status
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards.card import Button, Card
from cards.formatting import plural
from handlers.pool.autoscale_change import Before, now
from handlers.pool.formulas import Scaled, scaled
from handlers.pool.sections import resize_errors
from handlers.shared.capacity import capacity
from handlers.shared.common import line
from handlers.shared.preflight import blocked


class Fixing(Struct, frozen=True):
    """What was asked for: the size afterwards (None stays as the formula left it), and beginnings of commands."""

    pool: str
    dedicated: int | None
    spot: int | None
    show: str
    enable: str


async def preflight_disable(
    ctx: Context,
    pool: str,
    dedicated: int | None = None,
    *,
    spot: int | None = None,
    account: str | None = None,
) -> Preflight:
    """The price before and after; refuses a size that the quota has no room for."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    if min(dedicated or 0, spot or 0) < 0:
        raise CommandError("A pool cannot have fewer than 0 nodes.", ["help pool autoscale disable"])
    found = await scaled(ctx, source, pool, "pool autoscale disable")
    before, has = Before.of(found), found.pool
    if not before.enabled:
        return Preflight(
            f"Pool {has.id} has a fixed size already.",
            fixes=(Fix("Resize it", line(ctx, source, "pool resize", has.id)),),
        )
    wanted = (before.dedicated if dedicated is None else dedicated, before.spot if spot is None else spot)
    sized = dedicated is not None or spot is not None
    if sized and (refused := await _no_room(source, found, wanted)):
        return Preflight(refused)
    then = "It stays so until somebody resizes it" if not sized else "It is resized when it is steady"
    return Preflight(
        effects=(f"{then}: nothing grows it for waiting tasks, or shrinks it when they are done.",),
        state=f"{before.enabled} {before.formula} {has.state}",
        differences=(
            Difference(
                "Scales", str(before), str(Before(False, "", 0, wanted[0], wanted[1], ""))
            ),
        ),
        cost_before=found.cost(has.current_dedicated_nodes, has.current_low_priority_nodes),
        cost_after=found.cost(*wanted),
        nodes_before=has.current_dedicated_nodes + has.current_low_priority_nodes,
        nodes_after=sum(wanted),
    )  # fmt: skip


async def _no_room(source: Account, found: Scaled, wanted: tuple[int, int]) -> str:
    """Why so many nodes do not fit; empty where they do."""
    pool = found.pool
    more = wanted[0] - pool.current_dedicated_nodes, wanted[1] - pool.current_low_priority_nodes
    if max(more) <= 0:
        return ""
    known = await capacity(source)
    for count, spot in zip(more, (False, True), strict=True):
        if count > 0 and (refused := known.refused(pool.vm_size, count, spot=spot)):
            return refused[0]
    return ""


@command(
    "pool autoscale disable",
    effect="change",
    azure=True,
    check="pool autoscale {pool}",
    preflight=preflight_disable,
    examples=["pool autoscale disable render-cpu", "pool autoscale disable render-cpu 4"],
)
async def disable(
    ctx: Context,
    pool: str,
    dedicated: int | None = None,
    *,
    spot: int | None = None,
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Give a pool a fixed size again: the one that its formula left it at, or another.

    :param pool: the pool's id
    :param dedicated: dedicated nodes afterwards; as many as the formula wanted last where it is left out
    :param spot: spot nodes afterwards; as many as the formula wanted last where it is left out
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Fixing(
        pool,
        dedicated,
        spot,
        show=line(ctx, source, "pool show", pool),
        enable=line(ctx, source, "pool autoscale enable", pool),
    )
    async for card in ctx.operate("pool autoscale disable", source, pool, asked):
        yield card


@workflow("pool autoscale disable", Fixing, "Disabling autoscale of pool {}")
async def disabling(run: Run, asked: Fixing) -> Outcome:
    """Switch the formula off, wait until the pool is steady, and resize it where that was asked for."""

    async def read() -> Before:
        return Before.of(await now(run, asked.pool))

    before = await run.once("before", Before, read)

    async def off() -> Written:
        return await pools.disable_autoscale(run.writer, asked.pool)

    async def is_off() -> bool:
        return not (await read()).enabled

    async def steady() -> Status:
        pool = (await now(run, asked.pool)).pool
        over = not pool.enable_auto_scale and pool.allocation_state.lower() == "steady"
        return Status(over, "" if over else pool.allocation_state.lower())

    await run.write("off", "Disable autoscale", off, landed=is_off)
    await run.until("steady", "Wait until the pool is steady", steady)
    target = await run.once("target", Before, read)
    wanted = (
        target.dedicated if asked.dedicated is None else asked.dedicated,
        target.spot if asked.spot is None else asked.spot,
    )
    if wanted != (target.dedicated, target.spot):
        await _resized(run, asked, target, wanted)
    pool = (await now(run, asked.pool)).pool
    after = f"fixed at {pool.current_dedicated_nodes} dedicated and {pool.current_low_priority_nodes} spot nodes"
    undo = f"{asked.enable} ```{before.formula}``` minutes:{before.minutes}" if before.enabled else ""
    short = fell_short(reading(pool))
    return Outcome(
        f"Pool {pool.id} is {after}{f' and wanted {wanted[0]} and {wanted[1]}' if short else ''}",
        tuple(resize_errors(pool, run.account.now())) if short else (),
        (Button("Open pool", asked.show, style="primary"),),
        undo=undo,
        before=str(before),
        after=after,
        failed=bool(short),
    )


async def _resized(run: Run, asked: Fixing, target: Before, wanted: tuple[int, int]) -> None:
    async def send() -> Written:
        return await pools.resize(run.writer, asked.pool, dedicated=wanted[0], spot=wanted[1], etag=target.etag)

    async def landed() -> bool:
        found = Before.of(await now(run, asked.pool))
        return (found.dedicated, found.spot) == wanted

    async def arrived() -> Status:
        pool = (await now(run, asked.pool)).pool
        has = pool.current_dedicated_nodes + pool.current_low_priority_nodes
        over = pool.allocation_state.lower() == "steady"
        return Status(over, "" if over else f"{plural(has, 'node')}, {sum(wanted)} wanted")

    words = f"{wanted[0]} dedicated and {wanted[1]} spot nodes"
    await run.write("resize", f"Ask Azure for {words}", send, landed=landed, wait_for=("PoolBeingResized",))
    await run.until("nodes", "Wait until the pool is steady again", arrived)
