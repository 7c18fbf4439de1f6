"""Pictures by ``image_url``, which Slack's servers fetch before they take a message.

What cannot be fetched, or is no picture, is refused as ``invalid_blocks`` with "downloading image failed".
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from PIL import Image, UnidentifiedImageError

from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import Json

_SECONDS = aiohttp.ClientTimeout(total=10)
_KINDS = frozenset({"PNG", "JPEG", "GIF"})
"""Slack: image blocks show png, jpg and gif."""


async def fetch(core: Core, given: Json) -> None:
    """Fetch the pictures of a message. Refused: invalid_blocks.

    No name is looked up here: a host is reached where :attr:`Core.hosts` says who plays it, and trusted otherwise.
    """
    wrong = [
        f"downloading image failed [json-pointer:{at}/image_url]"
        for at, url in _pictures(given.get("blocks") or ())
        if (base := core.hosts.get((urlsplit(url).hostname or "").lower())) and not await _fetched(base, url)
    ]
    if wrong:
        raise Refused("invalid_blocks", [f"[ERROR] {words}" for words in wrong], details={"errors": wrong})


def _pictures(blocks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, block in enumerate(blocks):
        parts = [("", block), ("/accessory", block.get("accessory"))]
        parts += [(f"/elements/{place}", each) for place, each in enumerate(block.get("elements") or ())]
        for at, part in parts:
            if isinstance(part, dict) and part.get("type") == "image" and part.get("image_url"):
                yield f"/blocks/{number}{at}", str(part["image_url"])


async def _fetched(base: str, url: str) -> bool:
    """Whether a picture is there, by one request without a redirect that leads away."""
    parts = urlsplit(url)
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.get(f"{base}{parts.path}{'?' if parts.query else ''}{parts.query}") as answer,
        ):
            return answer.status == 200 and await asyncio.to_thread(_is_picture, await answer.read())
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


def _is_picture(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return picture.format in _KINDS
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        return False
