"""What Teams sends, typed, and what it means to the program.

Only what is used is decoded, and everything may be absent: which fields come differs between clients, and a field
nobody reads is no reason to turn a person away.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.typed import MOST, is_readable, unescaped, without_markup

_KINDS: dict[str | None, Literal["channel", "group", "personal"]] = {
    "channel": "channel",
    "groupChat": "group",
    "personal": "personal",
}
_THREAD = ";messageid="
_CARDS = "application/vnd.microsoft.card."
_MENTIONS = 50
"""In one message that are looked at."""
_NAME = 500
"""Characters of a name that is mentioned."""
_MARKUP = re.compile(r"<[^<>]*>")


class Account(Struct, rename="camel"):
    """A person or a bot."""

    id: str | None = None
    name: str | None = None
    aad_object_id: str | None = None
    role: str | None = None
    tenant_id: str | None = None
    user_role: str | None = None
    user_principal_name: str | None = None


def standing(account: Account, tenant: str) -> Literal["member", "guest", "foreign"]:
    """What somebody is to a tenant: whoever is not in a directory (a federated or an anonymous person) is foreign.

    A person of another tenant who was invited has ``#EXT#`` in the name they sign in with, whatever their role is.
    """
    if not account.aad_object_id or (account.tenant_id and tenant and account.tenant_id != tenant):
        return "foreign"
    invited = "#ext#" in (account.user_principal_name or "").lower()
    return "guest" if invited or (account.user_role or "").lower() in ("guest", "anonymous") else "member"


class ConversationAccount(Struct, rename="camel"):
    """A chat or a channel; in a channel the id names the thread too."""

    id: str | None = None
    name: str | None = None
    conversation_type: str | None = None
    is_group: bool | None = None
    tenant_id: str | None = None


class Named(Struct):
    """Something with an id; ``type`` is a channel's: ``shared`` where people of other tenants may be in it."""

    id: str | None = None
    name: str | None = None
    type: str | None = None


class ChannelData(Struct, rename="camel"):
    """What only Teams has."""

    tenant: Named | None = None
    team: Named | None = None
    channel: Named | None = None
    event_type: str | None = None


class Entity(Struct):
    """A mention, or facts about the client."""

    type: str | None = None
    text: str | None = None
    mentioned: Account | None = None
    timezone: str | None = None


class Attachment(Struct, rename="camel"):
    """Something attached: a file, or what was written as HTML, whose content is a text."""

    content_type: str | None = None
    name: str | None = None
    content: object = None


class Activity(Struct, rename="camel"):
    """An activity, as far as it is used."""

    type: str
    id: str | None = None
    channel_id: str | None = None
    service_url: str | None = None
    sender: Account = field(name="from", default_factory=Account)
    recipient: Account | None = None
    conversation: ConversationAccount = field(default_factory=ConversationAccount)
    text: str | None = None
    text_format: str | None = None
    value: object = None
    name: str | None = None
    action: str | None = None
    entities: list[Entity] | None = None
    attachments: list[Attachment] | None = None
    members_added: list[Account] | None = None
    members_removed: list[Account] | None = None
    channel_data: ChannelData | None = None
    timestamp: str | None = None
    local_timezone: str | None = None
    reply_to_id: str | None = None

    @property
    def tenant(self) -> str:
        """The tenant it comes from; empty when it does not say."""
        of_channel = self.channel_data.tenant.id if self.channel_data and self.channel_data.tenant else None
        return of_channel or self.conversation.tenant_id or ""

    @property
    def key(self) -> str:
        """What de-duplication compares: message ids are times, unique within their conversation only."""
        return f"teams:{self.conversation.id}:{self.id}"

    @property
    def at(self) -> datetime:
        """When it was sent; now, where it does not say."""
        try:
            at = datetime.fromisoformat(self.timestamp or "")
        except ValueError:
            return datetime.now(UTC)
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    @property
    def from_bot(self) -> bool:
        """True for what bots say: answering it could go on forever."""
        return self.sender.role in ("bot", "skill") or (self.sender.id or "").startswith("28:")

    @property
    def has_card(self) -> bool:
        """True where a card came along, as a message extension puts one into a message."""
        return any((each.content_type or "").startswith(_CARDS) for each in self.attachments or ())

    @property
    def is_shared(self) -> bool:
        """True in a channel in which people of other tenants may be."""
        channel = self.channel_data.channel if self.channel_data else None
        return channel is not None and channel.type == "shared"

    def concerns_bot(self, members: list[Account] | None) -> bool:
        """True where the bot itself is one of ``members``."""
        return bool(self.recipient and self.recipient.id) and any(
            member.id == self.recipient.id for member in members or () if self.recipient
        )

    def origin(self) -> Conversation:
        """Where it was said."""
        channel = self.channel_data.channel if self.channel_data else None
        kind = _KINDS.get(self.conversation.conversation_type)
        if kind is None:
            kind = "channel" if channel else "group" if self.conversation.is_group else "personal"
        base, _, thread = (self.conversation.id or "").partition(_THREAD)
        return Conversation(
            platform="teams",
            id=base,
            kind=kind,
            team=self.tenant,
            thread=thread or None,
            name=self.conversation.name or self._channel_name() or "",
            service_url=self.service_url or "",
        )

    def _channel_name(self) -> str | None:
        """The channel's name, or its team's: events name the team, whose id is that of its first channel."""
        channel, team = (self.channel_data.channel, self.channel_data.team) if self.channel_data else (None, None)
        if channel and channel.name:
            return channel.name
        return team.name if team and (channel is None or channel.id == team.id) else None

    def person(self) -> Person:
        """Who said it: the directory's object id, which is the same in every conversation and every bot."""
        named = [each for each in (self.sender.tenant_id, self.conversation.tenant_id) if each]
        away = next((each for each in named if each != self.tenant), "")
        kind = "bot" if self.from_bot else "foreign" if away else standing(self.sender, self.tenant)
        unsure = kind == "member" and not self.sender.tenant_id and self.is_shared
        return Person(
            platform="teams",
            id=self.sender.aad_object_id or self.sender.id or "",
            name=self.sender.name or "",
            zone=self._zone(),
            home=away or self.tenant,
            kind="foreign" if unsure else kind,
            kind_read=not unsure and kind != "member",
        )

    def ask(
        self,
        text: str,
        *,
        how: Literal["edit", "post"] = "post",
        message: str | None = None,
        values: dict[str, str] | None = None,
        files: tuple[str, ...] = (),
    ) -> CommandRequest:
        """The request it makes."""
        return CommandRequest(
            key=self.key,
            text=text,
            person=self.person(),
            conversation=self.origin(),
            at=self.at,
            how=how,
            message=message,
            values=values or {},
            files=files,
        )

    def spoken(self) -> str:
        """The words without the mention of the bot, without markup; other people's mentions become their names.

        What is too long to be a command is not read: it is cut, and still too long.
        """
        text = self.text or ""
        if not is_readable(text):
            return text[:MOST]
        mentions = [entity for entity in self.entities or () if entity.type == "mention" and entity.mentioned]
        for entity in mentions[:_MENTIONS]:
            text = self._without(text, entity)
        text = without_markup(text) if self.text_format in {"xml", "html"} else unescaped(text)
        return text.replace("\xa0", " ").strip()

    def _without(self, text: str, entity: Entity) -> str:
        """``text`` with one mention taken out, or put in plain words."""
        mentioned, tagged = entity.mentioned or Account(), (entity.text or "")[:_NAME]
        shown = (_MARKUP.sub("", tagged) or (mentioned.name or "")[:_NAME]).strip()
        is_bot = self.recipient is not None and mentioned.id == self.recipient.id
        words = " " if is_bot else shown
        if tagged and tagged in text:
            return text.replace(tagged, words)
        # Some clients write <at id="0">Name</at> in the text and <at>Name</at> in the entity.
        return re.sub(rf"<at\b[^<>]*>\s*{re.escape(shown)}\s*</at>", lambda _: words, text) if shown else text

    def _zone(self) -> str | None:
        """The sender's IANA time zone, where the client sent a real one."""
        sent = [
            self.local_timezone,
            *(entity.timezone for entity in self.entities or () if entity.type == "clientInfo"),
        ]
        for name in sent:
            if name:
                try:
                    ZoneInfo(name)
                except (KeyError, ValueError, OSError):
                    continue
                return name
        return None
