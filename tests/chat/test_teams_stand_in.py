"""The adapter against the strict stand-in, over HTTP both ways: no request of either side is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken

from bot.chat.port import Undelivered
from bot.chat.request import WELCOME
from bot.chat.teams.adapter import Teams
from bot.chat.teams.settings import TeamsSettings
from bot.requests.answer_delivery import AnswerDelivery
from bot.sandbox.teams import StandInError, TeamsStandIn, connector
from bot.sandbox.teams.errors import RefusedError as StandInRefusedError
from bot.sandbox.wire.tokens import BOT_FRAMEWORK, Tokens
from cards.card import Actions, Button, Card, Field, Form, Option
from tests.chat.fakes import LiveRows, asked
from tests.chat.teams_service import APP, SDKS, Credential, Pictures, RequestIntake, Store, card

BUTTONS = Actions(
    (
        Button("Next", "pool list --page 2", "edit"),
        Button("Show", "pool show render"),
        Button("Filter", "pool list", "form"),
    )
)
FORM = Form(
    "List pools",
    "pool list",
    (Field("state", "State", "choice", options=(Option("active", "active"), Option("deleting", "deleting"))),),
    how="edit",
)


class ManagedIdentity(Credential):
    """Tokens of the sandbox's issuer."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self.tokens = tokens

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        token = self.tokens.issue(scopes[0].removesuffix("/.default"), appid=APP)
        return AccessToken(token, int(time.time()) + 3600)


class Meeting:
    """A bot and the stand-in, introduced to each other."""

    teams: Teams
    bot: TestServer

    def __init__(self, sdk: str = "botbuilder", *, targeted: bool = False) -> None:
        self.sdk, self.targeted = sdk, targeted
        self.tokens = Tokens()
        self.outside = TeamsStandIn(app_id=APP, verify=self.tokens.verify)
        self.intake, self.store, self.pictures = (
            RequestIntake(reply=card("home", blocks=(BUTTONS,))),
            Store(),
            Pictures(),
        )

    async def start(self) -> None:
        await self.outside.start()
        settings = TeamsSettings(
            app_id=APP,
            tenant_id=self.outside.tenant_id,
            sdk=self.sdk,  # type: ignore[arg-type]
            targeted_messages=self.targeted,
            service_hosts=["127.0.0.1"],
            file_hosts=["127.0.0.1"],
            openid_url=self.outside.openid_url,
            scope=f"{BOT_FRAMEWORK}/.default",
        )
        self.teams = Teams(settings, self.store, self.pictures, credential=ManagedIdentity(self.tokens))  # type: ignore[arg-type]
        self.intake.chat = self.teams
        app = web.Application()
        app.add_routes(self.teams.routes())
        self.bot = TestServer(app, host="127.0.0.1")
        await self.bot.start_server()
        self.outside.bot_url = str(self.bot.make_url("/api/messages"))
        await self.teams.start(self.intake)

    async def close(self) -> None:
        await self.intake.done()
        await self.teams.stop()
        await self.bot.close()
        await self.outside.close()

    async def last(self, conversation: str, user: str = "") -> dict[str, Any]:
        """The bot's last message."""
        await self.intake.done()
        return [message for message in self.outside.messages(conversation, user) if message["from"] == "bot"][-1]


@pytest.fixture(params=SDKS)
async def meeting(request: pytest.FixtureRequest) -> AsyncIterator[Meeting]:
    meeting = Meeting(request.param)
    await meeting.start()
    yield meeting
    assert meeting.outside.refused == []
    await meeting.close()


async def test_installed_everywhere_the_bot_says_hello_and_remembers(meeting: Meeting) -> None:
    for conversation in ("viewer", "general", "group"):
        await meeting.outside.install(conversation)
        message = await meeting.last(conversation)
        assert (message["summary"], message["problems"]) == ("home", [])
    assert [request.text for request in meeting.intake.asked] == [WELCOME] * 3
    assert {kept.id for kept in meeting.store.kept.values() if kept.reachable} == {
        room["id"] for room in meeting.outside.conversations.values() if room["installed"]
    }


@pytest.mark.parametrize(
    ("conversation", "words"),
    [("operator", "pool list"), ("general", "@Batch Bot pool list"), ("group", "@Batch Bot pool list")],
)
async def test_typed_and_answered_where_it_was_typed(meeting: Meeting, conversation: str, words: str) -> None:
    await meeting.outside.install(conversation)
    await meeting.intake.done()
    root = await meeting.outside.say("operator", conversation, words)
    message = await meeting.last(conversation)
    request = meeting.intake.asked[-1]
    assert (request.text, request.person.id) == ("pool list", meeting.outside.people["operator"]["aadObjectId"])
    assert request.person.zone == "America/Chicago"
    assert message["thread"] == (root if conversation == "general" else "")


@pytest.mark.parametrize("conversation", ["viewer", "general", "group"])
async def test_an_edit_button_changes_the_card_for_all(meeting: Meeting, conversation: str) -> None:
    await meeting.outside.install(conversation)
    message = await meeting.last(conversation)
    meeting.intake.reply = card("page 2", blocks=(BUTTONS,))
    shown = await meeting.outside.click("viewer", conversation, message["id"], "Next")
    assert shown["shown"] == "card"
    edited = await meeting.last(conversation, "admin" if conversation != "viewer" else "viewer")
    assert (edited["id"], edited["summary"], edited["edited"]) == (message["id"], "page 2", True)
    assert edited["attachments"][0]["content"] == shown["card"]


async def test_a_post_button_answers_below(meeting: Meeting) -> None:
    await meeting.outside.install("general")
    message = await meeting.last("general")
    meeting.intake.reply = card("pool render")
    shown = await meeting.outside.click("viewer", "general", message["id"], "Show")
    below = await meeting.last("general")
    assert shown["shown"] == "message"
    assert (below["summary"], below["thread"]) == ("pool render", message["id"])


@pytest.mark.parametrize("conversation", ["viewer", "general", "group"])
async def test_a_dialog_from_button_to_edited_card(meeting: Meeting, conversation: str) -> None:
    await meeting.outside.install(conversation)
    message = await meeting.last(conversation)
    meeting.intake.prepared = FORM
    opened = await meeting.outside.click("viewer", conversation, message["id"], "Filter")
    dialog = opened["dialog"]
    assert (opened["shown"], dialog["problems"]) == ("dialog", [])
    (entry,) = [element for element in dialog["card"]["body"] if element["type"] == "Input.ChoiceSet"]
    meeting.intake.reply = card("active pools")
    shown = await meeting.outside.task_submit("viewer", dialog["id"], "Run", {entry["id"]: "active"})
    assert shown["shown"] == "nothing"
    assert not meeting.outside.dialogs("viewer")
    edited = await meeting.last(conversation)
    assert (edited["id"], edited["summary"]) == (message["id"], "active pools")
    assert meeting.intake.asked[-1].values == {"state": "active"}


async def test_a_delivery_that_comes_twice_is_answered_once(meeting: Meeting) -> None:
    await meeting.outside.install("viewer")
    await meeting.intake.done()
    meeting.outside.faults.repeat()
    await meeting.outside.say("viewer", "viewer", "pool list")
    await meeting.intake.done()
    await meeting.outside.say("viewer", "viewer", "job list")
    await meeting.intake.done()
    assert [request.text for request in meeting.intake.asked] == [WELCOME, "pool list", "job list"]


async def test_a_burst_stays_within_teams_pace(meeting: Meeting) -> None:
    await meeting.outside.install("group")
    await meeting.intake.done()
    conversation = meeting.intake.asked[0].conversation
    posts = (meeting.teams.post_once(conversation, card(f"{number}"), "key") for number in range(12))
    ids = [message for message, _ in await asyncio.gather(*posts)]
    posted = [message["summary"] for message in meeting.outside.messages("group") if message["id"] in ids]
    assert sorted(posted, key=int) == [f"{number}" for number in range(12)]  # one that was refused may be overtaken


async def test_a_private_answer_is_for_one_person(meeting: Meeting) -> None:
    await meeting.outside.install("viewer")
    await meeting.outside.install("group")
    await meeting.intake.done()
    meeting.intake.reply = Card(title=card("the key").title, private=True)
    await meeting.outside.say("viewer", "group", "@Batch Bot account key")
    assert "the key" not in str(await meeting.last("group"))
    assert (await meeting.last("viewer"))["summary"] == "the key"


async def test_a_targeted_answer_is_seen_by_the_asker_where_they_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = Meeting("agents", targeted=True)
    await meeting.start()
    outside = meeting.outside
    for conversation in ("viewer", "general", "group"):
        await outside.install(conversation)
    await meeting.intake.done()
    meeting.intake.reply = Card(title=card("the key").title, blocks=(BUTTONS,), private=True)
    for conversation in ("general", "group"):
        root = await outside.say("viewer", conversation, "@Batch Bot node user")
        answer = await meeting.last(conversation, "viewer")
        assert (answer["summary"], answer["only"]) == ("the key", "viewer")
        assert answer["thread"] == (root if conversation == "general" else "")
        assert "the key" not in str(outside.messages(conversation, "admin"))
        assert meeting.intake.asked[-1].asides
        with pytest.raises(StandInError, match="MessageNotFound"):
            await outside.click("admin", conversation, answer["id"], "Next")
    assert "the key" not in str(outside.messages("viewer", "viewer"))

    # What its buttons answer is for everybody, in a message of its own.
    meeting.intake.reply = card("page 2")
    shown = await outside.click("viewer", "group", answer["id"], "Next")
    assert shown["shown"] == "message"
    assert (await meeting.last("group", "admin"))["summary"] == "page 2"

    # Where Teams does not take one, the personal chat is the place, as without the setting.
    def refuse(query: Mapping[str, str], *_: object) -> str:
        if query:
            raise StandInRefusedError(400, "BadArgument", "not here")
        return ""

    monkeypatch.setattr(connector, "target", refuse)
    meeting.intake.reply = Card(title=card("another key").title, private=True)
    await outside.say("viewer", "group", "@Batch Bot node user")
    assert "another key" not in str(await meeting.last("group"))
    assert (await meeting.last("viewer"))["summary"] == "another key"
    await meeting.close()


@pytest.mark.parametrize("sdk", SDKS)
async def test_a_bad_day_of_the_service(sdk: str) -> None:
    meeting = Meeting(sdk)
    await meeting.start()
    await meeting.outside.install("viewer")
    await meeting.intake.done()
    conversation = meeting.intake.asked[0].conversation
    meeting.outside.faults.fail(429, retry_after=1)
    meeting.outside.faults.fail(502)
    delivery = AnswerDelivery({"teams": meeting.teams}, LiveRows())
    assert await delivery.answer(asked(conversation), card("late"))
    meeting.outside.faults.lose_answers()
    with pytest.raises(Undelivered, match="doubt"):
        await meeting.teams.post_once(conversation, card("lost"), "key")
    said = [message["summary"] for message in meeting.outside.messages("viewer") if message["from"] == "bot"]
    assert said == ["home", "late", "lost"]
    await meeting.outside.uninstall("viewer")
    with pytest.raises(Undelivered, match="gone"):
        await meeting.teams.post_once(conversation, card("too late"), "key")
    assert not meeting.store.kept[conversation.id].reachable
    await meeting.close()
