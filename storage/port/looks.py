"""What a replica saw of an account that another one decides on: stored with what it saw, gone with the decision."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from msgspec import Struct

from storage.port.monitoring import EntitySnapshot, Transition


class Look(Struct, frozen=True):
    """A look at an account, to be decided on. ``body`` is what is not in the change set that it is stored with."""

    account: str
    body: bytes


class StoredLook(Struct, frozen=True):
    """A look that was stored, with the transitions and snapshots that it found; ``seq`` is higher for later ones."""

    seq: int
    account: str
    body: bytes
    transitions: list[Transition] = []
    snapshots: list[EntitySnapshot] = []


class LookStore(Protocol):
    """What :class:`storage.port.changes.ChangeStore` put there. Every method may raise StoreError."""

    async def looks(self, accounts: Collection[str], limit: int = 200) -> list[StoredLook]:
        """Those of some accounts that nobody has decided on, the oldest first."""
        ...
