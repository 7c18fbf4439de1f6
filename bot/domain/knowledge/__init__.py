"""Causes as data: what goes wrong, how it is recognised, what to do, and which command does it.

The rows are in ``causes.toml``, one for each cause; ``docs/causes.md`` is made from it. Alerts, cards and ``why`` say
the same sentence for the same cause because they ask the same row, by :func:`row` where the program knows the cause, by
:func:`find` where it has what the service said, or what a program left behind. A team's own rows come first
(:func:`use`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.knowledge.patterns import LONGEST_LINE
from bot.domain.knowledge.shapes import Match, Row, Step, Sure, Where
from bot.domain.knowledge.table import Asked, Table, built_in, signed

__all__ = ["Match", "Row", "Step", "Sure", "Where", "find", "row", "rows", "signed", "unknown", "use"]

_table = Table(built_in())


def use(own: Sequence[Row]) -> None:
    """Let a team's own rows come before those of the program, instead of those that did before."""
    global _table  # noqa: PLW0603 - one table for the whole program, set once, at its start
    _table = Table(_table.rows, own)


def rows() -> tuple[Row, ...]:
    """All rows, a team's own ones first."""
    return (*_table.own, *_table.rows)


def row(id: str) -> Row:  # noqa: A002 - it is called so where it is written
    """The row of this id. Raises KeyError."""
    return _table.row(id)


def find(  # what shows differs from place to place
    where: str,
    *,
    code: str = "",
    message: str = "",
    category: str = "",
    exit_code: int | None = None,
    line: str = "",
) -> Row | None:
    """The row that knows what shows at a place, of which there are those of :data:`Where`; None where none does.

    ``code``, ``message`` and ``category`` are the service's, the message with its details; ``exit_code`` is a
    program's, signed or not; ``line`` is one that it printed. For tasks and start tasks that end with an exit code the
    line comes first, then the exit code. What no row knows is counted (:func:`unknown`).
    """
    number = None if exit_code is None else signed(exit_code)
    asked = Asked(code.lower(), message.lower(), category.lower(), number, line[:LONGEST_LINE].lower())
    return _table.find(where, asked)


def unknown() -> Mapping[tuple[str, str], int]:
    """How often no row knew what was asked, by where and the service's code or the exit code; for the metrics."""
    return dict(_table.unknown)
