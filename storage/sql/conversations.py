"""Conversations: :class:`storage.port.conversations.ConversationStore`."""

from __future__ import annotations

from msgspec.structs import replace

from storage.port.conversations import ConversationReference
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.moving import move
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlConversations(Connection):
    """One row per conversation that the bot may write to."""

    async def put_conversation(self, reference: ConversationReference) -> None:
        """Insert or refresh a conversation reference."""

        def work() -> None:
            with self._db.atomic():
                _put(self._db, reference)

        await self._run(work)

    async def move_conversation(self, moved: ConversationReference, old: str) -> None:
        """Keep for another id what was kept for ``old``."""

        def work() -> None:
            with self._db.atomic():
                move(self._db, moved.platform, old, moved.id)
                _put(self._db, moved)
                _put(self._db, replace(moved, id=old, reachable=False))

        await self._run(work)

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        """All of them, or one platform's, by platform and id."""
        which = "WHERE platform = ?" if platform else ""

        def work() -> list[ConversationReference]:
            rows = self._db.execute(
                f"SELECT platform, id, body, seen, reachable FROM conversations {which} ORDER BY platform, id",  # noqa: S608
                [platform] if platform else [],
            )
            return [
                ConversationReference(name, id_, body, from_timestamp(seen), bool(ok))
                for name, id_, body, seen, ok in rows
            ]

        return await self._run(work)


def _put(db: Database, reference: ConversationReference) -> None:
    db.execute(
        "INSERT INTO conversations (platform, id, body, seen, reachable) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (platform, id) DO UPDATE SET body = excluded.body, seen = excluded.seen, "
        "reachable = excluded.reachable",
        [
            reference.platform,
            reference.id,
            reference.body,
            to_timestamp(reference.seen),
            int(reference.reachable),
        ],
    )
