"""A platform as the program sees it: whatever it is given to show, it shows without secrets.

The program holds no platform but through this, so nobody who answers, posts, edits or opens a form can forget it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import cast

from bot import tracing
from bot.chat.port import AttachedFile, Chat, KnowsPeople, Match, Platform, Reach, RequestIntake
from bot.chat.request import CommandRequest, Conversation, Person
from bot.content.clear_text import clear
from bot.content.outgoing import Outgoing, outgoing_form, outgoing_options, sent
from cards.card import Card, Form, Option


def clear_chat(platform: Platform) -> Chat:
    """The platform as a chat that may be given any card; it knows people where the platform does."""
    return _KnowingChat(platform) if isinstance(platform, KnowsPeople) else _Chat(platform)


class _Chat:
    """Implements :data:`bot.chat.port.Chat`."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.name = platform.name

    async def start(self, intake: RequestIntake) -> None:
        await self.platform.start(_Intake(intake))

    async def stop(self) -> None:
        await self.platform.stop()

    def on_reach(self, callback: Reach) -> None:
        self.platform.on_reach(callback)

    async def zone(self, person: Person) -> str | None:
        return await self.platform.zone(person)

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        return await self.platform.fetch(request, reference, most)

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        with tracing.span("chat.answer", chat__platform=self.name):
            return await self.platform.answer(request, await sent(card), key)

    async def say(self, request: CommandRequest, words: str) -> None:
        await self.platform.say(request, clear(words))

    async def update_live(self, conversation: Conversation, message: str, newest: Callable[[], Card]) -> None:
        async def cleared() -> Outgoing:
            return await sent(newest())

        await self.platform.update_live(conversation, message, cleared)

    async def post_once(
        self, conversation: Conversation, card: Card, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        with tracing.span("chat.post", chat__platform=self.name):
            return await self.platform.post_once(conversation, await sent(card), key, loud=loud)

    async def update(self, conversation: Conversation, message: str, card: Card) -> None:
        with tracing.span("chat.edit", chat__platform=self.name):
            await self.platform.update(conversation, message, await sent(card))

    def update_delay(self, conversation: Conversation) -> float:
        return self.platform.update_delay(conversation)

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        return await self.platform.find_by_key(conversation, key, since)

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        return await self.platform.direct(person, conversation)


class _KnowingChat(_Chat):
    """The same of a platform that knows people: :class:`bot.chat.port.KnowsPeople`."""

    @property
    def _knows(self) -> KnowsPeople:
        return cast("KnowsPeople", self.platform)

    def name_groups(self, groups: frozenset[str]) -> None:
        self._knows.name_groups(groups)

    async def known(self, person: Person, conversation: Conversation) -> Person:
        return await self._knows.known(person, conversation)

    def marked(self, person: Person) -> Person:
        return self._knows.marked(person)


class _Intake:
    """The program as a platform sees it: the forms and the names that it gets have no secrets either."""

    def __init__(self, intake: RequestIntake) -> None:
        self._intake = intake

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        return await self._intake.accept(request)

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Form | Card:
        within = {} if seconds is None else {"seconds": seconds}
        made = await self._intake.form(command, request, values=values, **within)
        return await sent(made) if isinstance(made, Card) else outgoing_form(made, values or {})

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        return outgoing_options(await self._intake.suggest(request, what, typed, within))

    def reads(self, command: str) -> bool:
        return self._intake.reads(command)

    async def read(self, request: CommandRequest) -> Card | None:
        card = await self._intake.read(request)
        return await sent(card) if card else None

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        found = await self._intake.link_cards(request, urls)
        return {url: await sent(card) for url, card in found.items()}

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        found = await self._intake.find(request, typed, most)
        return [each for each in found if clear(each.command) == each.command and clear(each.title) == each.title]
