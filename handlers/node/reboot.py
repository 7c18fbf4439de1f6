"""Restart nodes; and why Azure does not reimage them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable

from bot.azure.models import NodeRow
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.azure.writes import nodes
from bot.domain.states import NODES, NodeStateFacts, facts_of
from bot.operations.preflight import Preflight
from bot.operations.run import Run
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import refusal
from cards.card import Button, Card
from handlers.node.bulk import (
    OF_TASKS,
    WHICH,
    NodeVerb,
    OfTasks,
    OnNodes,
    booted_since,
    busy,
    chosen_for,
    form_for,
    look,
    on_nodes,
)
from handlers.shared.chosen_nodes import Chosen
from handlers.shared.common import line
from handlers.shared.filtering import Typed
from handlers.shared.saved_first import save_nodes


def _send(writer: Writer, pool: str, node: str, tasks: OfTasks) -> Awaitable[Written]:
    return nodes.reboot(writer, pool, node, tasks=tasks)


def _settled(row: NodeRow, before: Chosen) -> bool:
    facts = facts_of(NODES, row.state)
    coming = isinstance(facts, NodeStateFacts) and facts.role == "coming"
    return row.last_boot_time != before.boot and not coming


REBOOT = NodeVerb("node reboot", "Reboot", "Rebooted", busy, _send, booted_since, _settled)


async def preflight(
    ctx: Context,
    pool: str,
    *filter: str,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> Preflight:
    """Which of the nodes can be rebooted, and what it interrupts."""
    return await look(ctx, ctx.account(account), pool, filter, REBOOT, tasks)


@command(
    "node reboot",
    effect="change",
    azure=True,
    check="node list {pool}",
    preflight=preflight,
    examples=["node reboot gpu tvmps_0f3_d", "node reboot gpu state:starttaskfailed", "node reboot gpu all"],
)
async def reboot(
    ctx: Context,
    pool: str,
    *filter: Typed,  # noqa: A002 - the name that people see
    tasks: OfTasks = "requeue",
    account: str | None = None,
) -> AsyncIterator[Card]:
    """Restart nodes: each runs its start task again, and takes up a changed start task or package.

    :param pool: the pool's id
    :param filter: which nodes: their ids, a filter such as state:unusable age>30m, or all
    :param tasks: what becomes of tasks that run on them: back into the queue, ended, or waited for
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = await chosen_for(ctx, source, pool, filter, REBOOT, tasks)
    async for card in ctx.operate("node reboot", source, pool, asked):
        yield card


@workflow("node reboot", OnNodes, "Rebooting nodes of pool {}")
async def rebooting(run: Run, asked: OnNodes) -> Outcome:
    """Keep what they have to tell, reboot each, and wait until they are back."""
    await save_nodes(run, asked.pool, [each.id for each in asked.nodes])
    return await on_nodes(run, asked, REBOOT)


@form_of("node reboot", *WHICH, OF_TASKS)
async def reboot_form(ctx: Context, values: Values) -> FormChanges:
    """Says which nodes are meant, and what it interrupts."""
    return await form_for(ctx, values, REBOOT)


@command("node reimage", effect="read", examples=["node reimage gpu tvmps_0f3_d"])
async def reimage(ctx: Context, pool: str, node: str, *, account: str | None = None) -> Card:
    """Explain why Azure reimages no node, and offer what does the same.

    :param pool: the pool's id
    :param node: the node's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    return refusal(
        "Azure Batch reimages no node of a pool of virtual machines.",
        "It refuses with OperationNotValidOnNode. To remove the node and let the pool make a new one comes to "
        "the same: a fresh disk and a first run of the start task. A reboot keeps the disk.",
        [
            Button("Remove and regrow", line(ctx, source, "node remove", pool, node, regrow=True), how="form"),
            Button("Reboot", line(ctx, source, "node reboot", pool, node), how="form"),
            Button("Node", line(ctx, source, "node show", pool, node)),
        ],
    )
