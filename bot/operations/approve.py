"""Approval: must other people agree before a change is run?

A command declares its own rule with ``@command(…, approval=…)``; without one nobody needs to agree. Nothing collects
approvals yet, so a change that needs one is not run, and the answer says who would have to agree and why.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Protocol

from bot.settings import Role
from cards.build import refusal
from cards.card import Button, Card
from cards.formatting import plural


@dataclass(frozen=True)
class ApprovalNeed:
    """How many people with a role, other than whoever asks, must agree, and the rule that wants it."""

    people: int
    role: Role
    rule: str
    reason: str


class Approving(Protocol):
    """How a command tells whether it needs an approval: called as its handler is; None where it needs none."""

    def __call__(self, ctx: Any, /, *args: Any, **kwargs: Any) -> Awaitable[ApprovalNeed | None]:
        """Judge, and change nothing."""
        ...


def needed_card(command: str, need: ApprovalNeed) -> Card:
    """Nothing was done: who would have to agree, and why."""
    people = plural(need.people, "other person", "other people")
    return refusal(
        f"“{command}” needs the approval of {people} with the role {need.role}.",
        f"{need.reason} Nothing was done: approvals cannot be given here yet.",
        [Button("Home", "home")],
    )
