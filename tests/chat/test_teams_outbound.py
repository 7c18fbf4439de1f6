"""Cards go to allowed hosts only, are and are never held up by a picture."""

from __future__ import annotations

import ast
import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs

import bot.chat.teams
from bot.chat.budget import Budget, Priority
from bot.chat.port import Undelivered
from bot.chat.request import Conversation
from bot.chat.teams import messages, outbound
from bot.chat.teams.library import load
from bot.chat.teams.outbound import LIMITS, Outbound, allowed
from bot.chat.teams.references import References
from bot.chat.teams.seals import Seals
from cards.card import Attachment, Picture, Rendered
from cards.charts.usage import UsageChart
from tests.chat.teams_service import SDKS, World, build, card, tear_down
from tests.shared import shared

PNG = "https://bot.example/pictures/abc.png"


def picture(width: int = 1600, height: int = 900) -> Picture:
    since = datetime(2026, 11, 22, tzinfo=UTC)
    chart = UsageChart("h", "s", (), 60, since, since + timedelta(hours=1), width=width, height=height)
    return Picture("usage", "12 of 40 cores busy", chart)


def failure(status: int, code: str = "Throttled", **headers: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "told"}}, status=status, headers=headers)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = await build()
    yield world
    await tear_down(world)


@pytest.fixture(params=SDKS)
async def either(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A world of each library."""
    world = await build(sdk=request.param)
    yield world
    await tear_down(world)


class Bench(Outbound):
    """An outbound whose waits take no time."""

    def __init__(self, world: World) -> None:
        self.slept: list[float] = []
        connector = load(world.teams._settings.sdk).connector(
            world.http, world.credential, app_id="app", scope="the/.default"
        )
        references = References(world.store)  # type: ignore[arg-type]
        budget = Budget(LIMITS, lambda: time.monotonic() + sum(self.slept), self._nap)
        super().__init__(connector, references, world.pictures, ["127.0.0.1"], budget=budget, seals=Seals(world.store))

    async def _nap(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def post(self, where: Conversation) -> str:
        return await messages.post(self, where, RENDERED, Priority.ANSWER)

    async def update(self, where: Conversation, message: str) -> None:
        await messages.update(self, where, message, RENDERED, Priority.ANSWER)


def conversation(world: World, **rest: Any) -> Conversation:
    return Conversation("teams", "19:alerts@thread.tacv2", team="t", service_url=world.service.url, **rest)


PAYLOAD: dict[str, object] = {"type": "AdaptiveCard", "version": "1.5", "body": []}
RENDERED = Rendered(PAYLOAD, "pool list")


async def test_post_is_a_card_with_a_summary_and_nothing_else(either: World) -> None:
    assert await Bench(either).post(conversation(either, thread="17")) == "message-1"
    method, path, activity = either.service.sent[0]
    assert (method, path) == ("POST", "v3/conversations/19:alerts@thread.tacv2;messageid=17/activities")
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": PAYLOAD}
    assert activity == {"type": "message", "summary": "pool list", "attachments": [attachment]}
    swagger = msgspec.json.decode(shared("chat/schemas/bot-connector.swagger.json").read_bytes())
    jsonschema.Draft4Validator({"$ref": "#/definitions/Activity", "definitions": swagger["definitions"]}).validate(
        activity
    )


async def test_update_is_a_put(either: World) -> None:
    await Bench(either).update(conversation(either), "17")
    method, path, activity = either.service.sent[0]
    assert (method, path) == ("PUT", "v3/conversations/19:alerts@thread.tacv2/activities/17")
    assert activity["id"] == "17"


async def test_the_token_is_asked_for_once_and_renewed_when_refused(either: World) -> None:
    sender = Bench(either)
    for _ in range(3):
        await sender.post(conversation(either))
    assert either.credential.asked.count("the/.default") == 1
    assert set(either.service.tokens) == {"Bearer the-bots-own-token"}
    either.service.failures.append(failure(401, "Unauthorized"))
    with pytest.raises(Undelivered):
        await sender.post(conversation(either))
    await sender.post(conversation(either))
    assert either.credential.asked.count("the/.default") == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 412, 413, 429, 500, 502, 503, 504])
async def test_a_call_is_made_once(either: World, status: int) -> None:
    either.service.failures.append(failure(status, "Whatever"))
    with pytest.raises(Undelivered) as raised:
        await Bench(either).post(conversation(either))
    assert raised.value.code == "Whatever"
    assert not either.service.sent


async def test_retry_after_is_read_in_seconds_and_as_a_date_and_holds_the_conversation(either: World) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    either.service.failures += [failure(429, **{"Retry-After": "17"}), failure(429, **{"Retry-After": date})]
    sender = Bench(either)
    waits = []
    for _ in range(2):
        with pytest.raises(Undelivered) as raised:
            await sender.post(conversation(either))
        waits.append(raised.value.wait)
    assert waits == [17.0, pytest.approx(29.5, abs=1.5)]
    assert sender.budget.delay("19:alerts@thread.tacv2", Priority.ANSWER, "call") > 25
    assert any(16 < slept < 18 for slept in sender.slept), "the second waited for the first one's time"


@pytest.mark.parametrize("code", ["MessageWritesBlocked", "BotNotInConversationRoster"])
async def test_removed_from_the_conversation(either: World, code: str) -> None:
    either.service.failures.append(failure(403, code))
    with pytest.raises(Undelivered):
        await Bench(either).post(conversation(either, thread="17"))
    kept = either.store.kept["19:alerts@thread.tacv2"]
    assert not kept.reachable
    assert msgspec.json.decode(kept.body, type=Conversation).thread is None


async def test_a_lost_answer_leaves_a_post_in_doubt(either: World) -> None:
    sender = Bench(either)
    either.service.failures.append(None)
    with pytest.raises(Undelivered, match="doubt: NoAnswer"):
        await sender.post(conversation(either))


async def test_what_never_left_is_no_doubt(either: World) -> None:
    await either.service.server.close()
    with pytest.raises(Undelivered, match="later: NoConnection"):
        await Bench(either).post(conversation(either))


async def test_redirects_are_not_followed(either: World) -> None:
    either.service.failures.append(web.Response(status=307, headers={"Location": "https://evil.example/"}))
    with pytest.raises(Undelivered) as raised:
        await Bench(either).post(conversation(either))
    assert raised.value.code == "307"


@pytest.mark.parametrize(
    ("url", "hosts", "expected"),
    [
        ("https://smba.trafficmanager.net/amer/guid/", ["smba.trafficmanager.net"], True),
        ("https://SMBA.TrafficManager.net/amer/", ["smba.trafficmanager.net"], True),
        ("https://smba.trafficmanager.net:443/amer/", ["smba.trafficmanager.net"], True),
        ("http://smba.trafficmanager.net/amer/", ["smba.trafficmanager.net"], False),
        ("https://smba.trafficmanager.net.evil.example/", ["smba.trafficmanager.net"], False),
        ("https://evil.example/smba.trafficmanager.net", ["smba.trafficmanager.net"], False),
        ("https://smba.trafficmanager.net@evil.example/", ["smba.trafficmanager.net"], False),
        ("https://user@smba.trafficmanager.net/", ["smba.trafficmanager.net"], False),
        ("https://smba.trafficmanager.net/?a=b", ["smba.trafficmanager.net"], False),
        ("https://smba.trafficmanager.net:99999/", ["smba.trafficmanager.net"], False),
        ("http://127.0.0.1:4000/teams/", ["127.0.0.1"], True),
        ("http://127.0.0.1:4000/teams/", ["127.0.0.1:4000"], True),
        ("http://127.0.0.1:4000/teams/", ["127.0.0.1:4001"], False),
        ("http://127.0.0.1:4000/teams/", ["smba.trafficmanager.net"], False),
        ("http://10.0.0.1/", ["10.0.0.1"], False),
        ("ftp://127.0.0.1/", ["127.0.0.1"], False),
        ("", ["", "smba.trafficmanager.net"], False),
    ],
)
def test_allowed(url: str, hosts: list[str], expected: bool) -> None:
    assert allowed(url, hosts) is expected


async def test_no_token_goes_to_a_stored_address_that_is_not_allowed(either: World) -> None:
    elsewhere = Conversation("teams", "a:1", service_url="http://localhost:9/")
    with pytest.raises(Undelivered) as raised:
        await Bench(either).post(elsewhere)
    assert raised.value.code == "ServiceUrlRefused"
    assert "the/.default" not in either.credential.asked


async def test_picture_is_drawn_within_teams_size_and_linked(world: World) -> None:
    rendered = await Bench(world).render(card(blocks=(picture(),)))
    assert [(chart.width, chart.height) for chart in world.pictures.drawn] == [(1024, 576)]
    assert PNG in str(rendered.payload)


async def test_small_picture_keeps_its_size(world: World) -> None:
    await Bench(world).render(card(blocks=(picture(800, 400),)))
    assert [(chart.width, chart.height) for chart in world.pictures.drawn] == [(800, 400)]


@pytest.mark.parametrize("trouble", ["fails", "too large", "late"])
async def test_a_picture_in_trouble_leaves_its_words(
    world: World, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble == "fails":
        world.pictures.error = RuntimeError("no font")
    elif trouble == "too large":
        world.pictures.png_bytes = b"x" * 1_000_001
    else:
        monkeypatch.setattr(outbound, "_PICTURE_SECONDS", 0.01)
        monkeypatch.setattr(world.pictures, "png", lambda _: asyncio.sleep(60))
    with capture_logs() as logs:
        rendered = await Bench(world).render(card(blocks=(picture(),)))
    assert "12 of 40 cores busy" in str(rendered.payload)
    assert PNG not in str(rendered.payload)
    assert len(logs) == 1


async def test_a_file_is_a_link(world: World) -> None:
    file = Attachment("tasks.csv", b"id,state\r\n", "text/csv")
    rendered = await Bench(world).render(card(blocks=(file,)))
    actions = [element["actions"][0] for element in rendered.payload["body"] if element["type"] == "ActionSet"]  # type: ignore[attr-defined]
    assert [(action["title"], action["url"]) for action in actions] == [
        ("⇩ tasks.csv · 10 bytes", "https://bot.example/files/abc?n=10")
    ]
    world.pictures.error = RuntimeError("no address")
    with capture_logs() as logs:
        rendered = await Bench(world).render(card(blocks=(file,)))
    assert "tasks.csv" in str(rendered.payload)
    assert "cannot be fetched from here" in str(rendered.payload)
    assert [line["event"] for line in logs] == ["teams.file_failed"]


async def test_two_pictures_one_in_trouble(world: World) -> None:
    good = picture()
    bad = msgspec.structs.replace(
        good, key="bad", alt="the other one", chart=msgspec.structs.replace(good.chart, width=9)
    )

    async def png(chart: UsageChart) -> bytes:
        if chart.width == 9:
            raise RuntimeError
        return b"png"

    world.pictures.png = png  # type: ignore[method-assign,assignment]
    rendered = await Bench(world).render(card(blocks=(good, bad)))
    assert PNG in str(rendered.payload)
    assert "the other one" in str(rendered.payload)


def test_each_library_is_known_to_its_own_package_alone() -> None:
    folder = Path(str(bot.chat.teams.__file__)).parent
    knowing: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for library in {name.split(".")[0] for name in names}:
                knowing.setdefault(library, set()).add(path.parent.name)
    assert {library: knowing[library] for library in ("botbuilder", "botframework", "msrest", "microsoft_agents")} == {
        "botbuilder": {"botbuilder"},
        "botframework": {"botbuilder"},
        "msrest": {"botbuilder"},
        "microsoft_agents": {"agents"},
    }
