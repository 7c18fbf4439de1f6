"""Ranks of measured figures, called what they are: of fewer than a hundred a p99 is only their longest."""

from __future__ import annotations

import math
from collections.abc import Sequence

ENOUGH = 100
"""Of fewer figures there is no p99."""


def rank(took: Sequence[float], share: float) -> float:
    """The nearest rank of sorted figures."""
    return took[max(0, math.ceil(share * len(took)) - 1)]


def tail(took: Sequence[float]) -> tuple[str, float]:
    """The end of sorted figures and its name: ``p99``, or ``longest of 40``."""
    if len(took) >= ENOUGH:
        return "p99", rank(took, 0.99)
    return f"longest of {len(took)}", took[-1]
