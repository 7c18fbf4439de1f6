"""What is wrong with a pool, in the few words that lists have room for."""

from __future__ import annotations

from bot.azure.models import Pool, PoolNodeCounts
from bot.domain.advice import of_autoscale, of_resize
from bot.domain.pool_health import PoolTrouble, troubles_of
from bot.domain.pools import reading
from cards.formatting import number, plural


def worst(pool: Pool, entry: PoolNodeCounts | None) -> PoolTrouble | None:
    """The worst thing that is wrong with a pool; None where nothing is."""
    return next(iter(troubles_of(reading(pool, entry))), None)


def trouble(pool: Pool, entry: PoolNodeCounts | None) -> str:
    """The same in words: ``3 of 20 nodes bad``, ``core quota used up``, ``autoscale: …``; empty when nothing is."""
    return in_words(worst(pool, entry))


def in_words(found: PoolTrouble | None) -> str:
    """A trouble in words; see :func:`trouble`."""
    if found is None:
        return ""
    if found.kind == "nodes":
        return f"{number(found.bad)} of {plural(found.nodes, 'node')} bad"
    if found.kind == "autoscale":
        return f"autoscale: {of_autoscale(found.code, found.message).short or found.code}"
    return of_resize(found.code, found.message).short or found.code
