"""What makes two failures the same: their cause, without the numbers, ids and paths in which they differ.

A thousand tasks that fail of one thing are one cause with a count of a thousand. The same function serves messages of
the service and lines that programs print.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 160
"""Characters of a cause."""
MOST = 100
"""Causes of one job that are kept apart."""
EXIT = "exit code "
"""How the causes begin that are exit codes: a program ran, and may have printed why it ended."""
OTHER = "other"
"""The cause that holds what came after :data:`MOST`."""

_NUMBERED = "failureexitcode"  # the code of all that end with an exit code: the exit code says more

# What differs from one failure to the next, the most special first.
_FOLDS = (
    (re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE), "<url>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\btvm[ps]?s?-[\w-]+|\btvmps_[0-9a-f]+_[dp]\b", re.IGNORECASE), "<node>"),
    (re.compile(r"(?<![\w.])[a-z]:\\[^\s\"'<>|:;,]+", re.IGNORECASE), "<path>"),
    (re.compile(r"(?<![\w.<])(?:\.{1,2}|~)?/(?:[^\s\"'<>|:;,()]+/?)+"), "<path>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<n>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![A-Za-z\d])\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"(?<=[A-Za-z_-])\d+"), "<n>"),
    (re.compile(r"\s+"), " "),
)
_SPECIAL = re.compile(r"\d|[/\\:]|\s\s|[\t\r\n]")


@lru_cache(maxsize=4096)
def normalised(text: str) -> str:
    """A line without what makes it unique: numbers, ids, times, paths, addresses. :data:`LONGEST` characters at most.

    What is folded shows as ``<n>``, ``<id>``, ``<path>`` and so on. Two lines of one cause give the same text.
    """
    text = text.strip()[: 4 * LONGEST]
    if _SPECIAL.search(text):
        for pattern, instead in _FOLDS:
            text = pattern.sub(instead, text)
    text = text.strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def cause_of(exit_code: int | None, code: str, message: str = "") -> str:
    """The cause of a task's failure: its exit code, or else the service's code and its words without what varies.

    ``code`` and ``message`` are those of ``failureInfo``. What came to no exit code of its own but was ended by the
    service (``TaskEnded``) is named by the service's words, although the killed process has an exit code too.
    """
    if exit_code is not None and (not code or code.lower() == _NUMBERED):
        return f"{EXIT}{exit_code}"
    said = normalised(message)
    if not code:
        return said or "unknown"
    return f"{code}: {said}" if said else code
