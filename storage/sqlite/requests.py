"""The journal of requests: :class:`storage.port.requests.RequestStore`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from storage.port.requests import JournalRow
from storage.sqlite.connection import Connection
from storage.sqlite.timestamps import from_timestamp, to_timestamp


class SqliteRequests(Connection):
    """One row per request; its key is what de-duplication looks at."""

    async def accept(self, key: str, body: bytes, at: datetime) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone)."""
        forgotten = at - self._retention.request_keys

        def work() -> bool:
            with self._db.atomic():
                cursor = self._db.execute(
                    """
                    INSERT INTO journal (key, body, accepted, state) VALUES (:key, :body, :at, 'new')
                    ON CONFLICT (key) DO UPDATE SET body = :body, accepted = :at, state = 'new'
                    WHERE accepted <= :forgotten
                    """,
                    {"key": key, "body": body, "at": to_timestamp(at), "forgotten": to_timestamp(forgotten)},
                )
                return cursor.rowcount == 1

        return await self._run(work)

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute("UPDATE journal SET state = ? WHERE key = ?", [state, key])

        await self._run(work)

    async def unfinished(self, before: datetime) -> list[JournalRow]:
        """Rows accepted before a moment and not finished, oldest first: what a crash left behind."""

        def work() -> list[JournalRow]:
            rows = self._db.execute(
                "SELECT key, body, accepted FROM journal WHERE state = 'new' AND accepted < ? ORDER BY accepted, rowid",
                [to_timestamp(before)],
            )
            return [JournalRow(key, body, from_timestamp(accepted)) for key, body, accepted in rows]

        return await self._run(work)

    async def _prune_requests(self, now: datetime) -> int:
        """Delete old rows; returns how many."""
        return await self._delete("journal", "key", "accepted < ?", [to_timestamp(now - self._retention.requests)])
