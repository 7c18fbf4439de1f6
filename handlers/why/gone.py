"""What is looked up of a node that Batch no longer knows: what was seen and kept of it, and who removed it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Pool
from bot.domain.diagnosis.gone import GoneNode, of_gone
from bot.domain.diagnosis.model import Clue, Evidence
from bot.domain.entity import Entity
from bot.requests.context import Context
from handlers.shared.boot_time import kept_boot
from handlers.why.deeds import deed
from handlers.why.kept import kept_start
from handlers.why.reads import Reads

_SEEN = 50
_AROUND = timedelta(minutes=15)
"""How long before a node was missed its pool may have been made smaller."""
_REMOVE = ("node remove", "node deallocate")
_SHRINK = ("pool resize", "pool replace-broken", "pool rebuild", "pool delete", "pool autoscale enable")


async def about_gone(ctx: Context, reads: Reads, pool: str, node: str) -> Clue | None:
    """What became of a node; None where nothing was ever seen or kept of it."""
    source = reads.source
    seen, boxes, boots = await asyncio.gather(
        ctx.store.transitions(source.name, entity="node", parent=pool, id=node, limit=_SEEN),
        ctx.store.kept_nodes(source.name, pool, node, limit=1),
        kept_boot(ctx, source, pool, node),
    )
    if not seen and not boxes and boots is None:
        return None
    reads.looked.append("what the bot saw and kept of it")
    case = GoneNode(
        node=Entity("node", node, pool),
        at=source.now(),
        seen=seen,
        box=boxes[0] if boxes else None,
        pool_gone=await _is_gone(reads, pool),
    )
    at = case.missed
    removed = await deed(ctx, source, _REMOVE, (pool, node), at)
    shrunk = None if removed else await deed(ctx, source, _SHRINK, (pool,), at) or await _shrunk(ctx, source, pool, at)
    clue = of_gone(replace(case, removed=removed, shrunk=shrunk))
    printed = kept_start(boxes[0]) if boxes else None
    return replace(clue, evidence=(*clue.evidence, printed)) if printed else clue


async def _is_gone(reads: Reads, pool: str) -> bool:
    """Whether its pool is gone too."""
    if not reads.take(f"pool {pool}"):
        return False
    try:
        await reads.source.fetch(Pool, reads.source.pool(pool), select="id")
    except AzureError as error:
        return error.not_found
    return False


async def _shrunk(ctx: Context, source: Account, pool: str, at: datetime | None) -> Evidence | None:
    """A resize of its pool, or a run of its formula, shortly before it was missed."""
    if at is None:
        return None
    for kind, words in (("autoscale", "the pool's formula moved its targets"), ("allocation", "the pool was resized")):
        found = await ctx.store.transitions(
            source.name, entity=kind, id=pool, since=at - _AROUND, until=at + timedelta(minutes=1), limit=1
        )
        if found:
            return Evidence(words, found[0].at)
    return None
