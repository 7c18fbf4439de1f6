"""What makes two failures the same: their cause, without the numbers, ids and paths in which they differ.

A thousand tasks that fail of one thing are one cause with a count of a thousand. The same function serves messages of
the service and lines that programs print.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from bot.azure.models.task import Run
from bot.domain.mask import masked

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
LONGEST = 160
"""Characters of a cause."""
MOST = 100
"""Causes of one job that are kept apart."""
EXIT = "exit code "
"""How the causes begin that are exit codes: a program ran, and may have printed why it ended."""
OTHER = "other"
"""The cause that holds what came after :data:`MOST`."""

_ENDED = "taskended"
_NUMBERED = "failureexitcode"  # the code of all that end with an exit code: the exit code says more


def normalised(text: str) -> str:
    """A line without what makes it unique (:func:`bot.domain.mask.masked`), :data:`LONGEST` characters at most."""
    text = masked(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def exited(exit_code: int | None, code: str) -> bool:
    """Whether a program ended by itself, with an exit code: what the service ended or never began says so itself."""
    return exit_code is not None and (not code or code.lower() == _NUMBERED)


def program_began(exit_code: int | None, code: str) -> bool:
    """Whether a program was started in a task that failed so, and may have printed something.

    Of what has no exit code only what was ended while it ran: for all else the service could not even start it.
    """
    return exit_code is not None or code.lower() == _ENDED


def never_ran(run: Run | None) -> bool:
    """Whether no program of a task was ever started, as far as its last run tells: there never was a file of it."""
    if run is None or run.start_time is None:
        return True
    info = run.failure_info
    return info is not None and not program_began(run.exit_code, info.code)


def cause_of_run(run: Run | None) -> str:
    """The cause of a task's failure, by how its last run ended."""
    info = run.failure_info if run else None
    code, message = (info.code, info.message) if info else ("", "")
    return cause_of(run.exit_code if run else None, code, message)


def grouped(failed: Iterable[T], kind: Callable[[T], K]) -> dict[K, list[T]]:
    """Failures of one kind together, the most frequent kind first; of equals in the order of their kinds' names."""
    found: dict[K, list[T]] = {}
    for each in failed:
        found.setdefault(kind(each), []).append(each)
    return dict(sorted(found.items(), key=lambda group: (-len(group[1]), repr(group[0]))))


def cause_of(exit_code: int | None, code: str, message: str = "") -> str:
    """The cause of a task's failure: its exit code, or else the service's code and its words without what varies.

    ``code`` and ``message`` are those of ``failureInfo``. What came to no exit code of its own but was ended by the
    service (``TaskEnded``) is named by the service's words, although the killed process has an exit code too.
    """
    if exited(exit_code, code):
        return f"{EXIT}{exit_code}"
    said = normalised(message)
    if not code:
        return said or "unknown"
    return f"{code}: {said}" if said else code
