"""Pools: list and show."""

from __future__ import annotations

from typing import Literal

from bot.azure.errors import AzureError
from bot.azure.models import Pool, PoolNodeCounts, VmSize, duration
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text, when
from cards.card import Block, Button, Card, Column, Mark, Text, Words
from cards.phrases import duration as spoken
from cards.phrases import number, plural
from handlers import nodes_of
from handlers.common import line, sizes_of, template, titled
from handlers.missing import no_pool
from handlers.pool_parts import autoscale, hardware, image, network, resize_errors, start_task, the_rest
from handlers.states import pool_chip

_LISTED = (
    "id,state,allocationState,allocationStateTransitionTime,vmSize,currentDedicatedNodes,currentLowPriorityNodes,"
    "targetDedicatedNodes,targetLowPriorityNodes,resizeErrors,enableAutoScale,autoScaleRun"
)
_COLUMNS = (
    Column("Pool", width=3),
    Column("State", width=2),
    Column("Nodes", "right", width=2),
    Column("Running", "right", rank=2),
    Column("Trouble", rank=1, width=3),
    Column("Size", rank=3, width=3),
)
PoolState = Literal["active", "deleting", "steady", "resizing", "stopping"]


@command("pool list", examples=["pool list", "pool list state:resizing"], menu=20)
async def list_pools(
    ctx: Context, *, state: PoolState | None = None, page: int = 1, account: str | None = None
) -> Card:
    """List the pools of an account, with their nodes and what is wrong with them.

    :param state: only pools in this state, of the pool or of its allocation
    :param page: which page of 20
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    pools, at = await source.every(Pool, "/pools", select=_LISTED)
    entries, _ = await source.node_counts()
    counts = {entry.pool_id: entry for entry in entries}
    found = [pool for pool in pools if state in (None, pool.state.lower(), pool.allocation_state.lower())]
    page = build.within(page, len(found))
    rows = found[(page - 1) * build.PAGE : page * build.PAGE]
    back, on = build.pager(line(ctx, source, "pool list", state=state), page, len(found))
    troubled = sum(bool(trouble(pool, counts.get(pool.id))) for pool in found)
    return Card(
        title=titled(
            f"Pools in {source.name}",
            state,
            build.shown(page, len(rows), len(found)),
            plural(sum(_allocated(pool) for pool in found), "node"),
            f"{troubled} in trouble" if troubled else None,
        ),
        mark=Mark.WARNING if troubled else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            build.table(_COLUMNS, [_row(pool, counts.get(pool.id)) for pool in rows])
            if rows
            else Words(text(f"No pool is {state}." if state else "This account has no pools.")),
            build.actions(
                back,
                on,
                build.open_menu("Open a pool", template(ctx, source, "pool show", "{}"), [pool.id for pool in rows]),
                Button("Usage", line(ctx, source, "usage")),
                Button("Filter…", line(ctx, source, "pool list", state=state), how="form"),
                Button("Refresh", line(ctx, source, "pool list", state=state, page=page), how="edit"),
            ),
        ),
    )


@command("pool show", examples=["pool show gpu-a"])
async def show_pool(ctx: Context, pool: str, *, account: str | None = None) -> Card:
    """Show one pool: nodes by state, size, image, autoscale, start task, and what is wrong with it.

    :param pool: the pool's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    try:
        fetched = await source.fetch(Pool, source.pool(pool))
    except AzureError as error:
        if not error.not_found:
            raise
        return await no_pool(ctx, source, pool, "pool show")
    found, at = fetched.value, fetched.at
    entries, _ = await source.node_counts()
    entry = next((entry for entry in entries if entry.pool_id == found.id), None)
    wrong = trouble(found, entry)
    state = text(pool_chip(found.state, found.allocation_state, troubled=bool(wrong)))
    return Card(
        title=titled(f"Pool {found.id}", state, text(_nodes(found), " nodes")),
        mark=Mark.WARNING if wrong else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            *resize_errors(found, at),
            Words(nodes_of.told(states)) if entry and (states := nodes_of.by_state([entry])) else None,
            _overview(found, (await sizes_of(source)).get(found.vm_size.lower())),
            *autoscale(found),
            *start_task(found.start_task, entry),
            *image(found),
            *hardware(found),
            *network(found),
            *the_rest(found),
            build.actions(
                Button("Nodes", line(ctx, source, "node list", found.id), style="primary"),
                Button("Jobs", line(ctx, source, "job list", pool=found.id)),
                Button("Usage", line(ctx, source, "usage", pool=found.id)),
                Button("All pools", line(ctx, source, "pool list")),
                Button("Refresh", line(ctx, source, "pool show", found.id), how="edit"),
            ),
        ),
    )


def trouble(pool: Pool, entry: PoolNodeCounts | None) -> str:
    """What is wrong with a pool in a few words, worst first; empty when nothing is."""
    bad = nodes_of.bad(entry) if entry else 0
    if bad:
        return f"{number(bad)} of {plural(_allocated(pool), 'node')} bad"
    if pool.resize_errors:
        return pool.resize_errors[0].code
    if pool.auto_scale_run and pool.auto_scale_run.error:
        return f"autoscale: {pool.auto_scale_run.error.code}"
    return ""


def _allocated(pool: Pool) -> int:
    return pool.current_dedicated_nodes + pool.current_low_priority_nodes


def _nodes(pool: Pool) -> str:
    """``18``, ``18 → 24`` while that is wanted, spot nodes after a plus: ``4 + 10 → 12 spot``."""
    dedicated = _towards(pool.current_dedicated_nodes, pool.target_dedicated_nodes)
    spot = _towards(pool.current_low_priority_nodes, pool.target_low_priority_nodes)
    if spot == "0":
        return dedicated
    return f"{spot} spot" if dedicated == "0" else f"{dedicated} + {spot} spot"


def _towards(current: int, target: int | None) -> str:
    return number(current) if target in (None, current) else f"{number(current)} → {number(target or 0)}"


def _row(pool: Pool, entry: PoolNodeCounts | None) -> list[Text]:
    wrong = trouble(pool, entry)
    return [
        text(code(pool.id)),
        text(pool_chip(pool.state, pool.allocation_state, troubled=bool(wrong))),
        text(_nodes(pool)),
        text(number(nodes_of.running(entry)) if entry else "–"),
        text(chip(Mark.WARNING, wrong) if wrong else muted("–")),
        text(pool.vm_size.lower().removeprefix("standard_")),
    ]


def _overview(pool: Pool, size: VmSize | None) -> Block | None:
    machine = [pool.vm_size]
    if size:
        machine += [plural(size.vcpus, "core"), f"{number(size.memory_gb)} GB"]
        machine += [plural(size.gpus, "GPU")] if size.gpus else []
    timeout = duration(pool.resize_timeout)
    return facts(
        ("Size", " · ".join(machine)),
        ("Task slots a node", number(pool.task_slots_per_node) if pool.task_slots_per_node > 1 else None),
        ("Fills nodes", pool.task_scheduling_policy.node_fill_type.lower() if pool.task_scheduling_policy else None),
        ("Allocation since", when(pool.allocation_state_transition_time)),
        ("Resize timeout", spoken(timeout) if timeout else None),
        ("Active since", when(pool.state_transition_time)),
        ("Created", when(pool.creation_time)),
        ("Changed", when(pool.last_modified)),
        ("Display name", pool.display_name or None),
        ("Talk to each other", "yes" if pool.enable_inter_node_communication else None),
        ("End of support of the size", when(size.eol) if size else None),
    )
