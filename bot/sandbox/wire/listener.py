"""What every Azure listener has in common: a port, the simulated Date, faults, and a way to refuse."""

from __future__ import annotations

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Any, Final, NoReturn, Protocol

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from .faults import Fault, Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AnswerObserver = Callable[[web.Request, web.Response], None]
"""Sees every answer as it goes out, whole."""

CONTROL: Final = "/_sandbox/"
"""Where the sandbox's own routes begin; Azure has nothing there."""

_encode = msgspec.json.Encoder().encode


class Clock(Protocol):
    """The simulated time as a listener sees it."""

    def now(self) -> datetime:
        """Simulated UTC."""


class Listener(ABC):
    """One HTTP server on one port.

    Subclasses add routes to ``app`` and say how they `serve` a request and how they word a refusal. Whoever wants to
    check what is said puts a `AnswerObserver` into ``observers``.
    """

    def __init__(self, clock: Clock, faults: Faults | None = None) -> None:
        self.clock = clock
        self.faults = faults or Faults()
        self.app = web.Application(middlewares=[self._middleware], client_max_size=16 * 1024 * 1024)
        self.observers: list[AnswerObserver] = []
        self.controlled = False
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; `url` is known afterwards. Raises OSError where the port is taken."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError:
            await self.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening and let go of open connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @abstractmethod
    async def serve(self, request: web.Request, handler: Handler, exchange: Exchange) -> web.Response:
        """The true answer, refusals included."""

    @abstractmethod
    def refuse(self, fault: Fault, exchange: Exchange) -> web.Response:
        """The answer of a ``throttle`` or ``error`` fault."""

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.controlled and request.path.startswith(CONTROL):
            return await handler(request)
        exchange = Exchange(str(uuid.uuid4()), self.clock.now())
        blow = self.faults.strike(request.method, request.raw_path)
        if blow.seconds:
            await asyncio.sleep(blow.seconds)
        if blow.cut and blow.cut.after is None:
            _hang_up(request)
        if blow.refusal:
            if blow.refusal.performed:
                await self.serve(request, handler, exchange)
            response = self.refuse(blow.refusal, exchange)
            if blow.refusal.retry_after is not None:
                response.headers["Retry-After"] = f"{blow.refusal.retry_after:g}"
        else:
            response = await self.serve(request, handler, exchange)
        response.headers.setdefault("Date", http_date(exchange.at))
        response.headers["Server"] = "Microsoft-HTTPAPI/2.0"
        for witness in self.observers:
            witness(request, response)
        if blow.cut and blow.cut.after is not None:
            await _cut(request, response, blow.cut.after)
        return response


class Exchange(msgspec.Struct, frozen=True):
    """One request: its id and the service's time when it came."""

    id: str
    at: datetime


def respond(
    body: Any, *, status: int = 200, content_type: str, headers: dict[str, str] | CIMultiDict[str] | None = None
) -> web.Response:
    """A JSON answer; ``body`` may be bytes that are JSON already."""
    data = body if isinstance(body, bytes) else _encode(body)
    return web.Response(body=data, status=status, headers={**(headers or {}), "Content-Type": content_type})


def http_date(moment: datetime) -> str:
    """RFC 1123, to the second."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _hang_up(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("cut by request")


async def _cut(request: web.Request, response: web.Response, after: int) -> NoReturn:
    """Promises the whole body, sends ``after`` bytes of it and hangs up."""
    body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
    size = len(body) or int(response.headers.get("Content-Length", 0))
    partial = web.StreamResponse(status=response.status, headers=response.headers)
    partial.content_length = size
    await partial.prepare(request)
    # Of a long file, whose body is made while it is sent, zeros do as well: nobody gets to the end of it.
    await partial.write((body or bytes(min(after, size)))[: min(after, max(size - 1, 0))])
    if request.transport is not None:
        request.transport.close()
    raise ConnectionResetError("cut by request")
