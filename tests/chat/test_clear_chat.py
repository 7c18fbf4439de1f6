"""Every platform is held by the program through what hides secrets: messages, edits, forms, names, sentences."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.chat.clear_chat import clear_chat
from bot.chat.port import KnowsPeople, Match, Newest
from bot.chat.request import CommandRequest, Conversation, Person
from bot.content.outgoing import Outgoing, outgoing
from cards.card import Card, Code, Field, Form, Option, Span

SECRET = "password=hunter2hunter2"
HERE = Conversation("text", "here")
REQUEST = CommandRequest("k", "home", Person("text", "viewer"), HERE, datetime.now(UTC))
CARD = Card(title=(Span("a"),), blocks=(Code(SECRET),))


class Platform:
    """Keeps what it is given, and asks the program for forms and names."""

    name = "text"

    def __init__(self) -> None:
        self.shown: list[Any] = []
        self.loud: list[bool] = []
        self.intake: Any = None

    async def start(self, intake: Any) -> None:
        self.intake = intake

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        self.shown.append(card)
        return "1"

    async def say(self, request: CommandRequest, words: str) -> None:
        self.shown.append(words)

    async def post_once(self, conversation: Conversation, card: Card, key: str, *, loud: bool) -> tuple[str, str]:
        self.shown.append(card)
        self.loud.append(loud)
        return "1", "here"

    async def update(self, conversation: Conversation, message: str, card: Card) -> None:
        self.shown.append(card)

    async def update_live(self, conversation: Conversation, message: str, newest: Newest) -> None:
        self.shown.append(await newest())


class Knowing(Platform):
    """One that knows people."""

    def name_groups(self, groups: frozenset[str]) -> None: ...

    async def known(self, person: Person, conversation: Conversation) -> Person:
        return person

    def marked(self, person: Person) -> Person:
        return person


class Intake:
    """The program, which would show secrets."""

    async def form(self, command: str, request: CommandRequest, **more: Any) -> Form | Card:
        if command == "refused":
            return CARD
        return Form("Add", "task add", (Field("command", "Command", value=SECRET),))

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: object) -> list[Option]:
        return [Option("a", "a"), Option(SECRET, SECRET)]

    async def read(self, request: CommandRequest) -> Card | None:
        return CARD

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        return dict.fromkeys(urls, CARD)

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        return [Match("Job a", "prod", "job show a"), Match("Job b", "prod", f"job show '{SECRET}'")]


async def test_whatever_is_sent_is_clear() -> None:
    platform = Platform()
    chat = clear_chat(platform)  # type: ignore[arg-type]
    await chat.answer(REQUEST, CARD, "k")
    await chat.post_once(HERE, CARD, "k")
    await chat.update(HERE, "1", CARD)
    await chat.update_live(HERE, "1", lambda: CARD)
    await chat.say(REQUEST, f"it said {SECRET}")
    assert len(platform.shown) == 5
    assert all(isinstance(each, Outgoing) for each in platform.shown[:4])
    assert "hunter2" not in str(platform.shown)


async def test_nobody_is_called_by_what_is_not_loud() -> None:
    platform = Platform()
    chat = clear_chat(platform)  # type: ignore[arg-type]
    await chat.post_once(HERE, CARD, "k")
    await chat.post_once(HERE, CARD, "k", loud=True)
    assert platform.loud == [False, True]


async def test_a_live_card_is_searched_off_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    where: list[bool] = []

    def noted(card: Card) -> Outgoing:
        where.append(threading.current_thread() is threading.main_thread())
        return outgoing(card)

    monkeypatch.setattr("bot.content.outgoing.outgoing", noted)
    chat = clear_chat(Platform())  # type: ignore[arg-type]
    await chat.update_live(HERE, "1", lambda: CARD)
    await chat.update_live(HERE, "1", lambda: Card(title=CARD.title, blocks=(Code("frame 12 done " * 1000),)))
    assert where == [True, False]


async def test_so_are_forms_and_names() -> None:
    platform = Platform()
    await clear_chat(platform).start(Intake())  # type: ignore[arg-type]
    form = await platform.intake.form("task add", REQUEST)
    filled = await platform.intake.form("task add", REQUEST, values={"command": SECRET}, seconds=1.0)
    assert form.fields[0].value == ""
    assert filled.fields[0].value == SECRET
    assert "hunter2" not in str(await platform.intake.form("refused", REQUEST))
    assert await platform.intake.suggest(REQUEST, "pool", "", {}) == [Option("a", "a")]


async def test_so_is_what_a_platform_shows_otherwise_than_as_a_message() -> None:
    platform = Platform()
    await clear_chat(platform).start(Intake())  # type: ignore[arg-type]
    read = await platform.intake.read(REQUEST)
    glanced = await platform.intake.link_cards(REQUEST, ["https://portal.azure.com/"])
    assert all(isinstance(each, Outgoing) for each in (read, *glanced.values()))
    assert "hunter2" not in f"{read} {glanced}"
    found = await platform.intake.find(REQUEST, "job", 5)
    assert [each.command for each in found] == ["job show a"]


def test_it_knows_people_where_its_platform_does() -> None:
    assert isinstance(clear_chat(Knowing()), KnowsPeople)  # type: ignore[arg-type]
    assert not isinstance(clear_chat(Platform()), KnowsPeople)  # type: ignore[arg-type]
