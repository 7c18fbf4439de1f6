"""Which store it is: a PostgreSQL database by its URL, else a SQLite file by its path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

from storage.port.errors import StoreError
from storage.port.replicas import Lease
from storage.retention import Retention
from storage.sql.store import SqlStore
from storage.sqlite.store import SqliteStore
from storage.url import is_url

if TYPE_CHECKING:
    from storage.postgresql.address import Address


def nothing() -> None:
    """What is let go of by a program that holds nothing."""


def open_store(
    database: str,
    password: Callable[[], str] | None = None,
    *,
    retention: Retention | None = None,
    hold: float | None = None,
) -> tuple[SqlStore, Callable[[], None]]:
    """Open a store, and what lets go of it after it was closed. Blocks.

    ``password`` is asked at each connection. With ``hold`` other programs that watch and tell are kept from it; those
    seconds at most are waited while another holds it, then StoreHeld says who. Raises StoreError, which says what to
    do.
    """
    if not is_url(database):
        let_go = SqliteStore.hold(database, hold) if hold is not None else nothing
        try:
            return SqliteStore.open(database, retention=retention, held=hold is not None), let_go
        except BaseException:
            let_go()
            raise
    address = address_of(database, password)
    from storage.postgresql.holding import Holding  # noqa: PLC0415 - psycopg is there where it is needed alone
    from storage.postgresql.store import PostgresStore  # noqa: PLC0415

    holding = Holding.take(address, hold) if hold is not None else None
    let_go = holding.release if holding else nothing
    try:
        return PostgresStore.open(address, retention=retention, holding=holding), let_go
    except BaseException:
        let_go()
        raise


class Opened(NamedTuple):
    """What one replica of the program works with.

    ``duties`` is the store of whoever decides, sends and works off; ``front`` that of what any replica does: take in
    what people ask, and know conversations. ``of_account`` gives the store for watching an account. ``lease`` says when
    the duties are this replica's, after which ``taken`` is to be awaited once, and which accounts it watches; None
    where all is always its own. ``let_go`` is called after the stores were closed. Blocks.
    """

    duties: SqlStore
    front: SqlStore
    lease: Lease | None
    taken: Callable[[], Awaitable[None]]
    let_go: Callable[[], None]
    of_account: Callable[[str], SqlStore]


def open_replica(
    database: str,
    password: Callable[[], str] | None = None,
    *,
    retention: Retention | None = None,
    patience: float,
    version: str,
) -> Opened:
    """Open a store for a program that watches and tells. Blocks.

    A file is one program's: another waits ``patience`` seconds at most, then StoreHeld says who has it. On PostgreSQL
    there may be any number, of which one has the duties. Raises StoreError, which says what to do.
    """
    if not is_url(database):
        store, let_go = open_store(database, password, retention=retention, hold=patience)
        return alone(store, let_go)
    address = address_of(database, password)
    from storage.postgresql.holding import Holding  # noqa: PLC0415 - psycopg is there where it is needed alone
    from storage.postgresql.store import PostgresStore, WatchingStore  # noqa: PLC0415

    front = PostgresStore.open(address, retention=retention)
    holding = Holding.stand_by(address, version)
    duties = PostgresStore.of_duties(front, address, holding)
    of_account = WatchingStore.of_accounts(front, address, holding)
    return Opened(duties, front, holding, duties.taken, holding.release, of_account)


def alone(store: SqlStore, let_go: Callable[[], None] = nothing) -> Opened:
    """What a program works with that has no other replicas."""
    return Opened(store, store, None, _at_once, let_go, lambda _: store)


async def _at_once() -> None:
    """What is to be done by a program that has its store from the start."""


def address_of(url: str, password: Callable[[], str] | None = None) -> Address:
    """Where a PostgreSQL database is. Raises StoreError where the URL is none, or psycopg is missing."""
    try:
        from storage.postgresql.address import Address  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(
            f"PostgreSQL needs psycopg, which is not here ({error}): pip install 'batchbot[postgresql]'"
        ) from error
    return Address(url, password)
