"""Messages that were posted: :class:`storage.port.messages.MessageStore`."""

from __future__ import annotations

from datetime import datetime

from storage.sql.connection import Connection
from storage.sql.timestamps import to_timestamp


class SqlMessages(Connection):
    """One row per message with buttons."""

    async def put_message(self, slot: str, conversation: str, message: str, at: datetime) -> None:
        """Note under which id a message was posted; nothing happens where that is known of the slot."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO posted_messages (slot, conversation, message, at) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [slot, conversation, message, to_timestamp(at)],
                )

        await self._run(work)

    async def message(self, slot: str) -> tuple[str, str] | None:
        """The conversation and the id of the message that a slot became; None where that is not known."""

        def work() -> tuple[str, str] | None:
            sql = "SELECT conversation, message FROM posted_messages WHERE slot = ?"
            row = self._db.execute(sql, [slot]).fetchone()
            return (row[0], row[1]) if row else None

        return await self._run(work)

    async def _prune_messages(self, now: datetime) -> int:
        """Delete what is older than is kept; returns how many rows."""
        return await self._delete("posted_messages", "slot", "at < ?", [to_timestamp(now - self._retention.messages)])
