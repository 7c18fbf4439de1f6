"""Who asks through a program, and where a change is put to them: a person of a chat, in a conversation of that chat."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from bot.chat.named import named
from bot.chat.platforms import PLATFORMS, connectable
from bot.chat.port import Chat, Undelivered
from bot.chat.request import CommandRequest, Conversation, Person
from bot.mcp.settings import McpSettings
from bot.policy.rules import Policy
from storage.port.conversations import ConversationStore
from storage.port.decoding import decoded

log = structlog.get_logger()

THROUGH = "MCP"
"""What the audit trail and the card in the chat call it."""
_FRESH = 600.0
"""Seconds after which it is looked up anew where a person's own chat is."""

Known = Callable[[CommandRequest], Awaitable[CommandRequest]]
"""The request with what the platform says of its person: whether they are a guest, their groups, their zone."""


@dataclass(frozen=True)
class Found:
    """A request without its words. ``unreachable`` says why nothing can be put to the person; empty where it can."""

    request: CommandRequest
    unreachable: str = ""


class Whereabouts:
    """Finds people. ``chats`` are those that the bot is connected to; none where it only answers in a terminal."""

    def __init__(
        self,
        chats: Mapping[str, Chat],
        store: ConversationStore,
        policy: Policy,
        known: Known | None = None,
        groups: Callable[[str], frozenset[str]] = lambda _: frozenset(),
    ) -> None:
        """``groups`` are those of a platform that the settings name: nobody's are known where it cannot be asked."""
        self._chats = chats
        self._store = store
        self._policy = policy
        self._known = known
        self._groups = groups
        self._direct: dict[str, tuple[float, Conversation]] = {}

    async def find(self, asker: McpSettings, key: str) -> Found:
        """The request of a person, whose delivery is known by ``key``. Never raises for what a platform refuses."""
        platform, _, id_ = asker.person.partition(":")
        person = Person(platform, id_, self._policy.people.named(asker.person) or "")
        there, why = await self._conversation(asker, person)
        where = there or Conversation(platform, "mcp", "personal")
        request = CommandRequest(key, "", person, where, datetime.now(UTC), through=THROUGH)
        if platform in self._chats and self._known:
            return Found(await self._known(request), why)
        if platform in connectable():
            person = replace(person, unread=tuple(sorted(self._groups(platform))), kind_read=False)
        return Found(replace(request, person=person), why)

    async def _conversation(self, asker: McpSettings, person: Person) -> tuple[Conversation | None, str]:
        """Where a change is put to a person, or why nowhere."""
        title = PLATFORMS[person.platform].title
        if asker.conversation:
            found = await named(self._store, asker.conversation)
            return found, "" if found else f"The bot is not in {asker.conversation}: add it there first."
        chat = self._chats.get(person.platform)
        if chat is None:
            return None, (
                f"No chat of {asker.person} can be reached from here: name one in “conversation” of [[mcp]] in the "
                "settings, where a bot with the same database posts it."
            )
        at, kept = self._direct.get(person.key, (0.0, None))
        if kept and time.monotonic() - at < _FRESH:
            return kept, ""
        try:
            found = await chat.direct(person, await self._any(person.platform))
        except Undelivered as error:
            log.warning("mcp.direct_refused", person=person.key, why=error.why, code=error.code)
            return None, f"I cannot begin a personal chat with {asker.person} in {title}: write to me there first."
        self._direct[person.key] = time.monotonic(), found
        return found, ""

    async def _any(self, platform: str) -> Conversation:
        """A conversation of a platform that the bot is in: it tells the workspace or tenant."""
        for known in await self._store.conversations(platform):
            if known.reachable and (found := decoded(known.body, Conversation)):
                return found
        return Conversation(platform, "")
