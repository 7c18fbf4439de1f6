"""What monitoring saw: transitions (the log of changes), how far each stream was read, and the last known state."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

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


class EntitySnapshot(Struct, frozen=True):
    """The last known state of an entity, encoded; a ``body`` of None deletes it."""

    account: str
    entity: str
    id: str
    body: bytes | None


class TransitionCount(Struct, frozen=True):
    """Transitions of a kind of entity into a state within an hour that starts at ``start``.

    ``after`` is ``enabled`` where a job or schedule is active again, ``resized`` where a formula moved targets.
    """

    start: datetime
    entity: str
    after: str
    count: int


class MonitoringStore(Protocol):
    """What was seen of an account. Every method may raise StoreError."""

    async def cursors(self, account: str) -> list[Cursor]:
        """How far every stream of an account was read, by stream."""
        ...

    async def snapshots(self, account: str) -> list[EntitySnapshot]:
        """The last known state of every entity of an account, by entity and id."""
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
        after: str = "",
    ) -> list[Transition]:
        """The newest that fit, newest first. ``since`` is included, ``until`` is not; ``id`` may end in ``*``."""
        ...

    async def transition_counts(
        self, account: str, since: datetime, until: datetime, entity: str = ""
    ) -> list[TransitionCount]:
        """Transitions by hour, entity and state, oldest first; kept much longer than the single ones.

        From the hour in which ``since`` lies to the one before ``until``.
        """
        ...
