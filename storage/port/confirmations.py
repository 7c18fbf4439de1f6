"""Confirmations: changes that wait for a person to say yes, or to say why."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct


class Confirmation(Struct, frozen=True):
    """A change that waits for a person to confirm it.

    ``person`` and ``conversation`` are keys (``platform:id``): nobody else can confirm it, nor from anywhere else.
    ``command`` is what is run then, ``digest`` is of the change as it was shown. ``used`` is the key of the request
    that confirmed or dropped it; empty while it can still be. ``name`` is what has to be typed to confirm it, and
    ``reason`` True where a reason is asked for instead of a yes. ``account``, ``target`` and ``asked`` are what it is
    about and when it was asked, ``shown`` the encoded figures that were shown: with them the answer says what has
    changed since, and by whom.
    """

    id: str
    person: str
    conversation: str
    command: str
    digest: str
    expires: datetime
    used: str = ""
    name: str = ""
    reason: bool = False
    account: str = ""
    target: str = ""
    asked: datetime | None = None
    shown: bytes = b""


class ConfirmationStore(Protocol):
    """Confirmations by their id. Every method may raise StoreError."""

    async def ask_confirmation(self, confirmation: Confirmation) -> None:
        """Keep a change until it is confirmed, dropped or expired."""
        ...

    async def use_confirmation(self, id_: str, request: str, now: datetime) -> Confirmation | None:
        """Use a confirmation for a request, once; returns it as it was before, None where there is none.

        It is used by this call where its ``used`` is empty and it has not expired. The same request may use it again.
        """
        ...

    async def confirmation(self, id_: str) -> Confirmation | None:
        """A confirmation as it stands; None where there is none."""
        ...
