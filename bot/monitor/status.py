"""How watching and telling stand, as plain rows: what the command ``status`` shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from bot.monitor.scene import Blindness
from bot.outbox.destination_queue import DestinationStatus
from bot.outbox.sender import Totals

__all__ = ["AccountStatus", "DestinationStatus", "Outbox", "Status", "Totals"]


class AccountStatus(Struct, frozen=True, kw_only=True):
    """How watching an account stands. Times are the bot's clock, spans are seconds.

    ``looked`` is the last look (None before the first), ``wait`` how long it waits for the next one now, ``calls`` and
    ``received`` are what it takes per minute in calls and bytes. ``throttled`` is since when the account asks for
    less, ``blind`` since when and why it cannot be read.
    """

    name: str
    looked: datetime | None = None
    wait: float = 0.0
    calls: float = 0.0
    received: float = 0.0
    throttled: datetime | None = None
    blind: Blindness | None = None


class Outbox(Struct, frozen=True, kw_only=True):
    """Delivery status: every destination of the outbox, and the platforms that do not answer, with the reason."""

    conversations: tuple[DestinationStatus, ...] = ()
    down: Mapping[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)


class Status(Protocol):
    """What is needed of whoever runs the watching and the delivery."""

    @property
    def began(self) -> datetime:
        """When the program began."""
        ...

    def accounts(self) -> Sequence[AccountStatus]:
        """Every account, in the order of the settings."""
        ...

    def outbox(self) -> Outbox:
        """The delivery."""
        ...
