"""One pool of the simulation, as its nodes and slots come and go."""

from __future__ import annotations

from typing import Final

from bot.sandbox.world.ledger.integral import Integral, Row
from bot.sandbox.world.ledger.past import KEPT, PoolFacts
from bot.sandbox.world.ledger.use import HOUR, NOTHING, Kinds, Use

_NO_MACHINE: Final = frozenset({None, "preempted", "deallocated"})

_MACHINES, _SLOTS = {True: 0, False: 1}, {True: 2, False: 3}
_WIDTH = 10
_STARTING, _BROKEN, _LEAVING = 4, 6, 8  # the columns of dedicated nodes; those of spot nodes follow each
_REASONS: Final = {
    **dict.fromkeys(
        ("creating", "starting", "waitingforstarttask", "rebooting", "reimaging", "upgradingos"), _STARTING
    ),
    **dict.fromkeys(("unusable", "unknown", "offline", "starttaskfailed"), _BROKEN),
    **dict.fromkeys(("leavingpool", "deallocating"), _LEAVING),
}
_KEEP = int(KEPT.total_seconds()) // HOUR


def has_machine(state: str | None) -> bool:
    """Whether a node in that state has a machine, and so costs something; None: there is no node."""
    return state not in _NO_MACHINE


class Book:
    """A pool of one size since it was made, or since it got another size; by the hour."""

    __slots__ = ("_hours", "facts")

    def __init__(self, facts: PoolFacts, start: float) -> None:
        self.facts = facts
        self._hours = Integral(_WIDTH, HOUR, start, _KEEP)

    def node(self, at: float, dedicated: bool, before: str | None, after: str | None) -> None:
        """A node came (no state before), went (none after), or is in another state."""
        if machines := has_machine(after) - has_machine(before):
            self._hours.change(at, _MACHINES[dedicated], machines)
        old, new = _REASONS.get(before or ""), _REASONS.get(after or "")
        if old == new:
            return
        if old is not None:
            self._hours.change(at, old + (not dedicated), -1)
        if new is not None:
            self._hours.change(at, new + (not dedicated), 1)

    def slots(self, at: float, dedicated: bool, by: int) -> None:
        """So many slots more are held by tasks."""
        self._hours.change(at, _SLOTS[dedicated], by)

    @property
    def levels(self) -> tuple[int, int, int, int]:
        """What it has at this moment: dedicated and spot machines, slots held on both."""
        machines, spot, slots, spot_slots = (round(level) for level in self._hours.levels[:4])
        return machines, spot, slots, spot_slots

    def keys(self) -> list[int]:
        """The hours in which it had nodes, by number."""
        return list(self._hours.rows)

    def hour(self, key: int, now: float) -> Kinds:
        """An hour up to now."""
        row = self._hours.row(key, now)
        return NOTHING if row is None else Kinds(self._use(row, True), self._use(row, False))

    def _use(self, row: Row, dedicated: bool) -> Use:
        nodes, cores = row[_MACHINES[dedicated]], self.facts.size.vcpus
        starting, broken, leaving = (row[column + (not dedicated)] for column in (_STARTING, _BROKEN, _LEAVING))
        busy = row[_SLOTS[dedicated]] * cores / self.facts.slots
        return Use(nodes, nodes * cores, busy, starting * cores, broken * cores, leaving * cores)
