"""The files of tasks and nodes: lists, properties, contents and parts of contents."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from aiohttp import web

from bot.sandbox.entity_inventory import FileProperties, NodeFile
from bot.sandbox.world.content import Content
from bot.sandbox.world.files import File, find

from .conditions import check
from .errors import Refusal
from .listener import Handler, http_date
from .request import QUERY
from .tables import FILES

if TYPE_CHECKING:
    from .dataplane import DataPlane

WHOLE: Final = 1024 * 1024
"""Up to this many bytes are sent in one piece, more of them in pieces of `PIECE`."""

PIECE: Final = 256 * 1024

_RANGE: Final = re.compile(r"bytes=(\d{1,18})-(\d{1,18})?")
_TASK: Final = "/jobs/{job}/tasks/{task}/files"
_NODE: Final = "/pools/{pool}/nodes/{node}/files"


class FileRoutes:
    """Serves the files of one account."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._account = plane.account
        self.routes: Mapping[str, Handler] = {
            _TASK: self._of_task,
            f"{_TASK}/{{path:.+}}": self._of_task,
            _NODE: self._of_node,
            f"{_NODE}/{{path:.+}}": self._of_node,
        }
        self.heads: Final = tuple(path for path in self.routes if path.endswith("{path:.+}"))
        self.writes: Mapping[tuple[str, str], Handler] = {
            ("DELETE", f"{_TASK}/{{path:.+}}"): self._delete_of_task,
            ("DELETE", f"{_NODE}/{{path:.+}}"): self._delete_of_node,
        }

    async def _of_task(self, request: web.Request) -> web.Response:
        job = self._account.job(request.match_info["job"])
        task = self._account.task(job.id, request.match_info["task"])
        files, windows = self._account.files.of_task(job, task)
        return await self._answer(request, f"jobs/{job.id}/tasks/{task.id}", files, windows)

    async def _of_node(self, request: web.Request) -> web.Response:
        node = self._account.node(request.match_info["pool"], request.match_info["node"])
        files, windows = self._account.files.of_node(node, under=request.match_info.get("path", ""))
        return await self._answer(request, f"pools/{node.pool.id}/nodes/{node.id}", files, windows)

    async def _delete_of_task(self, request: web.Request) -> web.Response:
        job = self._account.job(request.match_info["job"])
        task = self._account.task(job.id, request.match_info["task"])
        query: dict[str, str] = request[QUERY]
        recursive = _flag(query, "recursive")
        self._account.files.delete_of_task(job, task, request.match_info["path"], recursive=recursive)
        return web.Response()

    async def _delete_of_node(self, request: web.Request) -> web.Response:
        node = self._account.node(request.match_info["pool"], request.match_info["node"])
        query: dict[str, str] = request[QUERY]
        recursive = _flag(query, "recursive")
        self._account.files.delete_of_node(node, request.match_info["path"], recursive=recursive)
        return web.Response()

    async def _answer(self, request: web.Request, home: str, files: list[File], windows: bool) -> web.Response:
        home = f"{self._account.facts.endpoint}/{home}/files"
        path = request.match_info.get("path")
        if path is None:
            query: dict[str, str] = request[QUERY]
            if not _flag(query, "recursive"):
                files = [file for file in files if "/" not in file.id and not (windows and "\\" in file.id)]
            return await self._plane.listed(request, FILES, files, lambda file: _body(home, file, windows))
        file = find(files, path, windows=windows)
        headers = _headers(home, file, windows)
        if not check(request.headers, "", file.modified):
            return web.Response(status=304, headers=headers)
        if request.method == "HEAD":
            return web.Response(headers=headers)
        if file.content is None:
            raise Refusal("IOError")
        start, stop = _range(request.headers.get("ocp-range"), file.content.size)
        headers["Content-Length"] = str(stop - start)
        if stop - start <= WHOLE:
            return web.Response(body=file.content.read(start, stop), headers=headers)
        return web.Response(body=_pieces(file.content, start, stop), headers=headers)


async def _pieces(content: Content, start: int, stop: int) -> AsyncIterator[bytes]:
    for place in range(start, stop, PIECE):
        yield content.read(place, min(stop, place + PIECE))
        await asyncio.sleep(0)


def _flag(query: Mapping[str, str], name: str) -> bool:
    given = query.get(name, "false")
    if given.lower() not in {"true", "false"}:
        raise Refusal.query(name, given, "The value is not a boolean")
    return given.lower() == "true"


def _range(given: str | None, size: int) -> tuple[int, int]:
    """The first byte and the one after the last. Raises `Refusal` (400, 416).

    The documents know the header ocp-range only, in the form bytes=first-last, and no answer but 200 to it.
    """
    if given is None:
        return 0, size
    match = _RANGE.fullmatch(given.strip())
    if match is None:
        raise Refusal("InvalidHeaderValue", [("HeaderName", "ocp-range"), ("HeaderValue", given)])
    start, stop = int(match[1]), int(match[2]) + 1 if match[2] else size
    if start >= size or stop <= start:
        raise Refusal("InvalidRange")
    return start, min(stop, size)


def _type(file: File) -> str:
    if file.directory:
        return "application/octet-stream"
    return mimetypes.guess_type(file.id, strict=True)[0] or "application/octet-stream"


def _body(home: str, file: File, windows: bool) -> NodeFile:
    properties = None
    if file.content is not None:
        properties = FileProperties(
            creation_time=file.created if windows else None,
            last_modified=file.modified,
            content_length=str(file.content.size),
            content_type=_type(file),
            file_mode=None if windows else file.mode,
        )
    return NodeFile(name=file.id, url=f"{home}/{file.id}", is_directory=file.directory, properties=properties)


def _headers(home: str, file: File, windows: bool) -> dict[str, str]:
    path = file.id.replace("\\", "/") if windows else file.id
    headers = {
        "Last-Modified": http_date(file.modified),
        "ocp-batch-file-isdirectory": str(file.directory).lower(),
        "ocp-batch-file-url": quote(f"{home}/{path}", safe=""),
        "Content-Type": _type(file),
        "Content-Length": str(file.content.size if file.content is not None else 0),
    }
    if windows:
        headers["ocp-creation-time"] = http_date(file.created)
    else:
        headers["ocp-batch-file-mode"] = "0o40755" if file.directory else file.mode
    return headers
