"""The outbox: messages that are to be in a conversation, events for webhooks, and how far each was delivered.

An entry is the message as it should be now. Whoever decides writes its card and version; whoever delivers writes the
rest. So an entry that changes three times before it can be sent is sent once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

from msgspec import Struct

AttemptState: TypeAlias = Literal["open", "claimed", "gone", "dead"]
"""Where an entry stands.

``claimed`` from just before a first post until its answer is stored, so that a crash in between leaves it in doubt;
``gone`` where the conversation cannot be reached; ``dead`` where the platform will never take it; else ``open``.
"""

WEBHOOK: Final = "webhook"
"""What the destinations of events begin with, where those of messages have a chat platform."""


class OutboxEntry(Struct, frozen=True):
    """A message that is to be in a conversation, or an event that a webhook is to be told (``webhook:name``).

    ``destination`` is the conversation's key (``platform:id``) and ``address`` the encoded conversation. ``version``
    counts the cards it was given. It is sent at ``not_before`` at the earliest. ``reply_to`` is the entry in whose
    thread it belongs; ``broadcast`` asks that a reply in a thread is shown in the channel too. What is ``urgent`` goes
    before all else that waits for its conversation: critical alerts.
    """

    id: str
    destination: str
    address: bytes
    card: bytes
    version: int
    not_before: datetime
    reply_to: str = ""
    broadcast: bool = False
    urgent: bool = False


class DeliveryState(Struct, frozen=True):
    """How far an entry was delivered.

    ``sent`` is the version that was delivered last (0: none), ``message`` the platform's id of the message, ``channel``
    where the platform put it (it may differ from the conversation's own id). ``attempts`` failed since the last
    success, the last one with ``error``. ``repeated`` stays True once it was posted though it may have been before.
    """

    entry: OutboxEntry
    state: AttemptState = "open"
    sent: int = 0
    message: str = ""
    channel: str = ""
    attempts: int = 0
    first_attempt: datetime | None = None
    error: str = ""
    repeated: bool = False


class OutboxStore(Protocol):
    """Delivery of what :class:`storage.port.changes.ChangeStore` put into the outbox. May raise StoreError."""

    async def undelivered(self, events: int = 0) -> list[DeliveryState]:
        """Entries whose newest version was not delivered and that are not dead, ``gone`` included.

        By ``not_before``; of one moment, in the order they came. Of each webhook no more than so many ``events``, the
        first ones, where that is not 0.
        """
        ...

    async def events_waiting(self) -> dict[str, int]:
        """How many undelivered entries each webhook has, by their destination."""
        ...

    async def deliveries(self, entries: Sequence[str]) -> list[DeliveryState]:
        """These entries, whatever their state, in the order asked for; unknown ones are left out."""
        ...

    async def claim(self, entry: str, at: datetime) -> bool:
        """Note that a first post is about to be made; False where it was claimed or posted already."""
        ...

    async def delivered(self, entry: str, version: int, message: str, channel: str, *, repeated: bool = False) -> None:
        """Note that a version is shown as this message; the claim is over."""
        ...

    async def attempt_failed(
        self, entry: str, state: AttemptState, error: str, not_before: datetime | None = None
    ) -> None:
        """Note that an attempt failed and how it goes on; ``not_before`` None leaves it."""
        ...

    async def destination_restored(self, destination: str) -> int:
        """Entries of a conversation that was gone may be sent again; returns how many."""
        ...
