"""Pools: list and show."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Pool, PoolNodeCounts, SupportedImage, VmSize
from bot.commands import command
from bot.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Button, Card, Column, Mark, Text, Words
from cards.phrases import number, plural
from handlers import nodes_of
from handlers.common import images_of, line, sizes_of, template, titled
from handlers.missing import no_pool
from handlers.pool_parts import overview, resize_errors, sections, towards
from handlers.portal import portal
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
    (entries, _), sizes, images = await asyncio.gather(source.node_counts(), sizes_of(source), images_of(source))
    entry = next((entry for entry in entries if entry.pool_id == fetched.value.id), None)
    return pool_card(ctx, source, fetched.value, fetched.at, entry, sizes, images)


def pool_card(
    ctx: Context,
    source: Account,
    found: Pool,
    at: datetime,
    entry: PoolNodeCounts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
    images: Sequence[SupportedImage] = (),
) -> Card:
    """All of a pool, with its nodes by state, its VM size and the images that the service supports where known."""
    wrong = trouble(found, entry)
    state = text(pool_chip(found.state, found.allocation_state, troubled=bool(wrong)))
    return Card(
        title=titled(f"Pool {found.id}", state, text(_nodes(found), " nodes")),
        mark=Mark.WARNING if wrong else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            *resize_errors(found, at),
            Words(nodes_of.told(states)) if entry and (states := nodes_of.by_state([entry])) else None,
            overview(found, sizes.get(found.vm_size.lower())),
            *sections(found, entry, images),
            build.actions(
                Button("Nodes", line(ctx, source, "node list", found.id), style="primary"),
                Button("Jobs", line(ctx, source, "job list", pool=found.id)),
                Button("Usage", line(ctx, source, "usage", pool=found.id)),
                Button("All pools", line(ctx, source, "pool list")),
                Button("Refresh", line(ctx, source, "pool show", found.id), how="edit"),
                portal(source, "pools"),
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
    dedicated = towards(pool.current_dedicated_nodes, pool.target_dedicated_nodes)
    spot = towards(pool.current_low_priority_nodes, pool.target_low_priority_nodes)
    if spot == "0":
        return dedicated
    return f"{spot} spot" if dedicated == "0" else f"{dedicated} + {spot} spot"


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
