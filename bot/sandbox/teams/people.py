"""Who is in the tenant, where they talk, and what was said: the state that server and client share."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

from bot.sandbox.teams.cards import ADAPTIVE, Drawing, draw
from bot.sandbox.teams.errors import StandInError

Json: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["personal", "channel", "groupChat"]

ROLES = ("viewer", "operator", "admin", "second admin")
BOT = "bot"
_REFUSALS_KEPT = 1000


class Person(Struct, frozen=True):
    """Someone of the tenant. ``id`` is what this bot sees; another bot would see another."""

    role: str
    id: str
    aad_object_id: str
    name: str
    upn: str


class Group(Struct):
    """A security group of the directory, with the roles of its members; groups within it count as theirs."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)


TARGETED_SECONDS = 24 * 3600.0
"""For which a targeted message is shown (learn.microsoft.com, "Send and receive targeted messages", June 2026)."""


class Message(Struct):
    """One message. ``thread`` is the id of its root ("" for a root and outside channels)."""

    id: str
    thread: str
    sender: str
    at: str
    text: str = ""
    text_format: str = "markdown"
    summary: str = ""
    attachments: list[Json] = field(default_factory=list)
    layout: str = "list"
    edited: bool = False
    deleted: bool = False
    posted: float = 0.0
    """When, in seconds by the clock of the tenant; the same for the two below."""
    edited_at: list[float] = field(default_factory=list)
    deleted_at: float | None = None
    only: str = ""
    """The role of the one person who sees it, of a targeted message; "" for one that everybody sees."""
    views: dict[tuple[str, int], Json] = field(default_factory=dict)
    """Cards that an Action.Execute put in the place of an attachment, for one person: (role, index) -> card."""
    drawn: dict[tuple[str, int], Drawing] = field(default_factory=dict)
    """Drawings of the attachments ("" for everyone) and of the views, made when first looked at."""

    def fresh(self, now: float) -> bool:
        """Whether the clients still have a targeted message, which leaves them after a day."""
        return now - self.posted < TARGETED_SECONDS

    def fill(self, activity: Json) -> None:
        """Take the content of an activity in the place of the old, for everyone."""
        self.text = activity.get("text") or ""
        self.text_format = activity.get("textFormat") or "markdown"
        self.summary = activity.get("summary") or ""
        self.attachments = list(activity.get("attachments") or [])
        self.layout = activity.get("attachmentLayout") or "list"
        self.views.clear()
        self.drawn.clear()

    def replace(self, role: str, index: int, card: Json) -> None:
        """Show one person another card in the place of an attachment."""
        self.views[role, index] = card
        self.drawn.pop((role, index), None)

    def cards(self, role: str = "") -> list[Drawing | None]:
        """What each attachment looks like to a person; None for one that is not an adaptive card."""
        return [
            self._drawing(role if (role, index) in self.views else "", index)
            if attachment["contentType"] == ADAPTIVE
            else None
            for index, attachment in enumerate(self.attachments)
        ]

    def _drawing(self, role: str, index: int) -> Drawing:
        key = (role, index)
        if key not in self.drawn:
            self.drawn[key] = draw(self.views[key] if role else self.attachments[index].get("content"))
        return self.drawn[key]


class Conversation(Struct):
    """A conversation: a person's chat with the bot, a channel or a group chat."""

    id: str
    name: str
    kind: Kind
    title: str
    members: tuple[str, ...]
    installed: bool = False
    met: bool = False
    """Whether the bot was ever installed here."""
    blocked: bool = False
    deleted: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    told: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    """Ids of activities other than messages that the bot was sent here: it may reply to them."""

    def seen_by(self, role: str, now: float) -> list[Message]:
        """What a person sees of the history; role "" sees all that is left of it."""
        told = [each for each in self.messages.values() if not each.only or role in ("", each.only)]
        return [each for each in told if not each.only or each.fresh(now)]

    def visible(self, message: str) -> Message | None:
        """A message that exists and is not deleted."""
        found = self.messages.get(message)
        return None if found is None or found.deleted else found

    def root(self, message: str) -> str:
        """The root of the thread that ``message`` belongs to; "" outside channels and for what is not a message."""
        found = self.messages.get(message)
        return (found.thread or found.id) if found is not None and self.kind == "channel" else ""


def split(conversation: str) -> tuple[str, str]:
    """A conversation id as (base id, root message id or "")."""
    base, _, root = conversation.partition(";messageid=")
    return base, root


def _guid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.teams.batchbot.sandbox"))


def _opaque(prefix: str, name: str, size: int) -> str:
    """An id that looks like Teams' own: a prefix and url-safe base64 that says nothing."""
    raw = b"".join(hashlib.sha256(f"{name}/{n}".encode()).digest() for n in range(size // 32 + 1))
    return prefix + base64.urlsafe_b64encode(raw).decode()[:size]


class Tenant:
    """The people, the conversations and the bot of one Microsoft 365 tenant, and the event stream about them."""

    def __init__(
        self, *, app_id: str, bot_name: str, tenant_id: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self.app_id = app_id
        self.bot_id = f"28:{app_id}"
        self.bot_name = bot_name
        self.id = tenant_id or _guid("tenant")
        self.clock = clock
        self.people = {
            role: Person(
                role=role,
                id=_opaque("29:1", f"{role}/{app_id}", 85),
                aad_object_id=_guid(role),
                name=role.title(),
                upn=f"{role.replace(' ', '.')}@sandbox.example",
            )
            for role in ROLES
        }
        operators = Group(_guid("operators group"), "Batch operators", {"operator"})
        self.groups = {operators.id: operators}
        digest = hashlib.sha256(b"team").hexdigest()[:32]
        self.team_id = f"19:{digest}@thread.tacv2"
        self.team_name = "Batch Ops"
        self.team_group_id = _guid("team")
        chats = [
            Conversation(
                id=_opaque("a:1", f"{role}/{app_id}", 120), name=role, kind="personal", title=bot_name, members=(role,)
            )
            for role in ROLES
        ]
        # The General channel has the id of its team, as in Teams.
        general = self.channel_title("General")
        chats.append(Conversation(id=self.team_id, name="general", kind="channel", title=general, members=ROLES))
        group = f"19:{hashlib.sha256(b'group').hexdigest()[:32]}@thread.v2"
        chats.append(Conversation(id=group, name="group", kind="groupChat", title="Batch on call", members=ROLES))
        self.conversations = {chat.id: chat for chat in chats}
        self._named = {chat.name: chat for chat in chats}
        self.refused: deque[Json] = deque(maxlen=_REFUSALS_KEPT)
        self.disabled = False
        """An admin forbade the bot in the whole tenant."""
        self._watchers: set[asyncio.Queue[Json]] = set()
        self._last = 0

    def person(self, user: str) -> Person:
        """By role, Teams id or Entra object id. Raises ``UserNotFound``."""
        for person in self.people.values():
            if user in {person.role, person.id, person.aad_object_id}:
                return person
        raise StandInError("UserNotFound", user)

    def group(self, group: str) -> Group:
        """A group by object id or name. Raises ``GroupNotFound``."""
        for each in self.groups.values():
            if group in {each.id, each.name}:
                return each
        raise StandInError("GroupNotFound", group)

    def chat(self, conversation: str, user: str = "") -> Conversation:
        """By name or id (a thread's id too). With ``user``, that person must be a member.

        Raises ``ConversationNotFound`` or ``NotAMember``.
        """
        chat = self._named.get(conversation) or self.conversations.get(split(conversation)[0])
        if chat is None or chat.deleted:
            raise StandInError("ConversationNotFound", conversation)
        if user and user not in chat.members:
            raise StandInError("NotAMember", f"{user} is not in {chat.title}")
        return chat

    def together(self, chat: Conversation) -> list[Conversation]:
        """The conversations in which the bot is, or is not, with ``chat``: all channels of the team."""
        return [each for each in self.conversations.values() if each is chat or each.kind == chat.kind == "channel"]

    def channel_title(self, name: str) -> str:
        """What people see of a channel's name."""
        return f"{self.team_name} / {name}"

    def add_channel(self, name: str) -> Conversation:
        """A new channel of the team. Raises ``NameTaken``."""
        if name in self._named and not self._named[name].deleted:
            raise StandInError("NameTaken", name)
        team = self.conversations[self.team_id]
        digest = hashlib.sha256(f"channel/{name}/{len(self.conversations)}".encode()).hexdigest()[:32]
        chat = Conversation(
            id=f"19:{digest}@thread.tacv2",
            name=name,
            kind="channel",
            title=self.channel_title(name),
            members=ROLES,
            installed=team.installed,
            met=team.met,
        )
        self.conversations[chat.id] = self._named[name] = chat
        return chat

    def now(self) -> datetime:
        """The time by the stand-in's clock."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def message_id(self) -> str:
        """A new message id: milliseconds since 1970, always growing."""
        self._last = max(self._last + 1, int(self.clock() * 1000))
        return str(self._last)

    def post(self, chat: Conversation, message: Message) -> None:
        """Put a message into its conversation and tell the watchers."""
        message.posted = self.clock()
        chat.messages[message.id] = message
        only = {"only": message.only} if message.only else {}
        self.emit("posted", conversation=chat.id, message=message.id, **only)
        self.examine(chat, message)

    def change(self, chat: Conversation, message: Message, activity: Json) -> None:
        """Give a message other content."""
        message.fill(activity)
        message.edited = True
        message.edited_at.append(self.clock())
        self.emit("updated", conversation=chat.id, message=message.id)
        self.examine(chat, message)

    def delete(self, chat: Conversation, message: Message) -> None:
        """Take a message away."""
        message.deleted, message.deleted_at = True, self.clock()
        self.emit("deleted", conversation=chat.id, message=message.id)

    def examine(self, chat: Conversation, message: Message, role: str = "") -> None:
        """Record what the client cannot draw of a message."""
        for drawing in message.cards(role):
            for problem in drawing.problems if drawing else ():
                if problem.grave:
                    extra = {"user": role} if role else {}
                    self.refuse("card", problem.code, str(problem), conversation=chat.id, message=message.id, **extra)

    def emit(self, event: str, **facts: Any) -> None:
        """Tell everyone who watches."""
        for queue in self._watchers:
            queue.put_nowait({"event": event, **facts})

    def refuse(self, what: str, code: str, reason: str, **facts: Any) -> None:
        """Note down something that was refused, and tell."""
        record = {"at": stamp(self.now()), "what": what, "code": code, "reason": reason, **facts}
        self.refused.append(record)
        self.emit("refused", **record)

    def watch(self) -> asyncio.Queue[Json]:
        """A queue of events from now on."""
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._watchers.add(queue)
        return queue

    def unwatch(self, queue: asyncio.Queue[Json]) -> None:
        """End one subscription."""
        self._watchers.discard(queue)

    def unwatch_all(self) -> None:
        """End every subscription with a last event ``closed``."""
        self.emit("closed")
        self._watchers.clear()


def stamp(moment: datetime) -> str:
    """A moment as Teams writes it: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
