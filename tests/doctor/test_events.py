"""What the doctor says of an event hub, which it reads as the bot does: over AMQP, with Azure's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from msgspec.structs import replace

from bot.azure.event_hub import SCOPE, EventHub
from bot.doctor.events import event_hub
from bot.sandbox.wire.tokens import EVENT_HUBS, Tokens
from bot.settings import EventsSettings
from tests import hubs
from tests.vaults import certificates

HOST = "batchbot-test.servicebus.windows.net"
WHAT = "account farm: diagnostic events"


class Credential:
    """Tokens as an identity has them."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == (SCOPE,)
        return AccessToken(self._tokens.issue(EVENT_HUBS), 2**31)

    async def close(self) -> None: ...
    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@asynccontextmanager
async def reached(folder: Path) -> AsyncIterator[tuple[hubs.EventHub, EventHub, Credential]]:
    made = hubs.EventHub("diagnostics", Tokens())
    authority, tls = certificates(folder, HOST)
    credential = Credential(made.tokens)
    async with hubs.hub(made, tls) as port:
        settings = EventsSettings(HOST, made.name, endpoint=f"sb://127.0.0.1:{port}")
        yield made, EventHub(settings, credential, {"REQUESTS_CA_BUNDLE": str(authority)}), credential


async def test_a_hub_that_is_read(tmp_path: Path) -> None:
    async with reached(tmp_path) as (_, hub, credential):
        [found] = await event_hub(hub, credential, WHAT)
    assert (found.verdict, found.what) == ("fine", WHAT)
    assert found.found == f"diagnostics of {HOST} is read by $Default: 2 partitions"


async def test_a_role_that_is_missing(tmp_path: Path) -> None:
    async with reached(tmp_path) as (made, hub, credential):
        made.refuses = "Unauthorized access. 'Listen' claim(s) are required to perform this operation."
        [found] = await event_hub(hub, credential, WHAT)
    assert found.verdict == "broken"
    assert f"--assignee {made.tokens.principal_id} --role a638d3c7-ab3a-418d-83e6-5f17a39d4fde" in found.todo


async def test_a_hub_that_is_out_of_reach_or_is_not_trusted(tmp_path: Path) -> None:
    async with reached(tmp_path) as (_, hub, credential):
        settings = hub.settings
        [stranger] = await event_hub(EventHub(settings, credential, {}), credential, WHAT)
    away = EventHub(replace(settings, endpoint="sb://127.0.0.1:1"), credential, {})
    for found in [stranger, *await event_hub(away, credential, WHAT)]:
        assert found.verdict == "broken"
        assert "5671" in found.todo
