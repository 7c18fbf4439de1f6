"""What makes two failures the same: their cause, without the numbers, ids and paths in which they differ.

A thousand tasks that fail of one thing are one cause with a count of a thousand. The same function serves messages of
the service and lines that programs print.
"""

from __future__ import annotations

from bot.domain.mask import masked

LONGEST = 160
"""Characters of a cause."""
MOST = 100
"""Causes of one job that are kept apart."""
EXIT = "exit code "
"""How the causes begin that are exit codes: a program ran, and may have printed why it ended."""
OTHER = "other"
"""The cause that holds what came after :data:`MOST`."""

_NUMBERED = "failureexitcode"  # the code of all that end with an exit code: the exit code says more


def normalised(text: str) -> str:
    """A line without what makes it unique (:func:`bot.domain.mask.masked`), :data:`LONGEST` characters at most."""
    text = masked(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def exited(exit_code: int | None, code: str) -> bool:
    """Whether a program ended by itself, with an exit code: what the service ended or never began says so itself."""
    return exit_code is not None and (not code or code.lower() == _NUMBERED)


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
