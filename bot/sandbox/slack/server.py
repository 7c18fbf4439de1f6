"""The one HTTP server of a stand-in: Web API, uploads, downloads, response addresses and sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import BodyPartReader, web

from bot.sandbox.slack import reply
from bot.sandbox.slack.api import Method, WebApi, require
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import TEAM

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MOST_BYTES = 64 * 2**20
_SOCKETS = "/link/"


class Server:
    """Routes requests to the modules of the stand-in."""

    def __init__(self, core: Core, methods: Mapping[str, Method]) -> None:
        self._core = core
        self._runner: web.AppRunner | None = None
        self._app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._weather])
        self._api = api = WebApi(core, methods)
        self._app.add_routes(
            [
                web.route("*", "/api/{method}", api.serve),
                web.post("/upload/v1/{ticket}", self._upload),
                web.get(f"/files-pri/{TEAM}-{{file}}/{{name:.+}}", self._download),
                web.get(_SOCKETS, core.sockets.connect),
                *(web.post(f"/{kind}/{TEAM}/{{tail:.+}}", self._reply) for kind in ("commands", "actions", "app")),
            ]
        )

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the address."""
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound = self._runner.addresses[0][1]
        return f"http://{host}:{bound}"

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()

    @web.middleware
    async def _weather(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Slowness and outages, which concern everything but the sockets."""
        faults = self._core.faults
        if request.path != _SOCKETS:
            await asyncio.sleep(faults.slow * self._core.settings.time_scale)
            if faults.cut or faults.outage:
                outcome = "cut" if faults.cut else "service_unavailable"
                await self._api.missed(request, outcome)
                if faults.cut and request.transport:
                    request.transport.abort()
                return web.json_response({"ok": False, "error": outcome}, status=503)
        return await handler(request)

    async def _reply(self, request: web.Request) -> web.Response:
        return await reply.serve(self._core, request)

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            return web.Response(text=self._core.files.receive(request.path, await _uploaded(request)))
        except Refused as refused:
            return web.Response(text=refused.code, status=400)

    async def _download(self, request: web.Request) -> web.Response:
        """The bytes of a file for the app; others are sent to the sign-in page, as on Slack."""
        if request.headers.get("Authorization") != f"Bearer {self._core.settings.bot_token}":
            raise web.HTTPFound(f"{self._core.url}/?redir={request.path}")
        file = self._core.files.get(request.match_info["file"])
        if file is None or file.data is None:
            raise web.HTTPNotFound
        try:
            require(self._core, "files:read")
        except Refused as refused:
            raise web.HTTPForbidden(text=refused.code) from None
        return web.Response(body=file.data, content_type=file.mimetype or "application/octet-stream")


async def _uploaded(request: web.Request) -> bytes:
    """The bytes of an upload, sent bare or as the file part of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader):
            return bytes(await part.read())
    return b""
