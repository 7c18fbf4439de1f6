"""Messages that the bot posted, by what was hidden in them before their id was known."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class MessageStore(Protocol):
    """Which message a slot became. Every method may raise StoreError."""

    async def put_message(self, slot: str, conversation: str, message: str, at: datetime) -> None:
        """Note under which id a message was posted; nothing happens where that is known of the slot."""
        ...

    async def message(self, slot: str) -> tuple[str, str] | None:
        """The conversation and the id of the message that a slot became; None where that is not known."""
        ...
