"""Lends pictures out by signed, expiring links, for chat platforms that fetch images by themselves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from aiohttp import web

from bot.drawing import Drawing, DrawingError


class Keeper(Protocol):
    """What is needed of :class:`storage.port.Store`."""

    async def keep_picture(self, key: str, png: bytes, expires: datetime) -> None:
        """Store a picture until it expires."""
        ...

    async def picture(self, key: str, now: datetime) -> bytes | None:
        """The picture, or None."""
        ...

    async def secret(self, name: str) -> bytes:
        """32 random bytes that stay the same for this database."""
        ...


class Links:
    """Makes links and answers them.

    A picture's key is the hash of its bytes, so the same picture has the same address and a cache may keep it. The
    signature binds key and expiry. ``public_url`` is as the settings checked it (https, or http on loopback), or
    empty; ``secret`` is the database's own unless given; ``clock`` tells the present.
    """

    def __init__(
        self,
        store: Keeper,
        public_url: str,
        secret: bytes | None = None,
        days: int = 30,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._base = public_url.rstrip("/")
        self._secret = secret
        self._kept = timedelta(days=days)
        self._clock = clock

    async def link(self, png: bytes) -> str:
        """Keep the picture and return a link that works for ``days``. Raises DrawingError without a public address."""
        if not self._base:
            raise DrawingError("there is no address to fetch the picture from: set bot.public_url")
        key = hashlib.sha256(png).hexdigest()[:40]
        # Whole hours: the same picture asked for twice in a row is the same link.
        until = (self._clock() + self._kept).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        await self._store.keep_picture(key, png, until)
        expires = int(until.timestamp())
        return f"{self._base}/pictures/{key}.png?exp={expires}&sig={await self._signature(key, str(expires))}"

    def routes(self) -> list[web.RouteDef]:
        """The route that answers links, for GET and HEAD."""
        return [web.get("/pictures/{key:[0-9a-f]{40}}.png", self._answer)]

    async def _signature(self, key: str, expires: str) -> str:
        if self._secret is None:
            self._secret = await self._store.secret("pictures")
        return hmac.new(self._secret, f"{key}.{expires}".encode(), hashlib.sha256).hexdigest()

    async def _answer(self, request: web.Request) -> web.Response:
        """200 with the picture, 403 for a bad signature, 410 after its time, 404 for one that is not kept."""
        key, expires = request.match_info["key"], request.query.get("exp", "")
        expected = await self._signature(key, expires)
        if not hmac.compare_digest(expected.encode(), request.query.get("sig", "").encode()):
            raise web.HTTPForbidden(text="This link is not one of ours.")
        now = self._clock()
        left = int(expires) - int(now.timestamp())
        if left <= 0:
            raise web.HTTPGone(text="This link has expired: ask for the picture again.")
        png = await self._store.picture(key, now)
        if png is None:
            raise web.HTTPNotFound(text="This picture is not kept any more: ask for it again.")
        headers = {
            "Cache-Control": f"public, max-age={left}, immutable",
            "ETag": f'"{key}"',
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=png, content_type="image/png", headers=headers)


class Gallery:
    """:class:`bot.chat.port.Pictures`: draws in a process of its own, lends out by link."""

    def __init__(self, drawing: Drawing, links: Links) -> None:
        self._drawing = drawing
        self._links = links

    async def png(self, chart: object) -> bytes:
        """The chart as PNG bytes. Raises DrawingError when it cannot be drawn."""
        return await self._drawing.png(chart)

    async def link(self, png: bytes) -> str:
        """Keep the picture and return a signed, expiring link to it. Raises DrawingError without a public address."""
        return await self._links.link(png)
