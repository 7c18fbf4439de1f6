"""Scenarios: worlds to begin with, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.sandbox.world.clock import Clock
from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.crowded import SIZES, crowded, fleet
from bot.sandbox.world.scenarios.demo import demo
from bot.sandbox.world.scenarios.long import long
from bot.sandbox.world.scenarios.performance import performance
from bot.sandbox.world.scenarios.tiny import tiny

SCENARIOS: Mapping[str, Callable[[World], None]] = {
    "demo": demo,
    "tiny": tiny,
    "performance": performance,
    "long": long,
    **{f"crowded-{jobs}": crowded(jobs) for jobs in SIZES},
    "crowded-nodes": crowded(50, nodes=2_000),
    **{f"fleet-{accounts}": fleet(accounts, jobs=300, nodes=100) for accounts in (1, 10, 50)},
    "fleet-nodes": fleet(1, jobs=300, nodes=5_000),
}
"""Each fills an empty world; it begins at the time of the world's clock."""


def build(scenario: str = "demo", seed: int = 1, clock: Clock | None = None) -> World:
    """A world of that name; start the clock a day ago and advance it to have a day of history. May raise KeyError."""
    fill = SCENARIOS[scenario]
    world = World(seed, clock)
    fill(world)
    return world


__all__ = ["SCENARIOS", "build"]
