"""Short lists: read whole, then filtered, sorted, shown by pages of 20 and given as files, each in the same way.

A list is a :class:`Listing`; what somebody asks of it is an :class:`Asked`; rows make it :class:`Shown`, which knows
the parts of the card that all lists share. Lists that may be long are read by :mod:`handlers.shared.filtering` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from bot.azure.account import Account
from bot.filter import Entity, Filter
from bot.requests.context import Context
from cards import build
from cards.build import muted, text
from cards.card import Action, Button, Card, Column, Table, Text, Words
from cards.command_line import join
from handlers.shared.common import line
from handlers.shared.files import Cell, whole_list
from handlers.shared.filtering import sorting, understood, without

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One list: what its rows can be asked for, in which orders they come (the first unless asked), what a file holds.

    ``path`` is its command and ``file`` the one that gives all of it; both take the same names, filter and order.
    """

    entity: Entity
    path: str
    file: str
    orders: Mapping[str, Callable[[T], Any]]
    cells: Mapping[str, Callable[[T], Cell]]

    def asked(
        self,
        ctx: Context,
        source: Account | None,
        typed: Sequence[str],
        *names: str,
        sort: str,
        page: int = 1,
        whole: bool = False,
        options: Mapping[str, object] | None = None,
        **chosen: str | None,
    ) -> Asked[T]:
        """What somebody asks: ``typed`` is the filter, ``chosen`` its fields that have an option of their own.

        ``names`` stand before the filter, ``options`` belong to the command alone; ``source`` is None where the list is
        about no account; ``whole`` says that all of it is wanted as a file. Raises CommandError with corrected
        commands.
        """
        path = self.file if whole else self.path
        wanted = understood(ctx, source, self.entity, typed, *path.split(), *names, **chosen)
        return Asked(self, ctx, source, names, wanted, sort, page, options or {})


@dataclass(frozen=True)
class Asked(Generic[T]):
    """A list with a filter, an order and a page."""

    listing: Listing[T]
    ctx: Context
    source: Account | None
    names: tuple[str, ...]
    wanted: Filter
    sort: str
    page: int = 1
    options: Mapping[str, object] = field(default_factory=dict)

    def command(self, path: str = "", *, sort: str | None = None, filtered: bool = True, **more: object) -> str:
        """The list's command as it was asked, or ``path`` with the same; ``sort`` empty leaves the order out."""
        path = path or self.listing.path
        order = self.sort if sort is None else sort
        tokens = [*self.names, *(self.wanted.tokens if filtered else ())]
        options = {**self.options, "sort": "" if order == next(iter(self.listing.orders)) else order, **more}
        if self.source is not None:
            return line(self.ctx, self.source, path, *tokens, **options)
        words = self.ctx.registry.naming(path, tokens)
        return join([*path.split(), *words, *(f"{name}:{value}" for name, value in options.items() if value)])

    def ordered(self, rows: Iterable[T], at: datetime) -> list[T]:
        """Those that fit, in the order that was asked for."""
        return sorted(filter(self.wanted.at(at).row, rows), key=self.listing.orders[self.sort])

    def of(self, rows: Iterable[T], at: datetime) -> Shown[T]:
        """The page of it, seen at a moment (aware, the service's)."""
        fitting = self.ordered(rows, at)
        return Shown(self, fitting, build.within(self.page, len(fitting)), at)

    async def as_file(self, rows: Iterable[T], at: datetime, where: str) -> Card:
        """All that fits as a CSV file."""
        fitting = self.ordered(rows, at)
        cells = self.listing.cells
        table = [[read(row) for read in cells.values()] for row in fitting]
        plural = self.listing.entity.plural
        what = plural[0].upper() + plural[1:]
        return await whole_list(self.ctx, self.command(), what, where, self.wanted.words(at), tuple(cells), table, at)


@dataclass(frozen=True)
class Shown(Generic[T]):
    """A page of a list: ``fitting`` is all of it."""

    asked: Asked[T]
    fitting: list[T]
    page: int
    at: datetime

    @property
    def rows(self) -> list[T]:
        """Those of the page."""
        return self.fitting[(self.page - 1) * build.PAGE : self.page * build.PAGE]

    @property
    def words(self) -> Text:
        """What was understood of the filter, for the title."""
        return self.asked.wanted.words(self.at)

    @property
    def extent(self) -> str:
        """How many are shown, of how many."""
        return build.shown(self.page, len(self.rows), len(self.fitting))

    @property
    def turning(self) -> tuple[Button | None, Button | None]:
        """To the pages before and behind."""
        return build.pager(self.asked.command(), self.page, len(self.fitting))

    @property
    def controls(self) -> tuple[Action | None, ...]:
        """What every list has: without its filter, another filter or order, anew, as a file."""
        asked = self.asked
        return (
            without(asked.wanted, asked.command(filtered=False)),
            Button("Filter…", asked.command(), how="form"),
            sorting(asked.command(sort=""), tuple(asked.listing.orders), asked.sort),
            Button("Refresh", asked.command(page=self.page), how="edit"),
            Button("CSV", asked.command(asked.listing.file)),
        )

    def table(self, columns: Sequence[Column], cells: Callable[[T], Sequence[Text]], none: str) -> Table | Words:
        """The rows as a table; ``none`` is what is said of a list that is empty without any filter."""
        if self.rows:
            return build.table(columns, [cells(row) for row in self.rows])
        if not self.asked.wanted:
            return Words(text(none))
        return Words(text(f"No {self.asked.listing.entity.name} fits: ", self.words, muted(".")))


def backwards(moment: datetime | None) -> float:
    """A key that puts the latest first and what never was last."""
    return -moment.timestamp() if moment else float("inf")


def forwards(moment: datetime | None) -> float:
    """A key that puts the earliest first and what never is last."""
    return moment.timestamp() if moment else float("inf")
