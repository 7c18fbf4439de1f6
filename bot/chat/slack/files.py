"""Files that somebody attached in Slack: to a form or to a message."""

from __future__ import annotations

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.download import SECONDS, body_of
from bot.chat.hosts import host_of
from bot.chat.port import AttachedFile, FetchError
from bot.chat.request import Person
from bot.chat.slack.errors import code_of
from bot.chat.slack.hosts import ours
from cards.formatting import file_size

log = structlog.get_logger()


async def fetch(client: AsyncWebClient, token: str, person: Person, file: str, most: int) -> AttachedFile:
    """A file by its id, of ``most`` bytes at most, that ``person`` attached. Raises FetchError."""
    try:
        info = (await client.files_info(file=file))["file"]
    except SlackApiError as error:
        raise FetchError(_refused(code_of(error))) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise FetchError("Slack did not answer when the file was asked for: try again.") from error
    name = str(info.get("name") or info.get("title") or "file")
    if info.get("user") != person.id:
        raise FetchError(f"{name} was attached by somebody else: attach it yourself.")
    if int(info.get("size") or 0) > most:
        raise FetchError(f"{name} has {file_size(int(info['size']))}, and {file_size(most)} is the most.")
    url = str(info.get("url_private_download") or info.get("url_private") or "")
    if not ours(url, client.base_url):
        log.warning("slack.file_elsewhere", host=host_of(url))
        raise FetchError(f"{name} is not kept by Slack itself: attach a copy of it.")
    return AttachedFile(name, await _read(url, token, name, most))


async def _read(url: str, token: str, name: str, most: int) -> bytes:
    """The bytes. Slack sends whoever it does not let in to a page to sign in, which is not followed."""
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=SECONDS) as session,
            session.get(url, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                log.warning("slack.file_refused", status=answer.status)
                raise FetchError(_refused("" if answer.status >= 500 else "missing_scope"))
            return await body_of(answer, name, most)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("slack.file_lost", error=type(error).__name__)
        raise FetchError(f"{name} could not be read from Slack: try again.") from error


def _refused(code: str) -> str:
    match code:
        case "missing_scope" | "not_allowed_token_type" | "access_denied":
            return "Slack does not let the bot read files: install the app anew, with the scope files:read."
        case "file_not_found" | "file_deleted":
            return "The file is not there any more: attach it again."
    return f"Slack does not give the file ({code or 'an error'}): try again."
