"""Take nodes out of their pool."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.azure.models import Pool
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from bot.requests.grammar import words
from cards.card import Card, Field
from handlers.node.bulk import OF_TASKS, WHICH, OfTasks
from handlers.pool import steps
from handlers.pool.removal import Removal, meaning, removing
from handlers.shared.chosen_nodes import choose
from handlers.shared.common import line
from handlers.shared.filtering import Typed
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes

_PATH = "node remove"


async def preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    regrow: bool = False,
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> Preflight:
    """Which nodes go, what that interrupts, and in how many calls; refuses while the pool is not steady."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_pool(ctx, source, pool, "node list"):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    nodes = await choose(ctx, source, pool, filter, _PATH)
    return steps.unsteady(ctx, source, found) or await meaning(source, found, nodes, regrow=regrow, tasks=tasks)


@command(
    "node remove",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=preflight,
    examples=[
        "node remove gpu tvmps_0f3_d",
        "node remove gpu state:unusable regrow",
        "node remove gpu state:idle tasks:taskcompletion",
    ],
)
async def remove(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    regrow: bool = False,
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Remove nodes from their pool, as many as wanted: 100 in a call, one call after another.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter such as state:unusable age>30m, or all
    :param regrow: let the pool have as many new ones afterwards
    :param tasks: what becomes of tasks that run on them: back into the queue, ended, or waited for
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    nodes = await choose(ctx, source, pool, filter, _PATH)
    asked = Removal(
        pool,
        tuple(node.id for node in nodes),
        tasks,
        regrow,
        back=line(ctx, source, "pool resize", pool),
        show=line(ctx, source, "pool show", pool),
        list=line(ctx, source, "node list", pool),
    )
    async for card in ctx.operate(_PATH, source, pool, asked):
        yield card


@workflow("node remove", Removal, "Removing nodes of pool {}")
async def remove_nodes(run: Run, asked: Removal) -> Outcome:
    """Remove them, and ask for as many new ones where that is wanted."""
    return await removing(run, asked)


@form_of(_PATH, *WHICH, Field("regrow", "Let as many new ones come", "flag", refresh=True), OF_TASKS)
async def remove_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes go, and what that interrupts and saves."""
    pool, chosen = values.get("pool"), words(values.get("filter", ""))
    if not pool or not chosen:
        return FormChanges(submit="Remove")
    tasks: OfTasks = values.get("tasks", "requeue")  # type: ignore[assignment]  # one of the options
    regrow = values.get("regrow", "").lower() in ("true", "yes", "1")
    found = await preflight(ctx, pool, *chosen, regrow=regrow, tasks=tasks, account=values.get("account"))
    return form_notes(found, "filter", submit="Remove")
