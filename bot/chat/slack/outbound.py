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
from bot.chat.slack.errors import code_of, judged
from bot.chat.slack.hosts import ours
from bot.clock import backoff
from cards.card import Attachment, Picture
from cards.text_fit import clean_line, file_name

log = structlog.get_logger()

T = TypeVar("T")

_TRIES = 4
_LONGEST_WAIT = 60.0
_READY_TRIES = 20
_UPLOAD_SECONDS = 60.0
_SETTLE = 2.0
"""Seconds after which Slack says of a file that it is shared."""


async def patiently(call: Callable[[], Awaitable[T]], *, repeatable: bool = False) -> T:
    """Make a Web API call; wait and repeat where Slack says "not now" or no connection came about.

    A call whose answer was lost is not repeated, for it may have been carried out, unless that does no harm
    (``repeatable``).
    """
    for attempt in range(1, _TRIES + 1):
        try:
            return await call()
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            undelivered = judged(error)
            again = undelivered.why == "later" or (repeatable and undelivered.why == "doubt")
            if not again or attempt == _TRIES:
                raise
            wait = min(undelivered.wait or backoff(attempt - 1), _LONGEST_WAIT)
        log.info("slack.call_repeated", code=undelivered.code, seconds=round(wait, 1))
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
    complete: list[dict[str, str | None]] = [{"id": file, "title": picture.title or name}]
    await patiently(lambda: client.files_completeUploadExternal(files=complete), repeatable=True)  # it is in no channel
    for attempt in range(_READY_TRIES):
        info = await patiently(lambda: client.files_info(file=file), repeatable=True)
        if info["file"].get("mimetype"):
            return file
        await asyncio.sleep(min(0.2 * (attempt + 1), 2.0))
    raise TimeoutError(f"Slack did not finish processing {name}")


async def share(client: AsyncWebClient, attachment: Attachment, channel: str, thread: str) -> None:
    """Upload a file into a thread, where Slack shows it as a message of its own."""
    name = file_name(attachment.name)
    file: dict[str, str | None] = {"id": await _sent(client, name, attachment.content)}
    file["title"] = clean_line(attachment.title)[:200] or name
    for last in (False, True):
        try:
            await patiently(
                lambda: client.files_completeUploadExternal(files=[file], channel_id=channel, thread_ts=thread)
            )
        except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
            if judged(error).why != "doubt":
                raise
            await asyncio.sleep(_SETTLE)
            if await _is_shared(client, str(file["id"])):
                return  # only the answer was lost
            if last:
                raise
        else:
            return


async def _is_shared(client: AsyncWebClient, file: str) -> bool:
    try:
        info = await patiently(lambda: client.files_info(file=file), repeatable=True)
    except SlackApiError as error:
        if code_of(error) != "file_not_found":
            raise
        return False  # its upload was not completed
    return bool(info["file"].get("shares"))


async def _sent(client: AsyncWebClient, name: str, content: bytes, **more: str) -> str:
    """The first two steps of an upload: an address, and the bytes to it. Returns the file's id."""
    ticket = await patiently(
        lambda: client.files_getUploadURLExternal(filename=name, length=len(content), **more), repeatable=True
    )
    url = str(ticket["upload_url"])
    if not ours(url, client.base_url):
        raise ConnectionError(f"Slack wants {name} to be sent elsewhere, to {host_of(url) or 'no host'}")
    status = await patiently(lambda: _bytes_to(url, content), repeatable=True)
    if status != 200:  # a redirect, which would be the same the next time
        raise ConnectionError(f"Slack did not take {name}: {status}")
    return str(ticket["file_id"])


async def _bytes_to(url: str, content: bytes) -> int:
    """The status that answers it. Raises for those that are errors."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_UPLOAD_SECONDS)) as session,
        session.post(url, data=content, allow_redirects=False) as answer,
    ):
        answer.raise_for_status()
        return answer.status
