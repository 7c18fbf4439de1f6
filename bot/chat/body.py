"""The body of a request, read before anybody knows who sends it: so much of it at most, and no longer than so long."""

from __future__ import annotations

import asyncio

from aiohttp import web

SECONDS = 10.0
"""That a whole body may take. Slack and Teams send theirs in one go, and want an answer to it within seconds."""


async def body_of(request: web.Request, most: int, seconds: float = SECONDS) -> bytes:
    """The raw bytes, never decompressed and never decoded.

    Raises HTTPRequestEntityTooLarge, before anything is read where its length is said, and HTTPRequestTimeout.
    """
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(most, request.content_length or 0)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.readany():
                body += piece
                if len(body) > most:
                    raise web.HTTPRequestEntityTooLarge(most, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(body)
