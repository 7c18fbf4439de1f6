"""The activities Teams sends, shaped as the real ones are."""

from __future__ import annotations

import html
import re
import uuid
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from bot.sandbox.teams.people import Conversation, Message, Person, Tenant, stamp

Json: TypeAlias = dict[str, Any]

LOCALE = "en-US"
COUNTRY = "US"


class Envelope:
    """Writes activities of one tenant. ``zone`` is the people's time zone (an IANA name)."""

    def __init__(self, tenant: Tenant, *, zone: str = "America/Chicago") -> None:
        self._tenant = tenant
        self.zone = zone
        self.service_url = ""

    # -- said by a person ----------------------------------------------------------------------------------------------

    def message(self, person: Person, chat: Conversation, message: Message) -> Json:
        """A written message. The mention of the bot stands in text, entities and the html attachment."""
        mention = f"<at>{self._tenant.bot_name}</at>"
        activity = self._from(person, chat, "message", message.id, thread=message.thread or message.id)
        activity |= {
            "text": message.text if chat.kind == "personal" else f"{message.text}\n",
            "textFormat": "plain",
            "attachments": [
                *message.attachments,
                {"contentType": "text/html", "content": self._html(message.text)},
            ],
        }
        if mention in message.text:
            mentioned = {"id": self._tenant.bot_id, "name": self._tenant.bot_name}
            activity["entities"].insert(0, {"type": "mention", "mentioned": mentioned, "text": mention})
        if message.thread and chat.kind == "channel":
            activity["replyToId"] = message.thread
        if chat.kind == "channel":
            activity["channelData"] |= {"teamsChannelId": chat.id, "teamsTeamId": self._tenant.team_id}
        return activity

    def submitted(self, person: Person, chat: Conversation, card: Message, value: object, text: str = "") -> Json:
        """An Action.Submit: a message with a value and usually no text."""
        activity = self._pressed(person, chat, "message", card)
        activity["value"] = value
        if text:
            activity |= {"text": text, "textFormat": "plain"}
        return activity

    def invoke(
        self, person: Person, chat: Conversation, name: str, value: Json, card: Message, *, dialog: bool = False
    ) -> Json:
        """A request that waits for an answer, pressed on ``card``'s message or in a ``dialog`` opened from there."""
        activity = self._pressed(person, chat, "invoke", card, dialog=dialog)
        activity |= {"name": name, "value": value}
        return activity

    def composing(self, person: Person, chat: Conversation, name: str, value: object) -> Json:
        """A request of the message extension, made while a message is written or about one that stands there."""
        activity = self._from(person, chat, "invoke", _event_id(), thread="")
        activity["channelData"] |= {"source": {"name": "compose"}}
        activity |= {"name": name, "value": value}
        return activity

    # -- done to the bot -----------------------------------------------------------------------------------------------

    def installation(self, person: Person, chat: Conversation, action: str) -> Json:
        """installationUpdate; ``action`` is ``add`` or ``remove``."""
        activity = self._event(person, chat, "installationUpdate")
        activity |= {"action": action, "locale": LOCALE, "entities": [{"type": "clientInfo", "locale": LOCALE}]}
        activity["channelData"] |= {
            "settings": {"selectedChannel": {"id": chat.id}},
            "source": {"name": "message"},
        }
        return activity

    def membership(self, person: Person, chat: Conversation, *, joined: bool) -> Json:
        """conversationUpdate with the bot among membersAdded or membersRemoved."""
        activity = self._event(person, chat, "conversationUpdate")
        members: list[Json] = [{"id": self._tenant.bot_id}]
        if chat.kind == "personal":
            members.insert(0, {"id": person.id, "aadObjectId": person.aad_object_id})
        activity["membersAdded" if joined else "membersRemoved"] = members
        if chat.kind == "channel":
            activity["channelData"] |= {
                "eventType": "teamMemberAdded" if joined else "teamMemberRemoved",
                "settings": {"selectedChannel": {"id": chat.id}},
            }
        return activity

    def channel(self, person: Person, team: Conversation, chat: Conversation, event: str) -> Json:
        """conversationUpdate of the ``team`` about one of its channels.

        ``event`` is ``channelCreated``, ``channelRenamed`` or ``channelDeleted``; the shape is that of Microsoft's page
        "Conversation events in your Teams bot".
        """
        activity = self._event(person, team, "conversationUpdate")
        name = chat.title.removeprefix(self._tenant.channel_title(""))
        activity["channelData"] |= {"channel": {"id": chat.id, "name": name}, "eventType": event}
        return activity

    def topic(self, person: Person, chat: Conversation) -> Json:
        """conversationUpdate of a group chat that got another title."""
        activity = self._event(person, chat, "conversationUpdate")
        activity["topicName"] = chat.title
        return activity

    # -- the common parts ----------------------------------------------------------------------------------------------

    def _event(self, person: Person, chat: Conversation, kind: str) -> Json:
        activity = self._base(chat, kind, _event_id())
        activity["from"] = {"id": person.id, "aadObjectId": person.aad_object_id}
        if chat.kind == "channel":
            activity["channelData"]["team"] |= {
                "name": self._tenant.team_name,
                "aadGroupId": self._tenant.team_group_id,
            }
        return activity

    def _pressed(self, person: Person, chat: Conversation, kind: str, card: Message, *, dialog: bool = False) -> Json:
        activity = self._from(person, chat, kind, _event_id(), thread=card.thread or card.id)
        if not dialog:
            legacy = f"1:{uuid.uuid5(uuid.NAMESPACE_OID, card.id).hex}"
            activity["channelData"] |= {"source": {"name": "message"}, "legacy": {"replyToId": legacy}}
            activity["replyToId"] = card.id
        return activity

    def _from(self, person: Person, chat: Conversation, kind: str, activity_id: str, *, thread: str) -> Json:
        now = self._tenant.now()
        activity = self._base(chat, kind, activity_id, thread=thread, now=now)
        activity |= {
            "localTimestamp": now.astimezone(ZoneInfo(self.zone)).isoformat(timespec="milliseconds"),
            "localTimezone": self.zone,
            "locale": LOCALE,
            "from": {"id": person.id, "name": person.name, "aadObjectId": person.aad_object_id},
            "entities": [
                {
                    "type": "clientInfo",
                    "locale": LOCALE,
                    "country": COUNTRY,
                    "platform": "Web",
                    "timezone": self.zone,
                }
            ],
        }
        return activity

    def _base(
        self, chat: Conversation, kind: str, activity_id: str, *, thread: str = "", now: datetime | None = None
    ) -> Json:
        tenant = self._tenant
        threaded = chat.kind == "channel" and thread
        conversation: Json = {
            "conversationType": chat.kind,
            "tenantId": tenant.id,
            "id": f"{chat.id};messageid={thread}" if threaded else chat.id,
        }
        channel_data: Json = {"tenant": {"id": tenant.id}}
        if chat.kind != "personal":
            conversation["isGroup"] = True
        if chat.kind == "channel":
            channel_data |= {"team": {"id": tenant.team_id}, "channel": {"id": chat.id}}
        return {
            "type": kind,
            "id": activity_id,
            "timestamp": stamp(now or tenant.now()),
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "conversation": conversation,
            "recipient": {"id": tenant.bot_id, "name": tenant.bot_name},
            "channelData": channel_data,
        }

    def _html(self, text: str) -> str:
        """The message as the editor keeps it: a string, with the mention as a span."""
        mention = f"<at>{self._tenant.bot_name}</at>"
        span = (
            f'<span itemscope="" itemtype="http://schema.skype.com/Mention" itemid="0">{self._tenant.bot_name}</span>'
        )
        parts = [html.escape(part, quote=False).replace("\n", "<br>") for part in text.split(mention)]
        return "<p>" + re.sub(r"(</span>) ", r"\1&nbsp;", span.join(parts)) + "</p>"


def _event_id() -> str:
    return f"f:{uuid.uuid4()}"
