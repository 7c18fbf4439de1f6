"""Files that people attached, as their platform hands them over: never more of them than was asked for."""

from __future__ import annotations

import aiohttp

from bot.chat.port import FetchError
from cards.formatting import file_size

SECONDS = aiohttp.ClientTimeout(total=60, sock_connect=5, sock_read=20)
"""For one file."""
_PIECE = 1 << 16


async def body_of(answer: aiohttp.ClientResponse, name: str, most: int) -> bytes:
    """The bytes of an answer. Raises FetchError as soon as there are more than ``most``."""
    body = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > most:
            raise FetchError(f"{name} is larger than {file_size(most)}, which is the most.")
    return bytes(body)
