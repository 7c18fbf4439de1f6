"""The server over HTTP (“streamable HTTP”), at ``/mcp`` of the running bot: a token for each person, nobody without.

A request is let in before anything of it is read: by its token, which is compared in constant time with everybody's; by
the host that it was sent to; and without an origin, since a page in a browser has no business here. Requests stand
alone: there are no sessions that could be taken over, and any replica answers any of them.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from bot.chat.body import body_of
from bot.mcp.answer import Drawing
from bot.mcp.asking import Asking
from bot.mcp.server import Context, Desk
from bot.mcp.settings import McpSettings, token_mistakes
from bot.secrets import secret
from bot.settings import SettingsError

log = structlog.get_logger()

PATH = "/mcp"
MOST_BYTES = 256 * 1024
"""Bytes of a request: a call of a tool has few, and an autoscale formula is short."""
_ASKER = "batchbot.asker"
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


class McpEndpoint:
    """Serves the protocol to those who have a token."""

    def __init__(
        self,
        people: Sequence[McpSettings],
        environment: Mapping[str, str],
        asking: Asking,
        drawing: Drawing | None,
        addresses: Sequence[str],
    ) -> None:
        """``addresses`` are URLs under which the bot is reached. Raises SettingsError for a token that cannot be."""
        self._environment = environment
        self._tokens = self._of(people)
        hosts = {urlsplit(each).netloc for each in addresses} - {""}
        self._desk = Desk(asking, _asker, drawing)
        self._server = self._desk.server()
        self._allowed = TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*sorted(hosts), *_LOCAL, *(f"{each}:*" for each in _LOCAL)],
            allowed_origins=[],
        )

    def routes(self) -> list[web.RouteDef]:
        """The one address; nothing but POST, since nothing is told that was not asked for."""
        return [web.post(PATH, self._post)]

    def use(self, people: Sequence[McpSettings]) -> None:
        """These have tokens from now on, and nobody else. Raises SettingsError, and changes nothing then."""
        self._tokens = self._of(people)
        self._desk.forget()

    def _of(self, people: Sequence[McpSettings]) -> list[tuple[bytes, McpSettings]]:
        if wrong := list(token_mistakes(people, self._environment)):
            raise SettingsError(wrong)
        named = [each for each in people if each.token_env]
        return [(_bytes(secret(each.token_env, self._environment).reveal()), each) for each in named]

    async def _post(self, request: web.Request) -> web.Response:
        asker = self._whose(request.headers.get("Authorization", ""))
        if asker is None:
            log.warning("mcp.refused", remote=request.remote)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="A token is needed.\n")
        body = await body_of(request, MOST_BYTES)
        manager = StreamableHTTPSessionManager(  # for this request alone: there is nothing to keep between two
            self._server, json_response=True, stateless=True, security_settings=self._allowed
        )
        async with manager.run():
            return await _served(manager, request, body, asker)

    def _whose(self, header: str) -> McpSettings | None:
        """The person whose token it is; all are compared, so that the time tells nothing."""
        kind, _, given = header.partition(" ")
        if kind.lower() != "bearer":
            return None
        typed = _bytes(given.strip())
        fits = [each for token, each in self._tokens if hmac.compare_digest(token, typed)]
        return fits[0] if fits else None


def _bytes(token: str) -> bytes:
    """A token as it came: a header, or a variable, may hold bytes that are no text."""
    return token.encode(errors="surrogateescape")


def _asker(ctx: Context) -> McpSettings:
    asker = ctx.request.scope[_ASKER] if ctx.request is not None else None
    if not isinstance(asker, McpSettings):
        raise PermissionError("a request without a person")
    return asker


async def _served(
    manager: StreamableHTTPSessionManager, request: web.Request, body: bytes, asker: McpSettings
) -> web.Response:
    """Hand a request that was let in to the protocol's own server, which speaks ASGI, and take its answer."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query_string.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": (request.remote or "", 0),
        "server": None,
        _ASKER: asker,
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    over = asyncio.Event()
    status, headers, answer = 500, dict[str, str](), bytearray()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.extend(message.get("body", b""))

    try:
        await manager.handle_request(scope, receive, send)
    finally:
        over.set()
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return web.Response(status=status, headers=headers, body=bytes(answer))
