"""``/mcp`` of the running bot over real HTTP: who is let in, and what the official client gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from bot.clock import Clock
from bot.mcp.asking import Asking
from bot.mcp.endpoint import Programs
from bot.mcp.http import MOST_BYTES, McpEndpoint
from bot.mcp.settings import McpSettings
from bot.mcp.whereabouts import Whereabouts
from bot.ops.server import WebServer
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.shares import Shares
from bot.settings import BotSettings, SettingsError
from bot.tools.demo import free_port
from tests.handlers.conftest import Scene

MIA, NOAH = "mia-" + "0123456789abcdef" * 2, "noah-" + "0123456789abcdef" * 2
ENVIRONMENT = {"MIA": MIA, "NOAH": NOAH}
PEOPLE = [
    McpSettings("slack:U0MIA", "MIA", tools=["pool *", "whoami"], pictures=False),
    McpSettings("teams:11111111-2222-3333-4444-555555555555", "NOAH", changes=True),
    McpSettings("slack:U0ELSE"),
]


def asking(scene: Scene) -> Asking:
    found = Whereabouts({}, scene.store, scene.dispatcher.services.policy)
    return Asking(scene.dispatcher, Shares(Clock()), found)


@asynccontextmanager
async def served(scene: Scene) -> AsyncIterator[str]:
    """The address of the program's own web server with the endpoint on it."""
    listen = f"127.0.0.1:{free_port()}"
    made = McpEndpoint(PEOPLE, ENVIRONMENT, asking(scene), None, [f"http://{listen}"])
    server = WebServer(listen, made.routes())
    await server.start()
    try:
        yield f"http://{listen}/mcp"
    finally:
        await server.close()


@asynccontextmanager
async def client(url: str, token: str, mode: str = "auto") -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as connected,
    ):
        yield connected


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_asks_in_the_name_of_the_token(scene: Scene, mode: str) -> None:
    """Both eras of the protocol: with a handshake, and each request by itself."""
    async with served(scene) as url:
        async with client(url, MIA, mode) as mia:
            names = {each.name for each in (await mia.list_tools()).tools}
            assert {"pool_list", "pool_autoscale", "whoami"} <= names
            assert "job_list" not in names
            assert "slack:U0MIA" in str((await mia.call_tool("whoami", {})).structured_content)
            pools = await mia.call_tool("pool_list", {"account": "render-prod"})
            assert "render-cpu" in str(pools.structured_content)
        async with client(url, NOAH, mode) as noah:
            assert "pool_delete" in {each.name for each in (await noah.list_tools()).tools}
            assert "teams:11111111" in str((await noah.call_tool("whoami", {})).structured_content)


async def test_who_is_not_let_in(scene: Scene) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    plain = {"Accept": "application/json, text/event-stream"}
    mine = {**plain, "Authorization": f"Bearer {MIA}"}
    async with served(scene) as url, aiohttp.ClientSession() as session:

        async def status(headers: dict[str, str], method: str = "POST", **more: Any) -> int:
            async with session.request(method, url, headers=headers, **(more or {"json": body})) as answer:
                assert "pool_list" not in await answer.text() or answer.status == 200
                return answer.status

        assert await status(mine) == 200
        for header in ("", f"Bearer {MIA}x", f"Bearer {MIA[:-1]}", "Bearer ", f"Basic {MIA}", MIA, "Bearer ünïcode"):
            assert await status({**plain, "Authorization": header}) == 401, header
        assert await status(plain) == 401
        assert await status({**mine, "Origin": "https://evil.example"}) == 403
        assert await status({**mine, "Host": "evil.example"}) == 421
        assert await status(mine, "GET", json=None) == 405
        assert await status(mine, "DELETE", json=None) == 405
        assert await status({**mine, "Content-Type": "application/json"}, data=b"x" * (MOST_BYTES + 1)) == 413
        assert await status({**mine, "Content-Type": "text/plain"}, data=b"{}") == 400
        assert await status({**mine, "Content-Type": "application/json"}, data=b"{") == 400
        async with session.post(url, json=body, headers=plain) as answer:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "traceback" not in (await answer.text()).lower()
        host = url.removeprefix("http://").partition("/")[0]
        reading, writing = await asyncio.open_connection(*host.split(":"))
        lines = [b"POST /mcp HTTP/1.1", b"Host: " + host.encode(), b"Authorization: Bearer \xff\xfe"]
        writing.write(b"\r\n".join([*lines, b"Content-Length: 0", b"Connection: close", b"", b""]))
        assert (await reading.readline()).split()[1] == b"401", "what is no text is no token"
        writing.close()


async def test_what_cannot_be_served_is_told_before_the_start(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = BotSettings()
    around: Any = (RequestJournal(scene.dispatcher, scene.store, {}), scene.store, None)
    assert Programs([], {}, bot, *around).routes() == []
    assert Programs([McpSettings("slack:U1")], {}, bot, *around).routes() == []
    assert [each.path for each in Programs(PEOPLE, ENVIRONMENT, bot, *around).routes()] == ["/mcp"]
    for environment, says in (({"MIA": "short"}, "fewer than 32 characters"), ({}, "MIA is missing or empty")):
        with pytest.raises(SettingsError, match=says):
            McpEndpoint(PEOPLE[:1], environment, asking(scene), None, [])
    monkeypatch.setattr("bot.mcp.endpoint.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'batchbot\[mcp\]'"):
        Programs(PEOPLE, ENVIRONMENT, bot, *around)


async def test_a_copy_without_the_duties_answers_and_leaves_the_sending_to_the_one_that_has_them(scene: Scene) -> None:
    read_anew, announced = [], list[object]()

    async def refresh() -> None:
        read_anew.append(True)

    services = scene.dispatcher.services
    chatting = replace(services.chatting, posted=announced.append)
    journal = RequestJournal(Dispatcher(replace(services, chatting=chatting)), scene.store, {}, refresh=refresh)
    journal.working = False
    listen = f"127.0.0.1:{free_port()}"
    people = [McpSettings("slack:U0MIA", "MIA", changes=True, conversation="slack:C012AB3CD")]
    drawing: Any = None
    programs = Programs(people, ENVIRONMENT, BotSettings(listen=listen), journal, scene.store, drawing)
    server = WebServer(listen, programs.routes())
    await server.start()
    try:
        async with client(f"http://{listen}/mcp", MIA) as mia:
            assert not (await mia.call_tool("whoami", {})).is_error
            with pytest.raises(SettingsError, match="VERA is missing"):
                programs.use([McpSettings("slack:U0VERA", "VERA")])
            asked = await mia.call_tool("save_mine", {"name": "pools", "words": "pool list"})
            assert "Nothing was changed." in asked.structured_content["said"], asked.content
            assert programs.use([])
            old = {"Authorization": f"Bearer {MIA}"}
            async with aiohttp.ClientSession() as session, session.post(f"http://{listen}/mcp", headers=old) as answer:
                assert answer.status == 401, "a token that is taken out of the settings is none at once"
    finally:
        await server.close()
    assert read_anew
    assert not announced
    [waiting] = await scene.store.undelivered()
    assert waiting.entry.destination == "slack:C012AB3CD"
