"""Why tasks failed: causes split by what programs printed, and what they usually mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.advice import likely_cause, of_task
from bot.domain.causes import normalised, program_began
from bot.domain.exit_codes import meaning
from bot.domain.findings import CauseCount

_EXIT = re.compile(r"exit code (?P<code>-?\d{1,10})")
_CODE = re.compile(r"(?P<code>[A-Z][A-Za-z]+)(?:$|:)")
"""How causes of tasks begin (:func:`bot.domain.causes.cause_of`)."""


class Example(Struct, frozen=True):
    """A task that ended with an exit code, examined for what it printed.

    ``line`` is the one line of its output that says most, redacted, and ``file`` where it stands; both are empty where
    that is not known. ``tries`` is how often it was examined; see :mod:`bot.monitor.evidence` for how often it is.
    """

    task: str
    line: str = ""
    file: str = ""
    tries: int = 0


def split_by_output(tally: CauseCount, examples: Sequence[Example]) -> list[CauseCount]:
    """An exit code as one cause with what its examples printed, or as several where they printed different things.

    Nothing is counted that was not examined: of a thousand tasks of which three were examined, at most three are split
    apart (``exit code 1: ValueError: no such frame`` ×2); the rest stays under the plain exit code.
    """
    known = [each for each in examples if each.line]
    alike: dict[str, list[Example]] = {}
    for each in known:
        alike.setdefault(normalised(each.line), []).append(each)
    if not alike:
        return [tally]
    if len(alike) == 1:
        return [_said(tally, tally.cause, tally.count, known[0])]
    parts = [_said(tally, f"{tally.cause}: {line}", len(them), them[0]) for line, them in alike.items()]
    rest = tally.count - len(known)
    return [replace(tally, count=rest), *parts] if rest > 0 else parts


def by_line(tallies: Sequence[CauseCount]) -> list[CauseCount]:
    """The causes of several jobs, one exit code split by what it printed where it printed different things.

    A job whose examples all printed the same counts whole: who shows that says that a few tasks of a job are known.
    """
    lines: dict[str, set[str]] = {}
    for each in tallies:
        if each.file:
            lines.setdefault(each.cause, set()).add(normalised(each.said))
    return [
        replace(each, cause=f"{each.cause}: {normalised(each.said)}")
        if each.file and len(lines[each.cause]) > 1
        else each
        for each in tallies
    ]


def _said(tally: CauseCount, cause: str, count: int, example: Example) -> CauseCount:
    return replace(tally, cause=cause, count=count, example=example.task, said=example.line, file=example.file)


def began(cause: str) -> bool:
    """Whether a program of such a failure was started, so that there is a log of it: not where the service names what
    kept it from starting."""
    found = _CODE.match(cause)
    return found is None or program_began(None, found["code"])


def usual(cause: str, said: str = "") -> str:
    """What a cause usually means, empty where only the program knows: of an exit code, or of the service's code.

    ``said`` is what a program printed, which says more than an exit code, or all that the service says. An exit code
    with what was printed needs no more words.
    """
    if found := _EXIT.fullmatch(cause):
        known = of_task(int(found["code"]), None, said) if said else None
        return known.cause if known else meaning(int(found["code"]))
    found = _CODE.match(cause)
    return likely_cause(found["code"], f"{cause[found.end() :].strip()} {said}".strip()) if found else ""
