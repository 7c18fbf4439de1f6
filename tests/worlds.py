"""Sandbox accounts that have lived for hours, made once in each process and then copied: a tenth of the time."""

from __future__ import annotations

import gc
import pickle
from datetime import datetime, timedelta
from functools import lru_cache

import cloudpickle

from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios import build


def lived(scenario: str, *, seed: int, start: datetime, hours: float) -> World:
    """A world of this scenario so many hours after ``start``, nobody else's; its clock stands still."""
    grown = _grown(scenario, seed, start, hours)
    gc.disable()  # it would look through all that is made, several times, and find nothing
    try:
        world = pickle.loads(grown)
    finally:
        gc.enable()
    assert isinstance(world, World)
    return world


@lru_cache(maxsize=24)
def _grown(scenario: str, seed: int, start: datetime, hours: float) -> bytes:
    world = build(scenario, seed=seed, clock=Clock(start, paused=True))
    world.clock.advance(timedelta(hours=hours))
    world.settle()
    return cloudpickle.dumps(world)  # the scenarios' plans are functions within functions, which pickle refuses
