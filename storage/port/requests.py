"""Requests: acknowledged, journalled, worked off."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct


class JournalRow(Struct, frozen=True):
    """A request that was acknowledged and may not be finished. ``body`` is the encoded request."""

    key: str
    body: bytes
    accepted: datetime


class RequestStore(Protocol):
    """The journal of requests. Every method may raise StoreError."""

    async def accept(self, key: str, body: bytes, at: datetime) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone)."""
        ...

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off."""
        ...

    async def unfinished(self, before: datetime) -> list[JournalRow]:
        """Rows accepted before a moment and not finished, oldest first: what a crash left behind."""
        ...
