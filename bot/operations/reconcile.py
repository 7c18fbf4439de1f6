"""Reconciliation: how far did a change come that was begun and never ended, because the program died?

A command declares how to find out with ``@command(…, reconcile=…)``, by reading Azure or the store. Without that the
answer says plainly that it may or may not have taken effect, and what to check. Nothing is run again by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cards.build import actions, blocks, bold, code, text
from cards.card import Button, Card, Mark, Time, Words


@dataclass(frozen=True)
class Begun:
    """A change that was begun: what was typed, what it was given by name, and when it began."""

    command: str
    arguments: dict[str, Any]
    at: datetime


class Reconciling(Protocol):
    """How a command finds out how far a change of its came. It reads, and changes nothing."""

    def __call__(self, ctx: Any, begun: Begun, /) -> Awaitable[Card]:
        """The answer to whoever asked for the change."""
        ...


def unknown_card(begun: Begun, check: str = "") -> Card:
    """It is not known whether it took effect: when it was begun, and what to check (``check`` is a command)."""
    first: Sequence[str | Any] = ("Check ", code(check), " before you ask again.") if check else ()
    return Card(
        title=text(bold("I was interrupted: this may or may not have taken effect.")),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text(code(begun.command), " was begun ", Time(begun.at), ". I have not run it again. ", *first)),
            actions(
                Button("Check", check, style="primary") if check else None,
                Button("Do it again", begun.command),
                Button("Home", "home"),
            ),
        ),
        refused=True,
    )


def not_begun_card(begun: Begun) -> Card:
    """It is known that nothing was done: the operation that does it was not begun."""
    return Card(
        title=text(bold("I was interrupted before anything was done.")),
        mark=Mark.WARNING,
        blocks=blocks(
            Words(text(code(begun.command), " was to begin ", Time(begun.at), ". Nothing has changed.")),
            actions(Button("Do it again", begun.command, style="primary"), Button("Home", "home")),
        ),
        refused=True,
    )
