"""How much is tried where everything could be: a part in ``make test``, all of it in CI, as property tests do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

THOROUGH = settings.default.max_examples > 25  # type: ignore[union-attr]  # it has one: tests/conftest.py
"""Whether CI asks, or ``make check``."""


def few(quick: int, thorough: int) -> int:
    """How many."""
    return thorough if THOROUGH else quick


def some(every: Sequence[T], quick: int) -> Sequence[T]:
    """So many of them, evenly taken, or all."""
    return every if THOROUGH else every[:: max(1, len(every) // quick)][:quick]
