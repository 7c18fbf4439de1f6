"""What the parts of a store ask of a database, and the few phrases that each says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

Values: TypeAlias = Sequence[Any] | dict[str, Any]
"""For ``?`` in their order, or for ``:name`` by name."""


class Dialect(Struct, frozen=True):
    """Phrases of SQL for what there is no common word.

    ``texts`` and ``numbers`` select the elements of a JSON array, which is the one ``?`` in them. ``by_index`` names an
    index after a table, where the planner can be told; ``holds`` says whether a column of bytes holds those of its
    ``?``. ``json`` and ``day`` are true of a column that is JSON, or a date such as ``2026-11-23``; ``row`` is a row of
    a table with these columns as a JSON object.
    """

    texts: str
    numbers: str
    by_index: Callable[[str], str]
    holds: Callable[[str], str]
    json: Callable[[str], str]
    day: Callable[[str], str]
    row: Callable[[str, Sequence[str]], str]


class Rows(Protocol):
    """The answer to a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """A connection, for the one thread that uses it."""

    dialect: Dialect

    @property
    def name(self) -> str:
        """What it is called, without a password."""
        ...

    def execute(self, sql: str, values: Values = ..., /) -> Rows:
        """One statement, in the words that all dialects share."""
        ...

    def executemany(self, sql: str, rows: Iterable[Values], /) -> object:
        """The same for many rows, which no other writer comes in between within :meth:`atomic`."""
        ...

    def atomic(self) -> AbstractContextManager[Any]:
        """A transaction: whole, or rolled back where an exception leaves it. One writes at a time."""
        ...

    def advised(self) -> AbstractContextManager[None]:
        """Turns the database's errors into StoreError, which says what to do."""
        ...

    def stream(self, sql: str, /) -> Iterator[Sequence[Any]]:
        """The rows of a question, as they are read, in a transaction."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        """Put many rows into a table, in a transaction; numbers that the table gives out go on after them."""
        ...

    def written(self) -> int:
        """A number that grows with whatever was stored."""
        ...

    def table_names(self) -> Sequence[str]:
        """Names of the tables there are."""
        ...

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns, in their order."""
        ...

    def close(self) -> None:
        """Let the database go."""
        ...
