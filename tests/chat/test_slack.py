"""The Slack adapter against the strict stand-in: commands, mentions, clicks, forms, pictures, refusals."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp
import msgspec
import pytest
from aiohttp import web
from PIL import Image
from structlog.testing import capture_logs

from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack import forms
from bot.chat.slack.adapter import Slack
from bot.chat.slack.errors import SlackStartError
from bot.chat.slack.settings import SlackSettings
from bot.content.links import NoAddressError
from bot.requests.answer_delivery import AnswerDelivery
from bot.sandbox.slack import SlackSettings as Workspace
from bot.sandbox.slack import SlackStandIn
from bot.secrets import Secret
from cards.build import blocks, bold, text
from cards.card import Actions, Attachment, Button, Card, Field, Form, Menu, Option, Picture, Words
from cards.charts.usage import UsageChart
from storage.port.conversations import ConversationReference
from storage.port.preferences import Preference
from tests.chat.fakes import LiveRows, asked

_NOW = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)
_CHART = UsageChart("h", "s", (), 60, _NOW, _NOW)


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("P", (32, 18)).save(file, "PNG")
    return file.getvalue()


_PNG = _png()


class RequestIntake:
    """Answers every ask with the card that a test wants."""

    def __init__(self) -> None:
        self.asks: list[CommandRequest] = []
        self.chat: Slack | None = None
        self.card: Callable[[CommandRequest], Card] = lambda request: Card(
            title=text(bold(f"you asked {request.text}")), as_of=_NOW
        )
        self.slow = 0.0
        self._seen: set[str] = set()

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        await asyncio.sleep(self.slow)
        if request.key in self._seen:
            return None
        self._seen.add(request.key)
        self.asks.append(request)
        return asyncio.create_task(self._answer(request))

    async def _answer(self, request: CommandRequest) -> Card:
        card = self.card(request)
        assert self.chat
        await AnswerDelivery({"slack": self.chat}, LiveRows()).answer(request, card)  # type: ignore[dict-item]
        return card

    async def form(self, command: str, request: CommandRequest, **more: Any) -> Form | Card:
        state = Field(
            "state", "State", "choice", options=(Option("active", "active"), Option("completed", "completed"))
        )
        return Form("Job list", "job list", (state,))


class Memory:
    """The part of the store that the adapter needs."""

    def __init__(self) -> None:
        self.kept: dict[str, ConversationReference] = {}
        self.set: dict[tuple[str, str, str], Preference] = {}

    async def put_preference(self, namespace: str, owner: str, name: str, value: bytes, at: datetime) -> None:
        self.set[namespace, owner, name] = Preference(name, value, at)

    async def delete_preference(self, namespace: str, owner: str, name: str) -> bool:
        return self.set.pop((namespace, owner, name), None) is not None

    async def all_preferences(self, namespace: str) -> list[tuple[str, Preference]]:
        return [(owner, each) for (kind, owner, _), each in self.set.items() if kind == namespace]

    async def put_conversation(self, reference: ConversationReference) -> None:
        self.kept[reference.id] = reference

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        return list(self.kept.values())


class Pictures:
    """Draws the same picture always, or fails."""

    broken = False
    address = ""
    """Under which pictures are lent out; empty for none."""

    async def png(self, chart: object) -> bytes:
        if self.broken:
            raise RuntimeError("no picture today")
        return _PNG

    async def link(self, png: bytes) -> str:
        if not self.address:
            raise NoAddressError("there is no address to fetch it from: set bot.public_url")
        return f"{self.address}/pictures/1.png?exp=1&sig=2"

    async def file_link(self, attachment: Attachment) -> str:
        raise AssertionError("Slack takes files")


class SlackHarness:
    """Adapter, stand-in and request intake, talking to each other over HTTP."""

    def __init__(
        self, slack: Slack, workspace: SlackStandIn, intake: RequestIntake, store: Memory, pictures: Pictures
    ) -> None:
        self.slack, self.workspace, self.intake, self.store, self.pictures = slack, workspace, intake, store, pictures
        self.url = ""

    def bot_messages(self, channel: str = "batch-ops") -> list[dict[str, Any]]:
        return [each for each in self.workspace.messages(channel) if each.get("bot_id")]

    async def until(self, true: Callable[[], object], seconds: float = 8.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s; messages: {self.workspace.messages('batch-ops')}")
            await asyncio.sleep(0.02)


@pytest.fixture(params=["http", "socket"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[SlackHarness]:
    async for made in _harness(request.param):
        yield made


@pytest.fixture
async def http(request: pytest.FixtureRequest) -> AsyncIterator[SlackHarness]:
    async for made in _harness("http"):
        yield made


async def _harness(
    mode: str, *, out: bool = False, blocks: Literal["classic", "modern"] = "classic"
) -> AsyncIterator[SlackHarness]:
    workspace = SlackStandIn(Workspace(socket_mode=mode == "socket", file_processing=(0.1, 0.2)))
    await workspace.start()
    intake, store, pictures = RequestIntake(), Memory(), Pictures()
    slack = Slack(
        SlackSettings(mode=mode, api_url=workspace.api_url, blocks=blocks),  # type: ignore[arg-type]
        store,  # type: ignore[arg-type]
        pictures,
        bot_token=Secret(workspace.settings.bot_token),
        signing_secret=Secret(workspace.settings.signing_secret),
        app_token=Secret(workspace.settings.app_token),
        connect_seconds=0.05,
    )
    intake.chat = slack
    app = web.Application()
    app.add_routes(slack.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    harness = SlackHarness(slack, workspace, intake, store, pictures)
    harness.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    workspace.app_url = harness.url
    workspace.faults.outage = out
    await slack.start(intake)
    yield harness
    await slack.stop()
    await runner.cleanup()
    await workspace.close()


async def test_a_slash_command_is_acknowledged_and_answered_in_the_channel(harness: SlackHarness) -> None:
    done = await harness.workspace.command("viewer", "batch-ops", "pool list state:active")
    assert done.ok
    await harness.until(harness.bot_messages)
    assert "you asked pool list state:active" in harness.bot_messages()[0]["text"]
    request = harness.intake.asks[0]
    assert (request.conversation.platform, request.how) == ("slack", "post")
    assert await harness.slack.zone(request.person)
    await harness.until(lambda: request.conversation.id in harness.store.kept)


async def test_where_the_bot_is_no_member_the_answer_comes_by_response_url(harness: SlackHarness) -> None:
    assert (await harness.workspace.command("viewer", "random", "home")).ok
    await harness.until(
        lambda: any("you asked home" in str(m) for m in harness.workspace.messages("random", viewer="viewer"))
    )


async def test_that_the_bot_is_not_in_a_channel_is_told_there_once_and_known_from_then_on(http: SlackHarness) -> None:
    """Else somebody subscribes there to alerts, and waits for what cannot come."""

    def told(times: int) -> Callable[[], bool]:
        return lambda: str(http.workspace.messages("random", viewer="viewer")).count("you asked home") >= times

    random = next(c["id"] for c in http.workspace.channels if c["name"] == "random")
    for times in (1, 2):
        await http.workspace.command("viewer", "random", "home")
        await http.until(told(times))
        await http.until(lambda: random in http.store.kept and not http.store.kept[random].reachable)
        said = str(http.workspace.messages("random", viewer="viewer"))
        assert said.count("does not arrive here until I am invited") == 1
    await http.workspace.command("viewer", "batch-ops", "home")
    await http.until(http.bot_messages)
    assert "until I am invited" not in str(http.bot_messages())


async def test_a_mention_is_answered_in_its_thread_and_in_a_thread(harness: SlackHarness) -> None:
    stamp = await harness.workspace.say("operator", "batch-ops", "@batchbot job show “nightly:job-1”")
    await harness.until(harness.bot_messages)
    assert harness.bot_messages()[0]["thread_ts"] == stamp
    assert harness.intake.asks[0].text == "job show “nightly:job-1”"


async def test_a_direct_message_needs_no_mention(harness: SlackHarness) -> None:
    direct = next(
        c["id"] for c in harness.workspace.channels if c["kind"] == "im" and c["person"] == _id(harness, "viewer")
    )
    await harness.workspace.say("viewer", direct, "home &amp; more")
    await harness.until(lambda: harness.bot_messages(direct))
    assert harness.intake.asks[0].conversation.kind == "personal"


def _id(harness: SlackHarness, role: str) -> str:
    return next(str(person["id"]) for person in harness.workspace.people if person["role"] == role)


def _with_actions(request: CommandRequest) -> Card:
    return Card(
        title=text(bold(f"page after {request.text}")),
        as_of=_NOW,
        blocks=blocks(
            Actions(
                (
                    Button("Next ▶", "pool list page:2", how="edit"),
                    Button("Open", "pool show gpu-a"),
                    Button("Filter…", "job list", how="form"),
                    Menu("Open a pool", "pool show {}", (Option("a b", "a b"), Option("c", "c"))),
                )
            )
        ),
    )


def _actions(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**e, "block_id": b["block_id"]} for b in message["blocks"] if b["type"] == "actions" for e in b["elements"]
    ]


def _option(element: dict[str, Any], label: str) -> str:
    return next(str(option["value"]) for option in element["options"] if option["text"]["text"] == label)


async def test_a_click_edits_posts_or_chooses(harness: SlackHarness) -> None:
    harness.intake.card = _with_actions
    await harness.workspace.command("viewer", "batch-ops", "pool list")
    await harness.until(harness.bot_messages)
    message = harness.bot_messages()[0]
    following = _actions(message)[0]
    stamp = message["ts"]
    await harness.workspace.click("viewer", "batch-ops", stamp, following["action_id"], following["block_id"])
    await harness.until(lambda: harness.bot_messages()[0]["edits"])
    assert "page after pool list page:2" in harness.bot_messages()[0]["text"]
    opening = _actions(harness.bot_messages()[0])[1]
    await harness.workspace.click("viewer", "batch-ops", stamp, opening["action_id"], opening["block_id"])
    await harness.until(lambda: len(harness.bot_messages()) == 2)
    menu = _actions(harness.bot_messages()[0])[3]
    await harness.workspace.click(
        "viewer", "batch-ops", stamp, menu["action_id"], menu["block_id"], option=_option(menu, "a b")
    )
    await harness.until(lambda: len(harness.intake.asks) == 4)
    assert [request.text for request in harness.intake.asks[1:]] == [
        "pool list page:2",
        "pool show gpu-a",
        "pool show 'a b'",
    ]


async def test_a_form_opens_and_its_answer_goes_where_it_was_opened(harness: SlackHarness) -> None:
    harness.intake.card = _with_actions
    await harness.workspace.command("viewer", "batch-ops", "job list")
    await harness.until(harness.bot_messages)
    form = _actions(harness.bot_messages()[0])[2]
    await harness.workspace.click(
        "viewer", "batch-ops", harness.bot_messages()[0]["ts"], form["action_id"], form["block_id"]
    )
    await harness.until(lambda: harness.workspace.views("viewer"))
    view = harness.workspace.views("viewer")[0]
    field = next(block for block in view["blocks"] if block["type"] == "input")
    state = {field["block_id"]: {field["element"]["action_id"]: _option(field["element"], "active")}}
    assert (await harness.workspace.submit_view("viewer", view["id"], state)).ok
    await harness.until(lambda: len(harness.bot_messages()) == 2)
    assert (harness.intake.asks[-1].text, harness.intake.asks[-1].values) == ("job list", {"state": "active"})


@pytest.mark.parametrize("code", ["expired_trigger_id", "internal_error"])
async def test_a_form_that_does_not_open_is_said(
    http: SlackHarness, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "TRIGGER_SECONDS", 0.0)  # it is too late to try again
    http.intake.card = _with_actions
    await http.workspace.command("viewer", "batch-ops", "job list")
    await http.until(http.bot_messages)
    form = _actions(http.bot_messages()[0])[2]
    http.workspace.faults.errors["views.open"] = [code]
    await http.workspace.click("viewer", "batch-ops", http.bot_messages()[0]["ts"], form["action_id"], form["block_id"])
    await http.until(lambda: len(http.bot_messages()) == 2)
    said = http.bot_messages()[1]
    assert "The form could not be opened." in said["text"]
    assert code in str(said["blocks"])
    again = _actions(said)[0]
    await http.workspace.click("viewer", "batch-ops", said["ts"], again["action_id"], again["block_id"])
    await http.until(lambda: http.workspace.views("viewer"))


def _with_picture(request: CommandRequest) -> Card:
    return Card(title=text(bold("usage")), as_of=_NOW, blocks=(Picture("usage", "58 % busy", _CHART), Words(text("w"))))


async def test_a_picture_follows_its_card_as_a_file(harness: SlackHarness) -> None:
    harness.intake.card = _with_picture
    await harness.workspace.command("viewer", "batch-ops", "usage")
    await harness.until(lambda: harness.bot_messages() and harness.bot_messages()[0]["edits"])
    image = next(block for block in harness.bot_messages()[0]["blocks"] if block["type"] == "image")
    _, content = harness.workspace.file_bytes(image["slack_file"]["id"], viewer="viewer")
    assert content == _PNG
    assert "58 % busy" in image["alt_text"]


async def test_a_picture_that_fails_never_fails_its_card(harness: SlackHarness) -> None:
    harness.intake.card = _with_picture
    harness.pictures.broken = True
    await harness.workspace.command("viewer", "batch-ops", "usage")
    await harness.until(lambda: harness.bot_messages() and harness.bot_messages()[0]["edits"])
    assert "58 % busy" in str(harness.bot_messages()[0]["blocks"]).replace("\\xa0", " ")


def _with_file(request: CommandRequest) -> Card:
    return Card(
        title=text(bold("Tasks of nightly")),
        blocks=(Attachment("../tasks.csv", b"id,state\r\n", "text/csv", "Tasks"),),
        as_of=_NOW,
        private="private" in request.text,
    )


def _files(harness: SlackHarness) -> list[tuple[str, bytes, str]]:
    """Name, bytes and thread of what was shared."""
    return [
        (file["name"], harness.workspace.file_bytes(file["id"], viewer="viewer")[1], message.get("thread_ts", ""))
        for message in harness.workspace.messages("batch-ops")
        for file in message.get("files", ())
    ]


async def test_a_file_follows_in_the_thread_of_its_card(harness: SlackHarness) -> None:
    harness.intake.card = _with_file
    await harness.workspace.command("viewer", "batch-ops", "task list nightly csv")
    await harness.until(lambda: _files(harness))
    card = next(message for message in harness.bot_messages() if message.get("blocks"))
    assert "⇩ .._tasks.csv" not in str(card["blocks"])
    assert "12 bytes" not in str(card["blocks"])
    assert "10 bytes" in str(card["blocks"])
    assert _files(harness) == [("_tasks.csv", b"id,state\r\n", card["ts"])]


async def test_a_file_is_shared_once_however_often_its_card_is_edited(http: SlackHarness) -> None:
    conversation = Conversation("slack", next(c["id"] for c in http.workspace.channels if c["name"] == "batch-ops"))
    card = _with_file(CommandRequest("k", "csv", Person("slack", "U1"), conversation, _NOW))
    message = await http.slack.answer(asked(conversation), msgspec.structs.replace(card, blocks=()))
    for _ in range(3):
        await http.slack.answer(asked(conversation, how="edit", message=message), card)
    await http.until(lambda: _files(http))
    await asyncio.sleep(0.3)
    assert [thread for *_, thread in _files(http)] == [message]


async def test_a_file_that_fails_is_told_in_the_thread(http: SlackHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*args: object, **more: object) -> None:
        raise OSError("no way out")

    monkeypatch.setattr("bot.chat.slack.following.share", refused)
    http.intake.card = _with_file
    await http.workspace.command("viewer", "batch-ops", "task list nightly csv")
    await http.until(lambda: len(http.bot_messages()) == 2)
    card, told = http.bot_messages()
    assert "could not be uploaded" in told["text"]
    assert told["thread_ts"] == card["ts"]


async def test_a_file_cannot_come_with_what_only_one_person_sees(http: SlackHarness) -> None:
    http.intake.card = _with_file
    await http.workspace.command("viewer", "batch-ops", "private csv")
    await http.workspace.settle()
    await http.until(lambda: "direct message" in str(http.workspace.messages("batch-ops")))
    assert _files(http) == []


async def test_a_repeated_delivery_is_answered_once(harness: SlackHarness) -> None:
    harness.workspace.faults.duplicates = 1
    await harness.workspace.say("viewer", "batch-ops", "@batchbot home")
    await harness.workspace.settle()
    await harness.until(harness.bot_messages)
    await asyncio.sleep(0.3)
    assert len(harness.bot_messages()) == 1


async def test_a_rate_limit_of_one_channel_delays_no_other(http: SlackHarness) -> None:
    ops = next(c["id"] for c in http.workspace.channels if c["name"] == "batch-ops")
    http.workspace.faults.limited[ops] = 5
    await http.workspace.command("viewer", "batch-ops", "home")
    began = time.monotonic()
    await http.workspace.command("viewer", "batch-dev", "home")
    await http.until(lambda: http.bot_messages("batch-dev"))
    assert time.monotonic() - began < 5
    http.workspace.faults.limited.clear()
    await http.until(http.bot_messages)


async def test_wrong_signatures_and_old_requests_are_refused_with_one_line(http: SlackHarness) -> None:
    body = "command=%2Fbatch&text=home&trigger_id=1&user_id=U1&channel_id=C1"
    for stamp, why in (
        (str(int(time.time())), "the signing secret is not the app's"),
        ("1500000000", "this machine's clock is wrong"),
        ("garbage", "not signed as Slack signs"),
        ("", "not signed as Slack signs"),
    ):
        headers = {
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": "v0=" + "0" * 64,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        with capture_logs() as logs:
            async with aiohttp.ClientSession() as session, session.post(http.url, data=body, headers=headers) as answer:
                assert answer.status == 401
        assert [line["event"] for line in logs] == ["slack.refused"]
        assert why in logs[0]["reason"]
    assert http.intake.asks == []


async def test_the_url_verification_is_answered(http: SlackHarness) -> None:
    assert await http.workspace.verify_url()


@pytest.fixture(params=["http", "socket"])
async def out(request: pytest.FixtureRequest) -> AsyncIterator[SlackHarness]:
    async for made in _harness(request.param, out=True):
        yield made


async def test_an_outage_at_the_start_is_waited_out(out: SlackHarness) -> None:
    await asyncio.sleep(0.2)
    out.workspace.faults.outage = False
    await out.until(lambda: out.slack._installation.user and (out.slack._socket is None or out.slack._watchdog))
    await out.workspace.say("operator", "batch-ops", "@batchbot home")
    await out.until(out.bot_messages)


@pytest.mark.parametrize("out", ["http"], indirect=True)  # a socket is opened only once Slack answers
async def test_a_command_in_an_outage_is_taken_and_answered_after_it(out: SlackHarness) -> None:
    assert (await out.workspace.command("viewer", "batch-ops", "home")).ok
    await out.until(lambda: out.intake.asks)
    assert "install" not in str(out.workspace.messages("batch-ops", viewer="viewer"))
    out.workspace.faults.outage = False
    assert (await out.workspace.command("viewer", "batch-ops", "pool list")).ok
    await out.until(lambda: any("you asked pool list" in message["text"] for message in out.bot_messages()))


async def test_a_bot_whose_token_is_refused_says_so(http: SlackHarness) -> None:
    http.slack._installation.refused = True
    await http.workspace.command("viewer", "batch-ops", "home")
    await http.until(lambda: "does not accept my token" in str(http.workspace.messages("batch-ops", viewer="viewer")))
    assert http.intake.asks == []


async def test_a_bot_that_is_refused_does_not_start(http: SlackHarness) -> None:
    http.workspace.uninstall()
    with pytest.raises(SlackStartError, match="account_inactive"):
        await http.slack.start(http.intake)
