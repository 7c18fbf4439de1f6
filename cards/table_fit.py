"""Tables made to fit: columns leave by rank, long names lose their middle, long phrases their end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cards.card import Column, Row, Table
from cards.render_text import Clock, Run, cut_runs, runs, said
from cards.text_fit import Omitted, clean_line, cut, elide_apart, isolate, units

EMPTY = Run("–")
"""Stands in a cell that has nothing: platforms refuse empty texts."""

NAME, NAME_MOST, PHRASE = 32, 64, 160
"""Units of a name in a cell, of names that would otherwise be shown alike (Batch ids have 64), and of a phrase."""

_MADE = re.compile(r"(?i)(?<![0-9a-z])(?=[0-9a-f]*\d)[0-9a-f]{16,}(?![0-9a-z])")
"""The part of a name that a machine made: a long number of base 16, such as that of a node's id."""
_SAME = re.compile(r"(?i)tvm[a-z]*[_-]")
"""What every node's id begins with."""
_TELLING = 6
"""Digits of it that tell one from the next."""


@dataclass
class Grid:
    """A table as rows of cells, each cell a list of runs; ``names`` are the headings, none of it is empty.

    ``beneath`` has what stands beneath each row, which may be nothing; it is empty where such columns are columns.
    """

    columns: list[Column]
    names: list[str]
    rows: list[list[list[Run]]]
    beneath: list[list[Run]] = field(default_factory=list)


def keep(table: Table, columns: int, most: int, *, beneath: bool = False) -> list[int]:
    """The places of the columns that stay: the lowest ranks, ``columns`` of them or as many as have rank 0.

    With ``beneath`` those that stand beneath their rows are not among them.
    """
    places = [index for index, column in enumerate(table.columns) if not (beneath and column.beneath)]
    order = sorted(places, key=lambda index: (table.columns[index].rank, index))
    always = sum(table.columns[index].rank <= 0 for index in places)
    return sorted(order[: min(max(columns, always), most)])


def fit(
    table: Table,
    clock: Clock,
    omitted: Omitted,
    *,
    columns: int,
    most: int,
    beneath: bool = False,
    name: int = 0,
) -> Grid:
    """The table with at most ``columns`` columns (``most`` when all of them have rank 0), its cells made short.

    With ``beneath`` the columns that ask for it are not columns but a line beneath each row. With ``name`` the names of
    the first column are made as short as that, where they still differ, and what a machine made of them shorter still.
    """
    width = len(table.columns)
    under = [index for index in range(width) if beneath and table.columns[index].beneath]
    kept = keep(table, columns, most, beneath=beneath)
    gone = [table.columns[index].name for index in range(width) if index not in kept and index not in under]
    omitted.add("column", len(gone), gone)
    omitted.add("cell without a column", sum(max(len(row.cells) - width, 0) for row in table.rows))
    cells = [[_runs(row, index, clock) for index in kept] for row in table.rows]
    if name and cells and kept[:1] == [0]:
        _tell_apart(cells, name)
    for column in range(len(kept)):
        _shorten(cells, column, omitted)
    return Grid(
        [table.columns[index] for index in kept],
        [isolate(_heading(table.columns[index].name, omitted)) for index in kept],
        cells,
        [_under(row, under, clock, omitted) for row in table.rows] if under else [],
    )


def _runs(row: Row, index: int, clock: Clock) -> list[Run]:
    return runs(row.cells[index], clock) if index < len(row.cells) else []


def _under(row: Row, places: Sequence[int], clock: Clock, omitted: Omitted) -> list[Run]:
    """What stands beneath a row: its cells that say something, with a point between them.

    A symbol that the row's state has already is not said twice.
    """
    words: list[Run] = []
    state = said(_runs(row, 1, clock))
    for index in places:
        cell = _runs(row, index, clock)
        if said(cell).strip() not in {"", EMPTY.text}:
            words += [*([Run(" · ")] if words else []), *(_plainer(run, state) for run in cell)]
    words, lost = cut_runs(words, PHRASE)
    omitted.add("character of long cells", lost)
    return words


def _plainer(run: Run, state: str) -> Run:
    symbol = f"{run.mark.symbol} " if run.mark else ""
    return run._replace(text=run.text.removeprefix(symbol)) if symbol.strip() and symbol.strip() in state else run


def _heading(name: str, omitted: Omitted) -> str:
    words = clean_line(name) or EMPTY.text
    if units(words) > NAME_MOST:
        omitted.add("long heading", names=[words])
    return cut(words, NAME_MOST)


def _is_name(cell: list[Run]) -> bool:
    return len(cell) == 1 and bool(cell[0].text.strip()) and " " not in cell[0].text


def _tell_apart(cells: list[list[list[Run]]], most: int) -> None:
    """Make the names of the first column as short as tells them apart."""
    places = [index for index, row in enumerate(cells) if _is_name(row[0])]
    names = [cells[index][0][0].text for index in places]
    made = [_short_of_made(name, _TELLING) for name in names]
    digits = _TELLING
    while len(set(made)) < len(set(names)) and digits < NAME_MOST:
        digits *= 2
        made = [_short_of_made(name, digits) for name in names]
    for index, short in zip(places, elide_apart(made, most, NAME_MOST), strict=True):
        cells[index][0] = [cells[index][0][0]._replace(text=short)]


def _short_of_made(name: str, digits: int) -> str:
    """``…c2cd78`` of ``tvmps_c2cd789a3e0d…_d``: what a machine made says no more than its first digits."""
    found = _MADE.search(name)
    if found is None or len(found[0]) <= digits:
        return name
    before = name[: found.start()]
    return f"…{found[0][:digits]}" if _SAME.fullmatch(before) else f"{before}{found[0][:digits]}…"


def _shorten(cells: list[list[list[Run]]], column: int, omitted: Omitted) -> None:
    """Make the cells of one column short and never empty."""
    names: dict[int, str] = {}
    for index, row in enumerate(cells):
        cell = row[column]
        words = said(cell)
        if not words.strip():
            row[column] = [EMPTY]
        elif units(words) > NAME and _is_name(cell):
            names[index] = words
        elif units(words) > PHRASE:
            row[column], lost = cut_runs(cell, PHRASE)
            omitted.add("character of long cells", lost)
    for index, short in zip(names, elide_apart(list(names.values()), NAME, NAME_MOST), strict=True):
        cells[index][column] = [cells[index][column][0]._replace(text=short)]


def columns_of(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


@lru_cache(maxsize=4096)
def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf", "Cc"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def pad(text: str, width: int, align: str) -> str:
    """``text`` filled with spaces to ``width`` columns."""
    space = " " * (width - columns_of(text))
    return space + text if align == "right" else text + space


def monospaced(grid: Grid) -> list[str]:
    """The grid as aligned lines: headings, then rows."""
    table = [grid.names, *([said(cell) for cell in row] for row in grid.rows)]
    widths = [max(map(columns_of, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            pad(cell, width, column.align) for cell, width, column in zip(row, widths, grid.columns, strict=True)
        ).rstrip()
        for row in table
    ]
