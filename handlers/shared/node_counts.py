"""Node counts of pools in words, for every card that shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import PoolNodeCounts
from bot.domain.entity import fold
from bot.domain.states import BAD_NODES, NODES, NodeState, counted
from cards.build import text
from cards.card import Text
from cards.formatting import number
from handlers.shared.states import node_chip


async def known(source: Account) -> list[PoolNodeCounts] | None:
    """Nodes of every pool by state; None, and told on the card, where that cannot be had."""
    found = await gaps.maybe(f"node counts of {source.name}", source.node_counts())
    return found[0] if found else None


def by_pool(counts: Iterable[PoolNodeCounts] | None) -> dict[str, PoolNodeCounts]:
    """Counts by the folded id of their pool (:func:`bot.domain.entity.fold`)."""
    return {fold(entry.pool_id): entry for entry in counts or ()}


def by_state(counts: Iterable[PoolNodeCounts]) -> dict[NodeState, int]:
    """Nodes by state over dedicated and spot ones, states without nodes left out, in the order people ask for."""
    entries = list(counts)
    totals = {state: sum(in_state(entry, state) for entry in entries) for state in NODES}
    return {state: total for state, total in totals.items() if total}


def in_state(entry: PoolNodeCounts, state: NodeState) -> int:
    """Nodes of a pool in a state."""
    return counted(entry.dedicated, state) + counted(entry.low_priority, state)


def running(entry: PoolNodeCounts) -> int:
    """Nodes of a pool that run tasks."""
    return in_state(entry, "running")


def bad(entry: PoolNodeCounts) -> int:
    """Nodes of a pool that are billed and cannot work."""
    return sum(in_state(entry, state) for state in BAD_NODES)


def in_words(states: Mapping[Any, int]) -> Text:
    """``● 18 running · ○ 2 idle · ✖ 1 unusable``."""
    pieces: list[object] = []
    for state, count in states.items():
        chip = node_chip(state)
        if pieces:
            pieces.append(" · ")
        pieces.append(type(chip)(chip.mark, f"{number(count)} {chip.word}"))
    return text(*pieces)  # type: ignore[arg-type]
