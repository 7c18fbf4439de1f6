"""Names while somebody types: one journal behind both strict stand-ins, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

import handlers
from bot.azure.accounts import Accounts
from bot.chat.budget import Priority
from bot.chat.port import Chat
from bot.chat.request import CommandRequest
from bot.chat.slack.adapter import Slack
from bot.chat.slack.settings import SlackSettings
from bot.chat.teams import messages
from bot.monitor.names import Names
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.forms import make_form
from bot.requests.journal import RequestJournal
from bot.requests.preferences import choose_account
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.sandbox.slack import SlackSettings as Workspace
from bot.sandbox.slack import SlackStandIn
from bot.secrets import Secret
from bot.settings import AccessSettings, AccountSettings
from cards.card import Card, Rendered
from cards.slack import decode_submission, render_form
from cards.teams import render_form as render_dialog
from storage.sqlite.store import SqliteStore
from tests.chat.teams_service import Pictures
from tests.chat.test_teams_stand_in import Meeting
from tests.monitor.test_names import Batch

_HERE = ("help", "save", "run", "forget", "use")
NODE = "tvmps_" + "0f" * 32 + "_d"


class OneDesk(RequestJournal):
    """The program's own journal, which answers only what looks for no Azure."""

    chat: Any = None

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.asked: list[CommandRequest] = []

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        self.asked.append(request)
        return await super().accept(request) if request.text.lower().startswith(_HERE) else None

    async def done(self) -> None:
        if under_way := list(self._work.values()):
            await asyncio.wait(under_way, timeout=8)


class Room:
    """Both platforms, and what they talk to."""

    def __init__(self, path: Path, access: AccessSettings) -> None:
        settings = {
            name: AccountSettings(endpoint=f"https://{name}.we.batch.azure.com", subscription="s", resource_group="r")
            for name in ("render", "sim")
        }
        self.accounts = Accounts(settings)
        self.store = SqliteStore.open(path / "t.db")
        self.batch = [Batch("render", pools=["gpu-a", "gpu-b", "cpu"]), Batch("sim", pools=["sim-1"])]
        self.batch[0].inside["/pools/gpu-a/nodes"] = [NODE]
        self.batch[0].inside["/pools/cpu/nodes"] = ["tvm-cpu"]
        self.names = Names(self.batch)
        self.registry = Registry.discover(handlers)  # its own: tests of forms add to it
        policy, reading = Policy(Access(access)), AzureReading(self.accounts, self.names)
        self.dispatcher = Dispatcher(Services(self.registry, policy, self.store, reading))
        self.chats: dict[str, Chat] = {}
        self.intake = OneDesk(self.dispatcher, self.store, self.chats)
        self.meeting = Meeting()
        self.meeting.intake = self.intake  # type: ignore[assignment]
        self.workspace = SlackStandIn(Workspace())

    async def start(self) -> None:
        await self.meeting.start()
        self.chats["teams"] = self.meeting.teams
        await self.workspace.start()
        self.slack = self.chats["slack"] = Slack(
            SlackSettings(api_url=self.workspace.api_url),
            self.store,
            Pictures(),  # type: ignore[arg-type]
            bot_token=Secret(self.workspace.settings.bot_token),
            signing_secret=Secret(self.workspace.settings.signing_secret),
        )
        app = web.Application()
        app.add_routes(self.slack.routes())
        self.server = TestServer(app, host="127.0.0.1")
        await self.server.start_server()
        self.workspace.app_url = str(self.server.make_url("/slack/events"))
        await self.slack.start(self.intake)

    async def close(self) -> None:
        await self.slack.stop()
        await self.meeting.close()
        await self.server.close()
        await self.workspace.close()
        await self.names.close()
        await self.accounts.close()
        await self.store.close()

    # What a person does.

    async def modal(self, command: str) -> dict[str, Any]:
        """``help COMMAND``, its button to the form, and the modal that opens."""
        await self.workspace.command("viewer", "batch-ops", f"help {command.partition(' gpu')[0]}")
        messages = await until(lambda: [m for m in self.workspace.messages("batch-ops") if m.get("bot_id")])
        block, button = next(
            (block, each)
            for block in messages[-1]["blocks"]
            if block["type"] == "actions"
            for each in block["elements"]
            if 'h":"form' in each.get("value", "")
        )
        await self.workspace.click("viewer", "batch-ops", messages[-1]["ts"], button["action_id"], block["block_id"])
        views = await until(lambda: self.workspace.views("viewer"))
        return dict(views[0])

    async def type_in_modal(self, view: Mapping[str, Any], field: str, typed: str) -> list[str]:
        block = next(block for block in view["blocks"] if block["block_id"] == f"field:{field}")
        options = await self.workspace.suggest(
            "viewer", view["id"], block["element"]["action_id"], block["block_id"], typed=typed
        )
        return [option["text"]["text"] for option in options]

    async def choose(self, view: Mapping[str, Any], field: str, value: str) -> None:
        block = next(block for block in view["blocks"] if block["block_id"] == f"field:{field}")
        taken = await self.workspace.click_in_view(
            "viewer", view["id"], block["element"]["action_id"], block["block_id"], option=f'"{value}"'
        )
        assert taken.ok


async def until(true: Callable[[], Any], seconds: float = 8.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "too late"
        await asyncio.sleep(0.02)
    return found


@pytest.fixture
async def room(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Room]:
    room = Room(tmp_path, getattr(request, "param", AccessSettings()))
    await room.start()
    yield room
    await room.close()


async def test_a_modal_offers_what_the_account_has(room: Room) -> None:
    view = await room.modal("pool show")
    assert await room.type_in_modal(view, "pool", "") == ["gpu-a", "gpu-b", "cpu"]
    assert await room.type_in_modal(view, "pool", "PU-B") == ["gpu-b", "PU-B (as typed)"]
    assert await room.type_in_modal(view, "account", "") == ["render", "sim"]
    block = next(block for block in view["blocks"] if block["block_id"] == "field:pool")
    chosen = {"field:pool": {block["element"]["action_id"]: '"PU-B"'}}
    assert (await room.workspace.submit_view("viewer", view["id"], chosen)).ok
    assert (room.intake.asked[-1].text, room.intake.asked[-1].values) == ("pool show", {"pool": "PU-B"})


async def test_what_is_chosen_in_one_field_narrows_the_other(room: Room) -> None:
    view = await room.modal("node show")
    assert await room.type_in_modal(view, "node", "") == []
    await room.type_in_modal(view, "pool", "")
    await room.choose(view, "pool", "gpu-a")
    assert await room.type_in_modal(view, "node", "tvm") == [NODE, "tvm (as typed)"]
    await room.choose(view, "pool", "gpu-b")
    assert await room.type_in_modal(view, "node", "") == []
    await room.type_in_modal(view, "account", "")
    await room.choose(view, "account", "sim")
    assert await room.type_in_modal(view, "pool", "") == ["sim-1"]


async def test_slack_remembers_choices_that_it_does_not_send_along(room: Room) -> None:
    """What Slack sends of a view may be what it was opened with."""
    view = await room.modal("node show")
    await room.type_in_modal(view, "pool", "")
    await room.choose(view, "pool", "gpu-a")
    form = make_form(room.registry, ["node", "show", "cpu"])
    opened = {**render_form(form, view["private_metadata"] and _carry(view)), "id": "V-old", "state": {"values": {}}}
    body = {"action_id": "names:node", "value": "", "user": {"id": "U0VIEWER1", "team_id": "T0SANDBOX"}, "view": opened}
    suggestions = room.slack._suggestions
    assert [each["value"] for each in await suggestions.options(body, room.intake)] == ['"tvm-cpu"']
    body["view"] = {**opened, "id": view["id"]}
    assert [each["value"] for each in await suggestions.options(body, room.intake)] == [f'"{NODE}"']


def _carry(view: Mapping[str, Any]) -> str:
    return decode_submission({**view, "state": {"values": {}}}).carry


@pytest.mark.parametrize("body", [{}, {"action_id": "names:pool"}, {"action_id": "other", "view": {}}, {"view": None}])
async def test_questions_of_somebody_elses_modal(room: Room, body: dict[str, Any]) -> None:
    assert await room.slack._suggestions.options(body, room.intake) == []


async def installed(room: Room) -> CommandRequest:
    """The bot comes into the viewer's personal chat: what it is asked there."""
    await room.meeting.outside.install("viewer")
    request = room.intake.asked[-1]
    return replace(request, person=replace(request.person, kind_read=True))


async def dialog(room: Room, command: str) -> str:
    """A form in the personal chat, as clients without dialogs get it; returns the message."""
    request = await installed(room)
    form = make_form(room.registry, command.split())
    _, outbound, _ = room.meeting.teams._parts()
    rendered = Rendered(render_dialog(form), form.title)
    return await messages.post(outbound, request.conversation, rendered, Priority.ANSWER)


async def test_a_teams_form_offers_the_same(room: Room) -> None:
    message = await dialog(room, "node show")
    search = room.meeting.outside.search
    pools = await search("viewer", "viewer", message, "field:pool", "gpu")
    assert [each["value"] for each in pools] == ["gpu-a", "gpu-b", "gpu"]
    assert [each["title"] for each in pools][-1] == "gpu (as typed)"
    assert await search("viewer", "viewer", message, "field:node", "") == []
    nodes = await search("viewer", "viewer", message, "field:node", "", inputs={"field:pool": "gpu-a"})
    assert [each["value"] for each in nodes] == [NODE]
    other = await search("viewer", "viewer", message, "field:pool", "", inputs={"field:account": "sim"})
    assert [each["value"] for each in other] == ["sim-1"]
    assert await search("viewer", "viewer", message, "field:pool", "", inputs={"field:account": "nope"}) == []


async def test_the_default_account_of_the_place_is_searched(room: Room) -> None:
    message = await dialog(room, "pool show")
    await choose_account(room.store, room.intake.asked[-1], "sim", datetime.now(UTC))
    found = await room.meeting.outside.search("viewer", "viewer", message, "field:pool", "")
    assert [each["value"] for each in found] == ["sim-1"]


@pytest.mark.parametrize("room", [AccessSettings(everyone="none")], indirect=True)
async def test_who_may_see_nothing_is_offered_nothing(room: Room) -> None:
    message = await dialog(room, "pool show")
    assert await room.meeting.outside.search("viewer", "viewer", message, "field:pool", "gpu") == []


@pytest.mark.parametrize(
    "typed", ["x" * 10_000, "\x00\x1b[31m\n", "مهمة", "o'brien\"; drop", "\ud83d", "  ", "*", "\u202egnp.exe"]
)
async def test_odd_text_is_answered(room: Room, typed: str) -> None:
    request = await installed(room)
    options = await room.intake.suggest(request, "pool", typed, {})
    assert all(len(option.value) <= 72 and option.value.isprintable() for option in options)


async def test_azure_down_or_slow_is_no_error(room: Room) -> None:
    room.batch[0].error = OSError("no route")
    room.batch[1].gate = asyncio.Event()
    request = await installed(room)  # the welcome is understood with every account's names
    assert [option.value for option in await room.intake.suggest(request, "pool", "gpu", {})] == ["gpu"]
    within = {"account": "sim"}
    assert await room.intake.suggest(request, "pool", "", within) == []
    room.batch[1].gate.set()
    async with asyncio.timeout(8):
        while not (found := await room.intake.suggest(request, "pool", "", within)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [option.value for option in found] == ["sim-1"], "the read went on and serves the next keystroke"
