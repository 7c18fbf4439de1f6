"""Conversations: :class:`storage.port.conversations.ConversationStore`."""

from __future__ import annotations

from storage.port.conversations import ConversationReference
from storage.sqlite.connection import Connection
from storage.sqlite.timestamps import from_timestamp, to_timestamp


class SqliteConversations(Connection):
    """One row per conversation that the bot may write to."""

    async def put_conversation(self, reference: ConversationReference) -> None:
        """Insert or refresh a conversation reference."""

        def work() -> None:
            self._db.table("conversations").upsert(
                {
                    "platform": reference.platform,
                    "id": reference.id,
                    "body": reference.body,
                    "seen": to_timestamp(reference.seen),
                    "reachable": int(reference.reachable),
                },
                pk=("platform", "id"),
            )

        await self._run(work)

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        """All of them, or one platform's, by platform and id."""

        def work() -> list[ConversationReference]:
            rows = self._db.execute(
                "SELECT platform, id, body, seen, reachable FROM conversations "
                "WHERE ?1 IS NULL OR platform = ?1 ORDER BY platform, id",
                [platform],
            )
            return [
                ConversationReference(name, id_, body, from_timestamp(seen), bool(ok))
                for name, id_, body, seen, ok in rows
            ]

        return await self._run(work)
