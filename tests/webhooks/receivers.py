"""A program that is told, on the other side of real HTTP: it does what a test says, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook

KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD_KEY = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
ENVIRONMENT = {"PAGER_KEY": KEY, "PAGER_OLD_KEY": OLD_KEY}
HANG = -1
"""Takes an event and never answers."""


class StandIn:
    """A receiver. ``answers`` are the statuses of the next requests, with headers; then it takes everything."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Mapping[str, str]]] = []
        self.always: int | None = None
        self.asked: list[tuple[Mapping[str, str], bytes]] = []
        self.taken: list[dict[str, Any]] = []
        self.url = ""
        self._released = asyncio.Event()

    def then(self, *statuses: int, **headers: str) -> None:
        self.answers += [(each, {key.replace("_", "-"): value for key, value in headers.items()}) for each in statuses]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.asked.append((request.headers, body))
        status, headers = self.answers.pop(0) if self.answers else (self.always or 204, {})
        if status == HANG:
            await self._released.wait()
            return web.Response(status=500)
        if status < 300:
            self.taken.append(read(request.headers, body))
        return web.Response(status=status, headers=headers)

    @property
    def types(self) -> list[str]:
        return [each["type"].removeprefix("batchbot.") for each in self.taken]


def read(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """An event, judged by two libraries that are not ours: its shape and its signature. Raises where one is wrong."""
    Webhook(KEY).verify(body, {key.lower(): value for key, value in headers.items()})
    event = from_structured(HTTPMessage(headers=dict(headers), body=body), JSONFormat())
    assert headers["webhook-id"] == event.get_id()
    attributes: dict[str, Any] = {**event.get_attributes(), "data": event.get_data()}
    assert attributes["specversion"] == "1.0"
    assert attributes["time"].utcoffset() is not None
    assert json.loads(body)["data"] == attributes["data"]
    return attributes


@asynccontextmanager
async def receiver(port: int = 0) -> AsyncIterator[StandIn]:
    made = StandIn()
    app = web.Application()
    app.router.add_post("/events", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/events"
    try:
        yield made
    finally:
        made._released.set()
        await runner.cleanup()
