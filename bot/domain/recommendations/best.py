"""Which of many recommendations are told first, and which of several about one thing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.domain.recommendations.model import Kind, Recommendation

MOST = 3
URGENT = 4
"""The risk from which something is told before what only costs: it fails within days, or does already."""
_SAME_MONEY: frozenset[Kind] = frozenset(("idle", "idle now", "formula", "too wide", "empty slots"))
"""Of one pool these are about the same nodes with too little to do: one of them is told, and no money twice."""
_SIMPLER = 0.6
"""Fewer nodes are simpler than a formula, and told instead of it where they save so much of what it would."""


def distinct(found: Iterable[Recommendation]) -> list[Recommendation]:
    """Those that are about something of their own, in the order in which they are given."""
    found = list(found)
    kept: dict[tuple[str, str, str], Recommendation] = {}
    for each in found:
        if each.kind in _SAME_MONEY:
            other = kept.get(each.about.identity)
            kept[each.about.identity] = each if other is None else _better(other, each)
    return [each for each in found if each.kind not in _SAME_MONEY or kept[each.about.identity] is each]


def _better(one: Recommendation, other: Recommendation) -> Recommendation:
    dear, cheap = (one, other) if (one.week or 0.0) >= (other.week or 0.0) else (other, one)
    simpler = cheap.kind == "too wide" and dear.kind == "formula"
    return cheap if simpler and (cheap.week or 0.0) >= _SIMPLER * (dear.week or 0.0) else dear


def best(found: Iterable[Recommendation], most: int = MOST) -> list[Recommendation]:
    """The few that matter most: one that is urgent first, then by money, then by risk."""
    ordered: Sequence[Recommendation] = sorted(distinct(found), key=lambda each: each.order)
    urgent = sorted((each for each in ordered if each.risk >= URGENT), key=lambda each: -each.risk)[:1]
    return [*urgent, *(each for each in ordered if each not in urgent)][:most]
