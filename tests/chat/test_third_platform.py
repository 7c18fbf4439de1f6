"""A third chat platform, by one entry in the table: its settings, its conversations, its start, its answers."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import cyclopts
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from bot.app import App
from bot.chat.platform import ConnectablePlatform, PlatformSettings
from bot.chat.platforms import PLATFORMS
from bot.chat.port import Pictures, Reach, RequestIntake, ServedChat
from bot.chat.request import CommandRequest, Conversation, Person
from bot.cli import cli
from bot.secrets import Secret, secret
from bot.settings import BotSettings, SettingsError, address_mistakes
from bot.settings_file import check
from bot.tools.console import answer
from bot.tools.demo import free_port
from bot.tools.reference import settings_rows
from cards.card import Card, Rendered, plain
from handlers.alert.parts import named, unnamed
from storage.port.store import Store

SECRETS = {"PAGER_TOKEN": "hush", "KEY": "a2V5"}


class PagerSettings(PlatformSettings, forbid_unknown_fields=True, frozen=True):
    """The section ``[pager]``."""

    url: str
    """Where pages are sent."""
    token_env: str = "PAGER_TOKEN"
    """Variable with the token."""

    def mistakes(self, bot: BotSettings) -> Iterator[str]:
        yield from address_mistakes("pager.url", self.url)

    def secrets(self) -> Iterator[tuple[str, str]]:
        yield "pager.token_env", self.token_env


class Pager(ServedChat):
    """Records what it is to send; a request is ``PERSON CONVERSATION COMMAND`` at its one address."""

    name = "pager"

    def __init__(self, section: PagerSettings, token: Secret) -> None:
        self.section, self.token = section, token
        self.answers: list[tuple[Conversation, Card]] = []
        self.started = False
        self._keys = itertools.count()

    @classmethod
    def of(cls, section: PagerSettings, store: Store, pictures: Pictures, environment: Mapping[str, str]) -> Pager:
        return cls(section, secret(section.token_env, environment))

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/pager", self._receive)]

    def on_reach(self, told: Reach) -> None:
        self._told = told

    async def start(self, intake: RequestIntake) -> None:
        self._intake, self.started = intake, True

    async def stop(self) -> None:
        self.started = False

    async def zone(self, person: Person) -> str | None:
        return "Europe/Berlin"

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        self.answers.append((request.conversation, card))
        return f"m{len(self.answers)}"

    async def _receive(self, request: web.Request) -> web.Response:
        person, conversation, text = (await request.text()).split(" ", 2)
        asked = CommandRequest(
            f"pager-{next(self._keys)}",
            text,
            Person(self.name, person),
            Conversation(self.name, conversation),
            datetime.now(UTC),
        )
        if task := await self._intake.accept(asked):
            await task
        return web.Response()


def render(card: Card, pictures: Mapping[str, str] = {}) -> Rendered:
    return Rendered({"page": plain(card.title), "pictures": dict(pictures)}, plain(card.title))


PAGER = ConnectablePlatform(
    "pager",
    "Pager",
    channel="P[0-9]+",
    named="{} on the pager",
    by_id=True,
    settings=PagerSettings,
    conversation_id="[PQ][0-9]+",
    example="P12",
    connect=Pager.of,
    render=render,
)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PLATFORMS, "pager", PAGER)


def raw(folder: Path = Path(), **more: object) -> dict[str, Any]:
    account = {"endpoint": "http://127.0.0.1:9", "subscription": "s", "resource_group": "r", "account": "render"}
    return {
        "bot": {"listen": f"127.0.0.1:{free_port()}", "database": str(folder / "bot.db"), "prices_url": ""},
        "accounts": {"render": {**account, "credential": "shared_key", "key_env": "KEY"}},
        "pager": {"url": "https://pager.example.com"},
        **more,
    }


@pytest_asyncio.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    settings = raw(tmp_path, alerts={"channels": ["pager:P1"]}, access={"everyone": "none", "viewers": ["pager:ann"]})
    running = await App.open(check(settings, SECRETS), SECRETS)
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


def pager(app: App) -> Pager:
    chat = getattr(app.chats["pager"], "platform", None)
    assert isinstance(chat, Pager)
    return chat


async def page(app: App, text: str) -> Card:
    """What the bot answers to a page, over HTTP."""
    address = f"http://{app.settings.bot.listen}/pager"
    async with aiohttp.ClientSession() as session, session.post(address, data=text) as response:
        assert response.status == 200
    return pager(app).answers[-1][1]


def test_its_section_is_decoded() -> None:
    settings = check(raw(), SECRETS)
    assert settings.platforms == {"pager": PagerSettings("https://pager.example.com")}
    assert settings.platform(PagerSettings) == settings.platforms["pager"]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"pager": {}}, "pager.url: is missing: add it"),
        ({"pager": {"url": "pager"}}, "pager.url: 'pager' is not an address: write it like https://host"),
        ({"pager": {"url": 1}}, "pager.url: is a whole number: write a text in quotes"),
        ({"pager": {"ulr": "x"}}, "pager.ulr: unknown key: did you mean url?"),
        ({"pagr": {}}, "pagr: unknown key: did you mean pager?"),
        (
            {"pager": {"url": "https://p.example", "token_env": "NONE"}},
            "pager.token_env: environment variable NONE is missing or empty: set it to the secret",
        ),
        (
            {"alerts": {"channels": ["pager:ops"]}},
            "alerts.channels: 'pager:ops' is not a channel: write the channel's id, such as slack:C012AB3CD or "
            "teams:19:… or pager:P12",
        ),
        (
            {"access": {"admins": ["pager:"]}},
            "access.admins: 'pager:' is not an id: write PLATFORM:ID; platforms: text, slack, teams, pager",
        ),
    ],
)
def test_a_mistake_in_it_is_reported(more: dict[str, object], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        check(raw(**more), SECRETS)
    assert caught.value.lines == [line]


def test_its_keys_are_on_the_reference_page() -> None:
    rows = {key: row for key, *row in settings_rows()}
    assert rows["pager.url"] == ["text", "required", "Where pages are sent."]
    assert rows["pager.token_env"] == ["text", '`"PAGER_TOKEN"`', "Variable with the token."]


def test_its_conversations_are_put_into_words() -> None:
    assert named(Conversation("pager", "P1", name="ops")) == "ops on the pager"
    assert (unnamed("pager:P1"), unnamed("pager:Q1")) == ("a Pager channel", "a Pager chat")


def test_conversations_of_a_platform_that_was_taken_out_are_still_put_into_words() -> None:
    del PLATFORMS["pager"]
    assert named(Conversation("pager", "P1", name="ops")) == "a chat"


async def test_its_adapter_is_started_with_its_section_and_its_secret(app: App) -> None:
    assert app.chats.keys() == {"pager"}
    assert pager(app).started
    assert pager(app).section == PagerSettings("https://pager.example.com")
    assert pager(app).token.reveal() == "hush"


async def test_people_are_answered_through_it(app: App) -> None:
    card = await page(app, "ann P1 help")
    assert plain(card.title) == "What do you want to know?"
    assert not card.refused
    assert pager(app).answers[-1][0] == Conversation("pager", "P1")


async def test_its_people_have_the_roles_of_the_settings(app: App) -> None:
    assert (await page(app, "bob P1 help")).refused


def test_a_channel_of_the_settings_is_subscribed(app: App) -> None:
    (subscription,) = app.alerts.incidents.defaults()
    assert subscription.conversation == Conversation("pager", "P1")


async def test_the_command_line_draws_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = check(raw(tmp_path))
    text, fine = await answer(settings, ["help"], user="ann", platform="pager", folder=None)
    assert fine
    assert msgspec.json.decode(text) == {"page": "What do you want to know?", "pictures": {}}


def test_the_command_line_takes_its_name_and_no_other() -> None:
    _, bound, _ = cli.parse_args(["ask", "--format", "pager", "help"])
    assert bound.arguments["format"] == "pager"
    with pytest.raises(cyclopts.ValidationError, match="Choose one of text, slack, teams, pager"):
        cli.parse_args(["ask", "--format", "sms", "help"], exit_on_error=False, print_error=False)
