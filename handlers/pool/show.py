"""One pool: its nodes, machine, price, and what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts, SupportedImage, VmSize
from bot.azure.models.price import NO_PRICES, Prices
from bot.domain.entity import fold
from bot.domain.pools import reading
from bot.domain.price import of_pool
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, text
from cards.card import Button, Card, Mark, Words
from cards.formatting import money
from handlers.history.forgotten import or_forgotten
from handlers.pool.sections import nodes_of, overview, particulars, resize_errors, sections
from handlers.pool.trouble import worst
from handlers.pool.verbs import buttons
from handlers.shared import node_counts
from handlers.shared.common import folded, images_of, line, sizes_of, titled
from handlers.shared.filtering import Unseen
from handlers.shared.missing import finding_pool
from handlers.shared.portal import portal
from handlers.shared.states import pool_chip


@command("pool show", effect="read", examples=["pool show gpu-a"])
async def show_pool(ctx: Context, pool: str, *, whole: Unseen = 0, account: str | None = None) -> Card:
    """Show one pool: nodes by state, size, image, autoscale, start task and problems.

    :param pool: the pool's id
    :param whole: 1 for all of it, with what is folded otherwise
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async with or_forgotten(ctx, source, "pool", pool), finding_pool(ctx, source, pool, "pool show"):
        fetched = await source.fetch(Pool, source.pool(pool))
    entries, sizes, images, prices = await asyncio.gather(
        node_counts.known(source), sizes_of(source), images_of(source), source.prices()
    )
    entry = node_counts.by_pool(entries).get(fold(fetched.value.id))
    return pool_card(ctx, source, fetched.value, fetched.at, entry, sizes, images, prices, whole)


def pool_card(
    ctx: Context,
    source: Account,
    found: Pool,
    at: datetime,
    entry: PoolNodeCounts | None = None,
    sizes: Mapping[str, VmSize] = MappingProxyType({}),
    images: Sequence[SupportedImage] = (),
    prices: Prices = NO_PRICES,
    whole: int = 0,
) -> Card:
    """A pool, with its nodes by state, its VM size, the images that the service supports and prices where known."""
    wrong = worst(found, entry)
    hourly = of_pool(prices, reading(found, entry))
    cost = f"{money(hourly.amount, hourly.currency)}/h now" if hourly and hourly.amount else None
    state = text(pool_chip(found.state, found.allocation_state, wrong))
    return Card(
        title=titled(f"Pool {found.id}", state, text(nodes_of(found), " nodes"), cost),
        mark=Mark.WARNING if wrong else Mark.RUNNING,
        as_of=at,
        blocks=blocks(
            *resize_errors(found, at),
            Words(node_counts.in_words(states)) if entry and (states := node_counts.by_state([entry])) else None,
            overview(found, sizes.get(found.vm_size.lower()), at, prices, entry),
            folded(
                ctx,
                source,
                whole,
                [particulars(found, prices), *sections(found, entry, images, at)],
                "pool show",
                found.id,
            ),
            build.actions(
                Button("Why", line(ctx, source, "why pool", found.id), style="primary") if wrong else None,
                Button("Nodes", line(ctx, source, "node list", found.id), style="default" if wrong else "primary"),
                *buttons(ctx, source, found, entry),
                Button("Jobs", line(ctx, source, "job list", pool=found.id)),
                Button("Node map", line(ctx, source, "node map", found.id)),
                Button("Usage", line(ctx, source, "usage", pool=found.id)),
                Button("Autoscale", line(ctx, source, "pool autoscale", found.id)),
                Button("All pools", line(ctx, source, "pool list")),
                Button("Refresh", line(ctx, source, "pool show", found.id, whole=whole or None), how="edit"),
                Button("As code", line(ctx, source, "show-as pool", found.id)),
                Button(
                    "Save as template…", line(ctx, source, "template save", **{"from": f"pool/{found.id}"}), how="form"
                ),
                Button("JSON", line(ctx, source, "raw pool", found.id)),
                portal(source, "pools"),
                shown=5,
            ),
        ),
    )
