"""What reservations cover, hour by hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from bot.sandbox.world.ledger.charges import Reservation
from bot.sandbox.world.ledger.past import PoolFacts
from bot.sandbox.world.ledger.use import HOUR


def midnight(day: date) -> datetime:
    """When a UTC day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Reserved:
    """How much of each reservation is left, by the hour of a day."""

    def __init__(self, reservations: Sequence[Reservation], day: date) -> None:
        noon = midnight(day) + timedelta(hours=12)
        self._valid = [each for each in reservations if each.since <= noon < each.since + timedelta(days=each.days)]
        self._taken: defaultdict[tuple[str, int], float] = defaultdict(float)

    def _for(self, facts: PoolFacts) -> list[Reservation]:
        return [each for each in self._valid if each.vm_size.lower() == facts.size.name.lower()]

    def name(self, facts: PoolFacts) -> str:
        """The reservation that machines of the size are covered by."""
        return self._for(facts)[0].name

    def take(self, facts: PoolFacts, key: int, nodes: float) -> tuple[float, float]:
        """How many of the node-hours are covered in an hour, and what each of them costs."""
        for each in self._for(facts):
            given = min(nodes, each.quantity - self._taken[each.name, key])
            if given > 0:
                self._taken[each.name, key] += given
                return given, each.hourly
        return 0.0, 0.0

    def left(self, reservation: Reservation, start: float, end: float) -> float:
        """Node-hours of it that nobody used between two times of the day."""
        if reservation not in self._valid or end <= start:
            return 0.0
        used = sum(hours for (name, _), hours in self._taken.items() if name == reservation.name)
        return reservation.quantity * (end - start) / HOUR - used
