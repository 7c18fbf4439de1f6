"""The page's server over the real stand-ins: what it serves, what it lets in, what it passes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.page import Page
from bot.sandbox.page.build import BuildError
from bot.sandbox.slack import SlackStandIn
from bot.sandbox.teams import TeamsStandIn

APP_ID = "5b0f3a52-6f0c-4d7c-9d55-0c1f2f5a7b10"


def _verify(token: str, audience: str) -> dict[str, Any]:
    return {"appid": APP_ID}


@pytest.fixture
async def stand_ins() -> AsyncIterator[tuple[SlackStandIn, TeamsStandIn]]:
    slack, teams = SlackStandIn(), TeamsStandIn(app_id=APP_ID, verify=_verify)
    await slack.start()
    await teams.start()
    yield slack, teams
    await slack.close()
    await teams.close()


@pytest.fixture
def web(tmp_path: Path) -> Path:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "index.html").write_text("<p>the panes</p>")
    (tmp_path / "page.js").write_text("let here;")
    (tmp_path / "fonts" / "a.woff2").write_bytes(b"font")
    (tmp_path / "secret").write_text("not for browsers")
    return tmp_path


@pytest.fixture
async def page(stand_ins: tuple[SlackStandIn, TeamsStandIn], web: Path) -> AsyncIterator[Page]:
    async def builder() -> Path:
        return web

    page = Page(*stand_ins, builder=builder)
    await page.start()
    await page.built()
    yield page
    await page.close()


@pytest.fixture
async def browser(page: Page) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(page.url) as session:
        yield session


async def _text(session: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    async with session.get(path) as answer:
        return answer.status, await answer.text()


async def _do(session: aiohttp.ClientSession, path: str, **body: object) -> tuple[int, Any]:
    async with session.post(path, json=body) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else await answer.text()


async def test_the_built_page_is_served_and_nothing_beside_it(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/") as answer:
        assert await answer.text() == "<p>the panes</p>"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert await _text(browser, "/page.js") == (200, "let here;")
    assert await _text(browser, "/fonts/a.woff2") == (200, "font")
    for path in ("/secret", "/fonts/..%2Fsecret", "/fonts/../secret", "/page.css"):
        assert (await _text(browser, path))[0] == 404


async def test_without_npm_the_page_tells_how_to_talk_in_the_terminal(
    stand_ins: tuple[SlackStandIn, TeamsStandIn], capsys: pytest.CaptureFixture[str]
) -> None:
    going = asyncio.Event()

    async def builder() -> Path:
        await going.wait()
        raise BuildError("npm said <no>")

    page = Page(*stand_ins, builder=builder)
    await page.start()
    async with aiohttp.ClientSession(page.url) as session:
        status, text = await _text(session, "/")
        assert status == 200
        assert "being built" in text
        assert 'http-equiv="refresh"' in text
        going.set()
        with pytest.raises(BuildError):
            await page.built()
        status, text = await _text(session, "/")
        assert status == 200
        assert "npm said &lt;no&gt;" in text
        assert "batchbot chat --demo" in text
        assert (await _text(session, "/page.js"))[0] == 404
    assert "batchbot chat --demo" in capsys.readouterr().err
    await page.close()


async def test_closing_stops_a_build_and_sends_the_browser_away(
    stand_ins: tuple[SlackStandIn, TeamsStandIn],
) -> None:
    stopped = asyncio.Event()

    async def builder() -> Path:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        raise AssertionError

    page = Page(*stand_ins, builder=builder)
    await page.start()
    async with aiohttp.ClientSession(page.url) as session, session.ws_connect("/api/events") as socket:
        closing = asyncio.create_task(page.close())
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        await closing
    assert stopped.is_set()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_strangers_are_kept_out(browser: aiohttp.ClientSession, headers: dict[str, str]) -> None:
    async with browser.get("/api/people", headers=headers) as answer:
        assert answer.status == 403
    body = {"user": "viewer", "channel": "batch-ops", "text": "hello"}
    async with browser.post("/api/slack/say", json=body, headers=headers) as answer:
        assert answer.status == 403
    async with browser.get("/api/slack/messages?channel=batch-ops&user=viewer") as answer:
        assert await answer.json() == []


async def test_what_a_form_could_send_is_no_act(browser: aiohttp.ClientSession) -> None:
    async with browser.post("/api/slack/say", data='{"user": "viewer"}') as answer:
        assert answer.status == 415


async def test_a_message_is_said_kept_and_passed_on(browser: aiohttp.ClientSession) -> None:
    async with browser.ws_connect("/api/events") as socket:
        status, said = await _do(browser, "/api/slack/say", user="viewer", channel="batch-ops", text="hello")
        assert status == 200
        told = (await socket.receive_json())["slack"]
        assert (told["type"], told["message"]["ts"]) == ("message", said["ts"])
    async with browser.get("/api/slack/messages?channel=batch-ops&user=operator") as answer:
        (message,) = await answer.json()
        assert (message["text"], message["name"]) == ("hello", "viewer")


async def test_teams_speaks_on_the_same_stream(browser: aiohttp.ClientSession) -> None:
    async with browser.ws_connect("/api/events") as socket:
        status, said = await _do(browser, "/api/teams/say", user="admin", conversation="general", text="only to people")
        assert status == 200
        told = (await socket.receive_json())["teams"]
        assert (told["event"], told["message"]) == ("posted", said["id"])
    async with browser.get("/api/teams/messages?conversation=general&user=viewer") as answer:
        (message,) = await answer.json()
        assert (message["text"], message["from"]) == ("only to people", "admin")


async def test_a_command_that_nobody_hears_is_told_to_its_user_alone(browser: aiohttp.ClientSession) -> None:
    status, taken = await _do(
        browser, "/api/slack/command", user="viewer", channel="batch-ops", command="/batch", text="home"
    )
    assert (status, taken["ok"], taken["error"]) == (200, False, "dispatch_failed")
    async with browser.get("/api/slack/messages?channel=batch-ops&user=viewer") as answer:
        (message,) = await answer.json()
        assert message["ephemeral"]
    async with browser.get("/api/slack/messages?channel=batch-ops&user=admin") as answer:
        assert await answer.json() == []


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("slack/command", {"channel": "batch-ops", "command": "/nothing", "text": ""}, "no_such_command"),
        ("slack/say", {"channel": "nowhere", "text": "hello"}, "channel_not_found"),
        ("slack/close", {"view": "V1"}, "view_not_found"),
        ("teams/say", {"conversation": "viewer", "text": "hello"}, "BotNotInstalled"),
        ("teams/press", {"conversation": "general", "message": "1", "action": {}}, "MessageNotFound"),
        ("teams/close", {"dialog": "1"}, "DialogNotFound"),
    ],
)
async def test_what_cannot_be_done_is_told(
    browser: aiohttp.ClientSession, path: str, body: dict[str, Any], code: str
) -> None:
    status, told = await _do(browser, f"/api/{path}", user="viewer", **body)
    assert (status, told["code"]) == (409, code)
    assert told["message"].startswith(code)


async def test_a_wrong_request_is_refused_in_words(browser: aiohttp.ClientSession) -> None:
    assert (await _do(browser, "/api/slack/fly", user="viewer"))[0] == 404
    status, words = await _do(browser, "/api/slack/say", user="viewer", channel="batch-ops")
    assert status == 400
    assert "text" in words
    status, words = await _do(browser, "/api/slack/say", user="viewer", channel="batch-ops", text="", more=1)
    assert status == 400
    assert "more" in words
    status, told = await _get(browser, "/api/slack/messages?user=viewer")
    assert (status, told["code"]) == (400, "missing")


async def _get(session: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    async with session.get(path) as answer:
        return answer.status, await answer.json()


async def test_people_channels_and_conversations_are_told(browser: aiohttp.ClientSession) -> None:
    _, world = await _get(browser, "/api/people")
    roles = {"viewer", "operator", "admin", "second admin"}
    assert {person["role"] for person in world["slack"]["people"]} == roles | {"bot"}
    assert {person["role"] for person in world["teams"]["people"]} == roles
    assert "batch-ops" in {channel["name"] for channel in world["slack"]["channels"]}
    assert {"personal", "channel", "groupChat"} == {each["kind"] for each in world["teams"]["conversations"]}


async def test_what_is_written_before_the_bot_is_there_waits_for_it(
    stand_ins: tuple[SlackStandIn, TeamsStandIn], web: Path
) -> None:
    async def builder() -> Path:
        return web

    teams, installing = stand_ins[1], asyncio.get_running_loop().create_future()
    page = Page(*stand_ins, builder=builder, installing=installing)
    await page.start()
    mine = next(each["id"] for each in teams.conversations.values() if each["members"] == ["viewer"])
    async with aiohttp.ClientSession(page.url) as session:
        said = asyncio.create_task(_do(session, "/api/teams/say", user="viewer", conversation=mine, text="pool list"))
        await asyncio.sleep(0.3)
        assert not said.done()
        async with session.get("/api/people") as answer:
            assert (await answer.json())["teams"]["installing"]
        await teams.install(mine)
        status, answered = await said
        assert (status, [each["id"] for each in teams.messages(mine, "viewer")]) == (200, [answered["id"]])
        await teams.uninstall(mine)
        installing.set_result(None)  # nobody adds it any more: the page says so
        status, answered = await _do(session, "/api/teams/say", user="viewer", conversation=mine, text="pool list")
        assert (status, answered["code"]) == (409, "BotNotInstalled")
    await page.close()
