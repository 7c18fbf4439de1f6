"""A stand-in, the real Web API client, apps to talk to, and patience."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import SlackSettings, SlackStandIn

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPS = "C0BATCHOPS"
QUICK: dict[str, Any] = {"file_processing": (0.01, 0.02), "post_burst": 0, "tiers": False}


class Clock:
    """The real time, and as much later as a test likes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@asynccontextmanager
async def workspace(clock: Callable[[], float] = time.time, **settings: Any) -> AsyncIterator[SlackStandIn]:
    stand_in = SlackStandIn(SlackSettings(**{**QUICK, **settings}), clock=clock)
    await stand_in.start()
    try:
        yield stand_in
    finally:
        await stand_in.close()


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[str]:
    """An HTTP server that does what ``handler`` says; yields its address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    app = web.Application()
    app.router.add_post("/slack/events", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


def client_of(stand_in: SlackStandIn, token: str | None = None) -> AsyncWebClient:
    return AsyncWebClient(token=token or stand_in.settings.bot_token, base_url=stand_in.api_url)


async def until(true: Callable[[], object]) -> None:
    """Wait for something that is about to happen."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the condition is of many kinds
            await asyncio.sleep(0.005)


async def next_of(queue: asyncio.Queue[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The next change of that type."""
    async with asyncio.timeout(10):
        while (change := await queue.get())["type"] != kind:
            pass
    return change


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


class App:
    """Remembers what it was sent and answers what it was told to."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answer: Any = None

    async def __call__(self, request: web.Request) -> web.Response:
        form = parse_qs(await request.text())
        self.got.append(json.loads(form["payload"][0]) if "payload" in form else {k: v[0] for k, v in form.items()})
        return web.json_response(self.answer) if self.answer is not None else web.Response()
