"""The files of tasks and nodes: lists, properties, and parts of contents, never more bytes than are needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.azure.clock import instant
from bot.azure.errors import AzureError
from bot.azure.models.base import Wire

if TYPE_CHECKING:
    from bot.azure.plane import Plane

MOST_NAMES = 5000
"""Names that a list reads: five pages of the service."""
PIECE = 4 * 1024 * 1024
"""Bytes that are asked for in one go."""
_SHORTEST, _LONGEST = 8 * 1024, 64 * 1024
"""Bytes of a tail that are read at first, and at most."""
_LINE = 400
"""Bytes a line may have on average before more than ``_LONGEST`` of them would be wanted."""


class FileProperties(Wire):
    """What a list says of a file; ``content_length`` in bytes, as text."""

    creation_time: datetime | None = None
    last_modified: datetime | None = None
    content_length: str = ""
    content_type: str = ""
    file_mode: str = ""


class File(Wire):
    """A file or directory; ``name`` is its path below the task's or node's root.

    The service writes it with backslashes between folders on Windows. On Linux a backslash is a letter of a name.
    :meth:`Files.names` gives slashes for both.
    """

    name: str = ""
    url: str = ""
    is_directory: bool = False
    properties: FileProperties | None = None

    @property
    def size(self) -> int | None:
        """Its length in bytes; None for a directory."""
        length = self.properties.content_length if self.properties else ""
        return int(length) if length.isdecimal() else None


class _Listing(Wire):
    value: tuple[File, ...] = ()
    next: str | None = msgspec.field(name="odata.nextLink", default=None)


@dataclass(frozen=True)
class Listed:
    """Files by name; ``more`` where there are so many that not all were read."""

    files: tuple[File, ...]
    more: bool
    at: datetime


@dataclass(frozen=True)
class Head:
    """What a file is: bytes, and when it was written; ``at`` by the service's clock."""

    length: int
    modified: datetime | None
    at: datetime


Encoding: TypeAlias = Literal["", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


class Remote(Struct, frozen=True, array_like=True):
    """A file wherever it is asked about: account, whose it is (a task of a job, a node of a pool), and its name.

    ``encoding`` is set where it is text.
    """

    account: str
    kind: Literal["task", "node"]
    outer: str
    name: str
    file: str
    encoding: Encoding = ""


class Reads(Protocol):
    """What reads parts of files: :class:`Files`, or what counts its calls."""

    async def read(self, name: str, start: int, stop: int) -> bytes:
        """The bytes from ``start`` up to ``stop``."""
        ...


class Files:
    """The files below one task or node. Every method raises AzureError, with the service's code for what is missing."""

    def __init__(self, plane: Plane, root: str, on_windows: Callable[[], Awaitable[bool]] | None = None) -> None:
        """``root`` is the encoded path of the task or node; ``on_windows`` asks which system its node runs."""
        self._plane = plane
        self._root = f"{root}/files"
        self._on_windows = on_windows
        self._windows: bool | None = None

    async def path(self, typed: str) -> str:
        """The name of a file, or of a folder, as all methods here take it: with slashes between folders.

        A backslash is one on Windows. Which system it is, is asked only where there is a backslash.
        """
        if "\\" in typed and await self._is_windows():
            typed = typed.replace("\\", "/")
        return typed.strip("/")

    async def _is_windows(self) -> bool:
        if self._windows is None:
            self._windows = await self._on_windows() if self._on_windows else False
        return self._windows

    async def _with_slashes(self, files: tuple[File, ...]) -> tuple[File, ...]:
        """With slashes between folders: the service tells modes on Linux alone, and when it was made on Windows."""
        if not any("\\" in file.name for file in files):
            return files
        told = [file.properties for file in files if file.properties]
        if self._windows is None and any(each.file_mode for each in told):
            self._windows = False
        elif self._windows is None and any(each.creation_time for each in told):
            self._windows = True
        if not await self._is_windows():
            return files
        return tuple(replace(file, name=file.name.replace("\\", "/")) for file in files)

    def _address(self, name: str) -> str:
        name = name.strip("/")
        if not name or any(not step.strip(".") for step in name.split("/")):
            raise AzureError("FileNotFound", f"“{name}” is no name of a file", status=404)
        return self._plane.address(f"{self._root}/{quote(name, safe='')}")

    async def names(self, folder: str = "", *, recursive: bool = False) -> Listed:
        """What is in a folder (the root without), directories first, then by name; of all folders below it too."""
        inside = steps(folder)
        first = self._plane.address(
            self._root,
            recursive="true" if recursive or inside else "",
            filter=f"startswith(name,'{inside[0].replace(chr(39), chr(39) * 2)}')" if inside else "",
        )
        url: str | None = first
        found: list[File] = []
        seen = 0
        at: datetime | None = None
        trail = self._plane.trail(first)
        while url and seen < MOST_NAMES:
            answer = await self._plane.get(url)
            page = await self._plane.decoded(_Listing, answer)
            seen += len(page.value)
            named = await self._with_slashes(page.value)
            found += [file for file in named if _below(steps(file.name), inside, recursive=recursive)]
            at = at or answer.at
            url = trail.on(self._plane.own(page.next) if page.next else None, len(page.value))
        assert at is not None  # noqa: S101 - one page at least was read
        found.sort(key=lambda file: (not file.is_directory, file.name.lower()) if not recursive else (False, file.name))
        return Listed(tuple(found), url is not None, at)

    async def head(self, name: str) -> Head:
        """How long a file is, without reading it. Code ``IsDirectory`` for a folder."""
        url = self._address(name)
        try:
            headers, at = await self._plane.head(url)
        except AzureError as error:
            if error.status not in (404, 409):
                raise
            await self._plane.part(url, 0, 1)  # an answer to HEAD has no body that could say what is missing
            raise
        if headers.get("ocp-batch-file-isdirectory", "").lower() == "true":
            raise AzureError("IsDirectory", f"“{name}” is a folder", status=409)
        return Head(
            length=int(length) if (length := headers.get("Content-Length") or "").isdecimal() else 0,
            modified=instant(headers.get("Last-Modified")),
            at=at,
        )

    async def read(self, name: str, start: int, stop: int) -> bytes:
        """Bytes [start, stop) of a file; fewer where it ends before. Code ``InvalidRange`` behind its end."""
        if stop <= start:
            return b""
        return await self._plane.part(self._address(name), start, stop)

    async def whole(self, name: str, length: int) -> bytes:
        """A file's first ``length`` bytes, piece by piece."""
        parts = [await self.read(name, start, min(start + PIECE, length)) for start in range(0, length, PIECE)]
        return b"".join(parts)


@dataclass(frozen=True)
class Tail:
    """The end of a file: ``content`` are its bytes from ``start`` to the file's length when it was read."""

    content: bytes
    start: int
    head: Head
    first: bytes = b""
    """The file's first bytes, where they are needed to know its encoding."""

    @property
    def end(self) -> int:
        """The place behind the last byte."""
        return self.start + len(self.content)


async def tail(files: Files, name: str, lines: int, *, before: Tail | None = None) -> Tail:
    """The end of a file with at least ``lines`` lines where 64 kB hold them.

    The properties first, then the last 8 kB, and as much again before that while lines are missing. With what was read
    ``before``, only what is new is read, unless the file has become another one.
    """
    head = await files.head(name)
    if before and before.end <= head.length <= before.end + _LONGEST:
        fresh = await part(files, name, before.end, head.length)
        content = (before.content + fresh)[-_most(lines) :]
        return Tail(content, before.end + len(fresh) - len(content), head, before.first)
    start, size, content = head.length, min(_SHORTEST, _most(lines)), b""
    while start > 0:
        begin = max(0, head.length - size) & ~1  # even, for encodings of two bytes
        content = await part(files, name, begin, start) + content
        start = begin
        if content.count(b"\n") > lines or size >= _most(lines):
            break
        size = min(size * 2, _most(lines))
    first = await part(files, name, 0, 4) if start > 0 and b"\0" in content else content[:4] if start == 0 else b""
    return Tail(content, start, head, first)


def _most(lines: int) -> int:
    return max(_LONGEST, lines * _LINE)


async def part(files: Reads, name: str, start: int, stop: int) -> bytes:
    """Bytes of a file that may have been cut short since its length was asked for."""
    try:
        return await files.read(name, start, stop)
    except AzureError as error:
        if error.status != 416:
            raise
        return b""


def steps(name: str) -> list[str]:
    """The folders of a name and its last part."""
    return [step for step in name.split("/") if step]


def _below(name: list[str], folder: list[str], *, recursive: bool) -> bool:
    return name[: len(folder)] == folder and (len(name) > len(folder) if recursive else len(name) == len(folder) + 1)
