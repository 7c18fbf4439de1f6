"""A look at a PostgreSQL database that changes nothing, while another program may be at work on it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from datetime import UTC, datetime

from storage.port.conversations import ConversationReference
from storage.port.look import StoreLook
from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase, advised
from storage.postgresql.migrations import known, pending

_HOLDER = "SELECT holder, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM holding WHERE until > now()"
_ENCRYPTED = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def look_at(url: str, password: Callable[[], str] | None, namespaces: Collection[str]) -> StoreLook:
    """See :func:`storage.looking.look_at`."""
    address = Address(url, password)
    with advised(address), closing(PostgresDatabase(address)) as db:
        tables = set(db.table_names())
        left = len(pending(db))
        return StoreLook(
            name=str(address),
            holder=_holder(db) if "holding" in tables else "",
            migrations=len(known()) - left,
            pending=left,
            bytes=_size(db),
            conversations=_conversations(db) if "conversations" in tables else (),
            channels=_owners(db, namespaces) if "preferences" in tables else (),
            forbidden=_forbidden(db),
            open=_open(db, address),
        )


def _size(db: PostgresDatabase) -> int:
    row = db.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def _holder(db: PostgresDatabase) -> str:
    row = db.execute(_HOLDER).fetchone()
    return f"{row[0]}, since {row[1]} UTC" if row else ""


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


def _conversations(db: PostgresDatabase) -> tuple[ConversationReference, ...]:
    rows = db.execute("SELECT platform, id, body, reachable FROM conversations ORDER BY platform, id")
    never = datetime.min.replace(tzinfo=UTC)
    return tuple(ConversationReference(name, id_, bytes(body), never, bool(there)) for name, id_, body, there in rows)


def _owners(db: PostgresDatabase, namespaces: Collection[str]) -> tuple[str, ...]:
    marks = ", ".join("?" * len(namespaces))
    rows = db.execute(
        f"SELECT DISTINCT owner FROM preferences WHERE namespace IN ({marks}) ORDER BY owner",  # noqa: S608
        list(namespaces),
    )
    return tuple(owner for (owner,) in rows)
