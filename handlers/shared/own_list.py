"""Lists of what the bot itself keeps: their orders and their files, the same way in all of them.

Lists of Azure's own have filters too: :mod:`handlers.shared.listing`, :mod:`handlers.shared.filtering`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.requests.context import Context
from cards.card import Action, Button, Card, Text
from handlers.shared.files import Cell, whole_list
from handlers.shared.filtering import sorting

R = TypeVar("R")
T = TypeVar("T")
READ, MOST = 1_000, 100_000
"""Rows that are read of a store first, and at most."""


@dataclass(frozen=True)
class OwnList(Generic[T]):
    """One list: in words (plural), its orders, and the columns of its file.

    The first order is the usual one; an order of None leaves the rows as they come.
    """

    what: str
    orders: Mapping[str, Callable[[T], Any] | None]
    cells: Mapping[str, Callable[[T], Cell]]

    def ordered(self, rows: Iterable[T], sort: str) -> list[T]:
        """The rows in an order; those that are equal in it stay as they come."""
        key = self.orders[sort]
        return list(rows) if key is None else sorted(rows, key=key)

    def controls(self, command: str, sort: str, usual: str = "") -> tuple[Action, Action]:
        """Another order, and all of it as a file; ``command`` is the list's own, without its order and page."""
        return sorting(command, tuple(self.orders), sort), Button("CSV", f"{self.again(command, sort, usual)} csv")

    def again(self, command: str, sort: str, usual: str = "") -> str:
        """The list's command in an order; ``usual`` is the one it has anyway where that is not the first."""
        return command if sort == (usual or next(iter(self.orders))) else f"{command} sort:{sort}"

    async def as_file(
        self, ctx: Context, command: str, rows: Iterable[T], at: datetime, where: str, wanted: Text | str = ""
    ) -> Card:
        """All rows, in the order in which they are given, as a CSV file."""
        table: list[Sequence[Cell]] = [[read(row) for read in self.cells.values()] for row in rows]
        return await whole_list(ctx, command, self.what, where, wanted, tuple(self.cells), table, at)


async def newest(
    read: Callable[[int], Awaitable[Sequence[R]]], fitting: Callable[[Sequence[R]], Sequence[T]], enough: int
) -> tuple[list[T], bool]:
    """The newest rows that fit, more than ``enough`` of them where there are; and whether older ones were not read.

    ``read`` gives so many of the newest rows. A page costs what lies before it, which a store has at hand.
    """
    limit = READ
    while True:
        rows = await read(limit)
        found, more = list(fitting(rows)), len(rows) >= limit
        if not more or len(found) > enough or limit >= MOST:
            return found, more
        limit = min(limit * 4, MOST)
