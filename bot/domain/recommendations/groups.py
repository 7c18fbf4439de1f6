"""Many things that one recommendation is about, in words."""

from __future__ import annotations

from collections.abc import Sequence

from cards.formatting import number

NAMED = 3
"""Of many so many are named."""
KNOWN = 100
"""So many are kept with one that is about many at once: who made them, and who did something about them."""


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 16 more``."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {number(rest)} more" if rest > 0 else "")
