"""The page's server: the built page, a small JSON API over the two stand-ins, and a stream of what changes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from aiohttp import WSCloseCode, web

from bot.sandbox import slack, teams
from bot.sandbox.page import actions, notice
from bot.sandbox.page.build import BuildError, build

Json: TypeAlias = dict[str, Any]
Builder: TypeAlias = Callable[[], Awaitable[Path]]
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    # The page reaches nothing but its own server, and nobody frames it.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PATIENCE = 2.0
_LOOK_SECONDS = 0.1
_MOST_BYTES = 64 * 2**20
"""Of what the page sends: a file that somebody attaches comes as base64 within it."""


class Page:
    """Serves two stand-ins to one browser on this machine; ``url`` is known after :meth:`start`.

    ``builder`` makes the folder with the built page. It runs beside the server: until it is done the page says so, and
    where it fails the page says how to talk in the terminal.
    """

    def __init__(
        self,
        workspace: slack.SlackStandIn,
        tenant: teams.TeamsStandIn,
        *,
        builder: Builder = build,
        installing: asyncio.Future[None] | None = None,
    ) -> None:
        """While ``installing`` is not done, somebody is adding the bot to Teams: what is written there waits for it."""
        self._installing = installing
        self._slack = workspace
        self._teams = tenant
        self._builder = builder
        self._building: asyncio.Task[Path] | None = None
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen, and begin to build the page if need be. OSError where the port is taken."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=_PATIENCE)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"
        self._building = asyncio.create_task(self._build())

    async def built(self) -> Path:
        """Wait for the build. Raises BuildError."""
        if self._building is None:
            raise BuildError("the page is not started")
        return await asyncio.shield(self._building)

    async def close(self) -> None:
        """Say goodbye to the browsers, stop a build that is under way, and stop listening."""
        if self._building is not None:
            self._building.cancel()
            with contextlib.suppress(asyncio.CancelledError, BuildError):
                await self._building
        for socket in list(self._sockets):
            await socket.close(code=WSCloseCode.GOING_AWAY)
        if self._runner is not None:
            await self._runner.cleanup()

    async def _build(self) -> Path:
        try:
            return await self._builder()
        except BuildError as error:
            sys.stderr.write(f"there is no page: {error}\nTalk to the bot in a terminal: batchbot chat --demo\n")
            raise

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[_guard, _plainly], client_max_size=_MOST_BYTES)
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/{name:page\\.(?:js|css)|fonts/[\\w.-]+}", self._asset),
                web.get("/api/people", self._people),
                web.get("/api/slack/messages", self._slack_messages),
                web.get("/api/slack/views", self._slack_views),
                web.get("/api/slack/home", self._slack_home),
                web.get("/api/slack/files/{id}", self._slack_file),
                web.get("/api/teams/messages", self._teams_messages),
                web.get("/api/teams/dialogs", self._teams_dialogs),
                web.get("/api/teams/picture", self._teams_picture),
                web.post("/api/slack/{act}", self._slack_act),
                web.post("/api/teams/{act}", self._teams_act),
                web.get("/api/events", self._events),
            ]
        )
        return app

    # the page itself ------------------------------------------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.StreamResponse:
        if self._building is None or not self._building.done():
            return _html(notice.building())
        if error := self._building.exception():
            return _html(notice.missing(str(error)))
        return web.FileResponse(self._building.result() / "index.html")

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        with contextlib.suppress(BuildError):
            file = await self.built() / request.match_info["name"]
            if file.is_file():
                return web.FileResponse(file)
        raise web.HTTPNotFound

    # what there is --------------------------------------------------------------------------------------------------

    async def _people(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "slack": {"people": self._slack.people, "channels": self._slack.channels},
                "teams": {
                    "people": list(self._teams.people.values()),
                    "conversations": list(self._teams.conversations.values()),
                    "refused": self._teams.refused,
                    "zone": self._teams.zone,
                    "installing": self._is_installing(),
                },
            }
        )

    async def _slack_messages(self, request: web.Request) -> web.Response:
        query = request.query
        return web.json_response(self._slack.messages(query["channel"], viewer=query["user"]))

    async def _slack_views(self, request: web.Request) -> web.Response:
        return web.json_response(self._slack.views(request.query["user"]))

    async def _slack_home(self, request: web.Request) -> web.Response:
        return web.json_response(self._slack.home(request.query["user"]))

    async def _slack_file(self, request: web.Request) -> web.Response:
        kind, data = self._slack.file_bytes(request.match_info["id"], viewer=request.query["user"])
        if not kind.startswith("image/"):
            kind = "application/octet-stream"
        return web.Response(body=data, content_type=kind)

    async def _teams_messages(self, request: web.Request) -> web.Response:
        query = request.query
        return web.json_response(self._teams.messages(query["conversation"], query["user"]))

    async def _teams_dialogs(self, request: web.Request) -> web.Response:
        return web.json_response(self._teams.dialogs(request.query["user"]))

    async def _teams_picture(self, request: web.Request) -> web.Response:
        picture = await self._teams.picture(request.query["url"])
        return web.Response(body=picture["content"], content_type=picture["type"])

    # what people do -------------------------------------------------------------------------------------------------

    async def _slack_act(self, request: web.Request) -> web.Response:
        return web.json_response(await (await _read(request, actions.SLACK)).play(self._slack))

    async def _teams_act(self, request: web.Request) -> web.Response:
        act = await _read(request, actions.TEAMS)
        if isinstance(act, actions.TeamsSay):
            await self._until_installed(act)
        return web.json_response(await act.play(self._teams))

    def _is_installing(self) -> bool:
        return self._installing is not None and not self._installing.done()

    async def _until_installed(self, act: actions.TeamsSay) -> None:
        """Keep what somebody writes before the bot is there, as the demo starts, until it is."""
        while self._is_installing() and not self._teams.is_installed(act.conversation):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(_LOOK_SECONDS)

    # what changes ---------------------------------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Every event of both stand-ins, ``{"slack": event}`` or ``{"teams": event}``, until either side leaves."""
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        queues: Mapping[str, asyncio.Queue[Json]] = {
            "slack": self._slack.subscribe(),
            "teams": self._teams.subscribe(),
        }
        passing = [asyncio.create_task(_pass_on(name, queue, socket)) for name, queue in queues.items()]
        self._sockets.add(socket)
        try:
            async for _ in socket:
                pass  # the browser only listens; its messages end when it leaves
        finally:
            self._sockets.discard(socket)
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            self._slack.unsubscribe(queues["slack"])
            self._teams.unsubscribe(queues["teams"])
        return socket


async def _pass_on(name: str, queue: asyncio.Queue[Json], socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError):
        while not socket.closed:
            await socket.send_str(json.dumps({name: await queue.get()}))


async def _read(request: web.Request, known: Mapping[str, type[Any]]) -> Any:
    """The act that a request asks for. Raises HTTPNotFound, HTTPUnsupportedMediaType, HTTPBadRequest."""
    kind = known.get(request.match_info["act"])
    if kind is None:
        raise web.HTTPNotFound
    if request.content_type != "application/json":  # what a form on another site cannot send
        raise web.HTTPUnsupportedMediaType(reason="application/json is wanted")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Let in the page itself alone: no foreign site, and no foreign name that leads to this machine."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    if host not in _LOOPBACK or (origin is not None and urlsplit(origin).netloc != request.host):
        raise web.HTTPForbidden(text="this page is for the browser on this machine")
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path.startswith("/api/"):
        raise web.HTTPForbidden(text="this page is for itself")
    return await handler(request)


@web.middleware
async def _plainly(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """What a person cannot do, told as JSON; and the headers of every answer."""
    try:
        answer = await handler(request)
    except (slack.StandInError, teams.StandInError) as error:
        answer = web.json_response({"code": error.code, "message": str(error)}, status=409)
    except KeyError as error:
        answer = web.json_response({"code": "missing", "message": f"{error} is missing"}, status=400)
    if not answer.prepared:
        answer.headers.update(_HEADERS)
    return answer


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")
