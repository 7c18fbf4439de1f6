"""Replace the nodes of a pool that are broken: remove them, and let as many new ones come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.operations.preflight import Fix, Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import Instead, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.grammar import words
from cards.card import Card, Field
from handlers.pool import steps
from handlers.pool.removal import Removal, meaning, removing
from handlers.pool.steps import BROKEN
from handlers.shared.chosen_nodes import Chosen, choose
from handlers.shared.common import line
from handlers.shared.filtering import Typed
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes

_PATH = "pool replace-broken"


async def preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> Preflight:
    """Which nodes are broken, and in how many calls they go; refuses where none is."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_pool(ctx, source, pool, _PATH):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    if waits := steps.unsteady(ctx, source, found):
        return waits
    nodes = await _broken(ctx, source, found.id, filter)
    if not nodes:
        return Preflight(
            f"No node of pool {found.id} is unusable or failed its start task.",
            fixes=(Fix("All nodes", line(ctx, source, "node list", found.id)),),
        )
    return await meaning(source, found, nodes, regrow=True, tasks=None)


@command(
    "pool replace-broken",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=preflight,
    examples=["pool replace-broken gpu", "pool replace-broken gpu age>30m"],
)
async def replace_broken(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Replace the nodes that are unusable or failed their start task: they go, and as many new ones come.

    :param pool: the pool's id
    :param filter: only some of them, such as age>30m or state:unusable
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Removal(
        pool,
        tuple(node.id for node in await _broken(ctx, source, pool, filter)),
        None,
        regrow=True,
        back=line(ctx, source, "pool resize", pool),
        show=line(ctx, source, "pool show", pool),
        list=line(ctx, source, "node list", pool),
    )
    async for card in ctx.operate(_PATH, source, pool, asked):
        yield card


@workflow("pool replace-broken", Removal, "Replacing broken nodes of pool {}")
async def replacing(run: Run, asked: Removal) -> Outcome:
    """Remove them, ask for as many new ones, and check whether those work."""
    return await removing(run, asked)


@form_of(
    _PATH,
    Field("pool", "Pool", "name", names="pool", refresh=True),
    Field("filter", "Only some of them", refresh=True, more=True),
)
async def replace_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes go."""
    pool = values.get("pool")
    if not pool:
        return FormChanges(submit="Replace")
    found = await preflight(ctx, pool, *words(values.get("filter", "")), account=values.get("account"))
    return form_notes(found, "pool", submit="Replace")


async def _broken(ctx: Context, source: Account, pool: str, typed: Sequence[str]) -> list[Chosen]:
    try:
        return await choose(ctx, source, pool, [f"state:{','.join(BROKEN)}", *typed], _PATH)
    except Instead:
        return []
