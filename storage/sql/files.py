"""Pictures and other files behind links: :class:`storage.port.files.FileStore`."""

from __future__ import annotations

from datetime import datetime

from storage.port.files import SharedFile
from storage.sql.connection import Connection
from storage.sql.timestamps import to_timestamp


class SqlFiles(Connection):
    """One row per file, until it expires."""

    async def put_file(self, key: str, file: SharedFile, expires: datetime) -> None:
        """Store a file until it expires; one that is stored already is kept for the longer time."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO files (key, body, media_type, name, expires) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET body = excluded.body, media_type = excluded.media_type, "
                    "name = excluded.name, expires = "
                    "CASE WHEN files.expires > excluded.expires THEN files.expires ELSE excluded.expires END",
                    [key, file.body, file.media_type, file.name, to_timestamp(expires)],
                )

        await self._run(work)

    async def file(self, key: str, now: datetime) -> SharedFile | None:
        """The file, or None when it is unknown or expired."""

        def work() -> SharedFile | None:
            row = self._db.execute(
                "SELECT body, media_type, name FROM files WHERE key = ? AND expires > ?", [key, to_timestamp(now)]
            ).fetchone()
            return None if row is None else SharedFile(*row)

        return await self._run(work)

    async def _prune_files(self, now: datetime) -> int:
        """Delete expired files; returns how many."""
        return await self._delete("files", "key", "expires <= ?", [to_timestamp(now)])
