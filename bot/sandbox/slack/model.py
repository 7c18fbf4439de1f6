"""The state of the workspace: channels and what was said in them. Everything that changes is announced."""

from __future__ import annotations

import asyncio
import copy
import itertools
import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from bot.sandbox.slack.errors import StandInError
from bot.sandbox.slack.people import (
    APP,
    BOT,
    BOT_USER,
    PEOPLE,
    TEAM,
    Channel,
    Json,
    Person,
    UserGroup,
    channels,
    usergroups,
)
from bot.sandbox.slack.words import typed


@dataclass
class Message:
    """One message; ``only_for`` makes it ephemeral, ``error`` marks Slack's own word about a failure."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    only_for: str = ""
    files: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    client_msg_id: str = ""
    edited: Json | None = None
    error: str = ""
    broadcast: bool = False
    posted: float = 0.0
    """When, by the clock of the workspace; the same for the two below."""
    edited_at: list[float] = field(default_factory=list)
    deleted_at: float | None = None

    @property
    def by_bot(self) -> bool:
        """Written by the app."""
        return self.user == BOT_USER

    def wire(self) -> Json:
        """Slack's message object, without what a thread's first message tells about its replies."""
        body: Json = {"user": self.user, "type": "message", "ts": self.ts, "text": self.text, "team": TEAM}
        if self.by_bot:
            body |= {"bot_id": BOT, "app_id": APP, "bot_profile": BOT_PROFILE}
        if self.client_msg_id:
            body["client_msg_id"] = self.client_msg_id
        for key in ("blocks", "files", "attachments", "thread_ts", "metadata", "edited"):
            if value := getattr(self, key):
                body[key] = copy.deepcopy(value)
        if self.files:
            body |= {"subtype": "file_share", "upload": True, "display_as_bot": False}
        if self.broadcast:
            body["subtype"] = "thread_broadcast"
        return body


BOT_PROFILE: Json = {
    "id": BOT,
    "app_id": APP,
    "user_id": BOT_USER,
    "name": "batchbot",
    "icons": {},
    "deleted": False,
    "updated": 1_700_000_000,
    "team_id": TEAM,
}


class Workspace:
    """Channels, messages and the ids and times they are known by.

    ``announce`` sends a JSON-able change to everybody who subscribed; ``hears`` is told each Events API event
    by the name of its subscription (``message.im``, ``app_mention`` …) and may pass it on to the app.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.people: dict[str, Person] = {person.id: person for person in PEOPLE}
        self.groups: dict[str, UserGroup] = {group.id: group for group in usergroups()}
        self.channels: dict[str, Channel] = {channel.id: channel for channel in channels()}
        self.said: dict[str, dict[str, Message]] = {channel: {} for channel in self.channels}
        self.ever: dict[str, list[Message]] = {channel: [] for channel in self.channels}
        """Every message that was ever posted, also those that are gone."""
        self._replies: dict[tuple[str, str], list[Message]] = {}
        self.queues: set[asyncio.Queue[Json]] = set()
        self.hears: Callable[[str, Json], None] = lambda subscription, event: None
        self._last_ts = 0

    # names, ids and times --------------------------------------------------------------------------------------

    def ts(self) -> str:
        """The present moment as a message's id: unique and rising."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 100)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def id(self, prefix: str, length: int = 10) -> str:
        """A fresh id; the same ones in the same order for the same seed."""
        return prefix + "".join(self.random.choices(string.ascii_uppercase + string.digits, k=length))

    def uuid(self) -> str:
        """A fresh id of the long kind."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def person(self, who: str) -> Person:
        """Somebody by id or role."""
        for person in self.people.values():
            if who in (person.id, person.role, person.name):
                return person
        raise StandInError("user_not_found", f"nobody is called {who!r}")

    def channel(self, where: str) -> Channel:
        """A channel by id or name, with or without #."""
        for channel in self.channels.values():
            named = channel.kind == "channel" and where.removeprefix("#") == channel.name
            if not channel.deleted and (where == channel.id or named):
                return channel
        raise StandInError("channel_not_found", f"there is no channel {where!r}")

    def moved(self, old: str, new: str) -> None:
        """A channel has another id: what was said in it is found by that."""
        self.said[new], self.ever[new] = self.said.pop(old), self.ever.pop(old)
        for message in self.ever[new]:
            message.channel = new
        for channel, thread in [key for key in self._replies if key[0] == old]:
            self._replies[new, thread] = self._replies.pop((channel, thread))

    def direct(self, user: str) -> Channel:
        """The direct messages between the app and ``user``."""
        return next(channel for channel in self.channels.values() if channel.person == user)

    def announce(self, change: Json) -> None:
        """Tell everybody who looks on."""
        for queue in self.queues:
            queue.put_nowait(copy.deepcopy(change))

    # what was said ---------------------------------------------------------------------------------------------

    def find(self, channel: str, ts: str) -> Message | None:
        """The message, if it is (still) there."""
        return self.said[channel].get(ts)

    def history(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """What everybody in the channel sees, oldest first: top level messages, or a thread with its root."""
        shown = [message for message in self.said[channel].values() if not message.only_for]
        if thread_ts is None:
            return [m for m in shown if m.thread_ts in (None, m.ts) or m.broadcast]
        return [m for m in shown if thread_ts in (m.ts, m.thread_ts)]

    def wire(self, message: Message) -> Json:
        """Slack's message object; the first message of a thread tells of its replies, a broadcast reply of its root."""
        body = message.wire()
        if message.broadcast and message.thread_ts and (root := self.find(message.channel, message.thread_ts)):
            body["root"] = self.wire(root)
        if replies := self._replies.get((message.channel, message.ts)):
            users = list(dict.fromkeys(reply.user for reply in replies))
            body |= {
                "thread_ts": message.ts,
                "reply_count": len(replies),
                "reply_users_count": len(users),
                "latest_reply": replies[-1].ts,
                "reply_users": users[:5],
                "is_locked": False,
                "subscribed": message.by_bot,
            }
        return body

    def shown(self, message: Message) -> Json:
        """The message for the page."""
        extra: Json = {
            "edits": len(message.edited_at),
            "name": self.name_of(message.user),
            "ephemeral": bool(message.only_for),
        }
        if message.only_for:
            extra["only_for"] = message.only_for
        if message.error:
            extra["error"] = message.error
        return self.wire(message) | extra

    def name_of(self, user: str) -> str:
        """What others call a person."""
        return self.people[user].name if user in self.people else "slackbot"

    def say(self, user: str, channel: str, text: str, thread_ts: str | None, files: Sequence[Json] = ()) -> Message:
        """A person writes."""
        words, blocks = self.typed(text) if text else ("", [])
        said = Message(self.ts(), channel, user, words, blocks, thread_ts, files=list(files))
        said.client_msg_id = self.uuid()
        return self.post(said)

    def typed(self, text: str) -> tuple[str, list[Json]]:
        """What a person's typing becomes."""
        users = {person.name: person.id for person in self.people.values()}
        places = {place.name: place.id for place in self.channels.values() if place.kind == "channel"}
        return typed(text, users, places, self.id("", 5))

    def post(self, message: Message) -> Message:
        """Add a message and tell who is to know."""
        message.posted = self.clock()
        self.said[message.channel][message.ts] = message
        self.ever[message.channel].append(message)
        if message.only_for:
            self.announce(
                {
                    "type": "ephemeral",
                    "channel": message.channel,
                    "user": message.only_for,
                    "message": self.shown(message),
                }
            )
            return message
        if message.thread_ts:
            self._replies.setdefault((message.channel, message.thread_ts), []).append(message)
        self.announce({"type": "message", "channel": message.channel, "message": self.shown(message)})
        self._hear_message(self.wire(message), message, message.ts)
        if f"<@{BOT_USER}>" in message.text and not message.by_bot and self._bot_in(message.channel, "channel"):
            keys = ("user", "ts", "client_msg_id", "text", "team", "thread_ts", "blocks", "files")
            said = {key: value for key, value in message.wire().items() if key in keys}
            self.hears(
                "app_mention",
                {**said, "type": "app_mention", "channel": message.channel, "event_ts": message.ts},
            )
        return message

    def change(self, message: Message, by: str, fields: Mapping[str, Any]) -> None:
        """Set some of a message's text, blocks, files, attachments and metadata."""
        before = message.wire()
        for key, value in fields.items():
            setattr(message, key, value)
        message.edited_at.append(self.clock())
        ts = self.ts()
        if not message.only_for:
            message.edited = {"user": by, "ts": ts}
        self.announce(self._about(message, "message_changed", {"message": self.shown(message)}))
        self._hear_message({"message": message.wire(), "previous_message": before}, message, ts, "message_changed")

    def attach(self, message: Message, attachments: list[Json]) -> None:
        """Show something below a message that is another's; it does not count as edited."""
        before = message.wire()
        message.attachments = attachments
        self.announce(self._about(message, "message_changed", {"message": self.shown(message)}))
        changed = {"message": message.wire(), "previous_message": before}
        self._hear_message(changed, message, self.ts(), "message_changed")

    def delete(self, message: Message) -> None:
        """Remove a message."""
        message.deleted_at = self.clock()
        del self.said[message.channel][message.ts]
        if message.thread_ts and not message.only_for:
            self._replies[message.channel, message.thread_ts].remove(message)
        self.announce(self._about(message, "message_deleted", {"ts": message.ts}))
        gone = {"previous_message": message.wire(), "deleted_ts": message.ts}
        self._hear_message(gone, message, self.ts(), "message_deleted")

    def _about(self, message: Message, kind: str, more: Json) -> Json:
        to = {"user": message.only_for} if message.only_for else {}
        return {"type": kind, "channel": message.channel, **to, **more}

    def _bot_in(self, channel: str, kind: str) -> bool:
        place = self.channels[channel]
        return place.kind == kind and BOT_USER in place.members

    def _hear_message(self, body: Json, message: Message, ts: str, subtype: str = "") -> None:
        if message.only_for or BOT_USER not in self.channels[message.channel].members:
            return
        kind = self.channels[message.channel].sort
        changed = {"subtype": subtype, "hidden": True, "ts": ts} if subtype else {}
        where = {"channel": message.channel, "event_ts": ts, "channel_type": kind}
        subscription = f"message.{self.channels[message.channel].scope}"
        self.hears(subscription, {"type": "message", **body, **changed, **where})


def with_ids(blocks: list[Json], fresh: Callable[[], str]) -> list[Json]:
    """A copy of legal blocks with what Slack adds: ids where there are none, and the defaults of text objects."""
    blocks = copy.deepcopy(blocks)
    for block in blocks:
        block.setdefault("block_id", fresh())
        parts = itertools.chain([block.get("accessory"), block.get("element")], block.get("elements") or ())
        if block["type"] in {"section", "actions", "input", "context_actions"}:
            for part in parts:
                if isinstance(part, dict) and part["type"] != "image":
                    part.setdefault("action_id", fresh())
        for text in _texts(block):
            text.setdefault(*(("emoji", True) if text["type"] == "plain_text" else ("verbatim", False)))
    return blocks


def _texts(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        if value.get("type") in {"plain_text", "mrkdwn"}:
            yield value
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
