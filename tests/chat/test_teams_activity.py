"""What Teams really sends goes the right way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.chat.request import WELCOME, Conversation
from bot.chat.teams.activity import Activity
from bot.chat.teams.settings import TeamsSettings
from tests.chat.teams_service import World, build, conversation_of, tear_down
from tests.shared import ROOT, shared

FOLDERS = ("chat/samples/teams", "chat/samples/teams-local")
SAMPLES = [
    path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.json")) if ".response." not in path.name
]


def sample(path: Path) -> dict[str, Any]:
    read = json.loads(path.read_text(encoding="utf-8"))
    return dict(read.get("body", read))


def teams_always_sends(activity: dict[str, Any]) -> dict[str, Any]:
    """What the captures had cut away."""
    activity.setdefault("channelId", "msteams")
    activity.setdefault("id", "1767765488332")
    activity["channelData"] = {"tenant": {"id": "the-tenant"}} | (activity.get("channelData") or {})
    return activity


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = await build()
    yield world
    await tear_down(world)


async def post_once(path: Path) -> tuple[World, dict[str, Any], int, Any]:
    """Send a sample to a bot of the sample's own tenant, by the address it was sent from."""
    activity = teams_always_sends(sample(path))
    tenant = activity["channelData"]["tenant"]["id"]

    def settings(plain: TeamsSettings) -> TeamsSettings:
        hosts = ["smba.trafficmanager.net", "localhost"]
        return msgspec.structs.replace(plain, tenant_id=tenant, service_hosts=hosts)

    world = await build(settings=settings)
    world.intake.hold = None
    world.teams.answer = answered  # type: ignore[method-assign,assignment]  # the samples' addresses are not ours to call
    token = world.service.token(serviceurl=activity["serviceUrl"])
    status, body = await world.post_once(activity, token=token)
    return world, activity, status, body


async def answered(*_: object) -> None: ...


def test_there_are_samples() -> None:
    shared(FOLDERS[0])
    assert len(SAMPLES) >= 30


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
async def test_sample_goes_the_right_way(path: Path) -> None:
    world, activity, status, body = await post_once(path)
    kind, by_bot = activity["type"], str(activity.get("from", {}).get("id", "")).startswith("28:")
    conversation = activity["conversation"]["id"].partition(";")[0]
    texts = [request.text for request in world.intake.asked]
    assert status == 200
    if kind == "invoke":
        assert body["statusCode"] == 400  # a button of somebody else's card
        assert body["type"] == "application/vnd.microsoft.error"
    elif kind == "installationUpdate":
        assert world.store.kept[conversation].reachable
        assert texts == [WELCOME]
    elif kind == "conversationUpdate":
        assert world.store.kept[conversation].reachable
        assert texts == []
    elif by_bot:
        assert texts == []
    else:
        assert texts == [activity["text"].replace("<at>Test Bot</at>", "").strip()]
        request = world.intake.asked[0]
        assert request.person.id == activity["from"].get("aadObjectId", activity["from"]["id"])
        assert request.key == f"teams:{activity['conversation']['id']}:{activity['id']}"
    await tear_down(world)


def read(**fields: Any) -> Activity:
    return msgspec.convert({"type": "message", "recipient": {"id": "28:bot", "name": "Batch Bot"}} | fields, Activity)


def mention(text: str, who: str = "28:bot", name: str = "Batch Bot") -> dict[str, Any]:
    return {"type": "mention", "text": text, "mentioned": {"id": who, "name": name}}


BOT = "<at>Batch Bot</at>"


@pytest.mark.parametrize(
    ("text", "entities", "form", "spoken"),
    [
        (f"{BOT} pool list\n", [mention(BOT)], "plain", "pool list"),
        (f"{BOT}&nbsp;pool list", [mention(BOT)], "plain", "pool list"),
        (f"pool list {BOT}", [mention(BOT)], "plain", "pool list"),
        (BOT, [mention(BOT)], "plain", ""),
        ('<at id="0">Batch Bot</at> help', [mention(BOT)], "plain", "help"),
        (
            f"{BOT} ask <at>viewer</at> why",
            [mention(BOT), mention("<at>viewer</at>", "29:v", "viewer")],
            "plain",
            "ask viewer why",
        ),
        ("job list age&gt;2h", [], "plain", "job list age>2h"),
        ("job show <at>x</at>", [], "plain", "job show <at>x</at>"),
        (f"<p>{BOT}&nbsp;pool&nbsp;list</p>", [mention(BOT)], "html", "pool list"),
        ("<div>pool list<br>node list</div>", [], "xml", "pool list\nnode list"),
        ("a&lt;b", [], "html", "a<b"),
        ("<p>a</p><pre>x = 1;<br>y &lt; 2;</pre>", [], "html", "a\n ```\nx = 1;\ny < 2;\n```"),
        (
            '<p>a</p><codeblock class="Text"><pre><code>x = 1;<br>y</code></pre></codeblock> b:2',
            [],
            "html",
            "a\n ```\nx = 1;\ny\n```  b:2",
        ),
        (None, [], "plain", ""),
    ],
)
def test_spoken(text: str | None, entities: list[dict[str, Any]], form: str, spoken: str) -> None:
    assert read(text=text, entities=entities, textFormat=form).spoken() == spoken


def test_thread_and_base_id_of_a_channel_message() -> None:
    carried = {"id": "19:alerts@thread.tacv2;messageid=1795345729915", "conversationType": "channel"}
    conversation = read(conversation=carried, serviceUrl="https://x/").origin()
    assert (conversation.id, conversation.thread, conversation.kind) == (
        "19:alerts@thread.tacv2",
        "1795345729915",
        "channel",
    )


@pytest.mark.parametrize(
    ("conversation", "channel", "kind"),
    [
        ({"conversationType": "groupChat"}, None, "group"),
        ({"conversationType": "personal"}, None, "personal"),
        ({"isGroup": True}, None, "group"),
        ({"isGroup": True}, {"id": "19:a"}, "channel"),
        ({}, None, "personal"),
    ],
)
def test_kind_of_place(conversation: dict[str, Any], channel: dict[str, str] | None, kind: str) -> None:
    assert read(conversation=conversation, channelData={"channel": channel}).origin().kind == kind


@pytest.mark.parametrize(
    ("local", "client", "zone"),
    [
        ("Europe/Berlin", "UTC", "Europe/Berlin"),
        (None, "America/Los_Angeles", "America/Los_Angeles"),
        ("Mars/Olympus", None, None),
        ("../../etc/passwd", "Asia/Kolkata", "Asia/Kolkata"),
        (None, None, None),
    ],
)
def test_zone(local: str | None, client: str | None, zone: str | None) -> None:
    activity = read(localTimezone=local, entities=[{"type": "clientInfo", "timezone": client}])
    assert activity.person().zone == zone


def test_without_a_directory_id_the_teams_id_stands() -> None:
    assert read(**{"from": {"id": "29:guest"}}).person().id == "29:guest"


def test_a_place_is_named_by_its_channel_or_in_its_first_channel_by_its_team() -> None:
    def name(channel: dict[str, str]) -> str:
        data = {"team": {"id": "19:general", "name": "Batch Ops"}, "channel": channel}
        return read(conversation={"id": channel["id"]}, channelData=data).origin().name

    assert name({"id": "19:general"}) == "Batch Ops"
    assert name({"id": "19:general", "name": "General"}) == "General"
    assert name({"id": "19:other"}) == ""


async def test_a_name_that_was_told_once_is_kept(world: World) -> None:
    channel = {"id": "19:general", "name": "Alerts"}
    conversation = {"id": "19:general", "conversationType": "channel"}
    for number, told in enumerate((channel, {"id": "19:general"})):
        more = {"conversation": conversation, "channelData": world.activity()["channelData"] | {"channel": told}}
        await world.post_once(world.activity("installationUpdate", action="add-upgrade", id=f"up-{number}", **more))
    assert [msgspec.json.decode(kept.body, type=Conversation).name for kept in world.store.history] == [
        "Alerts",
        "Alerts",
    ]


@pytest.mark.parametrize("timestamp", [None, "yesterday", "2026-11-22T11:08:49.9089999Z", "2026-11-22T11:08:49"])
def test_any_timestamp_gives_an_aware_moment(timestamp: str | None) -> None:
    assert read(timestamp=timestamp).at.tzinfo is not None


async def test_removal_is_remembered_and_a_word_undoes_it(world: World) -> None:
    bot = {"id": world.activity()["recipient"]["id"]}
    await world.post_once(world.activity("installationUpdate", action="add"))
    await world.post_once(world.activity("conversationUpdate", membersRemoved=[bot]))
    await world.post_once(world.activity(text="pool list"))
    await world.post_once(world.activity("installationUpdate", action="remove"))
    assert [kept.reachable for kept in world.store.history] == [True, False, True, False]


async def test_other_peoples_coming_and_going_is_no_business_of_the_bots(world: World) -> None:
    await world.post_once(world.activity("conversationUpdate", membersAdded=[{"id": "29:guest"}]))
    await world.post_once(world.activity("conversationUpdate", membersRemoved=[{"id": "29:guest"}]))
    assert not world.store.kept


async def test_upgrade_is_not_greeted_and_loses_nothing(world: World) -> None:
    for action in ("add", "remove-upgrade", "add-upgrade"):
        await world.post_once(world.activity("installationUpdate", action=action, id=action))
    assert [request.text for request in world.intake.asked] == [WELCOME]
    assert world.store.kept["a:personal"].reachable


async def test_deleted_channel(world: World) -> None:
    data = world.activity()["channelData"] | {"eventType": "channelDeleted", "channel": {"id": "19:gone@thread.tacv2"}}
    conversation = {"id": "19:general@thread.tacv2", "conversationType": "channel"}
    await world.post_once(world.activity("conversationUpdate", channelData=data, conversation=conversation))
    assert {name: kept.reachable for name, kept in world.store.kept.items()} == {"19:gone@thread.tacv2": False}


async def test_a_reference_is_the_whole_conversation_and_written_when_it_changes(world: World) -> None:
    carried = {"id": "19:alerts@thread.tacv2;messageid=17", "conversationType": "channel"}
    for number in range(3):
        await world.post_once(world.activity(text="x", id=str(number), conversation=carried))
    assert len(world.store.history) == 1
    conversation = conversation_of(world.store.kept["19:alerts@thread.tacv2"])
    assert (conversation["thread"], conversation["service_url"]) == (None, world.service.url)


async def test_a_repeated_delivery_is_worked_on_once(world: World) -> None:
    for _ in range(2):
        assert await world.post_once(world.activity(text="pool list")) == (200, None)
    assert len(world.intake.asked) == 1


async def test_the_same_id_in_another_conversation_is_another_message(world: World) -> None:
    await world.post_once(world.activity(text="pool list"))
    await world.post_once(
        world.activity(text="pool list", conversation={"id": "a:other", "conversationType": "personal"})
    )
    assert len(world.intake.asked) == 2


async def test_unknown_kinds_are_acknowledged(world: World) -> None:
    assert await world.post_once(world.activity("messageReaction")) == (200, None)
    assert await world.post_once(world.activity("typing")) == (200, None)
    assert not world.intake.asked
