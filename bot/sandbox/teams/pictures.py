"""Fetching a card's image as the Teams image proxy does."""

from __future__ import annotations

import io
from typing import Any

import aiohttp
from PIL import Image

from bot.sandbox.teams.cards import loopback
from bot.sandbox.teams.errors import StandInError

MAX_BYTES = 1024 * 1024
MAX_SIDE = 1024
_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif"}
_SECONDS = 10


async def fetch(url: str) -> dict[str, Any]:
    """``{"content": bytes, "type", "width", "height"}``. Raises ``PictureRefused`` with the reason.

    https only (http on loopback), no redirect, PNG, JPEG or still GIF, at most 1 MiB and 1024x1024 pixels.
    """
    if not url.startswith("https://") and not loopback(url):
        raise _no(f"{url[:80]!r} is not https")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise _no(f"HTTP {response.status}")
            # One byte more than allowed is enough to know.
            content = await response.content.read(MAX_BYTES + 1)
            while len(content) <= MAX_BYTES and (more := await response.content.read(MAX_BYTES + 1 - len(content))):
                content += more
            declared = response.content_type
    except (TimeoutError, aiohttp.ClientError) as error:
        raise _no(f"{type(error).__name__}: {error}") from error
    return _judge(content, declared)


def _judge(content: bytes, declared: str) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise _no(f"more than {MAX_BYTES} bytes")
    try:
        with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as image:
            kind = _FORMATS[image.format or ""]
            width, height = image.size
            moves = getattr(image, "is_animated", False)
    except (OSError, KeyError, Image.DecompressionBombError) as error:
        raise _no("no PNG, JPEG or GIF") from error
    if declared != kind:
        raise _no(f"served as {declared}, but it is {kind}")
    if width > MAX_SIDE or height > MAX_SIDE:
        raise _no(f"{width}x{height} is larger than {MAX_SIDE}x{MAX_SIDE}")
    if moves and kind == "image/gif":
        raise _no("an animated GIF")
    return {"content": content, "type": kind, "width": width, "height": height}


def _no(reason: str) -> StandInError:
    return StandInError("PictureRefused", reason)
