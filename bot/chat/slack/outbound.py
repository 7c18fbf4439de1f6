"""Files on their way to Slack: pictures for a message, attachments for its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.hosts import host_of
from bot.chat.port import Pictures
from bot.chat.slack.errors import status_of
from bot.chat.slack.hosts import ours
from cards.card import Attachment, Picture
from cards.text_fit import clean_line, file_name

log = structlog.get_logger()

T = TypeVar("T")

_TRIES = 4
_LONGEST_WAIT = 60.0
_READY_TRIES = 20
_UPLOAD_SECONDS = 60.0


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Make a Web API call; wait and repeat where Slack says "not now" or no connection came about.

    A call whose answer was lost is not repeated here: the message may be there.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return await call()
        except SlackApiError as error:
            if status_of(error) != 429 or attempt == _TRIES:
                raise
            wait = min(float(error.response.headers.get("Retry-After", 1)), _LONGEST_WAIT)
        except aiohttp.ClientConnectorError:
            if attempt == _TRIES:
                raise
            wait = 0.5 * attempt
        log.info("slack.rate_limited", seconds=wait)
        await asyncio.sleep(wait)
    raise AssertionError("unreachable")


async def upload(client: AsyncWebClient, pictures: Pictures, picture: Picture) -> str:
    """Draw, upload and wait until Slack has taken the image in; returns the file id for a ``slack_file`` block.

    The file is uploaded without a channel, so that it stays private to the bot until a message refers to it. Using
    the id before the file is processed is refused as ``invalid_blocks``.
    """
    png = await pictures.png(picture.chart)
    name = f"{picture.key}.png"
    file = await _sent(client, name, png, alt_txt=picture.alt[:1000])
    await patiently(lambda: client.files_completeUploadExternal(files=[{"id": file, "title": picture.title or name}]))
    for attempt in range(_READY_TRIES):
        info = await patiently(lambda: client.files_info(file=file))
        if info["file"].get("mimetype"):
            return file
        await asyncio.sleep(min(0.2 * (attempt + 1), 2.0))
    raise TimeoutError(f"Slack did not finish processing {name}")


async def share(client: AsyncWebClient, attachment: Attachment, channel: str, thread: str) -> None:
    """Upload a file into a thread, where Slack shows it as a message of its own."""
    name = file_name(attachment.name)
    file: dict[str, str | None] = {"id": await _sent(client, name, attachment.content)}
    file["title"] = clean_line(attachment.title)[:200] or name
    await patiently(lambda: client.files_completeUploadExternal(files=[file], channel_id=channel, thread_ts=thread))


async def _sent(client: AsyncWebClient, name: str, content: bytes, **more: str) -> str:
    """The first two steps of an upload: an address, and the bytes to it. Returns the file's id."""
    ticket = await patiently(lambda: client.files_getUploadURLExternal(filename=name, length=len(content), **more))
    url = str(ticket["upload_url"])
    if not ours(url, client.base_url):
        raise ConnectionError(f"Slack wants {name} to be sent elsewhere, to {host_of(url) or 'no host'}")
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_UPLOAD_SECONDS)) as session,
        session.post(url, data=content, allow_redirects=False) as answer,
    ):
        answer.raise_for_status()
        if answer.status != 200:
            raise ConnectionError(f"Slack did not take {name}: {answer.status}")
    return str(ticket["file_id"])
