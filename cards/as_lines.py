"""Tables as lines, for where a platform draws none: Slack's Home tab, and what is wide below the table of a message."""

from __future__ import annotations

from msgspec.structs import replace

from cards.build import bold, muted, text
from cards.card import Block, Bullets, Card, Piece, Row, Span, Table, Text, plain

_COLUMNS = 4
"""Of a row, besides what stands beneath it: a line of a phone, or two."""

_NOTHING = ("", "–")
"""Of a cell: what a table shows so that its columns stand below each other, and a line does without."""


def as_lines(card: Card) -> Card:
    """The card with each table as a list: a row's name, its state, and what else says most, with its column's name."""
    return replace(card, blocks=tuple(_lines(block) for block in card.blocks))


def _lines(block: Block) -> Block:
    if not isinstance(block, Table):
        return block
    beside = [index for index, column in enumerate(block.columns) if not column.beneath]
    kept = sorted(sorted(beside, key=lambda index: (block.columns[index].rank, index))[:_COLUMNS])
    kept += [index for index, column in enumerate(block.columns) if column.beneath]
    return Bullets(tuple(_line(block, row, kept) for row in block.rows), dots=False)


def every_column(table: Table) -> Bullets:
    """The table as a list with all that its rows say."""
    columns = sorted(range(len(table.columns)), key=lambda index: table.columns[index].beneath)
    return Bullets(tuple(line for row in table.rows if plain(line := _line(table, row, columns))))


def _line(table: Table, row: Row, kept: list[int]) -> Text:
    parts: list[Piece] = []
    for place, index in enumerate(kept):
        cell = row.cells[index] if index < len(row.cells) else ()
        if plain(cell).strip() in _NOTHING:
            continue
        column = table.columns[index]  # a name and a state speak for themselves, a number does not
        said = not index or (index == 1 and column.align != "right") or column.beneath
        label = () if said else (muted(f"{column.name} "),)
        first = tuple(bold(each.text) if isinstance(each, Span) else each for each in cell) if not place else cell
        parts += [*((muted(" · "),) if parts else ()), *label, *first]
    return text(*parts)
