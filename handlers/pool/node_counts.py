"""Node counts of pools in words, for every card that tells them."""

from __future__ import annotations

from collections.abc import Iterable

from bot.azure.models import NodeCounts, PoolNodeCounts
from cards.build import text
from cards.card import Text
from cards.formatting import number
from handlers.shared.states import BAD_NODE_STATES, NODE_COUNT_FIELDS, node_chip


def by_state(counts: Iterable[PoolNodeCounts]) -> dict[str, int]:
    """Nodes by state over dedicated and spot ones, states without nodes left out, in the order people look."""
    halves: list[NodeCounts] = [half for entry in counts for half in (entry.dedicated, entry.low_priority)]
    totals = {state: sum(getattr(half, name) for half in halves) for state, name in NODE_COUNT_FIELDS.items()}
    return {state: total for state, total in totals.items() if total}


def running(entry: PoolNodeCounts) -> int:
    """Nodes of a pool that run tasks."""
    return entry.dedicated.running + entry.low_priority.running


def bad(entry: PoolNodeCounts) -> int:
    """Nodes of a pool that are billed and cannot work."""
    return sum(count for state, count in by_state([entry]).items() if state in BAD_NODE_STATES)


def told(states: dict[str, int]) -> Text:
    """``● 18 running · ○ 2 idle · ✖ 1 unusable``."""
    pieces: list[object] = []
    for state, count in states.items():
        chip = node_chip(state)
        if pieces:
            pieces.append(" · ")
        pieces.append(type(chip)(chip.mark, f"{number(count)} {chip.word}"))
    return text(*pieces)  # type: ignore[arg-type]
