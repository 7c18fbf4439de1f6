"""Send tasks to nodes no more, and again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.models import NodeRow
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.azure.writes import nodes
from bot.domain.states import word
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Card
from handlers.node.bulk import OF_TASKS, WHICH, NodeVerb, OfTasks, OnNodes, chosen_for, form_for, look, on_nodes
from handlers.shared.chosen_nodes import Chosen
from handlers.shared.filtering import Typed

_ALREADY = ("NodeAlreadyInTargetSchedulingState",)


def _enable(writer: Writer, pool: str, node: str, _: OfTasks) -> Awaitable[Written]:
    return nodes.enable_scheduling(writer, pool, node)


def _disable(writer: Writer, pool: str, node: str, tasks: OfTasks) -> Awaitable[Written]:
    return nodes.disable_scheduling(writer, pool, node, tasks=tasks)


def _not_disabled(node: Chosen) -> str:
    return "" if node.scheduling == "disabled" else "taking tasks already"


def _not_enabled(node: Chosen) -> str:
    if node.scheduling == "disabled":
        return "taking no tasks already"
    return "" if node.state in ("idle", "running") else word(node.state)


def _enabled(row: NodeRow, _: Chosen) -> bool:
    return row.scheduling_state.lower() == "enabled"


def _disabled(row: NodeRow, _: Chosen) -> bool:
    return row.scheduling_state.lower() == "disabled"


ON = NodeVerb(
    "node enable-scheduling",
    "Send tasks to",
    "Tasks go again to",
    _not_disabled,
    _enable,
    _enabled,
    interrupts=False,
    done_if=_ALREADY,
)
OFF = NodeVerb(
    "node disable-scheduling", "Send no tasks to", "No tasks go to", _not_enabled, _disable, _disabled, done_if=_ALREADY
)


async def on_preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> Preflight:
    """Which of the nodes take no tasks now."""
    return await look(ctx, ctx.account(account), pool, filter, ON)


@command(
    "node enable-scheduling",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=on_preflight,
    examples=["node enable-scheduling gpu tvmps_0f3_d", "node enable-scheduling gpu state:offline"],
)
async def scheduling_on(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Let nodes take tasks again whose scheduling was disabled.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter such as state:offline, or all
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = await chosen_for(ctx, source, pool, filter, ON, "requeue", back="node disable-scheduling")
    async for card in ctx.operate("node enable-scheduling", source, pool, asked):
        yield card


@workflow("node enable-scheduling", OnNodes, "Letting nodes of pool {} take tasks")
async def enabling(run: Run, asked: OnNodes) -> Outcome:
    """Enable each."""
    return await on_nodes(run, asked, ON)


@form_of("node enable-scheduling", *WHICH)
async def on_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes are meant."""
    return await form_for(ctx, values, ON)


async def off_preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> Preflight:
    """Which of the nodes take tasks now, and what becomes of those that run."""
    return await look(ctx, ctx.account(account), pool, filter, OFF, tasks)


@command(
    "node disable-scheduling",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=off_preflight,
    examples=[
        "node disable-scheduling gpu tvmps_0f3_d",
        "node disable-scheduling gpu bad tasks:taskcompletion",
    ],
)
async def scheduling_off(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Send no more tasks to nodes, to look at them or to let them run dry; they are billed all the same.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter, or all
    :param tasks: what becomes of tasks that run on them: back into the queue, ended, or waited for
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = await chosen_for(ctx, source, pool, filter, OFF, tasks, back="node enable-scheduling")
    async for card in ctx.operate("node disable-scheduling", source, pool, asked):
        yield card


@workflow("node disable-scheduling", OnNodes, "Letting nodes of pool {} take no tasks")
async def disabling(run: Run, asked: OnNodes) -> Outcome:
    """Disable each."""
    return await on_nodes(run, asked, OFF)


@form_of("node disable-scheduling", *WHICH, OF_TASKS)
async def off_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes are meant, and what it interrupts."""
    return await form_for(ctx, values, OFF)
