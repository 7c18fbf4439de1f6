"""A look at a PostgreSQL database that changes nothing, while another program may be at work on it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing

from storage.port.look import StoreLook
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase, advised
from storage.postgresql.holding import holder_now
from storage.postgresql.migrations import known, pending
from storage.sql import look

_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def look_at(address: Address, namespaces: Collection[str]) -> StoreLook:
    """See :func:`storage.looking.look_at`."""
    with advised(address), closing(PostgresDatabase(address)) as db:
        left = len(pending(db))
        return StoreLook(
            name=str(address),
            holder=holder_now(db),
            migrations=len(known()) - left,
            pending=left,
            bytes=_size(db),
            conversations=look.conversations(db),
            channels=look.owners(db, namespaces),
            forbidden=_forbidden(db),
            open=_open(db, address),
        )


def _size(db: PostgresDatabase) -> int:
    row = db.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def _forbidden(db: PostgresDatabase) -> str:
    """The next version of the program makes its tables itself."""
    row = db.execute("SELECT current_schema(), has_schema_privilege(current_schema(), 'CREATE')").fetchone()
    if row and row[0] and row[1]:
        return ""
    return f"make and change tables in the schema {row[0] if row and row[0] else 'public'}"


def _open(db: PostgresDatabase, address: Address) -> str:
    """A socket of this machine needs no encryption."""
    host = str(address.parameters().get("host") or "")
    row = db.execute(_ENCRYPTED).fetchone()
    if not host or host.startswith("/") or host in ("localhost", "127.0.0.1", "::1") or (row and row[0]):
        return ""
    return f"the connection to {host} is not encrypted"
