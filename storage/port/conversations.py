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

    async def move_conversation(self, moved: ConversationReference, old: str) -> None:
        """A conversation has another id: what was kept for ``old`` is kept for ``moved`` from now on, all or nothing.

        The reference ``old`` stays, unreachable and with the body of ``moved``, so that it is known where it went. What
        is kept for the new id already stays. The audit trail says what was so, and is not changed.
        """
        ...
