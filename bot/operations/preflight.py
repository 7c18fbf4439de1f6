"""Preflight: can it be done, and what does it mean? Looked at before a change is confirmed, approved or run.

A command declares its own with ``@command(…, preflight=…)``; without one there is nothing to check. It reads and
changes nothing, and it is done anew when a change is confirmed or approved, so that what was shown is what is run. The
same look stands at the foot of the command's form.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from bot.domain.price import HourlyCost
from bot.policy.question import Target


class Fix(NamedTuple):
    """What could be asked for instead, as a button: ``Choose 36``, ``pool resize gpu nodes:36``."""

    label: str
    command: str


class Difference(NamedTuple):
    """One thing that a change alters, in words: ``Dedicated nodes``, ``4``, ``12``."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Preflight:
    """What a look ahead found.

    ``refused`` says why it cannot be done; empty where it can. ``at`` is the parameter that this is about, if any, and
    so the field of the form below which it stands. ``fixes`` are what could be asked for instead.
    ``differences`` are what it alters, and ``effects`` what it will do, a sentence each (what it interrupts, how many
    go). ``state`` is what it was judged by, such as the target's ETag and counts: a confirmation or an approval holds
    for this state only.

    ``cost_before`` and ``cost_after`` are what its nodes cost an hour, None where that is unknown or does not change;
    ``nodes_before`` and ``nodes_after`` how many there are. Thresholds for approval are judged by them.

    ``confirm`` asks for a confirmation though the command only changes: it interrupts work, or is dear. ``name`` is
    what has to be typed to confirm it, for what destroys much; empty where a press of a button will do. ``question`` is
    what is asked then, as a command and without a question mark: ``Reboot 1 node of pool gpu``; where it is empty, the
    command is quoted.

    ``makes`` and ``uses`` are entities that only a look finds: those that are changed or created besides what was
    typed, and those that are only used, such as the pool in a template. The policy judges them too.
    """

    refused: str = ""
    effects: tuple[str, ...] = ()
    state: str = ""
    fixes: tuple[Fix, ...] = ()
    differences: tuple[Difference, ...] = ()
    cost_before: HourlyCost | None = None
    cost_after: HourlyCost | None = None
    nodes_before: int | None = None
    nodes_after: int | None = None
    confirm: bool = False
    name: str = ""
    makes: tuple[Target, ...] = ()
    uses: tuple[Target, ...] = ()
    question: str = ""
    at: str = ""


NOTHING_TO_CHECK = Preflight()


class Preflighting(Protocol):
    """How a command looks ahead: called as its handler is, with the context and what was typed."""

    def __call__(self, ctx: Any, /, *args: Any, **kwargs: Any) -> Awaitable[Preflight]:
        """Look, and change nothing."""
        ...
