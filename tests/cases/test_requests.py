"""Raw HTTP from somebody who is not Slack and not Teams: refused by one line, whatever it is."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from slack_sdk.signature import SignatureVerifier

from bot.app import App
from bot.sandbox.slack import SlackStandIn
from bot.settings_file import check
from bot.tools.demo import free_port
from tests.cases import Case, cases
from tests.chat.teams_service import APP, TENANT, Service

ACCOUNT = {"endpoint": "https://render.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


class Served(NamedTuple):
    """The program's port, and what can sign."""

    port: int
    verifier: SignatureVerifier
    service: Service
    paths: set[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    slack, service = SlackStandIn(), Service()
    await slack.start()
    await service.start()
    port = free_port()
    raw: dict[str, Any] = {
        "bot": {
            "database": str(tmp_path_factory.mktemp("requests") / "bot.db"),
            "listen": f"127.0.0.1:{port}",
            "prices_url": "",
            "public_url": f"http://127.0.0.1:{port}",
        },
        "accounts": {"render": ACCOUNT},
        "slack": {"api_url": slack.api_url},
        "teams": {
            "app_id": APP,
            "tenant_id": TENANT,
            "credential": "client_secret",
            "secret_env": "TEAMS_SECRET",
            "openid_url": service.openid,
            "service_hosts": [f"127.0.0.1:{service.server.port}"],
        },
    }
    secret = slack.settings.signing_secret
    environment = {
        "SLACK_BOT_TOKEN": slack.settings.bot_token,
        "SLACK_SIGNING_SECRET": secret,
        "TEAMS_SECRET": "s",
    }
    app = await App.open(check(raw, environment), environment)
    for chat in app.chats.values():
        await chat.start(app.journal)
    for server in app.servers:
        await server.start()
    paths = {path for server in app.servers for path in server.paths}
    yield Served(port, SignatureVerifier(secret), service, paths)
    for server in app.servers:
        await server.close()
    await app.stop()
    await service.server.close()
    await slack.close()


def _body(given: dict[str, Any]) -> bytes:
    unit, times = given.get("repeat", ("", 0))
    said = str(given.get("body", "")) + str(unit) * int(times)
    return bytes.fromhex(str(given.get("hex", ""))) + said.encode()


def _raw(given: dict[str, Any], served: Served) -> bytes:
    body = _body(given)
    now = str(int(time.time()))
    usual = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": "application/x-www-form-urlencoded"}
    headers = usual | {name: now if value == "now" else value for name, value in given.get("headers", {}).items()}
    if given.get("signed"):
        headers["X-Slack-Request-Timestamp"] = now
        headers["X-Slack-Signature"] = served.verifier.generate_signature(timestamp=now, body=body) or ""
    if given.get("token"):
        headers["Authorization"] = f"Bearer {served.service.token()}"
    if digits := given.get("long_timestamp"):
        headers["X-Slack-Request-Timestamp"] = "1" * digits
    if size := given.get("long_header"):
        headers["X-Long"] = "x" * size
    if given.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:70_000], body[70_000:]) if p) + b"0\r\n\r\n"
    elif body:
        headers["Content-Length"] = str(len(body))
    head = f"{given.get('method', 'POST')} {given.get('path', '/slack/events')} HTTP/1.1\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return head.encode() + lines.encode() + b"\r\n" + body


async def _answer(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    answer = b""
    with suppress(ConnectionError):  # it may be answered before all of it was sent
        await writer.drain()
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            answer += piece
    writer.close()
    return answer


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", cases("requests"))
async def test_a_request(
    case: Case, served: Served, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await _answer(served.port, _raw(case.input, served))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == case.right["status"]
    assert b"Server: batchbot\r\n" in head + b"\r\n"
    assert b"aiohttp" not in answer
    assert b"Traceback" not in body
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


def test_every_path_that_the_world_may_reach_is_named_for_whoever_sets_up_the_proxy(served: Served) -> None:
    page = (Path(__file__).parents[2] / "docs" / "teams.md").read_text(encoding="utf-8")
    named = re.findall(r"`(/[a-z/]+)`", page)
    for path in served.paths - {"/health", "/readyz", "/metrics"}:
        assert any(path.startswith(each) for each in named), path
