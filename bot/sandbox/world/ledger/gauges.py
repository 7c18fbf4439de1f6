"""What an account reports to Azure Monitor by the minute: nodes, cores, and what happened to tasks."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, Literal

from bot.sandbox.world.ledger.book import has_machine
from bot.sandbox.world.ledger.integral import Integral, Row
from bot.sandbox.world.ledger.past import KEPT
from bot.sandbox.world.live import NODE_STATES

MINUTE: Final = 60
CORES: Final = {True: 0, False: 1}
NODES: Final = {True: 2, False: 3}
STATES: Final = {state: 4 + number for number, state in enumerate(NODE_STATES)}
WIDTH: Final = 4 + len(NODE_STATES)
"""Columns: cores by kind, nodes by kind, nodes by state."""

TaskEvent = Literal["start", "complete", "fail"]

_KEEP = int(KEPT.total_seconds()) // MINUTE


class Gauges:
    """The levels of an account, by the minute, and the tasks that started, completed and failed in each."""

    def __init__(self, start: float) -> None:
        self._minutes = Integral(WIDTH, MINUTE, start, _KEEP)
        self.events: dict[int, defaultdict[tuple[TaskEvent, str, str], int]] = {}

    def node(self, at: float, dedicated: bool, vcpus: int, before: str | None, after: str | None) -> None:
        """A node came (no state before), went (none after) or is in another state.

        Cores are counted as long as there is a machine: nothing says whether Azure counts those of preempted nodes.
        """
        change = self._minutes.change
        if before is not None:
            change(at, STATES[before], -1)
        if after is not None:
            change(at, STATES[after], 1)
        if came := (after is not None) - (before is not None):
            change(at, NODES[dedicated], came)
        if machines := has_machine(after) - has_machine(before):
            change(at, CORES[dedicated], machines * vcpus)

    def task(self, at: float, event: TaskEvent, pool: str, job: str) -> None:
        """Something happened to a task."""
        minute = int(at // MINUTE)
        counts = self.events.get(minute)
        if counts is None:
            counts = self.events[minute] = defaultdict(int)
            if len(self.events) > _KEEP:
                del self.events[next(iter(self.events))]
        counts[event, pool, job] += 1

    @property
    def levels(self) -> list[float]:
        """What there is at this moment, by column."""
        return self._minutes.levels

    def minute(self, key: int, now: float) -> Row | None:
        """The integrals over a minute, up to now."""
        return self._minutes.row(key, now)
