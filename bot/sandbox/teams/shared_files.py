"""Files that people attach in a personal chat: the bot is sent an address that works for a while for whoever has it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import quote

from aiohttp import web

Json: TypeAlias = dict[str, Any]

FILE = "application/vnd.microsoft.teams.file.download.info"
SECONDS = 600.0
"""For which an address works."""


class SharedFiles:
    """What SharePoint does for Teams: keeps the files, and gives them by temporary addresses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[str, bytes, float]] = {}
        self.url = ""

    def attach(self, name: str, content: bytes) -> Json:
        """Keep a file; the attachment that the bot is sent, as Microsoft's page "Send and receive files" shows it."""
        key = uuid.uuid4().hex
        self._kept[key] = (name, content, self._clock() + SECONDS)
        shown = quote(name, safe="")
        return {
            "contentType": FILE,
            "contentUrl": f"{self.url}/personal/people/Documents/Microsoft%20Teams%20Chat%20Files/{shown}",
            "name": name,
            "content": {
                "downloadUrl": f"{self.url}/personal/people/_layouts/15/download.aspx?UniqueId={key}&tempauth={key}",
                "uniqueId": key.upper(),
                "fileType": PurePosixPath(name).suffix.removeprefix("."),
            },
        }

    def routes(self) -> list[web.RouteDef]:
        """Where the files are."""
        return [web.get("/personal/people/_layouts/15/download.aspx", self._download)]

    async def _download(self, request: web.Request) -> web.Response:
        name, content, until = self._kept.get(request.query.get("tempauth", ""), ("", b"", 0.0))
        if self._clock() >= until:
            raise web.HTTPUnauthorized(text="The address does not work any more.")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
        return web.Response(body=content, content_type="application/octet-stream", headers=headers)
