"""What is kept of live cards: messages whose card is edited until its answer is over."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class LiveCard(Struct, frozen=True):
    """A message that shows a live card. There is a row from before the first edit until the last card is shown.

    ``key`` is made of the request's and the message's, ``request`` is the encoded request, ``message`` the platform's
    id of the message. ``card`` is the encoded card that was shown last at ``at``; with ``over`` it is the last one,
    which is still to be shown.
    """

    key: str
    request: bytes
    message: str
    card: bytes
    at: datetime
    over: bool = False


class LiveStore(Protocol):
    """The part of the store that live answers need. Every method is a transaction of its own, off the event loop."""

    async def put_live(self, live: LiveCard) -> None:
        """Store the row, in place of the one with its key."""
        ...

    async def live_cards(self) -> list[LiveCard]:
        """All rows, the oldest first."""
        ...

    async def delete_live(self, key: str) -> None:
        """The last card is shown, or nobody can see it any more; nothing happens where there is no such row."""
        ...
