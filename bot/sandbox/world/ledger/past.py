"""Pools before the scenario began: how many nodes they had and how busy they were, hour by hour.

Everything follows from the world's seed, the names and the times, and is worked out when it is first asked for. A pool
that is still there ends with the nodes it has when the simulation begins, so that the two join without a seam.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from bot.sandbox.world.ledger.use import HOUR, hour_of
from bot.sandbox.world.sizes import VmSize

KEPT: Final = timedelta(days=93)
"""How much past there is at most: Azure Monitor keeps as much."""

_QUIET: Final = 2  # hours before a pool's last nodes are all it has: those beyond are gone by then


class Shape(Struct, frozen=True, kw_only=True):
    """How a pool was used.

    ``office``: more nodes and more work in the hours from ``opens`` to ``closes`` (UTC) of working days. ``bursty``:
    hardly anything, but on a day with the chance ``chance`` many nodes for some hours. ``steady``: always the same.
    ``forgotten``: nodes that never did anything. Up to ``extra`` and ``extra_spot`` nodes come on top of those the pool
    keeps; before the ``step`` (so long before the past ends) all of it, work too, is ``before`` times as much.
    """

    kind: Literal["office", "bursty", "steady", "forgotten"] = "office"
    extra: int = 0
    extra_spot: int = 0
    busy: float = 0.7
    opens: float = 8.0
    closes: float = 18.0
    chance: float = 0.15
    step: timedelta | None = None
    before: float = 0.4
    task_seconds: float = 400.0
    failing: float = 0.015


FORGOTTEN: Final = Shape(kind="forgotten")


class PoolFacts(Struct, frozen=True, kw_only=True):
    """What is billed by: the machine, its licence, what it is tagged with."""

    pool: str
    size: VmSize
    windows: bool = False
    slots: int = 1
    tags: dict[str, str] = {}


class PastHour(NamedTuple):
    """One hour: nodes of both kinds, and the share of their slots that was busy."""

    dedicated: int
    spot: int
    busy: float


class PastPool:
    """A pool from ``since`` to ``until``, with at least ``dedicated`` and ``spot`` nodes all the time."""

    def __init__(
        self,
        facts: PoolFacts,
        since: datetime,
        until: datetime,
        *,
        dedicated: int = 0,
        spot: int = 0,
        shape: Shape,
        seed: Any,
    ) -> None:
        self.facts = facts
        self.since, self.until = max(since, until - KEPT), until
        self.dedicated, self.spot = dedicated, spot
        self.shape = shape
        self._seed = seed

    @cached_property
    def first(self) -> int:
        """The number of its first hour."""
        return int(self.since.timestamp() // HOUR)

    @cached_property
    def last(self) -> int:
        """The number of its last hour, which ends with it."""
        return math.ceil(self.until.timestamp() / HOUR) - 1

    @cached_property
    def _hours(self) -> tuple[array[int], array[int], array[float]]:
        dedicated, spot, busy = array("H"), array("H"), array("d")
        for hour in self._made():
            dedicated.append(hour.dedicated)
            spot.append(hour.spot)
            busy.append(hour.busy)
        return dedicated, spot, busy

    def at(self, key: int) -> PastHour | None:
        """The hour of that number; None outside its time."""
        if not self.first <= key <= self.last:
            return None
        dedicated, spot, busy = self._hours
        index = key - self.first
        return PastHour(dedicated[index], spot[index], busy[index])

    def overlap(self, start: float, end: float) -> float:
        """Seconds of that span in which the pool was there."""
        return max(0.0, min(end, self.until.timestamp()) - max(start, self.since.timestamp()))

    def tasks(self, key: int, hour: PastHour) -> tuple[int, int]:
        """How many tasks ran and how many of them failed in an hour that belongs wholly to the pool."""
        slots = (hour.dedicated + hour.spot) * self.facts.slots
        ran = round(slots * hour.busy * HOUR / self.shape.task_seconds)
        chance = Random(f"{self._seed}/{key}/failed").random() * 2 * self.shape.failing
        return ran, round(ran * chance)

    def _made(self) -> Iterator[PastHour]:
        rng, shape = Random(f"{self._seed}/{self.facts.pool}/{self.since:%Y%m%d}"), self.shape
        stepped = (self.until - shape.step).timestamp() if shape.step else -math.inf
        day, mood, burst = None, 1.0, (0, 0)
        for key in range(self.first, self.last + 1):
            now = hour_of(key)
            if now.date() != day:
                day, mood = now.date(), math.exp(rng.gauss(0.0, 0.18))
                begins = rng.randrange(0, 14)
                burst = (begins, begins + rng.randrange(3, 14)) if rng.random() < shape.chance else (0, 0)
            level = 1.0 if key * HOUR >= stepped else shape.before
            extra, busy = self._level(now, burst, mood, rng)
            if key > self.last - _QUIET:
                extra = 0.0
            yield PastHour(
                self.dedicated + round(shape.extra * extra * level),
                self.spot + round(shape.extra_spot * extra * level),
                min(0.99, busy * (0.5 + 0.5 * level)),
            )

    def _level(self, now: datetime, burst: tuple[int, int], mood: float, rng: Random) -> tuple[float, float]:
        """The share of the extra nodes, and the share of all that was busy."""
        shape, noise = self.shape, rng.uniform(0.9, 1.1)
        if shape.kind == "forgotten":
            return 0.0, 0.0
        if shape.kind == "steady":
            return 1.0, shape.busy * noise
        if shape.kind == "bursty":
            bursts = burst[0] <= now.hour < burst[1]
            return (min(1.0, 0.7 * mood), 0.93 * noise) if bursts else (0.0, 0.02 * noise)
        awake = _awake(now, shape.opens, shape.closes)
        return min(1.0, awake * mood), shape.busy * (0.3 + 0.7 * awake) * noise


def _awake(now: datetime, opens: float, closes: float) -> float:
    """How much of an office is at work, 0 to 1; a third of it at weekends."""
    length, since = (closes - opens) % 24, (now.hour + 0.5 - opens) % 24
    level = math.sin(math.pi * since / length) ** 0.6 if since < length else 0.0
    return level * (0.35 if now.weekday() >= 5 else 1.0)
