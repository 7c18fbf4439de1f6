"""A table as rows of columns that a phone shows in part: what tells most stays, the rest goes where there is no room.

A Table element of Teams is cut off at the card's right edge on a phone, and its cells cannot be left out there. Columns
can: ``targetWidth`` is Teams' own (learn.microsoft.com, "Adaptive Card responsive layout"), and a client that does not
know it shows every column. What is wrong with a row stands beneath it, over the card's whole width.
"""

from __future__ import annotations

from cards.card import Table
from cards.render_text import Clock, Run, said
from cards.table_fit import Grid, fit
from cards.teams.limits import COLUMNS, LEAST, NARROW
from cards.teams.text import Json, rich
from cards.text_fit import Omitted, size, units

NAME = 28
"""Units of a name: two lines of the first column on a phone, of fixed width."""
_AT_LEAST = ("", "atLeast:standard", "atLeast:wide")
"""Which cards show a column: all of them; those wider than a phone's, which begin at 350 pixels; those from 768 on."""
_ROOM = (36, 60)
"""Units that stand beside each other in a phone's card of 300 pixels, and in one of 450, as Teams has it on a desktop
beside its lists of chats."""
_LINE = 19
"""Units of a name that stand on one line on a phone."""
_NARROWEST, _WIDEST, _EACH = 4, 16, 8
"""The widths of columns lie between the first two, however long or short their words; a column that asks for more has
the third for each of its widths."""


def drawn(table: Table, clock: Clock, omitted: Omitted, room: int) -> tuple[list[Json], int, list[str]]:
    """The table's element, how many rows had no room, and its headings; no element where not even one row has.

    A page of a list loses a column rather than its last rows.
    """
    for columns in range(NARROW, LEAST, -1):
        grid = _fit(table, clock, Omitted(), columns)
        if len(_rows(grid, room)) == len(grid.rows):
            break
    else:
        columns = LEAST
    grid = _fit(table, clock, omitted, columns)
    if not grid.columns:
        return [], len(grid.rows), []
    rows = _rows(grid, room)
    if not rows and (grid.rows or size(_head(grid)) + 40 > room):
        return [], len(grid.rows), grid.names
    head = _head(grid)
    items = [head, *(element for row in rows for element in row)]
    return [{"type": "Container", "items": items}], len(grid.rows) - len(rows), grid.names


def _fit(table: Table, clock: Clock, omitted: Omitted, columns: int) -> Grid:
    return fit(table, clock, omitted, columns=columns, most=COLUMNS, beneath=True, name=NAME)


def _rows(grid: Grid, room: int) -> list[list[Json]]:
    """As many rows as fit below the head."""
    if not grid.columns:
        return []
    room -= size(_head(grid)) + 40
    found: list[list[Json]] = []
    layout = _layout(grid)
    for index, cells in enumerate(grid.rows):
        row = [_row(grid, cells, layout) | {"spacing": "Small"}]
        if grid.beneath and grid.beneath[index]:
            row.append(rich(grid.beneath[index]) | {"spacing": "None"})
        room -= sum(size(element) + 1 for element in row)
        if room < 0:
            break
        if not found:
            row[0]["separator"] = True
        found.append(row)
    return found


def _head(grid: Grid) -> Json:
    return _row(grid, [[Run(name, "bold")] for name in grid.names], _layout(grid))


def _row(grid: Grid, cells: list[list[Run]], layout: list[Json]) -> Json:
    columns: list[Json] = []
    for column, cell, given in zip(grid.columns, cells, layout, strict=True):
        right: Json = {"horizontalAlignment": "Right"} if column.align == "right" else {}
        columns.append({"type": "Column", "items": [rich(cell) | right], **given})
    return {"type": "ColumnSet", "columns": columns}


def _layout(grid: Grid) -> list[Json]:
    """Each column's share of the width, as long as its longest words, and from which width of the card on it is shown.

    The first two always are, the others by their rank while there is room, the first of them on a phone already.
    """
    lengths = [
        max([_length(name), *(_length(said(row[index])) for row in grid.rows)]) for index, name in enumerate(grid.names)
    ]
    shown = [0] * len(lengths)
    used = sum(min(length, _LINE) + 1 for length in lengths[:2])
    others = sorted(range(2, len(lengths)), key=lambda index: (grid.columns[index].rank, index))
    for place, index in enumerate(others):
        used += lengths[index] + 1
        shown[index] = 0 if used <= _ROOM[0] and not place else 1 if used <= _ROOM[1] else 2
    return [
        {
            "width": min(max(length + 1, _NARROWEST), max(_WIDEST, _EACH * grid.columns[index].width)),
            **({"targetWidth": _AT_LEAST[shown[index]]} if shown[index] else {}),
        }
        for index, length in enumerate(lengths)
    ]


def _length(words: str) -> int:
    """Units of words, of which the shades of a bar are wider than letters."""
    return units(words) + sum(map(words.count, "▓░")) // 3
