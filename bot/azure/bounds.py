"""Bounds of what is read of any answer: bytes on the wire, bytes once inflated, and pages of a list.

Whatever stands at the other end (the service, a proxy, who pretends to be it), no answer fills the memory and no list
goes on for ever. Our own reads inflate as they come, a slice in each turn of the event loop; what the SDK reads by
itself (tokens, metrics, refusals) goes through :class:`BoundedTransport`.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse

from bot.azure.errors import AzureError

MOST_BYTES = 32 * 1024 * 1024
"""Of one answer, on the wire and inflated. A page of a thousand tasks with all of their fields is a few megabytes."""
MOST_PAGES = 5000
"""Of one list: five million tasks, or fifty thousand pools' node counts."""
MOST_EMPTY = 50
"""Pages without a row that are read one after the other. Where a filter leaves nothing of a page, the service may
answer an empty one with a link; a list of nothing else, with ever new links, is not worth thousands of calls.
"""
BLOCK = 64 * 1024
"""Bytes that are read at once."""
_SLICE = 1024 * 1024
"""Bytes that are inflated in one turn of the event loop: a few milliseconds."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class TooLarge(aiohttp.ClientPayloadError):
    """An answer goes beyond its bounds."""


def too_large(host: str, most: int = MOST_BYTES) -> AzureError:
    """What people are told of such an answer."""
    return AzureError(
        "UnexpectedAnswer", f"{host} answered more than {most // (1024 * 1024) or 1} MB at once, which is not read"
    )


async def read_within(response: AsyncHttpResponse, most: int = MOST_BYTES) -> bytes:
    """The body of a streamed answer, inflated. Raises TooLarge, and what the SDK raises where it breaks off."""
    length = response.headers.get("Content-Length") or ""
    try:
        if length.isdecimal() and int(length) > most:
            raise TooLarge
        encoding = (response.headers.get("Content-Encoding") or "").strip().lower()
        raw = response.iter_raw()
        body = await (_inflated(raw, _WINDOWS[encoding], most) if encoding in _WINDOWS else _joined(raw, most))
    finally:
        await response.close()
    return body


async def _joined(chunks: AsyncIterator[bytes], most: int) -> bytes:
    parts, read = [], 0
    async for chunk in chunks:
        parts.append(chunk)
        read += len(chunk)
        if read > most:
            raise TooLarge
    return b"".join(parts)


async def _inflated(chunks: AsyncIterator[bytes], window: int, most: int) -> bytes:
    body, read = bytearray(), 0
    inflate = zlib.decompressobj(window)
    async for chunk in chunks:
        read += len(chunk)
        left = chunk
        if read == len(chunk) and window == zlib.MAX_WBITS and chunk and chunk[0] & 0x0F != zlib.DEFLATED:
            inflate = zlib.decompressobj(-window)  # some send "deflate" without the head that it should have
        while left:
            try:
                body += inflate.decompress(left, _SLICE)
            except zlib.error as error:
                raise aiohttp.ClientPayloadError("the body is compressed wrongly") from error
            if max(len(body), read) > most:
                raise TooLarge
            left = inflate.unconsumed_tail
            if left:
                await asyncio.sleep(0)
    if read and not inflate.eof:
        raise aiohttp.ClientPayloadError("the compressed body ends too early")
    return bytes(body)


class BoundedResponse(aiohttp.ClientResponse):
    """An answer that is read whole by others: within the bounds, or not at all."""

    async def read(self) -> bytes:
        """The body as it is on the wire. Raises TooLarge, also where it would be too large once inflated."""
        if self._body is None:
            try:
                chunks = self.content.iter_chunked(BLOCK)
                window = _WINDOWS.get((self.headers.get("Content-Encoding") or "").strip().lower())
                if window:
                    kept: list[bytes] = []
                    await _inflated(_kept(chunks, kept), window, MOST_BYTES)  # whoever reads it inflates it again
                    body = b"".join(kept)
                else:
                    body = await _joined(chunks, MOST_BYTES)
            except BaseException:
                self.close()
                raise
            self._body = body
        return await super().read()


async def _kept(chunks: AsyncIterator[bytes], kept: list[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, which are kept too."""
    async for chunk in chunks:
        kept.append(chunk)
        yield chunk


class BoundedTransport(AioHttpTransport):  # type: ignore[misc]  # the SDK imports it lazily, without its type
    """The SDK's connections, whose answers are bounded."""

    async def open(self) -> None:
        """Open the session."""
        session: aiohttp.ClientSession | None = getattr(self, "session", None)
        if not session and not self._has_been_opened:
            self.session = aiohttp.ClientSession(
                trust_env=self._use_env_settings,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                response_class=BoundedResponse,
            )
        await super().open()


class Trail:
    """The pages of one list: a link that comes again, or more of them than any list has, is Azure's fault."""

    def __init__(self, host: str, first: str, most: int = MOST_PAGES) -> None:
        """``first`` is the address of the first page."""
        self._host = host
        self._most = most
        self._seen = {first}
        self._empty = 0

    def on(self, link: str | None, rows: int) -> str | None:
        """The next page's link, after one of so many ``rows``.

        Raises AzureError UnexpectedAnswer where the list goes in a circle, does not end, or has no rows for too long.
        """
        if link is None:
            return None
        self._empty = 0 if rows else self._empty + 1
        if self._empty >= MOST_EMPTY:
            raise AzureError(
                "UnexpectedAnswer",
                f"{self._host} answered {MOST_EMPTY} pages of a list in a row with nothing in them",
            )
        if link in self._seen or len(self._seen) >= self._most:
            raise AzureError("UnexpectedAnswer", f"{self._host} answered with a list that does not end")
        self._seen.add(link)
        return link
