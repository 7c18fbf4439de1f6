"""Tables made to fit: columns leave by rank, long names lose their middle, long phrases their end."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from cards.card import Column, Table
from cards.render_text import Clock, Run, cut_runs, runs, said
from cards.text_fit import Omitted, clean_line, cut, elide_apart, isolate, units

EMPTY = Run("–")
"""Stands in a cell that has nothing: platforms refuse empty texts."""

NAME, NAME_MOST, PHRASE = 32, 64, 160
"""Units of a name in a cell, of names that would otherwise be shown alike (Batch ids have 64), and of a phrase."""


@dataclass
class Grid:
    """A table as rows of cells, each cell a list of runs; ``names`` are the headings, none of it is empty."""

    columns: list[Column]
    names: list[str]
    rows: list[list[list[Run]]]


def keep(table: Table, columns: int, most: int) -> list[int]:
    """The places of the columns that stay: the lowest ranks, ``columns`` of them or as many as have rank 0."""
    order = sorted(range(len(table.columns)), key=lambda index: (table.columns[index].rank, index))
    always = sum(column.rank <= 0 for column in table.columns)
    return sorted(order[: min(max(columns, always), most)])


def fit(table: Table, clock: Clock, omitted: Omitted, *, columns: int, most: int) -> Grid:
    """The table with at most ``columns`` columns (``most`` when all of them have rank 0), its cells made short."""
    width = len(table.columns)
    kept = keep(table, columns, most)
    omitted.add("column", width - len(kept), [table.columns[index].name for index in range(width) if index not in kept])
    omitted.add("cell without a column", sum(max(len(row.cells) - width, 0) for row in table.rows))
    cells = [
        [runs(row.cells[index], clock) if index < len(row.cells) else [] for index in kept] if kept else []
        for row in table.rows
    ]
    for column in range(len(kept)):
        _shorten(cells, column, omitted)
    return Grid(
        [table.columns[index] for index in kept],
        [isolate(_heading(table.columns[index].name, omitted)) for index in kept],
        cells,
    )


def _heading(name: str, omitted: Omitted) -> str:
    words = clean_line(name) or EMPTY.text
    if units(words) > NAME_MOST:
        omitted.add("long heading", names=[words])
    return cut(words, NAME_MOST)


def _shorten(cells: list[list[list[Run]]], column: int, omitted: Omitted) -> None:
    """Make the cells of one column short and never empty."""
    names: dict[int, str] = {}
    for index, row in enumerate(cells):
        cell = row[column]
        words = said(cell)
        if not words.strip():
            row[column] = [EMPTY]
        elif units(words) > NAME and len(cell) == 1 and " " not in words:
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
