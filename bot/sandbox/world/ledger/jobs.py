"""How long the jobs of the simulation kept cores busy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bot.sandbox.world.ledger.use import HOUR

Hours = dict[int, list[float]]
"""Number of the hour -> busy core-seconds of dedicated and of spot nodes."""


class JobBook:
    """Busy core-seconds by pool, job and hour."""

    def __init__(self) -> None:
        self._hours: defaultdict[tuple[str, str], Hours] = defaultdict(dict)

    def ran(self, pool: str, job: str, dedicated: bool, start: float, end: float, cores: float) -> None:
        """A task of the job held so many cores over a span."""
        hours = self._hours[pool, job]
        for key, seconds in spread(start, end):
            hours.setdefault(key, [0.0, 0.0])[not dedicated] += seconds * cores

    def all(self) -> Iterator[tuple[str, str, Hours]]:
        """Pool, job, hours."""
        for (pool, job), hours in self._hours.items():
            yield pool, job, hours


def spread(start: float, end: float) -> Iterator[tuple[int, float]]:
    """The hours that a span touches, each with the seconds of it."""
    key = int(start // HOUR)
    while start < end:
        until = min(end, (key + 1) * HOUR)
        yield key, until - start
        start, key = until, key + 1
