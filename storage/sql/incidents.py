"""Incidents and notifications: :class:`storage.port.incidents.IncidentStore`.

The functions run in the store's thread; those that write belong in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from storage.port.incidents import IncidentRow, NotificationRow
from storage.sql.connection import SLICE, Connection
from storage.sql.database import Database
from storage.sql.timestamps import from_timestamp, to_timestamp

_COLUMNS = "id, fingerprint, account, rule, entity, parent, name, open, opened, changed, body"


class SqlIncidents(Connection):
    """Incidents by id and last change, notifications by incident; written by :mod:`storage.sql.changes`."""

    async def incidents(
        self,
        *,
        account: str = "",
        open: bool | None = None,  # noqa: A002 - the field's name
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[IncidentRow]:
        """The last changed first; ``since`` is included."""
        where = ["1 = 1"]
        if account:
            where.append("account = :account")
        if open is not None:
            where.append(f"open = {int(open)}")  # in words, so that the partial indexes are found
        if since is not None:
            where.append("changed >= :since")
        sql = (
            f"SELECT {_COLUMNS} FROM incidents WHERE {' AND '.join(where)} ORDER BY changed DESC, id DESC LIMIT :limit"  # noqa: S608 - fixed words
        )
        given = {"account": account, "since": None if since is None else to_timestamp(since), "limit": limit}
        return await self._run(lambda: [_row(each) for each in self._db.execute(sql, given)])

    async def incident(self, id: str) -> IncidentRow | None:  # noqa: A002 - the field's name
        """One of them."""

        def work() -> IncidentRow | None:
            row = self._db.execute(f"SELECT {_COLUMNS} FROM incidents WHERE id = ?", [id]).fetchone()  # noqa: S608 - fixed words
            return None if row is None else _row(row)

        return await self._run(work)

    async def unsettled_incidents(self) -> list[IncidentRow]:
        """Resolved incidents with an open notification, by id."""
        sql = (
            f"SELECT {_COLUMNS} FROM incidents WHERE open = 0 "  # noqa: S608 - fixed words
            "AND id IN (SELECT incident FROM notifications WHERE open = 1) ORDER BY id"
        )
        return await self._run(lambda: [_row(each) for each in self._db.execute(sql)])

    async def notifications(self, incidents: Sequence[str]) -> list[NotificationRow]:
        """How these incidents stand in every conversation, by incident and conversation."""
        asked = msgspec.json.encode(incidents).decode()
        sql = (
            "SELECT incident, conversation, open, body FROM notifications "  # noqa: S608 - fixed words
            f"WHERE incident IN ({self._db.dialect.texts}) ORDER BY incident, conversation"
        )

        def work() -> list[NotificationRow]:
            rows = self._db.execute(sql, [asked])
            return [NotificationRow(incident, where, bool(still), body) for incident, where, still, body in rows]

        return await self._run(work)

    async def _prune_incidents(self, now: datetime) -> int:
        """Delete resolved incidents that changed last before a moment, with their notifications; returns how many."""
        before = to_timestamp(now - self._retention.incidents)

        def work() -> int:
            with self._db.atomic():
                sql = "SELECT id FROM incidents WHERE open = 0 AND changed < ? LIMIT ?"
                ids = self._db.execute(sql, [before, SLICE]).fetchall()
                self._db.executemany("DELETE FROM notifications WHERE incident = ?", ids)
                self._db.executemany("DELETE FROM incidents WHERE id = ?", ids)
            return len(ids)

        return await self._sliced(work)


def put_incidents(db: Database, incidents: Sequence[IncidentRow]) -> None:
    """Insert or replace."""
    db.executemany(
        """
        INSERT INTO incidents (id, fingerprint, account, rule, entity, parent, name, open, opened, changed, body)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, account = excluded.account,
            rule = excluded.rule, entity = excluded.entity, parent = excluded.parent, name = excluded.name,
            open = excluded.open, opened = excluded.opened, changed = excluded.changed, body = excluded.body
        """,
        [
            (x.id, x.fingerprint, x.account, x.rule, x.entity, x.parent, x.name, int(x.open), *_dated(x))
            for x in incidents
        ],
    )


def _dated(incident: IncidentRow) -> tuple[int, int, bytes]:
    return to_timestamp(incident.opened), to_timestamp(incident.changed), incident.body


def put_notifications(db: Database, notifications: Sequence[NotificationRow]) -> None:
    """Insert or replace."""
    db.executemany(
        "INSERT INTO notifications (incident, conversation, open, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (incident, conversation) DO UPDATE SET open = excluded.open, body = excluded.body",
        [(each.incident, each.conversation, int(each.open), each.body) for each in notifications],
    )


def _row(row: tuple[Any, ...]) -> IncidentRow:
    id_, mark, account, rule, entity, parent, name, still, opened, changed, body = row
    return IncidentRow(
        id_,
        mark,
        account,
        rule,
        entity,
        parent,
        name,
        bool(still),
        from_timestamp(opened),
        from_timestamp(changed),
        body,
    )
