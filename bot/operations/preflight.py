"""Preflight: can it be done, and what does it mean? Looked at before a change is confirmed, approved or run.

A command declares its own with ``@command(…, preflight=…)``; without one there is nothing to check. It reads and
changes nothing, and it is done anew when a change is confirmed, so that what was shown is what is run.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Preflight:
    """What a look ahead found.

    ``refused`` says why it cannot be done; empty where it can. ``effects`` are what it will do, a sentence each (what
    it interrupts, what it costs, how many go). ``state`` is what it was judged by, such as the target's ETag and
    counts: a confirmation holds for this state only.
    """

    refused: str = ""
    effects: tuple[str, ...] = ()
    state: str = ""


NOTHING_TO_CHECK = Preflight()


class Preflighting(Protocol):
    """How a command looks ahead: called as its handler is, with the context and what was typed."""

    def __call__(self, ctx: Any, /, *args: Any, **kwargs: Any) -> Awaitable[Preflight]:
        """Look, and change nothing."""
        ...
