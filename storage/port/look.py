"""What can be seen of a database from outside, while a bot may be at work on it."""

from __future__ import annotations

from msgspec import Struct

from storage.port.conversations import ConversationReference


class StoreLook(Struct, frozen=True, kw_only=True):
    """A database as it is now. Nothing of it was changed by looking.

    ``name`` is what it is called, without a password. ``holder`` is who holds it, in words, and empty where nobody
    does. ``migrations`` are those that it has seen, ``pending`` those that the next start makes, ``newer`` those that
    this program does not know. ``channels`` are those that somebody subscribed, as ``platform:id``. ``forbidden`` is
    what the bot's user needs and may not do, ``open`` why others could read along; both may be empty.
    """

    name: str = ""
    holder: str = ""
    migrations: int = 0
    pending: int = 0
    newer: tuple[str, ...] = ()
    bytes: int = 0
    conversations: tuple[ConversationReference, ...] = ()
    channels: tuple[str, ...] = ()
    forbidden: str = ""
    open: str = ""
