"""Approvals: changes that wait until other people agree; and emergencies that somebody else has to acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from storage.port.outbox import OutboxEntry

ApprovalState: TypeAlias = Literal[
    "pending", "approved", "run", "denied", "withdrawn", "expired", "void", "emergency", "acknowledged"
]
"""Where an approval stands.

``pending`` until enough people agree; ``approved`` until its change begins, and ``run`` from then on; ``denied``,
``withdrawn``, ``expired`` and ``void`` (what it was judged by has changed) are ends at which nothing was done. An
``emergency`` ran at once and waits to be ``acknowledged`` by somebody else.
"""


class Vote(Struct, frozen=True):
    """What one person said: ``person`` is ``platform:id``, ``name`` for people; ``why`` a reason, where there is one.

    ``rules`` are those by which they may decide: for these it counts.
    """

    person: str
    name: str
    yes: bool
    at: datetime
    why: str = ""
    rules: tuple[str, ...] = ()


class Copy(Struct, frozen=True):
    """A message that shows an approval: the id of its outbox entry, the conversation's key and its encoding."""

    entry: str
    destination: str
    address: bytes


class Approval(Struct, frozen=True):
    """A change that was asked for and needs other people.

    ``requester`` is ``platform:id``; ``request`` is the encoded request that it is run as. ``command`` is what is run,
    ``digest`` is of the change as it was shown, ``question`` the encoded question that the policy was asked. ``needs``
    are the encoded rules that want an approval. ``card`` is the encoded card without its buttons, ``figures`` the
    encoded figures that were shown. ``copies`` are the messages that show it. ``version`` counts its changes, from 1.
    ``begun_by`` is the key of the request that runs it; empty until one does.
    """

    id: str
    state: ApprovalState
    requester: str
    name: str
    request: bytes
    command: str
    account: str
    target: str
    digest: str
    question: bytes
    needs: bytes
    card: bytes
    figures: bytes
    reason: str
    correlation: str
    asked: datetime
    expires: datetime
    copies: tuple[Copy, ...] = ()
    votes: tuple[Vote, ...] = ()
    version: int = 1
    ended: datetime | None = None
    begun_by: str = ""


class ApprovalStore(Protocol):
    """Approvals by their id. Every method may raise StoreError."""

    async def put_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> None:
        """Keep a new approval, and its messages in the outbox: both or neither. One that is there stays as it is."""
        ...

    async def change_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> bool:
        """Replace the approval whose version is one less, and put messages into the outbox: both or neither.

        False where it has changed meanwhile: whoever decided on it decides anew.
        """
        ...

    async def approval(self, id_: str) -> Approval | None:
        """One approval; None where there is none."""
        ...

    async def approvals(
        self, states: Sequence[ApprovalState], *, limit: int = 20, offset: int = 0
    ) -> tuple[list[Approval], int]:
        """Approvals in these states, the one that expires first first; and how many there are."""
        ...

    async def due_approvals(self, now: datetime, limit: int = 100) -> list[Approval]:
        """Those about which something is to be done: approved ones, and pending ones and emergencies that expired."""
        ...
