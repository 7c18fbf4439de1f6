"""Many things that one recommendation is about, in words."""

from __future__ import annotations

from collections.abc import Sequence

from cards.formatting import number

NAMED = 3


def listed(names: Sequence[str]) -> str:
    """``a, b, c and 16 more``."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {number(rest)} more" if rest > 0 else "")
