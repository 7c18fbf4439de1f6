"""Release the machines of nodes and keep the nodes, and start them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.models import NodeRow
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.azure.writes import nodes
from bot.domain.states import NODES, NodeStateFacts, facts_of, word
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Card
from handlers.node.bulk import OF_TASKS, WHICH, NodeVerb, OfTasks, OnNodes, busy, chosen_for, form_for, look, on_nodes
from handlers.shared.chosen_nodes import Chosen
from handlers.shared.filtering import Typed
from handlers.shared.saved_first import save_nodes

_WITHOUT_MACHINE = ("deallocated", "deallocating")


def _start(writer: Writer, pool: str, node: str, _: OfTasks) -> Awaitable[Written]:
    return nodes.start(writer, pool, node)


def _deallocate(writer: Writer, pool: str, node: str, tasks: OfTasks) -> Awaitable[Written]:
    return nodes.deallocate(writer, pool, node, tasks=tasks)


def _not_deallocated(node: Chosen) -> str:
    return "" if node.state == "deallocated" else word(node.state)


def _on_its_way(row: NodeRow, _: Chosen) -> bool:
    return row.state.lower() not in _WITHOUT_MACHINE


def _up(row: NodeRow, _: Chosen) -> bool:
    facts = facts_of(NODES, row.state)
    return isinstance(facts, NodeStateFacts) and facts.role in ("works", "idle", "bad")


def _going(row: NodeRow, _: Chosen) -> bool:
    return row.state.lower() in _WITHOUT_MACHINE


def _down(row: NodeRow, _: Chosen) -> bool:
    return row.state.lower() == "deallocated"


START = NodeVerb("node start", "Start", "Started", _not_deallocated, _start, _on_its_way, _up, interrupts=False)
DEALLOCATE = NodeVerb("node deallocate", "Deallocate", "Deallocated", busy, _deallocate, _going, _down)


async def start_preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> Preflight:
    """Which of the nodes are deallocated."""
    return await look(ctx, ctx.account(account), pool, filter, START)


@command(
    "node start",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=start_preflight,
    examples=["node start gpu tvmps_0f3_d", "node start gpu state:deallocated"],
)
async def start(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Start nodes that are deallocated; they are billed again from then on.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter, or all
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = await chosen_for(ctx, source, pool, filter, START, "requeue", back="node deallocate")
    async for card in ctx.operate("node start", source, pool, asked):
        yield card


@workflow("node start", OnNodes, "Starting nodes of pool {}")
async def starting(run: Run, asked: OnNodes) -> Outcome:
    """Start each, and wait until they are up."""
    return await on_nodes(run, asked, START)


@form_of("node start", *WHICH)
async def start_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes are meant."""
    return await form_for(ctx, values, START)


async def deallocate_preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> Preflight:
    """Which of the nodes can be deallocated, and what it interrupts."""
    return await look(ctx, ctx.account(account), pool, filter, DEALLOCATE, tasks)


@command(
    "node deallocate",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=deallocate_preflight,
    examples=["node deallocate gpu tvmps_0f3_d", "node deallocate gpu state:idle tasks:taskcompletion"],
)
async def deallocate(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Release the machines of nodes and keep the nodes: they cost nothing until they are started again.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter such as state:idle, or all
    :param tasks: what becomes of tasks that run on them: back into the queue, ended, or waited for
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = await chosen_for(ctx, source, pool, filter, DEALLOCATE, tasks, back="node start")
    async for card in ctx.operate("node deallocate", source, pool, asked):
        yield card


@workflow("node deallocate", OnNodes, "Deallocating nodes of pool {}")
async def deallocating(run: Run, asked: OnNodes) -> Outcome:
    """Keep what they have to tell, deallocate each, and wait until their machines are gone."""
    await save_nodes(run, asked.pool, [each.id for each in asked.nodes])
    return await on_nodes(run, asked, DEALLOCATE)


@form_of("node deallocate", *WHICH, OF_TASKS)
async def deallocate_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes are meant, and what it interrupts."""
    return await form_for(ctx, values, DEALLOCATE)
