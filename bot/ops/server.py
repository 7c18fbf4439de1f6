"""The web server: what holds for every request, whoever makes it and whatever it asks for.

Anybody on the Internet can reach it, so nothing is done for a request before it is known whose it is; each address
checks that itself. Here is what they have in common: requests are never decompressed, what is no HTTP is answered by a
status and one line in the log, no answer says what the program is made of, none shows a traceback, and no connection
is kept for somebody who asks nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

import structlog
from aiohttp import web, web_response
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from bot.ops.connections import Connections, GuardedRunner
from bot.settings import BotSettings

log = structlog.get_logger()

_NAME = "batchbot"
_MOST_BYTES = 1 << 20
_LINGER_SECONDS = 2.0
"""For which the rest of a refused body is read, so that whoever sent it can read the answer."""
_KEEP_SECONDS = 75.0


def _one_line(record: logging.LogRecord) -> bool:
    """What somebody sent that is no HTTP is their mistake: a line, and no traceback of ours."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info, record.levelno, record.levelname = None, logging.INFO, "INFO"
        record.msg, record.args = "no HTTP request (%s) from %s", (error.code, *(record.args or ()))
    return True


_logger = logging.getLogger("batchbot.http")
_logger.addFilter(_one_line)


@web.middleware
async def _no_traceback(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What goes wrong inside is answered 500 without a word of it; what a client broke off is nobody's mistake."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        log.exception("http.failed", method=request.method, path=request.path[:200])
        return web.Response(status=500)


class CannotListen(OSError):
    """An address cannot be listened at; the message says which, why and what to do."""


class WebServer:
    """Some addresses on one port."""

    def __init__(
        self,
        listen: str,
        routes: Iterable[web.RouteDef],
        setting: str = "bot.listen",
        *,
        connections: Connections | None = None,
    ) -> None:
        """``listen`` is HOST:PORT, which stands in the settings at ``setting``."""
        self._listen = listen
        self._setting = setting
        self._connections = connections or Connections()
        self._app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._counted, _no_traceback])
        self._app.add_routes(routes)
        self._runner: web.AppRunner | None = None

    @property
    def paths(self) -> set[str]:
        """What is served, with the names of what varies in braces."""
        return {resource.canonical for resource in self._app.router.resources()}

    async def start(self) -> None:
        """Listen. Raises CannotListen, as where the port is taken."""
        # Said in every answer, those to what is no HTTP included, for which there is no other way.
        web_response.SERVER_SOFTWARE = _NAME  # type: ignore[attr-defined]
        host, _, port = self._listen.rpartition(":")
        self._runner = GuardedRunner(
            self._app,
            self._connections,
            access_log=None,
            handle_signals=False,
            logger=_logger,
            auto_decompress=False,
            lingering_time=_LINGER_SECONDS,
            keepalive_timeout=_KEEP_SECONDS,
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host.strip("[]") or None, int(port)).start()
        except (OSError, OverflowError) as error:  # the second for a port that is no port's number
            number = getattr(error, "errno", None) or 0
            why = os.strerror(number) if number > 0 else getattr(error, "strerror", None) or str(error)
            raise CannotListen(
                f"{self._setting}: {self._listen} cannot be used ({why}): choose another address or port"
            ) from error

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A connection is busy while it is answered."""
        transport = request.transport
        self._connections.begins(transport)
        try:
            return await handler(request)
        finally:
            self._connections.ends(transport)

    async def close(self) -> None:
        """Take no more requests, and finish those that are under way."""
        if self._runner:
            await self._runner.cleanup()


def servers(
    bot: BotSettings, routes: list[web.RouteDef], told: list[web.RouteDef], bare: list[web.RouteDef]
) -> list[WebServer]:
    """The addresses on their ports: what is ``told`` to whoever runs the bot has one of its own where that is set.

    There ``bare`` stands beside ``routes`` instead, for the world.
    """
    if not bot.health_listen:
        return [WebServer(bot.listen, [*routes, *told])]
    return [WebServer(bot.listen, [*routes, *bare]), WebServer(bot.health_listen, told, "bot.health_listen")]
