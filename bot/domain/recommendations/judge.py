"""Asks every rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from bot.domain.recommendations.jobs import forgotten_schedules, zombies
from bot.domain.recommendations.model import MEASURED, Case, Judged, Kind, Recommendation
from bot.domain.recommendations.money import about_money
from bot.domain.recommendations.nodes import full_disks, old_agents
from bot.domain.recommendations.pools import dead_formula, forgotten, idle_now, image_ends, size_ends, stale_error
from bot.domain.recommendations.runs import retries, short_tasks
from bot.domain.recommendations.signatures import signature_ends, task_signature_ends
from bot.domain.recommendations.spot import spot_losses
from bot.domain.recommendations.width import empty_slots, too_wide


class Rule(Struct, frozen=True):
    """A rule with the kinds it finds; these are judged where all of what it ``needs`` of the case was read."""

    find: Callable[[Case], Iterator[Recommendation]]
    kinds: frozenset[Kind]
    needs: tuple[str, ...]


RULES: tuple[Rule, ...] = (
    Rule(about_money, MEASURED, ("spent",)),
    Rule(idle_now, frozenset(("idle now",)), ("pools", "jobs", "schedules")),
    Rule(dead_formula, frozenset(("dead formula",)), ("pools",)),
    Rule(stale_error, frozenset(("stale error",)), ("pools",)),
    Rule(forgotten, frozenset(("forgotten pools",)), ("pools", "jobs", "schedules")),
    Rule(image_ends, frozenset(("image ends",)), ("pools", "images")),
    Rule(size_ends, frozenset(("size ends",)), ("pools", "sizes")),
    Rule(signature_ends, frozenset(("signature ends",)), ("pools", "schedules")),
    Rule(zombies, frozenset(("zombie jobs", "stuck schedule")), ("jobs",)),
    Rule(forgotten_schedules, frozenset(("forgotten schedules",)), ("schedules",)),
    Rule(retries, frozenset(("retries",)), ("runs",)),
    Rule(short_tasks, frozenset(("short tasks",)), ("runs",)),
    Rule(too_wide, frozenset(("too wide",)), ("pools", "spent")),
    Rule(empty_slots, frozenset(("empty slots",)), ("pools", "spent")),
    Rule(spot_losses, frozenset(("spot losses",)), ("runs", "spent")),
    Rule(old_agents, frozenset(("old agent",)), ("pools",)),
    Rule(full_disks, frozenset(("full disk",)), ("pools",)),
    Rule(task_signature_ends, frozenset(("task signature ends",)), ("jobs",)),
)


def judge(case: Case) -> Judged:
    """Everything that is recommended, by money, then by risk."""
    found: list[Recommendation] = []
    kinds: set[Kind] = set()
    for rule in RULES:
        if all(getattr(case, each) not in (None, False) for each in rule.needs):
            found += rule.find(case)
            kinds |= rule.kinds
    return Judged(tuple(sorted(found, key=lambda each: each.order)), frozenset(kinds - case.unknown))
