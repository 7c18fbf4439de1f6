"""A tiny service on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

KEY = "c2VjcmV0LWtleS1vZi10aGUtdGVzdC1hY2NvdW50"
TOKEN = "token-that-must-not-be-told"
COUNTED = (
    "creating", "idle", "offline", "preempted", "rebooting", "reimaging", "running", "starting", "startTaskFailed",
    "leavingPool", "unknown", "unusable", "waitingForStartTask", "total",
)  # fmt: skip
"""What the service counts always, of nodes of either kind; it counts more where there are some."""
NONE_OF_ANY = dict.fromkeys(COUNTED, 0)


class Service:
    """Answers with ``answers`` in turn (the last one again and again); remembers what was asked."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[web.Request] = []
        self.answers: list[Handler] = []

    @property
    def paths(self) -> list[str]:
        """Paths and queries asked, as on the wire, without the api-version."""
        return [each.raw_path.replace("api-version=2025-06-01", "").replace("?&", "?") for each in self.asked]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def say(body: object, status: int = 200, **headers: str) -> Handler:
    """Answer JSON (bytes go as they are); ``Retry_After`` is the header Retry-After."""

    async def answer(_: web.Request) -> web.StreamResponse:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(body=content, status=status, headers=named, content_type="application/json")

    return answer


def error(code: str, message: str = "It failed.", **values: str) -> dict[str, Any]:
    """An error body of the data plane."""
    return {
        "odata.metadata": "https://a.b.batch.azure.com/$metadata#errors/@Element",
        "code": code,
        "message": {"lang": "en-US", "value": f"{message}\nRequestId:0-1-2\nTime:2026-11-01T00:00:00.0000000Z"},
        "values": [{"key": key, "value": value} for key, value in values.items()],
    }


async def cut(request: web.Request) -> web.StreamResponse:
    """Begin a body and break off."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"value": [')
    assert request.transport
    request.transport.abort()
    return response


def rows(count: int, size: int | None = None) -> Handler:
    """A list of ``count`` tasks, served in pages of ``maxresults`` (or ``size``), with opaque links."""

    async def answer(request: web.Request) -> web.StreamResponse:
        first = int(request.query.get("$skiptoken", "0"))
        page = size or int(request.query["maxresults"])
        last = min(first + page, count)
        sent: dict[str, Any] = {"value": [{"id": f"t{number}"} for number in range(first, last)]}
        if last < count:
            query = {**request.query, "$skiptoken": str(last)}
            sent["odata.nextLink"] = str(request.url.with_query(query))
        return web.json_response(sent)

    return answer


@asynccontextmanager
async def serving(service: Handler) -> AsyncIterator[str]:
    """The address of a running service."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def identity(environment: Mapping[str, str], **other: object) -> Handler:
    """A managed identity endpoint of App Service: gives TOKEN to whoever shows the header, with ``other`` fields."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("X-IDENTITY-HEADER") != environment["IDENTITY_HEADER"]:
            return web.json_response({"statusCode": 401}, status=401)
        resource = request.query["resource"]
        return web.json_response(
            {
                "access_token": f"{TOKEN}:{resource}",
                "expires_on": "4102444800",
                "resource": resource,
                "token_type": "Bearer",
                **other,
            }
        )

    return answer
