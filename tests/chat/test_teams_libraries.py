"""The library that speaks to Teams is a setting: one is imported, and either goes on where the other ended."""

from __future__ import annotations

import subprocess
import sys
from typing import Any, cast

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from microsoft_agents.activity import Activity
from microsoft_agents.hosting.aiohttp import CloudAdapter, jwt_authorization_middleware
from microsoft_agents.hosting.core import AgentAuthConfiguration, OutboundHostValidator

from bot.chat.request import Conversation
from bot.chat.teams import library
from bot.chat.teams.adapter import Teams
from bot.settings import SettingsError
from tests.chat.teams_service import APP, SDKS, TENANT, build, card, tear_down
from tests.chat.test_teams_stand_in import BUTTONS, FORM, Meeting

OTHER = {"botbuilder": "agents", "agents": "botbuilder"}
CLIENTS = {"botbuilder": {"botbuilder", "botframework", "msrest"}, "agents": {"microsoft_agents", "pydantic"}}


@pytest.mark.parametrize("chosen", SDKS)
def test_only_the_chosen_library_is_imported(chosen: str) -> None:
    code = (
        "import sys\n"
        "import bot.chat.teams.adapter\n"
        "from bot.chat.teams.library import load\n"
        f"known = {CLIENTS['botbuilder'] | CLIENTS['agents']}\n"
        "assert not known & {*sys.modules}, 'before it is chosen'\n"
        f"load({chosen!r})\n"
        "print(*(known & {*sys.modules}))\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert {*said.split()} == CLIENTS[chosen]


def test_one_that_is_not_installed_is_a_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("bot.chat.teams.agents", "microsoft_agents"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(sys.modules["bot.chat.teams"], "agents", raising=False)
    monkeypatch.setitem(sys.modules, "microsoft_agents", None)
    with pytest.raises(SettingsError, match=r"teams\.sdk: the Agents SDK is not installed: pip install"):
        library.load("agents")


@pytest.mark.parametrize("before", SDKS)
async def test_what_was_kept_under_one_is_used_under_the_other(before: str) -> None:
    """A conversation's reference, and the seal of a button: both are the bot's own."""
    world = await build(sdk=before)
    await world.post_once(world.activity(text="pool list"))
    await world.intake.done()
    kept = world.store.kept["a:personal"]
    settings = msgspec.structs.replace(world.teams._settings, sdk=OTHER[before])
    await world.teams.stop()
    after = Teams(settings, world.store, world.pictures, credential=world.credential)  # type: ignore[arg-type]
    await after.start(world.intake)
    where = msgspec.json.decode(kept.body, type=Conversation)
    assert await after.post_once(where, card("an alert"), "key") == ("message-2", "a:personal")
    await after.update(where, "message-2", card("an alert that ended"))
    [(_, path, _), (posted, again, _), (edited, _, _)] = world.service.sent
    assert (posted, again, edited) == ("POST", path, "PUT")
    await after.stop()
    await tear_down(world)


@pytest.mark.parametrize("sdk", SDKS)
async def test_ids_go_whole_into_the_address_and_nowhere_else(sdk: str) -> None:
    """The Agents SDK by itself cuts ids after 150 characters, and puts them into the path as they are."""
    world = await build(sdk=sdk)
    for id_ in ("a:" + "x" * 300, "19:a/../b?c=d#e%2f@thread.v2"):
        where = Conversation("teams", id_, "group", team=TENANT, service_url=world.service.url)
        assert await world.teams.post_once(where, card("an alert"), "key")
        assert world.service.sent[-1][1] == f"v3/conversations/{id_}/activities"
    await tear_down(world)


async def _conversation(sdk: str) -> list[Any]:
    """A command, a button, a dialog, an edit, a private answer and an alert: what is there in the end."""
    meeting = Meeting(sdk)
    await meeting.start()
    outside = meeting.outside
    await outside.install("viewer")
    await outside.install("general")
    home = await meeting.last("general")
    meeting.intake.reply = card("pools", blocks=(BUTTONS,))
    await outside.say("operator", "general", "@Batch Bot pool list")
    await meeting.intake.done()
    await outside.click("viewer", "general", home["id"], "Next")
    await meeting.intake.done()
    meeting.intake.prepared = FORM
    dialog = (await outside.click("viewer", "general", home["id"], "Filter"))["dialog"]
    (entry,) = [element for element in dialog["card"]["body"] if element["type"] == "Input.ChoiceSet"]
    meeting.intake.reply = card("active pools")
    await outside.task_submit("viewer", dialog["id"], "Run", {entry["id"]: "active"})
    await meeting.intake.done()
    meeting.intake.reply = card("the key", private=True)
    await outside.say("viewer", "general", "@Batch Bot node user")
    await meeting.intake.done()
    room = meeting.intake.asked[-1].conversation
    alert, _ = await meeting.teams.post_once(msgspec.structs.replace(room, thread=None), card("job failed"), "key")
    await meeting.teams.update(room, alert, card("job failed, acknowledged"))
    messages = [message for place in ("general", "viewer") for message in outside.messages(place, "viewer")]
    assert outside.refused == []
    await meeting.close()
    ids = {message["id"]: f"message {number}" for number, message in enumerate(messages)}
    return [_compared(message, ids) for message in messages]


def _compared(part: object, ids: dict[str, str]) -> object:
    """Without what is never twice the same: times, ids and seals."""
    if isinstance(part, dict):
        return {name: _compared(value, ids) for name, value in part.items() if name not in ("s", "at", "edited_at")}
    if isinstance(part, list):
        return [_compared(each, ids) for each in part]
    return ids.get(part, part) if isinstance(part, str) else part


async def test_a_conversation_is_the_same_under_either() -> None:
    first, second = [await _conversation(sdk) for sdk in SDKS]
    assert len(first) == 8
    assert first == second


# What docs/teams.md says of the Agents SDK's own adapter, which the bot does not use: true as long as these pass.


class _Agent:
    """Answers every invoke, and keeps the activities."""

    def __init__(self) -> None:
        self.seen: list[Activity] = []

    async def on_turn(self, context: Any) -> None:
        self.seen.append(context.activity)
        body = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "done"}
        answer = Activity(type="invokeResponse", value={"status": 200, "body": body})
        await context.send_activity(answer)


class _Factory:
    """Gives the adapter clients that are never called."""

    async def create_connector_client(self, *_: object, **__: object) -> object:
        return _Closed()

    create_user_token_client = create_connector_client


class _Closed:
    async def close(self) -> None: ...


@pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey")  # its middleware reads a plain key
async def test_the_agents_sdks_own_adapter_answers_invokes_and_keeps_the_tenant() -> None:
    agent = _Agent()
    allowed = OutboundHostValidator(["smba.trafficmanager.net"], include_default_microsoft_hosts=False)
    adapter = CloudAdapter(channel_service_client_factory=cast(Any, _Factory()), host_validator=allowed)

    async def served(request: web.Request) -> web.StreamResponse:
        return cast(web.Response, await adapter.process(request, cast(Any, agent)))

    open_, closed = web.Application(), web.Application(middlewares=[jwt_authorization_middleware])
    closed["agent_configuration"] = AgentAuthConfiguration(client_id=APP, tenant_id=TENANT)
    for app in (open_, closed):
        app.router.add_post("/api/messages", served)
    pressed = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "id": "1",
        "channelId": "msteams",
        "serviceUrl": "https://smba.trafficmanager.net/amer/",
        "from": {"id": "29:viewer"},
        "recipient": {"id": f"28:{APP}"},
        "conversation": {"id": "a:1", "tenantId": TENANT},
        "value": {"action": {"type": "Action.Execute", "data": {}}},
    }
    async with TestClient(TestServer(open_)) as anybody, TestClient(TestServer(closed)) as signed:
        answer = await anybody.post("/api/messages", json=pressed)
        assert (answer.status, (await answer.json())["value"]) == (200, "done")
        assert agent.seen[0].conversation.tenant_id == TENANT
        for headers in ({}, {"Authorization": "Bearer garbage"}, {"Authorization": "Basic abc"}):
            assert (await signed.post("/api/messages", json=pressed, headers=headers)).status == 401
        elsewhere = await anybody.post("/api/messages", json=pressed | {"serviceUrl": "https://evil.example/"})
        assert elsewhere.status == 401
    assert len(agent.seen) == 1
    assert not allowed.is_allowed("https://smba.trafficmanager.net.evil.example/")
    assert not allowed.is_allowed("http://smba.trafficmanager.net/")
