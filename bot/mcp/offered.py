"""Which commands are tools, and why others are none.

Every command that reads is a tool, unless a pattern here names it and says why not; a change is one where the settings
want it, and only ever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from bot.requests.command import LEADING, Command

_DECIDES = "a person decides that in the chat"
_FORM = "it opens a form, or a page of a browser"
NOT_READS: Mapping[str, str] = {
    "csv *": "the tool of the list has the same rows, page by page, as data",
    "cost export": "it is a file for finance; the other tools of cost have its sums",
    "audit export": "it is a file for auditors; the tool audit has its lines",
    "new": _FORM,
    "task upload": _FORM,
}
"""Patterns of commands that read and are no tools, with the reason."""
NOT_CHANGES: Mapping[str, str] = {
    "ask": "the program chooses the tool itself",
    "confirm": _DECIDES,
    "request": _DECIDES,
    "approval run": _DECIDES,
    "approve": _DECIDES,
    "deny": _DECIDES,
    "withdraw": _DECIDES,
    "audit ack": _DECIDES,
    "stop": "it ends an answer that goes on in a chat; here none does",
}
"""The same of commands that change something."""


def is_change(known: Command) -> bool:
    """Whether a command changes something, or leads to what does, where it does all that it can."""
    return known.effect != "read" or known.path in LEADING


def reason_against(known: Command) -> str:
    """Why a command is no tool; empty where it is one."""
    table = NOT_CHANGES if is_change(known) else NOT_READS
    return next((why for pattern, why in table.items() if fnmatchcase(known.path, pattern)), "")


def offered(commands: Iterable[Command], patterns: Iterable[str], *, changes: bool) -> list[Command]:
    """The commands that are tools, in their order: what fits one of the patterns, changes only where wanted."""
    wanted = [each.lower() for each in patterns]
    return [
        known
        for known in commands
        if (changes or not is_change(known))
        and not reason_against(known)
        and any(fnmatchcase(known.path, pattern) for pattern in wanted)
    ]
