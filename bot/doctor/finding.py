"""What was found, and how it is told: a line for each thing that was looked at, and one below for what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from bot.content.clear_text import clear

Verdict = Literal["fine", "look", "broken"]
"""It works; it works, and somebody should know or do something; it does not work."""
MARKS: dict[Verdict, str] = {"fine": "✔", "look": "▲", "broken": "✖"}
PATIENCE = 30.0
"""Seconds that a look may take."""


class Finding(Struct, frozen=True):
    """One thing: what it is, what was found, and what to do where it is not fine."""

    verdict: Verdict
    what: str
    found: str
    todo: str = ""


class Look(NamedTuple):
    """Something that is looked at, beside the others, for so many seconds at most."""

    what: str
    work: Callable[[], Awaitable[list[Finding]]]
    seconds: float = PATIENCE


def fine(what: str, found: str) -> Finding:
    """It works."""
    return Finding("fine", what, found)


def look(what: str, found: str, todo: str) -> Finding:
    """It works, and somebody should do something about it."""
    return Finding("look", what, found, todo)


def broken(what: str, found: str, todo: str = "") -> Finding:
    """It does not work."""
    return Finding("broken", what, found, todo)


def cleared(finding: Finding) -> Finding:
    """The same without secrets, in whatever words they came."""
    return Finding(finding.verdict, *map(clear, (finding.what, finding.found, finding.todo)))


def code_of(findings: Iterable[Finding]) -> int:
    """The exit code: 1 where something does not work, else 0."""
    return int(any(each.verdict == "broken" for each in findings))


def lines(findings: list[Finding]) -> Iterator[str]:
    """All of it for people."""
    for each in findings:
        yield f"{MARKS[each.verdict]} {each.what}: {each.found}"
        if each.todo:
            yield f"    → {each.todo}"
    counted = Counter(each.verdict for each in findings)
    yield ""
    yield (
        f"{len(findings)} looked at: {counted['fine']} fine, {counted['look']} to look at, "
        f"{counted['broken']} that {'does' if counted['broken'] == 1 else 'do'} not work."
    )
