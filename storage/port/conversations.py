"""Conversations that the bot may write to without being asked."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class ConversationReference(Struct, frozen=True):
    """A conversation the bot may write to first; ``body`` is its encoding, ``reachable`` False after a removal."""

    platform: str
    id: str
    body: bytes
    seen: datetime
    reachable: bool = True


class ConversationStore(Protocol):
    """References to conversations. Every method may raise StoreError."""

    async def put_conversation(self, reference: ConversationReference) -> None:
        """Insert or refresh a conversation reference."""
        ...

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        """All of them, or one platform's, by platform and id."""
        ...
