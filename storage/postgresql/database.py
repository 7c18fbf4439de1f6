"""One connection to PostgreSQL, which understands the SQL of :mod:`storage.sql`.

Nothing here outlives a transaction: no prepared statements, no settings and no locks of the session. So a PgBouncer in
transaction mode may stand in between. One transaction writes at a time, as in SQLite: what the statements take for
granted. A lost connection is made again; only what had begun by then fails.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.types.numeric import FloatDumper
from psycopg.types.string import StrDumperUnknown

from storage.port.errors import CannotStore, StoreError, StoreHeld
from storage.postgresql.address import Address
from storage.sql.database import Dialect, Values

_WRITER: Final = 0x62617463
"""The number of the lock that whoever writes has, of all that one database knows."""
_AGAIN: Final = 1.0
"""Seconds after a failed attempt to connect within which the next ones fail at once: many may be waiting."""
_AT_ONCE: Final = 5000
IDLE: Final = 30.0
"""Seconds after which the server ends a transaction in which nothing is asked: its program hangs, and others wait."""
SHORTLY: Final = 4.0
"""The same for one of several replicas: one that stands still in a transaction keeps all others from writing."""
_PLACE = re.compile(r"'(?:[^']|'')*'|\?|(?<![:\w]):[a-z_]+|%")

ADVICE: Final = {
    "08": "the server does not answer: see that it runs and can be reached; it goes on by itself when it answers again",
    "25": "it may not be written now, as on a standby: it goes on by itself on the primary",
    "28": "it does not let the bot in: check the user, the password and the server's pg_hba.conf",
    "3D": "there is no such database: create it, and give the bot its schema",
    "42501": "it does not allow that: give the bot's user the right to create and change tables in its schema",
    "53": "the server has no room or no free connection: make room, and it goes on by itself",
    "55": "another process holds what is to be written: end that one; it goes on by itself",
    "57": "the server ends or starts, or took too long: it goes on by itself when it answers again",
    "58": "the server's disk reports an error: see its log",
}
"""What to do, by SQLSTATE or its class (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
_WORDS: Final = (
    (r"authentication failed|pg_hba\.conf|role \S+ does not exist|no password supplied", "28"),
    (r"database \S+ does not exist", "3D"),
    (r"too many (clients|connections)|remaining connection slots", "53"),
    (r"the database system is (starting|shutting)", "57"),
)
_PASSING: Final = frozenset({"08", "25", "53", "55", "57", "58"})


class Fence(NamedTuple):
    """What must be so for a transaction to write: a question that has a row then, and else why it does not write."""

    ask: str
    why: str


class _Truth(Dumper):
    """Truth is 1 and 0, in columns of whole numbers."""

    oid = psycopg.postgres.types["int8"].oid

    def dump(self, obj: bool) -> Buffer:
        return b"1" if obj else b"0"


class _Text(StrDumperUnknown):
    """Texts of PostgreSQL have no character 0."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)


class _Number(FloatDumper):
    """Numbers are numbers: what is none would go into every sum."""

    def dump(self, obj: float) -> Buffer | None:
        if math.isnan(obj):
            raise psycopg.DataError("not a number")
        return super().dump(obj)


_adapters = AdaptersMap(psycopg.adapters)
for _kind, _dumper in ((bool, _Truth), (str, _Text), (float, _Number)):
    _adapters.register_dumper(_kind, _dumper)


class PostgresDatabase:
    """:class:`storage.sql.database.Database` on a connection that is made when it is needed."""

    dialect = Dialect(
        texts="SELECT json_array_elements_text(CAST(? AS json))",
        numbers="SELECT CAST(json_array_elements_text(CAST(? AS json)) AS BIGINT)",
        by_index=lambda _: "",
        holds="position(CAST(? AS BYTEA) IN {}) > 0".format,
        json="is_json({})".format,
        day="is_day({})".format,
        row=lambda table, _: f"CAST(row_to_json({table}) AS TEXT)",
    )

    def __init__(
        self,
        address: Address,
        patience: float = 5.0,
        fence: Callable[[], Fence | None] = lambda: None,
        idle: float = IDLE,
    ) -> None:
        """``patience`` is seconds to wait for a lock; ``fence`` what must be so for a writer, None for nothing.

        ``idle`` is for how many seconds a transaction may rest before the server ends it.
        """
        self.address = address
        self._idle = idle
        self._patience = patience
        self._fence = fence
        self._connection: psycopg.Connection[Any] | None = None
        self._failed: tuple[float, psycopg.Error] | None = None
        self._within = False
        self._written = 0

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return str(self.address)

    def execute(self, sql: str, values: Values = (), /) -> psycopg.Cursor[Any]:
        """One statement, in the words that all dialects share; several where there are no values."""
        text = _translated(sql) if values else sql
        connection = self._connected()
        try:
            return connection.execute(text, values or None, binary=bool(values))
        except psycopg.OperationalError:
            if self._within or not connection.closed or not sql.lstrip().startswith(("SELECT", "WITH")):
                raise
        return self._connected().execute(text, values or None, binary=bool(values))

    def executemany(self, sql: str, rows: Iterable[Values], /) -> None:
        """The same for many rows, without waiting for each."""
        with self._connected().cursor() as cursor:
            cursor.executemany(_translated(sql), rows)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction. Raises StoreHeld where another program has the database by now."""
        if self._within:
            raise RuntimeError("a transaction within another")
        self._begin()
        self._within = True
        try:
            try:
                yield
            except BaseException:
                with suppress(psycopg.Error):
                    self._connected().execute("ROLLBACK")
                raise
            self._connected().execute("COMMIT")
            self._written += 1
        finally:
            self._within = False

    def _begin(self) -> None:
        fence = self._fence()
        asked = f"; {fence.ask}" if fence else ""
        # All in one message: the settings end with the transaction, and whoever writes next waits at the lock.
        sql = (
            f"BEGIN; SET LOCAL lock_timeout = {round(self._patience * 1000)}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {round(self._idle * 1000)}; "
            f"SELECT pg_advisory_xact_lock({_WRITER}){asked}"
        )
        connection = self._connected()
        try:
            answer = connection.execute(cast(Any, sql))
        except psycopg.Error:
            if not connection.closed:
                connection.execute("ROLLBACK")
                raise
            answer = self._connected().execute(cast(Any, sql))  # nothing had begun
        while answer.nextset():
            pass
        if fence and answer.fetchone() is None:
            self._connected().execute("ROLLBACK")
            raise StoreHeld(f"{self.address}: {fence.why}")

    @contextmanager
    def fenced(self, fence: Callable[[], Fence | None]) -> Iterator[None]:
        """Within, this fence stands for the usual one."""
        usual, self._fence = self._fence, fence
        try:
            yield
        finally:
            self._fence = usual

    def _connected(self) -> psycopg.Connection[Any]:
        """The connection, made anew where it is lost, but within a transaction."""
        if self._connection is not None and (not self._connection.closed or self._within):
            return self._connection
        if self._failed and time.monotonic() - self._failed[0] < _AGAIN:
            raise self._failed[1]
        try:
            self._connection = psycopg.connect(
                **self.address.parameters(), autocommit=True, prepare_threshold=None, context=_adapters
            )
        except psycopg.Error as error:
            self._failed = time.monotonic(), error
            raise
        self._failed = None
        return self._connection

    def stream(self, sql: str, /) -> Iterator[Sequence[Any]]:
        """The rows of a question, a few thousand at a time, in a transaction."""
        with self._connected().cursor(name="stream", binary=True) as cursor:
            cursor.itersize = _AT_ONCE
            yield from cursor.execute(sql)

    def load(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], /) -> None:
        """Copy rows into a table, in a transaction; numbers that the table gives out go on after them."""
        names = ", ".join(columns)
        with (
            self._connected().cursor() as cursor,
            cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)
        given = self.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = ? AND is_identity = 'YES'",
            [table],
        ).fetchall()
        for (name,) in given:
            most = f"(SELECT max({name}) FROM {table})"  # noqa: S608 - our own names
            self.execute(f"SELECT setval(pg_get_serial_sequence('{table}', '{name}'), coalesce({most}, 1))")

    def advised(self) -> AbstractContextManager[None]:
        """Turns the errors of PostgreSQL into ones that say what to do."""
        return advised(self.address)

    def written(self) -> int:
        """Transactions that were stored so far."""
        return self._written

    def table_names(self) -> list[str]:
        """Names of the tables there are, in the schema that new ones go to."""
        found = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        return [name for (name,) in found]

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns, in their order."""
        found = self.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
            [table],
        )
        return [name for (name,) in found]

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()


@contextmanager
def advised(address: Address) -> Iterator[None]:
    """Turn the errors of PostgreSQL into StoreError, or CannotStore where it passes, with what to do."""
    try:
        yield
    except psycopg.Error as error:
        state = error.sqlstate or _state(error)
        advice = ADVICE.get(state) or ADVICE.get(state[:2], "PostgreSQL refuses")
        kind = CannotStore if state[:2] in _PASSING else StoreError
        said = " ".join(str(error).split())
        raise kind(f"{address}: {advice} ({said})") from error


def _state(error: psycopg.Error) -> str:
    """Of an error that has none, as all have that come while a connection is made."""
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return ""
    return next((state for words, state in _WORDS if re.search(words, str(error))), "08")


@lru_cache(maxsize=1024)
def _translated(sql: str) -> str:
    """The marks of psycopg in the place of ``?`` and ``:name``."""

    def mark(found: re.Match[str]) -> str:
        text = found[0]
        if text == "?":
            return "%s"
        return f"%({text[1:]})s" if text[0] == ":" else text.replace("%", "%%")

    return _PLACE.sub(mark, sql)
