"""Regular expressions that a team writes for the lines of its programs, matched in time linear in the line.

RE2 has no backtracking: no expression and no line makes it stall, whoever wrote them. What it cannot do for that
(backreferences, lookaround) it refuses when it reads the expression, as it does what grows too large.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST_LINE = 2_000
"""Characters of a line that are looked at; the reason stands near its beginning."""
_MEMORY = 1 << 20
"""Bytes that one expression may take."""


def mistake(pattern: str) -> str:
    """What is wrong with an expression in the library's words; empty where nothing is."""
    import re2  # noqa: PLC0415 - a library in C++ that only a team's own expressions need

    try:
        _compiled(pattern)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said) or "it cannot be read"
    return ""


def occurs(pattern: str, line: str) -> bool:
    """Whether an expression fits somewhere in a line, whatever the case."""
    return _compiled(pattern).search(line[:LONGEST_LINE]) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    import re2  # noqa: PLC0415

    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY
    return re2.compile(pattern, options)  # type: ignore[no-untyped-call]
