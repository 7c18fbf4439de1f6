"""Regular expressions that a team writes for the lines of its programs, matched in time linear in the line.

RE2 has no backtracking: no expression and no line makes it stall, whoever wrote them. What it cannot do for that
(backreferences, lookaround) it refuses when it reads the expression, as it does what grows too large.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

LONGEST_LINE = 2_000
"""Characters of a line that are looked at; the reason stands near its beginning."""
_MEMORY = 1 << 20
"""Bytes that one expression may take."""


def mistake(pattern: str) -> str:
    """What is wrong with an expression in the library's words; empty where nothing is."""
    try:
        _compiled(pattern)
    except _re2().error as error:
        said = error.args[0] if error.args else ""
        return said.decode(errors="replace") if isinstance(said, bytes) else str(said) or "it cannot be read"
    return ""


def occurs(pattern: str, line: str) -> bool:
    """Whether an expression fits somewhere in a line, whatever the case."""
    return _compiled(pattern).search(line[:LONGEST_LINE]) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    options = _re2().Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY
    return _re2().compile(pattern, options)


def _re2() -> Any:
    """A library in C++, which is loaded where a team has expressions of its own."""
    return import_module("re2")
