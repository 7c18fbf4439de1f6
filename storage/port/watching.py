"""What watching keeps: transitions, what was last known, incidents, and the letters that tell them.

A letter is a message that is to be in a conversation: its card as it should be now, and how far that was delivered.
Whoever decides writes its card and version; whoever delivers writes the rest. So a letter that changes three times
before it can be sent is sent once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct


class Transition(Struct, frozen=True):
    """A change of state, stored once: its key is everything but ``before`` and ``details``.

    ``entity`` is pool, allocation (a pool's), autoscale (a pool's runs), node, job, task or schedule; ``parent`` the
    pool of a node or the job of a task. ``after`` is the service's word, or ``deleted``; ``at`` the service's time.
    ``details`` is a small JSON object: exit code, failure, node, counts; without secrets.
    """

    account: str
    entity: str
    parent: str
    id: str
    before: str
    after: str
    at: datetime
    details: str = ""


class Cursor(Struct, frozen=True):
    """How far a stream of an account was read, by the service's clock."""

    account: str
    stream: str
    at: datetime


class View(Struct, frozen=True):
    """What was last known of an entity, encoded; None forgets it."""

    account: str
    entity: str
    id: str
    body: bytes | None


class IncidentRow(Struct, frozen=True):
    """An incident, encoded, with what it is found by. ``changed`` is the bot's clock."""

    id: str
    fingerprint: str
    account: str
    kind: str
    entity: str
    parent: str
    name: str
    open: bool
    opened: datetime
    changed: datetime
    body: bytes


class NotificationRow(Struct, frozen=True):
    """How an incident stands in a conversation, encoded. ``conversation`` is ``platform:id``."""

    incident: str
    conversation: str
    open: bool
    body: bytes


class OutboxEntry(Struct, frozen=True):
    """A message that is to be in a conversation.

    ``conversation`` is the encoded conversation and ``where`` its key (``platform:id``). ``under`` is the letter in
    whose thread it belongs. ``version`` counts the cards it was given. ``loud`` asks that a reply in a thread is shown
    in the channel too. ``due`` is when it may be sent at the earliest.
    """

    id: str
    where: str
    conversation: bytes
    card: bytes
    version: int
    due: datetime
    under: str = ""
    loud: bool = False


class DeliveryState(Struct, frozen=True):
    """How far a letter came.

    ``sent`` is the version that was delivered last (0: none), ``message`` the platform's id of the message, ``channel``
    where the platform put it (it may differ from the conversation's own id). ``state``: ``open``; ``claimed`` from just
    before a first post until its answer is stored, so that a crash in between leaves it in doubt; ``gone`` where the
    conversation cannot be reached; ``dead`` where the platform will never take it. ``first`` is when it was first
    attempted.
    """

    entry: OutboxEntry
    state: Literal["open", "claimed", "gone", "dead"] = "open"
    sent: int = 0
    message: str = ""
    channel: str = ""
    attempts: int = 0
    first: datetime | None = None
    error: str = ""


class ChangeSet(Struct):
    """What one look or one decision changes; stored whole or not at all."""

    transitions: list[Transition] = []
    cursors: list[Cursor] = []
    views: list[View] = []
    incidents: list[IncidentRow] = []
    notifications: list[NotificationRow] = []
    entries: list[OutboxEntry] = []


class Count(Struct, frozen=True):
    """Transitions of a kind of entity into a state within an hour that starts at ``start``."""

    start: datetime
    entity: str
    after: str
    count: int


class WatchStore(Protocol):
    """The part of the store that watching needs. Every method is a transaction of its own, off the event loop."""

    async def record(self, batch: ChangeSet) -> int:
        """Store a batch in one transaction, rollups included; a transition that is known already is left alone.

        So is one that is older than what retention keeps. Cursors, views, incidents and notices replace what is there.
        Letters overwrite the card, version, due and loud of those that are there, never how far they were delivered.
        Returns how many transitions were new.
        """
        ...

    # What was seen.
    async def cursors(self, account: str) -> list[Cursor]:
        """Where every stream of an account stands."""
        ...

    async def views(self, account: str) -> list[View]:
        """All that was last known of an account."""
        ...

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        parent: str | None = None,
        id: str = "",  # noqa: A002 - the field's name
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> list[Transition]:
        """The newest that fit, newest first. ``since`` is included, ``until`` is not; ``id`` may end in ``*``."""
        ...

    async def counts(self, account: str, since: datetime, until: datetime, entity: str = "") -> list[Count]:
        """Transitions by hour, entity and state, oldest first; kept much longer than the single ones.

        From the hour in which ``since`` lies to the one before ``until``.
        """
        ...

    # Incidents.
    async def incidents(
        self,
        *,
        account: str = "",
        open: bool | None = None,  # noqa: A002 - the field's name
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[IncidentRow]:
        """The last changed first; ``since`` looks at the last change."""
        ...

    async def incident(self, id: str) -> IncidentRow | None:  # noqa: A002 - the field's name
        """One of them."""
        ...

    async def unsettled(self) -> list[IncidentRow]:
        """Resolved incidents with an open notification somewhere: still to be told, or still shown in a digest."""
        ...

    async def notifications(self, incidents: Sequence[str]) -> list[NotificationRow]:
        """How these incidents stand in every conversation."""
        ...

    # Letters.
    async def undelivered(self) -> list[DeliveryState]:
        """Letters whose newest version was not delivered and that are not dead, oldest due first, ``gone`` included."""
        ...

    async def deliveries(self, entries: Sequence[str]) -> list[DeliveryState]:
        """These letters, wherever they stand."""
        ...

    async def claim(self, entry: str, at: datetime) -> bool:
        """Note that a first post is about to be made; False where it was claimed or posted already."""
        ...

    async def delivered(self, entry: str, version: int, message: str, channel: str) -> None:
        """Note that a version is shown as this message; the claim is over."""
        ...

    async def attempt_failed(
        self, entry: str, state: Literal["open", "claimed", "gone", "dead"], error: str, due: datetime | None = None
    ) -> None:
        """Note that an attempt failed and how it goes on; ``due`` None leaves it."""
        ...

    async def destination_restored(self, where: str) -> int:
        """Letters of a conversation that was gone may be sent again; returns how many."""
        ...
