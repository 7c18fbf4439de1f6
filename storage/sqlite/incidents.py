"""The SQL of incidents and of how they stand in every place. Run in the store's thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlite_utils import Database

from storage.port.watching import IncidentRow, NotificationRow
from storage.sqlite.timestamps import from_timestamp, to_timestamp

_COLUMNS = "id, fingerprint, account, kind, entity, parent, name, open, opened, changed, body"


def put(db: Database, incidents: Sequence[IncidentRow]) -> None:
    """Insert or replace."""
    db.conn.executemany(
        """
        INSERT INTO incidents (id, fingerprint, account, kind, entity, parent, name, open, opened, changed, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, account = excluded.account,
            kind = excluded.kind, entity = excluded.entity, parent = excluded.parent, name = excluded.name,
            open = excluded.open, opened = excluded.opened, changed = excluded.changed, body = excluded.body
        """,
        [
            (x.id, x.fingerprint, x.account, x.kind, x.entity, x.parent, x.name, int(x.open), *_dated(x))
            for x in incidents
        ],
    )


def _dated(incident: IncidentRow) -> tuple[int, int, bytes]:
    return to_timestamp(incident.opened), to_timestamp(incident.changed), incident.body


def found(db: Database, account: str, open: bool | None, since: datetime | None, limit: int) -> list[IncidentRow]:  # noqa: A002
    """The last changed first; ``since`` is included."""
    where = ["true"]
    if account:
        where.append("account = :account")
    if open is not None:
        where.append(f"open = {int(open)}")  # in words, so that the partial indexes are found
    if since is not None:
        where.append("changed >= :since")
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM incidents "  # noqa: S608 - fixed words
        f"WHERE {' AND '.join(where)} ORDER BY changed DESC, id DESC LIMIT :limit",
        {"account": account, "since": None if since is None else to_timestamp(since), "limit": limit},
    )
    return [_row(each) for each in rows]


def one(db: Database, incident: str) -> IncidentRow | None:
    """The incident of an id."""
    row = db.execute(f"SELECT {_COLUMNS} FROM incidents WHERE id = ?", [incident]).fetchone()  # noqa: S608 - fixed words
    return None if row is None else _row(row)


def unsettled(db: Database) -> list[IncidentRow]:
    """Resolved, with a notice that is open; by id."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE open = 0 "  # noqa: S608 - fixed words
        "AND id IN (SELECT incident FROM notices WHERE open = 1) ORDER BY id"
    )
    return [_row(each) for each in rows]


def _row(row: tuple[Any, ...]) -> IncidentRow:
    id_, mark, account, kind, entity, parent, name, still, opened, changed, body = row
    return IncidentRow(
        id_,
        mark,
        account,
        kind,
        entity,
        parent,
        name,
        bool(still),
        from_timestamp(opened),
        from_timestamp(changed),
        body,
    )


def put_notices(db: Database, notices: Sequence[NotificationRow]) -> None:
    """Insert or replace."""
    db.conn.executemany(
        "INSERT INTO notices (incident, place, open, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (incident, place) DO UPDATE SET open = excluded.open, body = excluded.body",
        [(notice.incident, notice.conversation, int(notice.open), notice.body) for notice in notices],
    )


def notices(db: Database, incidents: Sequence[str]) -> list[NotificationRow]:
    """Of these incidents, by incident and place."""
    rows = db.execute(
        "SELECT incident, place, open, body FROM notices WHERE incident IN (SELECT value FROM json_each(?)) "
        "ORDER BY incident, place",
        [msgspec.json.encode(incidents).decode()],
    )
    return [NotificationRow(incident, place, bool(still), body) for incident, place, still, body in rows]


def forget(db: Database, before: int, limit: int) -> int:
    """Delete at most ``limit`` resolved incidents that last changed before a moment, with their notices."""
    with db.atomic():
        ids = db.execute("SELECT id FROM incidents WHERE open = 0 AND changed < ? LIMIT ?", [before, limit]).fetchall()
        db.conn.executemany("DELETE FROM notices WHERE incident = ?", ids)
        db.conn.executemany("DELETE FROM incidents WHERE id = ?", ids)
    return len(ids)
