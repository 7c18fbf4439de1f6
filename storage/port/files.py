"""Pictures and other files that are served by signed links."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class SharedFile(Struct, frozen=True):
    """A file behind a link: its bytes, its media type, and what to call it when it is saved (may be empty)."""

    body: bytes
    media_type: str
    name: str = ""


class FileStore(Protocol):
    """Shared files. Every method may raise StoreError."""

    async def put_file(self, key: str, file: SharedFile, expires: datetime) -> None:
        """Store a file until it expires; one that is stored already is kept for the longer time."""
        ...

    async def file(self, key: str, now: datetime) -> SharedFile | None:
        """The file, or None when it is unknown or expired."""
        ...
