"""Lends pictures and files out by signed, expiring links, for platforms and people that fetch by themselves."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from bot.content.drawing import Drawing
from cards.card import Attachment
from storage.port.files import SharedFile

_FILE_DAYS = 7
_KIND = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}(?:; charset=[\w-]{1,40})?", re.ASCII)


class NoAddressError(Exception):
    """Nothing can be lent out; the message says what to set."""


class Keeper(Protocol):
    """What is needed of :class:`storage.port.store.Store`."""

    async def put_file(self, key: str, file: SharedFile, expires: datetime) -> None:
        """Store a file until it expires."""
        ...

    async def file(self, key: str, now: datetime) -> SharedFile | None:
        """The file, or None."""
        ...

    async def secret(self, name: str) -> bytes:
        """32 random bytes that stay the same for this database."""
        ...


class Signer:
    """Signs what a link means together with its expiry, with a secret of the database unless one is given."""

    def __init__(self, store: Keeper, secret: bytes | None = None) -> None:
        self._store = store
        self._secret = secret

    async def sign(self, key: str, expires: int | str) -> str:
        """The signature: 64 hexadecimal digits."""
        if self._secret is None:
            self._secret = await self._store.secret("pictures")
        return hmac.new(self._secret, f"{key}.{expires}".encode(), hashlib.sha256).hexdigest()

    async def check(self, request: web.Request, key: str, now: datetime) -> int:
        """Seconds that a link is still good for. Raises HTTPForbidden and HTTPGone."""
        expires = request.query.get("exp", "")
        expected = await self.sign(key, expires)
        if not hmac.compare_digest(expected.encode(), request.query.get("sig", "").encode()):
            raise web.HTTPForbidden(text="This link is not one of ours.")
        left = int(expires) - int(now.timestamp())
        if left <= 0:
            raise web.HTTPGone(text="This link has expired: ask the bot again.")
        return left


class Links:
    """Makes links and answers them.

    A key is the hash of what is lent, so the same picture has the same address and a cache may keep it. The signature
    binds key and expiry. Pictures are shown for ``days``; other files are there to be saved for a week.

    ``public_url`` is as the settings checked it (https, or http on loopback), or empty; ``secret`` is the database's
    own unless given; ``clock`` gives the present.
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
        self.signer = Signer(store, secret)
        self._kept = timedelta(days=days)
        self._clock = clock

    async def link(self, png: bytes) -> str:
        """Keep a picture and return a link to it. Raises NoAddressError without a public address."""
        key = hashlib.sha256(png).hexdigest()[:40]
        return await self._lend(f"/pictures/{key}.png", key, SharedFile(png, "image/png"), self._kept)

    async def file_link(self, file: SharedFile) -> str:
        """Keep a file and return a link by which a browser saves it. Raises NoAddressError without a public address."""
        named = f"{file.media_type}\n{file.name}\n".encode(errors="replace")
        key = hashlib.sha256(named + file.body).hexdigest()[:40]
        return await self._lend(f"/files/{key}", key, file, timedelta(days=_FILE_DAYS))

    async def _lend(self, path: str, key: str, file: SharedFile, kept: timedelta) -> str:
        if not self._base:
            raise NoAddressError("there is no address to fetch it from: set bot.public_url")
        # Whole hours: the same picture asked for twice in a row is the same link.
        until = (self._clock() + kept).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        await self._store.put_file(key, file, until)
        expires = int(until.timestamp())
        return f"{self._base}{path}?exp={expires}&sig={await self.signer.sign(key, expires)}"

    def routes(self) -> list[web.RouteDef]:
        """The routes that answer links, for GET and HEAD."""
        return [
            web.get("/pictures/{key:[0-9a-f]{40}}.png", self._answer),
            web.get("/files/{key:[0-9a-f]{40}}", self._answer),
        ]

    async def _answer(self, request: web.Request) -> web.Response:
        """200 with the file, 403 for a bad signature, 410 after its time, 404 for one that is not kept."""
        key, now = request.match_info["key"], self._clock()
        left = await self.signer.check(request, key, now)
        file = await self._store.file(key, now)
        if file is None:
            raise web.HTTPNotFound(text="This is not kept any more: ask the bot again.")
        picture = file.media_type == "image/png" and not file.name
        headers = {
            "Cache-Control": f"{'public' if picture else 'private'}, max-age={left}, immutable",
            "Content-Type": file.media_type if _KIND.fullmatch(file.media_type) else "application/octet-stream",
            "ETag": f'"{key}"',
            "X-Content-Type-Options": "nosniff",
        }
        if not picture:  # what a task wrote must not run as a page of ours
            headers["Content-Disposition"] = disposition(file.name)
            headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
            headers["Referrer-Policy"] = "no-referrer"
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, headers=headers)


def disposition(name: str) -> str:
    """``Content-Disposition`` (RFC 6266): to be saved, under this name, given twice for those who know ASCII only."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in " ._-") else "_" for char in name)
    whole = quote(name or "file", safe="", errors="replace")
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{whole}"


class Gallery:
    """:class:`bot.chat.port.Pictures`: draws in a process of its own, lends out by link."""

    def __init__(self, drawing: Drawing, links: Links) -> None:
        self._drawing = drawing
        self._links = links

    async def png(self, chart: object) -> bytes:
        """The chart as PNG bytes. Raises DrawingError when it cannot be drawn."""
        return await self._drawing.png(chart)

    async def link(self, png: bytes) -> str:
        """Keep the picture and return a signed, expiring link to it. Raises NoAddressError without a public address."""
        return await self._links.link(png)

    async def file_link(self, attachment: Attachment) -> str:
        """Keep the file and return a signed, expiring link to it. Raises NoAddressError without a public address."""
        file = SharedFile(attachment.content, attachment.kind, attachment.name)
        return await self._links.file_link(file)
