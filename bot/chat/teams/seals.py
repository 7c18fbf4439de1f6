"""What the answer to a button on Teams may replace: sealed into the button, so that nobody else can say it.

A client sends back what stands in a card (the command, how its answer is shown) and names the message that it stands
in, and nothing of Teams says that either is as the bot wrote it. Typed text can do what a command does; it cannot
replace a message that others read. So a button carries a seal over its command and the message it stands in, and only
a button whose seal holds has its answer take a place: that of the message which the seal names, whatever the request
claims.

A message gets its id when it is posted, after its buttons were made: those name a slot, and what the slot became is
stored. Where that is not known (the answer to the post was lost, or it is long ago) nothing is replaced. A card that is
edited in names its message itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Protocol

import structlog
from msgspec import Struct

from storage.port.errors import StoreError
from storage.port.messages import MessageStore

log = structlog.get_logger()

_KEY = "teams-buttons"
_BYTES = 12
"""Of a seal: 96 bits, which nobody guesses at a request each."""
_MESSAGE, _SLOT = "m", "s"


class SealStore(MessageStore, Protocol):
    """The part of the store that seals need."""

    async def secret(self, name: str) -> bytes:
        """32 random bytes, made once per database and name."""
        ...


class Place(Struct, frozen=True):
    """Where a card is to stand: the conversation's id without its thread, and the message or a slot for one."""

    conversation: str
    name: str

    @classmethod
    def of(cls, conversation: str, message: str) -> Place:
        """The place of a message that is there."""
        return cls(conversation, _MESSAGE + message)

    @classmethod
    def new(cls, conversation: str) -> Place:
        """The place of a message that is to be posted."""
        return cls(conversation, _SLOT + secrets.token_urlsafe(9))


class Seals:
    """Makes seals and checks them. The key is in the database: whoever reads that could make some too."""

    def __init__(self, store: SealStore) -> None:
        self._store = store
        self._key = secrets.token_bytes(32)

    async def load(self) -> None:
        """Learn the key, so that buttons of before the start still hold. Raises StoreError."""
        self._key = await self._store.secret(_KEY)

    def seal(self, place: Place, fields: tuple[str, ...]) -> str:
        """The seal of a button in a place; ``fields`` are all that it carries."""
        return f"{place.name}.{self._code(place, fields)}"

    async def posted(self, place: Place, message: str) -> None:
        """A card was posted into its slot. Never raises: where it is not noted, nothing is replaced later."""
        if not message or not place.name.startswith(_SLOT):
            return
        try:
            await self._store.put_message(place.name[1:], place.conversation, message, datetime.now(UTC))
        except StoreError as error:
            log.error("teams.message_unnoted", conversation=place.conversation, message=str(error))  # noqa: TRY400 - it says all

    async def held(self, conversation: str, fields: tuple[str, ...], seal: str) -> str | None:
        """The message that the answer may replace; None where the seal is none of ours, or of another conversation.

        Never raises: where the store does not answer, nothing is replaced.
        """
        name, _, code = seal.rpartition(".")
        place = Place(conversation, name)
        if not name or not hmac.compare_digest(code.encode("utf-8", "replace"), self._code(place, fields).encode()):
            if seal:
                log.warning("teams.seal_broken", conversation=conversation)
            return None
        if name.startswith(_MESSAGE):
            return name[1:]
        try:
            found = await self._store.message(name[1:])
        except StoreError as error:
            log.error("teams.message_unknown", conversation=conversation, message=str(error))  # noqa: TRY400 - it says all
            return None
        return found[1] if found and found[0] == conversation else None

    def _code(self, place: Place, fields: tuple[str, ...]) -> str:
        signed = json.dumps([place.conversation, place.name, *fields]).encode()
        code = hmac.digest(self._key, signed, hashlib.sha256)[:_BYTES]
        return base64.urlsafe_b64encode(code).decode()
