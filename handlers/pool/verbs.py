"""The buttons of a pool's verbs: what its state asks for stands out, the rest is behind a menu."""

from __future__ import annotations

from collections.abc import Sequence

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts
from bot.requests.context import Context
from cards.card import Action
from handlers.pool.steps import BROKEN
from handlers.shared import node_counts
from handlers.shared.verbs import more, verb

_RARE = (
    ("Start task, packages, metadata…", "set"),
    ("Size, image, slots, …", "rebuild"),
    ("Clone…", "clone"),
    ("Delete…", "delete"),
)


def broken(entry: PoolNodeCounts | None) -> int:
    """How many of a pool's nodes are broken."""
    return sum(node_counts.in_state(entry, state) for state in BROKEN) if entry else 0


def buttons(ctx: Context, source: Account, pool: Pool, entry: PoolNodeCounts | None) -> Sequence[Action | None]:
    """For the card of one pool; those that the asker may not use are left out."""
    resizing = pool.allocation_state.lower() == "resizing"
    fixed = not pool.enable_auto_scale
    return (
        verb(ctx, source, "Replace broken nodes", "pool replace-broken", pool.id) if broken(entry) else None,
        verb(ctx, source, "Stop resize", "pool stop-resize", pool.id) if resizing and fixed else None,
        verb(ctx, source, "Resize…", "pool resize", pool.id, how="form") if fixed and not resizing else None,
        more(ctx, source, "pool", [pool.id], _RARE),
        verb(ctx, source, "Enable autoscale…", "pool autoscale enable", pool.id, how="form") if fixed else None,
    )
