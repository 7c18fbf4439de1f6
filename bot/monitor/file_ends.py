"""The ends of the files that tasks and start tasks print: for the line that says most, and for the black box."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.azure.files import Head, part
from bot.content import output_text
from bot.content.clear_text import HEAVY
from bot.content.output_text import ending
from storage.port.black_box import KeptFile

KB = 1024
TASK = (("stderr.txt", 16 * KB), ("stdout.txt", 4 * KB))
"""What is read of a task: the names of the files, and bytes of their ends. Errors go to the first, so it says more."""
UPLOAD = (*TASK, ("fileuploaderr.txt", 4 * KB), ("fileuploadout.txt", 4 * KB))
"""The same where its output could not be uploaded."""
START = (("startup/stderr.txt", 16 * KB), ("startup/stdout.txt", 4 * KB))
"""What is read of a node's start task."""
CALLS_A_FILE = 3
"""Calls that a file takes at most: its beginning, and of one that goes on its length and its end."""
_READ_AT_ONCE = 16 * KB
GONE = frozenset({"taskfilescleanedup", "taskfilesunavailable"})
"""Codes (409) of files that are gone with their task or node."""


class Files(Protocol):
    """What is needed of :class:`bot.azure.files.Files`."""

    async def head(self, name: str) -> Head:
        """How long a file is."""
        ...

    async def read(self, name: str, start: int, stop: int) -> bytes:
        """A part of a file."""
        ...


async def ends(files: Files, wanted: Sequence[tuple[str, int]], called: Callable[[str], None]) -> tuple[KeptFile, ...]:
    """The ends of these files, without secrets; files that are not there are left out.

    ``called`` is told the file of each call. Raises AzureError for what may be there another time. Where the task, its
    node or all its files are gone, what was read before that is the answer.
    """
    found: list[KeptFile] = []
    for name, most in wanted:
        try:
            found.append(await _end(files, name, most, called))
        except AzureError as error:
            if error.code.lower() in GONE or (error.not_found and error.code.lower() != "filenotfound"):
                break
            if not error.not_found:
                raise
    return tuple(found)


def whole_lines(file: KeptFile) -> KeptFile:
    """Without the line that a program may still have been printing: half a secret has no shape."""
    return replace(file, text=output_text.whole_lines(file.text))


async def _end(files: Files, name: str, most: int, called: Callable[[str], None]) -> KeptFile:
    """The end of a file.

    Most of what is written to the standard error is short, and there whole with the first read. Of other files the
    length is asked for first.
    """
    content, length = b"", most
    if most >= _READ_AT_ONCE:
        called(name)
        content = await part(files, name, 0, most)
        length = len(content)
    if length >= most:
        length = await _length(files, name, called)
    start, first = 0, content[:4]
    if not content and 0 < length <= most:
        called(name)
        content = await part(files, name, 0, length)
    elif length > most:
        start = (length - most) & ~1  # even, for encodings of two bytes
        called(name)
        content = await part(files, name, start, length)
    if len(content) > HEAVY:
        return await asyncio.to_thread(_file, name, content, start, first, length)
    return _file(name, content, start, first, length)


async def _length(files: Files, name: str, called: Callable[[str], None]) -> int:
    called(name)
    try:
        return (await files.head(name)).length
    except AzureError as error:
        if error.status in (404, 409):
            called(name)  # an answer to HEAD cannot say what is missing: it was asked for
        raise


def _file(name: str, content: bytes, start: int, first: bytes, length: int) -> KeptFile:
    known = ending(content, start=start, first=first)
    if known is None:
        return KeptFile(name, start=start, length=length, binary=True)
    return KeptFile(name, known[0], start, length, known[1])
