"""What a transition may take, and what of the time that it took was not the program's: kills, outages."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct

READ_AND_SENT = 15.0
"""Seconds of the fast clock for one look, its decision and the message, on a machine that has other things to do."""
MOST_LAG = 30.0
"""A machine that is later than this is too busy for the speed, which the soak says: lateness means little then."""
RETURN = 30.0
"""The longest wait between two attempts to send (docs/delivery.md), which an outage may leave behind."""
BEYOND = 60.0
"""Told later than its deadline by more than this is red whatever the rest; less is red where it is not rare."""
RARE = 0.02
"""Told late, of all that was told."""


class Times(Struct, kw_only=True):
    """How the program was let live. All are seconds since 1970 by the fast clock.

    ``lives``: from when it answered until it was killed, the last one until the end. ``outages``, by platform: while it
    was out, or refused everything. ``poll`` and ``gather`` are the settings: seconds between two looks, and for which
    alerts are gathered at most. ``lag``: how late the soak itself was at worst, which serves Azure and the chats; the
    clock does not wait for a busy machine, so the program may be as late, within reason (:data:`MOST_LAG`).
    ``starved``: until when, and how many seconds of the time since the one before, program and soak waited for a
    processor that others had.
    """

    poll: float
    gather: float
    lag: float = 0.0
    lives: list[tuple[float, float]] = []
    outages: dict[str, list[tuple[float, float]]] = {}
    starved: list[tuple[float, float]] = []

    @property
    def limit(self) -> float:
        """Seconds of its own time that the program may take to tell: a look, the group before it, a busy machine."""
        return self.poll + self.gather + READ_AND_SENT + min(self.lag, MOST_LAG)

    def _lived(self) -> list[tuple[float, float]]:
        """A life shorter than the time between two looks promises nothing: it is down time, as its start is."""
        return [life for life in self.lives if life[1] - life[0] >= self.poll]

    def own(self, platform: str, since: float, until: float) -> float:
        """Seconds of a span in which the program lived, had a processor, and the platform took messages."""
        return max(0.0, self._could(platform, since, until) - self._without(since, until))

    def _without(self, since: float, until: float) -> float:
        """Seconds of a span in which others had the processor."""
        first = bisect_right(self.starved, (since, math.inf))
        last = bisect_right(self.starved, (until, math.inf))
        return sum(seconds for _, seconds in self.starved[first:last])

    def _could(self, platform: str, since: float, until: float) -> float:
        out = [(begun, end + RETURN) for begun, end in self.outages.get(platform, ())]
        return sum(
            _length(max(since, begun), min(until, end)) - _covered(out, max(since, begun), min(until, end))
            for begun, end in self._lived()
            if end > since and begun < until
        )

    def out(self, platform: str, since: float, due: float, until: float | None) -> bool:
        """Whether a platform was out while something lasted, and had no time left to tell it, from when it was due."""
        if until is None or not any(begun < until and end > since for begun, end in self.outages.get(platform, ())):
            return False
        return self.own(platform, due, until) < self.limit

    def seen(self, since: float, until: float | None) -> bool:
        """Whether something lasted long enough that a program that looks must have seen it, and told it as it was."""
        if until is None:
            return True
        spans = ((max(since, begun), min(until, end)) for begun, end in self._lived())
        return any(last - first - self._without(first, last) >= self.limit for first, last in spans if last > first)


def _length(begun: float, end: float) -> float:
    return max(0.0, end - begun)


def _covered(spans: Iterable[tuple[float, float]], since: float, until: float) -> float:
    """How much of a span others cover together."""
    total, reached = 0.0, since
    for begun, end in sorted(spans):
        first, last = max(begun, reached), min(end, until)
        if last > first:
            total, reached = total + last - first, last
    return total
