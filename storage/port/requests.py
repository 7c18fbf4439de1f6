"""Requests: acknowledged, journalled, held by whoever works on them, and worked off."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from storage.port.audit import AuditEntry

TAKEN_IN = "taken in"
"""Holds a row that a replica took in for the one that works off what is asked."""


class JournalRow(Struct, frozen=True):
    """A request that was acknowledged and is not finished. ``body`` is the encoded request.

    ``received``: nothing of it has changed anything. ``started``: a change was begun at ``started``, and ``command``
    says which (a request may run another command, such as a saved one). ``outcome`` is the encoded answer to a change
    that has ended; it is empty where the change may or may not have taken effect. ``fresh`` says of a row that was
    claimed that nobody has worked on it before: another replica took it in.
    """

    key: str
    body: bytes
    accepted: datetime
    state: Literal["received", "started"] = "received"
    started: datetime | None = None
    command: str = ""
    outcome: bytes = b""
    fresh: bool = False


class RequestStore(Protocol):
    """The journal of requests. Every method may raise StoreError."""

    async def accept(
        self, key: str, body: bytes, at: datetime, *, holder: str = "", until: datetime | None = None
    ) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone).

        ``holder`` is the instance that works on it, and ``until`` when it may be taken for dead; nobody where left out.
        """
        ...

    async def start_change(self, key: str, holder: str, command: str, at: datetime) -> bool:
        """Note that the request's change begins now; False where it was begun before, or another holds the row."""
        ...

    async def record_outcome(self, key: str, outcome: bytes, entry: AuditEntry) -> None:
        """Note what came of a change that was started, and write it into the audit trail, both or neither."""
        ...

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off: its answer was delivered, or cannot be.

        Its key stays, by which it is known when it comes again; what was typed goes, also from the confirmation that it
        used.
        """
        ...

    async def hold_requests(self, holder: str, keys: Collection[str], until: datetime) -> None:
        """Go on holding these rows."""
        ...

    async def release_requests(self, holder: str) -> None:
        """Hold no row any longer: whoever checks next may claim what is not finished."""
        ...

    async def claim_requests(self, holder: str, now: datetime, until: datetime) -> list[JournalRow]:
        """Take over rows that are not finished and that nobody holds any longer, oldest first."""
        ...

    async def waiting(self, now: datetime) -> bool:
        """Whether there is a row to be claimed. Costs little."""
        ...

    async def unfinished(self) -> list[JournalRow]:
        """Every row that is not finished, whoever holds it, oldest first."""
        ...
