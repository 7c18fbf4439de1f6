"""What a person asked, in the same words for every platform."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from cards.people import unnamed


class Person(Struct, frozen=True):
    """Who asks. ``id`` is the immutable user id on ``platform``; ``zone`` an IANA name when the platform gave it.

    ``platform`` is a name of :data:`bot.chat.platforms.PLATFORMS`, as in every stored id.

    ``groups`` are the immutable ids of the groups named by the settings that the platform says the person is in (Slack
    user groups, ``group:`` and the object id of Entra groups). ``unread`` are those of which it could not be read
    whether the person is in them.

    ``home`` is the workspace or tenant that the person belongs to, which in a shared channel need not be the
    conversation's; empty where the payload says nothing of it. ``homes`` are all that the payload names as theirs: one
    of them that is not the bot's makes them ``foreign``.

    ``kind``: a ``member`` of the bot's own workspace or tenant, a ``guest`` there, ``foreign`` for a person of another
    one (Slack Connect, shared channels), or a ``bot`` or workflow. Who is no member may do nothing unless named. With
    ``kind_read`` False the platform could not be asked, so that a ``member`` may be a guest, and a ``foreign`` person
    may be a member: which of the two is assumed depends on what the payload says.
    """

    platform: str
    id: str
    name: str = ""
    zone: str | None = None
    groups: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    home: str = ""
    homes: tuple[str, ...] = ()
    kind: Literal["member", "guest", "foreign", "bot"] = "member"
    kind_read: bool = True

    @property
    def key(self) -> str:
        """What the person is known by: ``platform:id``."""
        return f"{self.platform}:{self.id}"


class Conversation(Struct, frozen=True):
    """Where the conversation is.

    ``id`` is the channel or conversation id; ``team`` the Slack workspace or Teams tenant; ``thread`` the root
    message an answer belongs under; ``service_url`` the Teams connector address (empty on other platforms).
    """

    platform: str
    id: str
    kind: Literal["channel", "group", "personal"] = "channel"
    team: str = ""
    thread: str | None = None
    name: str = ""
    service_url: str = ""

    @property
    def key(self) -> str:
        """What the conversation is known by: ``platform:id``."""
        return f"{self.platform}:{self.id}"


WELCOME = "help welcome"
"""What is answered where the bot comes into a conversation, or is opened for the first time."""


class CommandRequest(Struct, frozen=True):
    """One request, however it came: typed, clicked or submitted from a form.

    ``key`` is unique for the delivery (Slack event, trigger or envelope id; Teams activity id) and is what
    de-duplication compares. ``text`` is the command without the bot's name. ``message`` is the message that a
    click came from; with ``how == "edit"`` the answer replaces it. ``values`` are a submitted form's inputs by
    parameter name, added to ``text``. ``reply_url`` is Slack's ``response_url``, for conversations the bot is not in.
    ``files`` are the platform's references to what is attached to the message, for :meth:`bot.chat.port.Chat.fetch`.
    ``through`` is what it was asked through where that is not the platform itself, in words: MCP.
    ``asides`` says that the asker can be told what nobody else sees there, though not everywhere on the platform.
    """

    key: str
    text: str
    person: Person
    conversation: Conversation
    at: datetime
    how: Literal["edit", "post"] = "post"
    message: str | None = None
    values: dict[str, str] = {}
    reply_url: str = ""
    files: tuple[str, ...] = ()
    through: str = ""
    asides: bool = False


class Author(Struct, frozen=True):
    """Who set something: ``platform:id``, and the name where the platform gives it."""

    id: str
    name: str = ""

    @classmethod
    def of(cls, request: CommandRequest) -> Author:
        """The asker."""
        return cls(request.person.key, request.person.name)

    @property
    def called(self) -> str:
        """Their name, or else their id on their platform."""
        return self.name or self.id.partition(":")[2]

    def shown_to(self, request: CommandRequest) -> str:
        """In words for whoever reads the answer to a request: "you" only in a personal chat, where nobody else does."""
        me = request.person
        if self.id == me.key and request.conversation.kind == "personal":
            return "you"
        name = self.name or (me.name if self.id == me.key else "")
        return name or unnamed(self.id)
