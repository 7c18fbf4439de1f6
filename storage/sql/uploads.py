"""Uploads and their tickets: :class:`storage.port.uploads.UploadStore`."""

from __future__ import annotations

from datetime import datetime

from storage.port.uploads import Upload, UploadTicket
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlUploads(Connection):
    """One row per upload and per ticket, until it expires."""

    async def put_upload(self, upload: Upload) -> bool:
        """Keep an upload until it expires; False, and nothing is changed, where there is one with this id."""

        def work() -> bool:
            with self._db.atomic():
                added = self._db.execute(
                    "INSERT INTO uploads (id, person, conversation, name, body, expires) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [
                        upload.id,
                        upload.person,
                        upload.conversation,
                        upload.name,
                        upload.body,
                        to_timestamp(upload.expires),
                    ],
                )
            return bool(added.rowcount)

        return await self._run(work)

    async def upload(self, id_: str, now: datetime) -> Upload | None:
        """An upload; None where there is none, or it has expired."""

        def work() -> Upload | None:
            row = self._db.execute(
                "SELECT id, person, conversation, name, body, expires FROM uploads WHERE id = ? AND expires > ?",
                [id_, to_timestamp(now)],
            ).fetchone()
            if row is None:
                return None
            name, person, conversation, called, body, expires = row
            return Upload(name, person, conversation, called, body, from_timestamp(expires))

        return await self._run(work)

    async def put_upload_ticket(self, ticket: UploadTicket) -> None:
        """Keep a ticket until it expires."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO upload_tickets (id, request, expires) VALUES (?, ?, ?)",
                    [ticket.id, ticket.request, to_timestamp(ticket.expires)],
                )

        await self._run(work)

    async def upload_ticket(self, id_: str, now: datetime) -> UploadTicket | None:
        """A ticket; None where there is none, or it has expired."""

        def work() -> UploadTicket | None:
            row = self._db.execute(
                "SELECT id, request, expires FROM upload_tickets WHERE id = ? AND expires > ?", [id_, to_timestamp(now)]
            ).fetchone()
            return None if row is None else UploadTicket(row[0], row[1], from_timestamp(row[2]))

        return await self._run(work)

    async def _prune_uploads(self, now: datetime) -> int:
        """Delete what has expired; returns how many rows."""
        gone = await self._delete("uploads", "id", "expires <= ?", [to_timestamp(now)])
        return gone + await self._delete("upload_tickets", "id", "expires <= ?", [to_timestamp(now)])
