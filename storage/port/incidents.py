"""Incidents, and how each stands in the conversations that it is sent to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct


class IncidentRow(Struct, frozen=True):
    """An incident, encoded in ``body``, with what it is found by.

    ``rule`` is the alert rule's name; ``entity`` the kind of entity, ``parent`` and ``name`` which one. ``opened`` and
    ``changed`` are the bot's clock.
    """

    id: str
    fingerprint: str
    account: str
    rule: str
    entity: str
    parent: str
    name: str
    open: bool
    opened: datetime
    changed: datetime
    body: bytes


class NotificationRow(Struct, frozen=True, gc=False):
    """How an incident stands in a conversation (``platform:id``), encoded. ``open`` until nothing will change."""

    incident: str
    conversation: str
    open: bool
    body: bytes


class IncidentStore(Protocol):
    """Incidents and notifications. Every method may raise StoreError."""

    async def incidents(
        self,
        *,
        account: str = "",
        open: bool | None = None,  # noqa: A002 - the field's name
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[IncidentRow]:
        """The last changed first; ``since`` goes by the last change."""
        ...

    async def incident(self, id: str) -> IncidentRow | None:  # noqa: A002 - the field's name
        """One of them."""
        ...

    async def unsettled_incidents(self) -> list[IncidentRow]:
        """Resolved incidents with an open notification: the end is still to be sent, or still shown in a digest."""
        ...

    async def notifications(self, incidents: Sequence[str]) -> list[NotificationRow]:
        """How these incidents stand in every conversation, by incident and conversation."""
        ...
