"""Answers as files: rows as CSV that a spreadsheet opens as it should, the service's JSON to be read by people."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from bot.requests.context import Context
from cards.build import actions, blocks, text
from cards.card import Attachment, Button, Card, Mark, Text, Words
from cards.formatting import plural
from cards.text_fit import file_name
from handlers.shared.common import titled

Cell: TypeAlias = str | int | float | datetime | None

_BOM = "\ufeff"
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_FIGURE = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def csv_of(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> Attachment:
    """Rows as CSV (RFC 4180; UTF-8 with a byte order mark, without which Excel reads another encoding).

    Moments are written in UTC. Where a spreadsheet would take text for a formula it is led by an
    apostrophe. A hundred thousand rows take seconds: make them in a thread.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    content = (_BOM + written.getvalue()).encode(errors="replace")
    return Attachment(_named(name, ".csv"), content, "text/csv; charset=utf-8", title)


def json_of(name: str, raw: bytes, *, title: str = "") -> Attachment:
    """The service's own JSON, indented, its fields in their order."""
    content = msgspec.json.format(msgspec.json.encode(msgspec.json.decode(raw)), indent=2) + b"\n"
    return Attachment(_named(name, ".json"), content, "application/json", title)


async def whole_list(
    ctx: Context,
    shown: str,
    what: str,
    where: str,
    wanted: Text | str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    at: datetime,
) -> Card:
    """All of a list as a CSV file, or that nothing fits; ``shown`` is the command of the list that was asked for.

    ``wanted`` says in words which of them were asked for, empty for all.
    """
    back = Button("Show the list", shown)
    stopped = "stopped before the end" if ctx.live.stopping.is_set() else None
    title = titled(f"{what} of {where}", wanted, plural(len(rows), "row"), stopped)
    if not rows:
        return Card(title=title, mark=Mark.IDLE, as_of=at, blocks=blocks(Words(text("Nothing fits.")), actions(back)))
    name = f"{what.lower()}-{where}-{at:%Y%m%d-%H%M}"
    file = await asyncio.to_thread(csv_of, name, columns, rows, title=f"{what} of {where}")
    return Card(title=title, mark=Mark.DONE, as_of=at, blocks=blocks(file, actions(back)))


def _named(name: str, suffix: str) -> str:
    return file_name(name.removesuffix(suffix)) + suffix


def _cell(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case datetime():
            return cell.isoformat()
        case str():
            return f"'{cell}" if _FORMULA.match(cell) and not _FIGURE.fullmatch(cell) else cell
        case _:
            return str(cell)
