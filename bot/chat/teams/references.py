"""Which conversations the bot is in, and under which address: what it needs to speak first."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import structlog

from bot.chat.port import Reach
from bot.chat.request import Conversation
from storage.port.conversations import ConversationReference
from storage.port.decoding import decoded
from storage.port.store import Store

log = structlog.get_logger()


class References:
    """The stored conversation references; a write happens only where something changed."""

    def __init__(self, store: Store) -> None:
        self.on_reach: Reach | None = None
        self._store = store
        self._known: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._lost: dict[str, Conversation] = {}

    async def load(self) -> None:
        """Learn what is stored."""
        for reference in await self._store.conversations("teams"):
            if conversation := decoded(reference.body, Conversation):
                self._note(conversation, reachable=reference.reachable)

    def current(self, conversation: Conversation) -> Conversation:
        """The conversation under the address that is known last: Teams moves conversations."""
        url = self._known.get(conversation.id)
        return msgspec.structs.replace(conversation, service_url=url) if url else conversation

    async def renamed(self, conversation: Conversation, at: datetime) -> None:
        """A channel has another name now."""
        if conversation.id in self._known:
            await self._write(conversation, at, reachable=True)

    async def joined(self, conversation: Conversation, at: datetime) -> None:
        """The bot was added here. It is added to a team as a whole: channels where it was lost may be back too."""
        await self._write(conversation, at, reachable=True)
        if self.on_reach:
            await self.on_reach(conversation, True)
            for channel in [each for each in self._lost.values() if conversation.kind == each.kind == "channel"]:
                await self.on_reach(channel, True)

    async def seen(self, conversation: Conversation, at: datetime) -> None:
        """Somebody spoke here, or a message was taken, so the bot is here; perhaps under another address now."""
        known = self._known.get(conversation.id)
        if known != conversation.service_url:
            await self._write(conversation, at, reachable=True)
        if known is None and self.on_reach:
            await self.on_reach(conversation, True)

    async def left(self, conversation: Conversation, at: datetime | None = None) -> None:
        """The bot was removed from here, or the conversation is no more."""
        await self._write(conversation, at or datetime.now(UTC), reachable=False)
        if self.on_reach:
            await self.on_reach(conversation, False)

    async def _write(self, conversation: Conversation, at: datetime, *, reachable: bool) -> None:
        name = conversation.name or self._names.get(conversation.id, "")  # most activities have none
        body = msgspec.json.encode(msgspec.structs.replace(conversation, thread=None, name=name))
        await self._store.put_conversation(ConversationReference("teams", conversation.id, body, at, reachable))
        self._note(conversation, reachable=reachable)

    def _note(self, conversation: Conversation, *, reachable: bool) -> None:
        if conversation.name:
            self._names[conversation.id] = conversation.name
        if reachable:
            self._known[conversation.id] = conversation.service_url
            self._lost.pop(conversation.id, None)
        else:
            self._known.pop(conversation.id, None)
            self._lost[conversation.id] = msgspec.structs.replace(conversation, thread=None)
