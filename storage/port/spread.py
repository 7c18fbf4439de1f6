"""How long many things took, in little room: a count for each length, of lengths that grow by a tenth.

Spreads can be added, which percentiles cannot: the 99th percentile of a month comes from those of its jobs. What a
percentile says is off by a twentieth at most (half of the width of a class), but for what took less than a second.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import Final

from msgspec import Struct

_GROWTH: Final = 1.1
_LONGEST: Final = 10 * 365 * 86400.0


class Spread(Struct, frozen=True):
    """Counts by class: 0 is below a second, ``n`` from 1.1**(n-1) to below 1.1**n seconds."""

    counts: dict[int, int] = {}

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())

    def percentile(self, share: float) -> float | None:
        """The length (seconds) that this share (0..1) of them does not exceed; None where there are none."""
        left = max(1, math.ceil(share * self.total))
        for index in sorted(self.counts):
            left -= self.counts[index]
            if left <= 0:
                return 0.5 if index == 0 else _GROWTH ** (index - 0.5)
        return None

    def __add__(self, other: Spread) -> Spread:
        return Spread(dict(Counter(self.counts) + Counter(other.counts)))


NOTHING: Final = Spread()


def spread_of(seconds: Iterable[float]) -> Spread:
    """The spread of some lengths in seconds; what is negative (clocks of two machines) counts as nothing."""
    return Spread(dict(Counter(_class(each) for each in seconds)))


def all_of(spreads: Iterable[Spread]) -> Spread:
    """All of them together."""
    return reduce(add, spreads, NOTHING)


def _class(seconds: float) -> int:
    if seconds < 1:
        return 0
    return 1 + math.floor(math.log(min(seconds, _LONGEST)) / math.log(_GROWTH))
