"""Asks a command in a person's name: what reads is answered, and a change is put to them in their chat.

The request goes through the same pipeline as one that was typed: grammar, binding, policy, preflight, audit. It never
makes a change. What would be one is answered with the question that stands before it, which is posted in the chat of
the person with what was asked for; whoever presses Yes there is asked about by the policy as if they had typed it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.platforms import PLATFORMS
from bot.chat.request import CommandRequest, Conversation
from bot.clock import Clock
from bot.content.outgoing import Outgoing, sent
from bot.mcp.settings import McpSettings
from bot.mcp.tool import Tool
from bot.mcp.whereabouts import THROUGH, Whereabouts
from bot.requests.command import CommandError
from bot.requests.dispatcher import Dispatcher
from bot.requests.grammar import words
from bot.requests.shares import Shares, used_up_card
from bot.requests.universal import taken
from cards.build import code, muted, refusal, text
from cards.card import Actions, Button, Card, Mention, Words
from storage.port.changes import ChangeSet
from storage.port.confirmations import Confirmation
from storage.port.outbox import OutboxEntry

log = structlog.get_logger()

_SECONDS = 45.0
"""For which an answer is worked on; clients give up after a minute."""


@dataclass(frozen=True)
class Answered:
    """The answer to a call, without secrets; ``said`` is what the bot says of it besides, which is no data."""

    card: Outgoing
    said: str = ""


class Asking:
    """Asks for everybody."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        shares: Shares,
        whereabouts: Whereabouts,
        *,
        posted: Callable[[Iterable[OutboxEntry]], None] | None = None,
        ready: Callable[[], Awaitable[None]] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``posted`` hears of questions that were put into the outbox; None where another program delivers them.

        ``ready`` is awaited before each call: it reads anew what another replica has changed.
        """
        self.dispatcher = dispatcher
        self._shares = shares
        self._whereabouts = whereabouts
        self._posted = posted
        self._ready = ready
        self._clock = clock or Clock()

    async def ask(self, asker: McpSettings, tool: Tool, arguments: Mapping[str, Any]) -> Answered:
        """Call a tool in the name of a person. Never raises for a mistake, a refusal, or what Azure or a chat says."""
        turn = self._shares.take(asker.person)
        if turn.refused:
            log.info("mcp.beyond_share", person=asker.person)
            return Answered(await sent(replace(used_up_card(), refused=True)))
        if turn.waits:
            await self._clock.sleep(turn.waits)
        async with self._shares.place(asker.person):
            key = f"mcp:{secrets.token_hex(12)}"
            with structlog.contextvars.bound_contextvars(tool=tool.name, person=asker.person):
                try:
                    return await self._asked(asker, tool, arguments, key)
                except CommandError as error:
                    return Answered(await sent(refusal(error.message)))
                except Exception:
                    log.exception("mcp.failed", key=key)
                    why = f"It is not your request's fault. The log has the cause under {key}."
                    return Answered(await sent(refusal("Something went wrong inside the bot.", why)))

    async def _asked(self, asker: McpSettings, tool: Tool, arguments: Mapping[str, Any], key: str) -> Answered:
        try:
            command = tool.command(arguments)
        except CommandError as error:
            return Answered(await sent(refusal(error.message, "The tool's schema says what it takes.")))
        if self._ready:
            await self._ready()
        found = await self._whereabouts.find(asker, key)
        request = replace(found.request, text=command)
        if changes := self._changes(tool, request):
            if not asker.changes:
                raise CommandError("Changes cannot be asked for here: “changes” of [[mcp]] in the settings is off.")
            if found.unreachable:
                raise CommandError(f"A change is put to the person in their chat. {found.unreachable}")
        card = await self._card(request)
        waiting = None if card.refused else await self._question(card)
        if waiting is None:
            return Answered(await sent(card))
        if not changes:  # whatever a read leads to: neither the settings nor a chat were asked about that
            raise CommandError("That leads to a change: call the tool that makes it.")
        await self._put(card, waiting, request)
        return Answered(await sent(card), _asked_in(request.conversation, waiting))

    def _changes(self, tool: Tool, request: CommandRequest) -> bool:
        """Whether a request changes something. Raises CommandError where it cannot be understood as the tool's call."""
        registry = self.dispatcher.services.registry
        tokens = words(request.text)
        rest, given = taken(registry.find(tokens), tokens)
        call = registry.parse(rest)
        if call.command is not tool.known:
            raise CommandError(f"These arguments make another command than {tool.known.path}.")
        if given.emergency:
            raise CommandError("Only a person can declare an emergency, in the chat.")
        return call.effect != "read" or (tool.known.effect == "read" and tool.changes)

    async def _card(self, request: CommandRequest) -> Card:
        """The answer: the last card there is within the time; no change is made."""
        last: Card | None = None
        try:
            async with asyncio.timeout(_SECONDS), aclosing(self.dispatcher.cards(request, asks=True)) as cards:
                async for card in cards:
                    last = card
        except TimeoutError:
            log.info("mcp.late", key=request.key, begun=last is not None)
        return last or refusal(f"This took longer than {_SECONDS:.0f} s.", "Ask for less, or about one thing of it.")

    async def _question(self, card: Card) -> Confirmation | None:
        """What a card asks to be confirmed; None where it asks nothing."""
        for block in card.blocks:
            for each in block.items if isinstance(block, Actions) else ():
                path, _, id_ = each.command.partition(" ") if isinstance(each, Button) else ("", "", "")
                if path in ("confirm", "request") and (
                    found := await self.dispatcher.services.store.confirmation(id_.split()[0])
                ):
                    return found
        return None

    async def _put(self, card: Card, waiting: Confirmation, request: CommandRequest) -> None:
        """Post the question in the chat, with who asked and the very command. Raises StoreError."""
        who = Mention(request.person.key, request.person.name)
        asked = Words(text("Asked through ", THROUGH, " in the name of ", who, ": ", code(waiting.command)))
        note = Words(text(muted("A program asked for it. Nothing is done unless you say yes.")))
        shown = replace(card, blocks=(asked, *card.blocks, note))
        where, now = request.conversation, datetime.now(UTC)
        entry = OutboxEntry(
            f"mcp-{waiting.id}", where.key, msgspec.json.encode(where), msgspec.json.encode(shown), 1, now
        )
        await self.dispatcher.services.store.record(ChangeSet(entries=[entry]))
        if self._posted:
            self._posted([entry])


def _asked_in(where: Conversation, waiting: Confirmation) -> str:
    title = PLATFORMS[where.platform].title
    place = f"their chat with the bot in {title}" if where.kind == "personal" else f"a channel in {title}"
    return (
        f"Nothing was changed. The question below was put to the person in {place}. It is done when they press Yes "
        f"there before {waiting.expires.astimezone(UTC):%H:%M} UTC, and not otherwise: do not ask for it again."
    )
