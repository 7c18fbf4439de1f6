"""Stop a resize where it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from msgspec import Struct

from bot.azure.models import Pool
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.operations.preflight import Difference, Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Button, Card, Field
from handlers.pool import steps
from handlers.pool.steps import Targets
from handlers.shared.common import line
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes


class StopResize(Struct, frozen=True):
    """Which pool. ``back`` and ``show`` are the beginning of the command that undoes it, and the one that shows it."""

    pool: str
    back: str
    show: str


async def preflight(ctx: Context, pool: str, *, account: str | None = None) -> Preflight:
    """Refuses what Azure would: a pool that is not resizing, and one that scales by a formula."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_pool(ctx, source, pool, "pool stop-resize"):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    allocation = found.allocation_state.lower()
    if found.enable_auto_scale:
        return Preflight(
            f"Pool {found.id} scales by a formula, and Azure stops no resize of such a pool.",
            fixes=(Fix("Disable autoscale", line(ctx, source, "pool autoscale disable", found.id)),),
        )
    if found.state.lower() != "active" or allocation != "resizing":
        now = found.state.lower() if found.state.lower() != "active" else allocation
        return Preflight(
            f"Pool {found.id} is {now}: there is no resize to stop.",
            fixes=(Fix("Open pool", line(ctx, source, "pool show", found.id)),),
        )
    wanted, nodes = Targets.of(found), steps.has(found)
    return Preflight(
        effects=("The pool keeps the nodes that it has by then, and wants no others.",),
        state=f"resizing to {wanted}",
        differences=(Difference("Nodes that it wants", str(wanted), f"about {nodes}"),),
        nodes_before=wanted.nodes,
        nodes_after=nodes.nodes,
        question=f"Stop the resize of pool {found.id}",
    )


@command(
    "pool stop-resize",
    effect="change",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    examples=["pool stop-resize gpu"],
)
async def stop_resize(ctx: Context, pool: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Stop the resize of a pool; it keeps the nodes that it has by then.

    :param pool: the pool's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = StopResize(pool, back=line(ctx, source, "pool resize", pool), show=line(ctx, source, "pool show", pool))
    async for card in ctx.operate("pool stop-resize", source, pool, asked):
        yield card


@workflow("pool stop-resize", StopResize, "Stopping the resize of pool {}")
async def stopping(run: Run, asked: StopResize) -> Outcome:
    """Ask, and follow until the pool is steady."""
    before = await run.once("before", Targets, lambda: steps.targets(run, asked.pool))

    def send() -> Awaitable[Written]:
        return pools.stop_resize(run.writer, asked.pool, etag=before.etag)

    async def landed() -> bool:
        return (await steps.read(run, asked.pool)).allocation_state.lower() != "resizing"

    await run.write("stop", "Ask Azure to stop it", send, landed=landed)
    found = await steps.wait_steady(run, "steady", asked.pool, before.nodes)
    return Outcome(
        f"The resize of pool {found.id} stopped: it has {steps.has(found)}",
        (),
        (Button("Open pool", asked.show, style="primary"),),
        undo=f"{asked.back} {before.dedicated} spot:{before.spot}",
        left=steps.left(Targets.of(found)),
        before=f"{before} wanted",
        after=str(steps.has(found)),
    )


@form_of("pool stop-resize", Field("pool", "Pool", "name", names="pool", refresh=True))
async def stop_form(ctx: Context, values: Values) -> FormChanges:
    """Says whether there is a resize, and what the pool keeps."""
    if not (pool := values.get("pool")):
        return FormChanges(submit="Stop it")
    return form_notes(await preflight(ctx, pool, account=values.get("account")), "pool", submit="Stop it")
