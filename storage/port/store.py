"""What is kept, whatever keeps it. Every method is a transaction of its own and runs off the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from storage.port.watching import WatchStore


class StoreError(Exception):
    """The store cannot be used; the message says why and what to do."""


class JournalRow(Struct, frozen=True):
    """A request that was acknowledged and may not be finished. ``body`` is the encoded request."""

    key: str
    body: bytes
    accepted: datetime


class Reference(Struct, frozen=True):
    """A conversation the bot may write to first; ``body`` is its encoding, ``reachable`` False after a removal."""

    platform: str
    id: str
    body: bytes
    seen: datetime
    reachable: bool = True


class Sample(Struct, frozen=True):
    """Cores of one pool at one moment.

    ``seconds`` is the time this sample stands for (since the one before, at most five minutes: a longer silence
    is a gap, not a guess). ``busy`` and ``total`` are cores. The samples of one look at an account share ``at``;
    one with an empty ``pool`` says that the account was looked at and had no pool.
    """

    account: str
    pool: str
    at: datetime
    seconds: float
    busy: float
    total: float
    nodes: int


class Bucket(Struct, frozen=True):
    """Core-seconds of a span of time that starts at ``start``; ``seconds`` is how much of it was sampled."""

    start: datetime
    busy: float
    total: float
    seconds: float


class Kept(Struct, frozen=True):
    """Something kept by name, and since when."""

    name: str
    value: bytes
    at: datetime


class LentFile(Struct, frozen=True):
    """A file lent out by a link: its bytes, its media type, and what to call it when it is saved (may be empty)."""

    body: bytes
    kind: str
    name: str = ""


class Store(WatchStore, Protocol):
    """The port. Times are aware datetimes."""

    async def close(self) -> None:
        """Finish what is queued and release the file or connection."""
        ...

    # Requests: acknowledge, journal, work.
    async def accept(self, key: str, body: bytes, at: datetime) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone)."""
        ...

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off."""
        ...

    async def unfinished(self, before: datetime) -> list[JournalRow]:
        """Rows accepted before a moment and not finished, oldest first: what a crash left behind."""
        ...

    # Conversations.
    async def remember(self, reference: Reference) -> None:
        """Insert or refresh a conversation reference."""
        ...

    async def references(self, platform: str | None = None) -> list[Reference]:
        """All of them, or one platform's."""
        ...

    # Samples and their rollups.
    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored."""
        ...

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds (a multiple of a kept resolution) in [since, until), empty ones left out.

        ``pool`` None is the whole account. Buckets count from ``since`` where a kept resolution allows it,
        otherwise from the grid point before it (multiples of a resolution since 1970, UTC).
        """
        ...

    async def sampled(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""
        ...

    # Pictures and other files lent out by signed links.
    async def keep_file(self, key: str, file: LentFile, expires: datetime) -> None:
        """Store a file until it expires; one that is kept already is kept for the longer time."""
        ...

    async def file(self, key: str, now: datetime) -> LentFile | None:
        """The file, or None when it is unknown or expired."""
        ...

    # What people keep by name. ``space`` is the kind of thing, ``owner`` a conversation or a person.
    async def keep(self, space: str, owner: str, name: str, value: bytes, at: datetime) -> None:
        """Keep ``value`` under ``name``, in place of what was kept there before."""
        ...

    async def kept(self, space: str, owner: str) -> list[Kept]:
        """All that an owner keeps in a space, by name."""
        ...

    async def kept_all(self, space: str) -> list[tuple[str, Kept]]:
        """All that is kept in a space with its owner, by owner and name."""
        ...

    async def drop(self, space: str, owner: str, name: str) -> bool:
        """Forget one; False where there is none of that name."""
        ...

    # What the store keeps for itself.
    async def secret(self, name: str) -> bytes:
        """32 random bytes, made once per database and name, for signing."""
        ...

    async def prune(self, now: datetime) -> int:
        """Delete what retention no longer wants; returns the number of rows."""
        ...
