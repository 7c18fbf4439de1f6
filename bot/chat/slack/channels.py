"""Where the bot may write on Slack, and under which id, as Slack's events report it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.port import Moved, Reach
from bot.chat.request import Conversation
from storage.port.conversations import ConversationReference
from storage.port.decoding import decoded
from storage.port.store import Store

log = structlog.get_logger()

_LEFT = {"left", "archive", "deleted"}
"""``channel_*`` of public channels, ``group_*`` of private ones. Who is removed gets no member_left_channel."""


class Channels:
    """Keeps :class:`storage.port.store.ConversationReference` right, and calls whoever wants to know."""

    def __init__(self, store: Store) -> None:
        self.on_reach: Reach | None = None
        self.on_move: Moved | None = None
        self._store = store
        self._moved: dict[str, str] = {}
        self._shut: set[str] = set()
        self._names: dict[str, str] = {}

    async def load(self) -> None:
        """Learn where the bot could not write when it stopped, and what channels are called."""
        for each in await self._store.conversations("slack"):
            (self._shut.discard if each.reachable else self._shut.add)(each.id)
            if conversation := decoded(each.body, Conversation):
                self._names[each.id] = conversation.name
                if conversation.id != each.id:
                    self._moved[each.id] = conversation.id

    def current(self, conversation: Conversation) -> Conversation:
        """The conversation under the id that it has now: who answers may have been asked before it got another."""
        id_ = self.id_of(conversation.id)
        return conversation if id_ == conversation.id else replace(conversation, id=id_)

    def id_of(self, channel: str) -> str:
        """The id that a channel has now."""
        seen = {channel}
        while (newer := self._moved.get(channel)) and newer not in seen:
            seen.add(newer)
            channel = newer
        return channel

    async def event(self, body: Mapping[str, Any], bot_user: str) -> None:
        """Note what an event says about the bot and a channel; most say nothing."""
        event = body["event"]
        kind, channel, team = str(event.get("type", "")), event.get("channel"), body.get("team_id", "")
        room, _, what = kind.partition("_")
        if kind == "channel_id_changed":
            await self._renumbered(event, team)
        elif kind == "member_joined_channel" and event.get("user") == bot_user:
            await self.opened(Conversation("slack", channel, team=team))
        elif kind == "app_uninstalled" or (kind == "tokens_revoked" and (event.get("tokens") or {}).get("bot")):
            await self._nowhere(kind)
        elif room in {"channel", "group"} and what in _LEFT:
            await self.shut(Conversation("slack", channel, team=team))
        elif room in {"channel", "group"} and what == "unarchive":
            await self.opened(Conversation("slack", channel, team=team))
        elif room in {"channel", "group"} and what == "rename":
            renamed = Conversation("slack", channel["id"], team=team, name=channel.get("name", ""))
            await self._write(renamed, reachable=renamed.id not in self._shut)

    @property
    def known(self) -> Collection[str]:
        """The ids of the conversations in which the bot was asked, or that it was let into."""
        return self._names.keys()

    async def seen(self, conversation: Conversation) -> None:
        """Somebody spoke to the bot there as to a member, or a message of it was taken."""
        if conversation.id in self._shut:
            await self.opened(conversation)

    async def opened(self, conversation: Conversation) -> None:
        """The bot can write there from now on."""
        self._shut.discard(conversation.id)
        await self._write(conversation, reachable=True)
        if self.on_reach:
            await self.on_reach(conversation, True)

    async def shut(self, conversation: Conversation) -> None:
        """The bot can no longer write there."""
        self._shut.add(conversation.id)
        await self._write(conversation, reachable=False)
        if self.on_reach:
            await self.on_reach(conversation, False)

    def is_open(self, conversation: Conversation) -> bool:
        """Whether nothing is known that keeps the bot from writing in a channel."""
        return conversation.kind != "personal" and conversation.id not in self._shut

    async def remember(self, conversation: Conversation) -> None:
        """The bot was asked there, and could answer."""
        await self.seen(conversation)
        await self._write(conversation, reachable=True)

    async def _renumbered(self, event: Mapping[str, Any], team: str) -> None:
        """A channel was shared with another workspace, or is shared no more: it has another id, and is the same."""
        old, new = str(event.get("old_channel_id") or ""), str(event.get("new_channel_id") or "")
        if not old or not new or old == new or self._moved.get(old) == new:
            return
        conversation = Conversation("slack", new, team=team, name=self._names.get(old, ""))
        known = old in self._names
        reachable = (known and old not in self._shut) or new in (self._names.keys() - self._shut)
        body = msgspec.json.encode(conversation)
        reference = ConversationReference("slack", new, body, datetime.now(UTC), reachable)
        await (self.on_move or self._store.move_conversation)(reference, old)
        self._moved.pop(new, None)  # it may have had this id before
        self._moved[old] = new
        self._names[new] = conversation.name or self._names.get(new, "")
        self._shut.add(old)
        (self._shut.discard if reachable else self._shut.add)(new)
        log.info("slack.channel_moved", old=old, new=new)

    async def _nowhere(self, why: str) -> None:
        """The app was taken out of the workspace. Nobody is called: Slack refusing everything is noticed as such."""
        log.warning("slack.uninstalled", why=why)
        for reference in await self._store.conversations("slack"):
            if reference.reachable:
                self._shut.add(reference.id)
                await self._store.put_conversation(replace(reference, reachable=False))

    async def _write(self, conversation: Conversation, *, reachable: bool) -> None:
        name = self._names[conversation.id] = conversation.name or self._names.get(
            conversation.id, ""
        )  # commands carry it, mentions do not
        body = msgspec.json.encode(replace(conversation, thread=None, name=name))
        await self._store.put_conversation(
            ConversationReference("slack", conversation.id, body, datetime.now(UTC), reachable)
        )
