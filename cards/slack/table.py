"""A table as Slack draws it: on a phone some 290 pixels of it are in sight, the rest is there to be scrolled to.

So the first column is the name, made as short as tells one row from the next, and the second the state with what is
wrong beneath it, in the same cell; whatever else there is follows.
"""

from __future__ import annotations

from cards.card import Table
from cards.render_text import Clock, Run, said, unbroken
from cards.slack.limits import LEAST, NARROW, TABLE_COLUMNS, TABLE_ROWS, TABLE_TEXT
from cards.slack.text import STYLES, Json, rich, rich_text
from cards.table_fit import Grid, fit
from cards.text_fit import Omitted, size, units

NAME = 22
"""Units of a name: with a state beside it they are what a phone shows of a row. It is not drawn as code, which takes a
fifth more."""
_WRAPPED = 40
"""Units from which on a column's words are wrapped."""


def drawn(table: Table, clock: Clock, omitted: Omitted, room: int) -> tuple[list[Json], int, list[str]]:
    """The block, how many rows had no room, and the headings; no block where not even the head has room.

    A page of a list loses a column rather than its last rows.
    """
    grid = Grid([], [], [])
    for columns in range(NARROW, LEAST, -1):
        if len(_rows(_fit(table, clock, Omitted(), columns), room)[1]) > len(table.rows[: TABLE_ROWS - 1]):
            break
    else:
        columns = LEAST
    grid = _fit(table, clock, omitted, columns)
    if not grid.columns:
        return [], len(table.rows), []
    settings, rows = _rows(grid, room)
    if not rows:
        return [], len(table.rows), grid.names
    return [{"type": "table", "column_settings": settings, "rows": rows}], len(grid.rows) - len(rows) + 1, grid.names


def _fit(table: Table, clock: Clock, omitted: Omitted, columns: int) -> Grid:
    grid = fit(table, clock, omitted, columns=columns, most=TABLE_COLUMNS, beneath=True, name=NAME)
    for row in grid.rows:
        row[:1] = [[run._replace(style="plain") if run.style == "code" else run for run in cell] for cell in row[:1]]
    return grid


def _rows(grid: Grid, room: int) -> tuple[list[Json], list[list[Json]]]:
    """Column settings, and the head with as many rows as fit; no rows where not even the head does."""
    if not grid.columns:
        return [], []
    head = [_cell([Run(name)]) for name in grid.names]
    under = min(1, len(grid.columns) - 1)
    settings: list[Json] = [
        {
            "align": column.align,
            "is_wrapped": (index == under and bool(grid.beneath))
            or any(units(said(row[index])) > _WRAPPED for row in grid.rows),
        }
        for index, column in enumerate(grid.columns)
    ]
    room -= size(head) + size(settings) + 60
    letters = TABLE_TEXT - sum(units(name) for name in grid.names)
    if room < 0:
        return settings, []
    rows = [head]
    for number, row in enumerate(grid.rows[: TABLE_ROWS - 1]):
        words = list(row)
        if grid.beneath and (beneath := grid.beneath[number]):
            words[under] = [*row[under], Run("\n"), *beneath]
        cells = [_cell(cell) for cell in words]
        room -= size(cells) + 1
        letters -= sum(units(said(cell)) for cell in words)
        if room < 0 or letters < 0:
            break
        rows.append(cells)
    return settings, rows


def _cell(words: list[Run]) -> Json:
    if any(run.style in STYLES or run.text == "\n" for run in words):
        return rich_text({"type": "rich_text_section", "elements": rich(words)})
    return {"type": "raw_text", "text": said([unbroken(run) for run in words])}
