"""Who may stay connected: for how long without a request, and how many at once.

aiohttp waits for good for the head of a connection's first request, and takes as many connections as there are
descriptors, which the chats, Azure and the database need too. Here a connection that asks nothing ends soon, and there
are only so many; where a new one finds no place, that which was idle for longest makes room.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from aiohttp import web

log = structlog.get_logger()

HEAD_SECONDS = 10.0
"""That the head of the first request may take. Those after it have the server's keepalive time."""
_MOST, _FEWEST = 512, 16
_TELL_SECONDS = 600.0
"""Between two lines about too many connections."""


def most_connections() -> int:
    """How many one port may have: a part of the descriptors that the system lets the program have."""
    if sys.platform == "win32":  # pragma: no cover - another system
        return _MOST
    import resource  # noqa: PLC0415

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(_FEWEST, min(_MOST, soft // 4))


class Connections:
    """The open connections of one port, those that are idle for longest first."""

    def __init__(self, head_seconds: float = HEAD_SECONDS, most: int | None = None) -> None:
        """``most`` connections at once, those with a request under way included."""
        self._seconds = head_seconds
        self._most = most or most_connections()
        self._waiting: dict[asyncio.BaseTransport, asyncio.TimerHandle | None] = {}
        self._busy: dict[asyncio.BaseTransport, int] = {}
        self._told = float("-inf")

    def admits(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection has a place, which one that asks nothing may lose for it."""
        if len(self._waiting) + len(self._busy) >= self._most:
            self._tell()
            idle = next(iter(self._waiting), None)
            if idle is None:
                return False
            self.lost(idle)
            cast("asyncio.Transport", idle).abort()
        self._waiting[transport] = asyncio.get_running_loop().call_later(self._seconds, transport.abort)
        return True

    def lost(self, transport: asyncio.BaseTransport) -> None:
        """A connection is over."""
        if timer := self._waiting.pop(transport, None):
            timer.cancel()
        self._busy.pop(transport, None)

    def begins(self, transport: asyncio.BaseTransport | None) -> None:
        """A connection asks something: its head is complete."""
        if transport in self._waiting:
            self.lost(transport)
            self._busy[transport] = 1
        elif transport in self._busy:
            self._busy[transport] += 1

    def ends(self, transport: asyncio.BaseTransport | None) -> None:
        """What a connection asked is answered."""
        if transport in self._busy:
            self._busy[transport] -= 1
            if not self._busy[transport]:
                del self._busy[transport]
                self._waiting[transport] = None

    def guarding(self, server: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The same server's connections, which are counted here."""
        return lambda: _Guarded(server(), self)

    def _tell(self) -> None:
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._told = time.monotonic()
            log.warning("http.many_connections", most=self._most, asking=len(self._busy))


class GuardedRunner(web.AppRunner):
    """Runs an application on connections that are counted."""

    def __init__(self, app: web.Application, connections: Connections, **options: Any) -> None:
        super().__init__(app, **options)
        self._connections = connections

    @property
    def server(self) -> web.Server | None:
        """What makes the protocol of a connection; the site that listens asks for no more than that."""
        plain = super().server
        return cast("web.Server", self._connections.guarding(plain)) if plain else None


class _Guarded(asyncio.Protocol):
    """A connection that is refused, or goes on to the server's own protocol."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        made = cast("asyncio.Transport", transport)
        if not self._connections.admits(made):
            made.abort()
            return
        self._transport = made
        self._inner.connection_made(made)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport:
            self._connections.lost(self._transport)
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._transport:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._transport else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
