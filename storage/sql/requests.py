"""The journal of requests: :class:`storage.port.requests.RequestStore`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from storage.port.audit import AuditEntry
from storage.port.requests import TAKEN_IN, JournalRow
from storage.sql.audit import append
from storage.sql.connection import FURTHEST, Connection
from storage.sql.timestamps import from_timestamp, to_timestamp

_ROW = "key, body, accepted, state, started, command, outcome"
_OPEN = "state IN ('received', 'started')"


class SqlRequests(Connection):
    """One row per request; its key is what de-duplication compares."""

    async def accept(
        self, key: str, body: bytes, at: datetime, *, holder: str = "", until: datetime | None = None
    ) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone)."""

        def work() -> bool:
            with self._db.atomic():
                cursor = self._db.execute(
                    """
                    INSERT INTO journal (key, body, accepted, state, holder, held_until)
                    VALUES (:key, :body, :at, 'received', :holder, :until)
                    ON CONFLICT (key) DO UPDATE SET body = :body, accepted = :at, state = 'received', holder = :holder,
                        held_until = :until, started = NULL, command = '', outcome = :nothing
                    WHERE journal.accepted <= :forgotten
                    """,
                    {
                        "key": key,
                        "body": body,
                        "at": to_timestamp(at),
                        "holder": holder,
                        "until": to_timestamp(until) if until else 0,
                        "forgotten": to_timestamp(at - self._retention.request_keys),
                        "nothing": b"",
                    },
                )
                return cursor.rowcount == 1

        return await self._run(work)

    async def start_change(self, key: str, holder: str, command: str, at: datetime) -> bool:
        """Note that the request's change begins now; False where it was begun before, or another holds the row."""
        started = await self._write(
            "UPDATE journal SET state = 'started', started = ?, command = ? "
            "WHERE key = ? AND state = 'received' AND holder = ?",
            [to_timestamp(at), command, key, holder],
        )
        return started == 1

    async def record_outcome(self, key: str, outcome: bytes, entry: AuditEntry) -> None:
        """Note what came of a change that was started, and write it into the audit trail, both or neither."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute("UPDATE journal SET outcome = ? WHERE key = ? AND state = 'started'", [outcome, key])
                append(self._db, entry)

        await self._run(work)

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off: its answer was delivered, or cannot be.

        Its key stays, by which it is known when it comes again; what was typed goes, also from the confirmation that it
        used.
        """

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "UPDATE journal SET state = ?, body = ?, command = '', outcome = ? WHERE key = ?",
                    [state, b"", b"", key],
                )
                self._db.execute("UPDATE confirmations SET command = '', shown = ? WHERE used = ?", [b"", key])

        await self._run(work)

    async def hold_requests(self, holder: str, keys: Collection[str], until: datetime) -> None:
        """Go on holding these rows."""

        def work() -> None:
            with self._db.atomic():
                self._db.executemany(
                    f"UPDATE journal SET held_until = ? WHERE key = ? AND holder = ? AND {_OPEN}",  # noqa: S608
                    [(to_timestamp(until), key, holder) for key in keys],
                )

        await self._run(work)

    async def release_requests(self, holder: str) -> None:
        """Hold no row any longer: whoever checks next may claim what is not finished."""
        await self._write(f"UPDATE journal SET held_until = 0 WHERE holder = ? AND {_OPEN}", [holder])  # noqa: S608

    async def claim_requests(self, holder: str, now: datetime, until: datetime) -> list[JournalRow]:
        """Take over rows that are not finished and that nobody holds any longer, oldest first."""

        def work() -> list[JournalRow]:
            with self._db.atomic():
                taken_in = f"SELECT key FROM journal WHERE {_OPEN} AND holder = ?"  # noqa: S608
                fresh = {key for (key,) in self._db.execute(taken_in, [TAKEN_IN])}
                rows = self._db.execute(
                    f"UPDATE journal SET holder = ?, held_until = ? WHERE {_OPEN} "  # noqa: S608
                    f"AND (held_until <= ? OR held_until > ?) RETURNING {_ROW}",
                    [holder, to_timestamp(until), to_timestamp(now), to_timestamp(until + FURTHEST)],
                ).fetchall()
            found = [_row(row, fresh=row[0] in fresh) for row in rows]
            return sorted(found, key=lambda row: (row.accepted, row.key))

        return await self._run(work)

    async def waiting(self, now: datetime) -> bool:
        """Whether there is a row to be claimed: one question of an index."""
        sql = f"SELECT 1 FROM journal WHERE {_OPEN} AND held_until <= ? LIMIT 1"  # noqa: S608
        return await self._run(lambda: self._db.execute(sql, [to_timestamp(now)]).fetchone() is not None)

    async def unfinished(self) -> list[JournalRow]:
        """Every row that is not finished, whoever holds it, oldest first."""

        def work() -> list[JournalRow]:
            rows = self._db.execute(f"SELECT {_ROW} FROM journal WHERE {_OPEN} ORDER BY accepted, key")  # noqa: S608
            return [_row(row) for row in rows]

        return await self._run(work)

    async def _prune_requests(self, now: datetime) -> int:
        """Delete old rows; returns how many."""
        return await self._delete("journal", "key", "accepted < ?", [to_timestamp(now - self._retention.requests)])


def _row(row: tuple[Any, ...], *, fresh: bool = False) -> JournalRow:
    key, body, accepted, state, started, command, outcome = row
    at = None if started is None else from_timestamp(started)
    return JournalRow(key, body, from_timestamp(accepted), state, at, command, outcome, fresh)
