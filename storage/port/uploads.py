"""What people attach or paste for a command, which tasks a button means, and tickets for the page for uploads."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Upload(Struct, frozen=True):
    """Content that a command refers to by its ``id``.

    ``person`` and ``conversation`` are keys (``platform:id``): nobody else may use it, nor from anywhere else. What the
    program keeps itself, such as which tasks a button means, has no key of a person there.
    ``name`` is what the file was called, empty for what was pasted.
    """

    id: str
    person: str
    conversation: str
    name: str
    body: bytes
    expires: datetime


class UploadTicket(Struct, frozen=True):
    """The right to upload once. ``request`` is the encoded request that the upload continues, as the program has it."""

    id: str
    request: bytes
    expires: datetime


class UploadStore(Protocol):
    """Uploads and tickets by their ids. Every method may raise StoreError."""

    async def put_upload(self, upload: Upload) -> bool:
        """Keep an upload until it expires; False, and nothing is changed, where there is one with this id."""
        ...

    async def upload(self, id_: str, now: datetime) -> Upload | None:
        """An upload; None where there is none, or it has expired."""
        ...

    async def put_upload_ticket(self, ticket: UploadTicket) -> None:
        """Keep a ticket until it expires."""
        ...

    async def upload_ticket(self, id_: str, now: datetime) -> UploadTicket | None:
        """A ticket; None where there is none, or it has expired."""
        ...
