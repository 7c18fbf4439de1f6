"""Relays files from nodes to people who have a signed, expiring link: no file is kept, none is ever whole in memory.

The link says whose file it is and what it is called; the signature binds that and the hour in which it works. A file
is read by ranges through the account's own pipeline while it is downloaded. Text passes
:mod:`bot.content.stream_redaction`, so its length is not known before; what is no
text is given as it is, and by ranges where they are asked for.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import codecs
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from aiohttp import web

from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.azure.files import PIECE, Files, Head, Remote, steps
from bot.content.links import Signer, disposition
from bot.content.stream_redaction import Redacting

log = structlog.get_logger()

LASTING = timedelta(hours=1)
AT_ONCE = 4
"""Files on their way at the same time; each holds a piece in memory."""
PATIENCE = 120.0
"""Seconds in which whoever downloads has to take a piece: places are few."""
_TEXT_PIECE = 1024 * 1024


class Relay:
    """Makes links to files on nodes and answers them.

    ``public_url`` is as the settings checked it; ``most`` is bytes of the largest file; ``clock`` gives the present.
    """

    def __init__(
        self,
        signer: Signer,
        accounts: Accounts,
        public_url: str,
        most: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.most = most
        self._signer = signer
        self._accounts = accounts
        self._base = public_url.rstrip("/")
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def link(self, remote: Remote) -> str:
        """A link by which a browser saves the file, for an hour."""
        token = base64.urlsafe_b64encode(msgspec.json.encode(remote)).decode().rstrip("=")
        expires = int((self._clock() + LASTING).timestamp())
        return f"{self._base}/nodefiles/{token}?exp={expires}&sig={await self._signer.sign(f'relay:{token}', expires)}"

    def routes(self) -> list[web.RouteDef]:
        """The route that answers links, for GET and HEAD."""
        return [web.get("/nodefiles/{token:[A-Za-z0-9_-]+}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """200 or 206 with the file; 403 for a bad signature, 404 and 410 for what is gone, 503 where all is busy."""
        token = request.match_info["token"]
        await self._signer.check(request, f"relay:{token}", self._clock())
        try:
            remote = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=Remote)
            account = self._accounts.get(remote.account)
        except (binascii.Error, msgspec.DecodeError, KeyError):
            raise web.HTTPNotFound(text="The bot does not know this account any more.") from None
        paths = {"task": account.task, "node": account.node}
        try:
            files = account.files(paths[remote.kind](remote.outer, remote.name))
            async with self._place():
                head = await files.head(remote.file)
                if head.length > self.most:
                    raise web.HTTPGone(text="The file has become larger than this bot relays.")
                if remote.encoding:
                    return await _text(request, files, remote, head)
                return await _bytes(request, files, remote, head)
        except AzureError as error:
            raise _refused(error) from None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._places.locked():
            raise web.HTTPServiceUnavailable(
                text="The bot relays other files just now: try again in a minute.", headers={"Retry-After": "60"}
            )
        async with self._places:
            yield


def _refused(error: AzureError) -> web.HTTPException:
    """In words for whoever opened the link, before anything was sent."""
    if error.code.lower() in ("filenotfound", "isdirectory"):
        return web.HTTPNotFound(text="The file is not there any more.")
    if error.status in (404, 409):
        return web.HTTPGone(text="The task or its node is gone, and the file with it.")
    return web.HTTPServiceUnavailable(
        text=f"Azure does not give the file now ({error.code}): try again.", headers={"Retry-After": "10"}
    )


async def _bytes(request: web.Request, files: Files, remote: Remote, head: Head) -> web.StreamResponse:
    """As it is, whole or the one range that was asked for."""
    headers = {**_headers(remote), "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    start, stop, status = 0, head.length, 200
    if "Range" in request.headers and "If-Range" not in request.headers:
        try:
            start, stop, _ = request.http_range.indices(head.length)
        except ValueError:
            stop = 0
        if start >= stop:
            raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{head.length}"})
        headers["Content-Range"], status = f"bytes {start}-{stop - 1}/{head.length}", 206
    headers["Content-Length"] = str(stop - start)

    async def pieces() -> AsyncGenerator[bytes]:
        for offset in range(start, stop, PIECE):
            yield await _piece(files, remote.file, offset, min(stop, offset + PIECE))

    return await _sent(request, web.StreamResponse(status=status, headers=headers), pieces())


async def _text(request: web.Request, files: Files, remote: Remote, head: Head) -> web.StreamResponse:
    """Line by line without its secrets, in its own encoding; bytes that are none of it come through unchanged."""
    charset = remote.encoding.removesuffix("-le").removesuffix("-be")
    headers = {**_headers(remote), "Accept-Ranges": "none", "Content-Type": f"text/plain; charset={charset}"}
    errors = "surrogateescape" if remote.encoding == "utf-8" else "surrogatepass"

    async def pieces() -> AsyncGenerator[bytes]:
        decoder, redacting = codecs.getincrementaldecoder(remote.encoding)(errors), Redacting()
        for offset in range(0, head.length, _TEXT_PIECE):
            piece = await _piece(files, remote.file, offset, min(head.length, offset + _TEXT_PIECE))
            clear = await asyncio.to_thread(redacting.feed, decoder.decode(piece))
            yield clear.encode(remote.encoding, errors)
        last = redacting.feed(decoder.decode(b"", final=remote.encoding == "utf-8"))  # half a unit of UTF-16 is nothing
        yield (last + redacting.rest()).encode(remote.encoding, errors)

    return await _sent(request, web.StreamResponse(headers=headers), pieces())


async def _piece(files: Files, name: str, start: int, stop: int) -> bytes:
    piece = await files.read(name, start, stop)
    if len(piece) < stop - start:
        raise AzureError("FileChanged", "the file was cut short while it was read")
    return piece


async def _sent(request: web.Request, answer: web.StreamResponse, pieces: AsyncGenerator[bytes]) -> web.StreamResponse:
    """Send an answer piece by piece. What breaks on the way breaks the connection: half a file is never a whole one."""
    if request.method == "HEAD":
        await answer.prepare(request)
        return answer
    async with aclosing(pieces):
        piece: bytes | None = await anext(pieces, b"")  # a refusal of the first piece can still be reported
        await answer.prepare(request)
        try:
            while piece is not None:
                async with asyncio.timeout(PATIENCE):
                    await answer.write(piece)
                piece = await anext(pieces, None)
            await answer.write_eof()
        except (AzureError, TimeoutError) as error:
            log.warning("relay.failed", code=error.code if isinstance(error, AzureError) else "SlowReader")
            if request.transport:
                request.transport.abort()
    return answer


def _headers(remote: Remote) -> dict[str, str]:
    """What a task wrote is saved and never shown as a page of ours."""
    return {
        "Cache-Control": "private, no-store",
        "Content-Disposition": disposition(steps(remote.file)[-1]),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
