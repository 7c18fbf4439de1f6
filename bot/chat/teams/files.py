"""Files that somebody attached in a personal chat of Teams.

Teams sends an address with the message, which works for some minutes for whoever has it. It is a secret therefore: it
stays in memory, and what is journalled is only its number. After a restart the file has to be attached again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import aiohttp
import structlog

from bot.chat.download import SECONDS, body_of
from bot.chat.hosts import host_of, may_call
from bot.chat.port import AttachedFile, FetchError
from bot.chat.teams.activity import Activity

log = structlog.get_logger()

FILE = "application/vnd.microsoft.teams.file.download.info"
_REMEMBERED = 500
_AGAIN = "The address of the file is not known any more: attach it again."


class Files:
    """Addresses of attached files, and what is behind them. ``hosts`` are where files may be fetched from."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = tuple(hosts)
        self._known: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def attached(self, activity: Activity) -> tuple[str, ...]:
        """References to the files that came with a message."""
        references = []
        for number, attachment in enumerate(activity.attachments or ()):
            content = attachment.content
            if attachment.content_type != FILE or not isinstance(content, Mapping):
                continue
            reference = f"{activity.key}#{number}"
            self._known[reference] = (attachment.name or "file", str(content.get("downloadUrl") or ""))
            references.append(reference)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return tuple(references)

    async def fetch(self, session: aiohttp.ClientSession, reference: str, most: int) -> AttachedFile:
        """The file behind a reference, of ``most`` bytes at most. Raises FetchError."""
        if reference not in self._known:
            raise FetchError(_AGAIN)
        name, url = self._known[reference]
        if not may_call(url, self._hosts, below=True):
            log.warning("teams.file_elsewhere", host=host_of(url))
            raise FetchError(f"{name} is not kept in SharePoint, so the bot does not fetch it: attach a copy of it.")
        return AttachedFile(name, await _read(session, url, name, most))


async def _read(session: aiohttp.ClientSession, url: str, name: str, most: int) -> bytes:
    """The bytes. The address itself is never logged, and a redirection of it is not followed."""
    try:
        async with session.get(url, allow_redirects=False, timeout=SECONDS) as answer:
            if answer.status in (401, 403, 404, 410):
                raise FetchError(_AGAIN)
            if answer.status != 200:
                log.warning("teams.file_refused", status=answer.status)
                raise FetchError(f"SharePoint does not give {name} ({answer.status}): attach it again.")
            return await body_of(answer, name, most)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("teams.file_lost", error=type(error).__name__)
        raise FetchError(f"{name} could not be read from SharePoint: attach it again.") from error
