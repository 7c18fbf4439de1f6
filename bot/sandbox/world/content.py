"""Contents of files, made when they are read and only as far as they are: nothing of them is ever kept.

A content is a function of its key. Text is written in blocks that each follow from the key and their number alone, so
that the end of a long log costs no more than its beginning, and a log that grows keeps what it has said.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import blake2b, shake_128
from typing import Protocol

BLOCK = 1024
"""Bytes of one block of a log; every block ends with a whole line."""

NOISE = 65_536
"""Bytes of one block of a binary file."""

_SHORTEST = 48
"""The least that is left for the last line of a block."""

LineWriter = Callable[[random.Random, datetime, int], str]
"""Says the line at this time and this place (a number that grows along the log); at least 10, at most 400 bytes."""


class Content(Protocol):
    """Bytes that can be read anywhere."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, start: int, stop: int) -> bytes:
        """Those from `start` up to `stop`, which is not beyond the end."""


def number(key: str, below: int) -> int:
    """A number from 0 that follows from the key."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) % below


class Bytes:
    """A few bytes as they are."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._data)

    def read(self, start: int, stop: int) -> bytes:
        """A part of them."""
        return self._data[start:stop]


class Noise:
    """Binary data of any length that begins like a file of its kind."""

    def __init__(self, key: str, size: int, magic: bytes = b"") -> None:
        self._key = key.encode()
        self._magic = magic[:size]
        self.size = size

    def read(self, start: int, stop: int) -> bytes:
        """A part of it."""
        first = start // NOISE
        blocks = range(first, -(-stop // NOISE))
        data = b"".join(shake_128(self._key + block.to_bytes(8)).digest(NOISE) for block in blocks)
        data = data[start - first * NOISE : stop - first * NOISE]
        return self._magic[start:stop] + data[max(0, len(self._magic) - start) :] if start < len(self._magic) else data


class Log:
    """Text that grows: a head, then `rate` bytes a second from `began` to `until`, then, once it has ended, a tail.

    While it grows it may end anywhere, as a buffer was flushed; when it has ended its last line is whole.
    """

    def __init__(
        self,
        key: str,
        line_writer: LineWriter,
        *,
        began: datetime,
        until: datetime,
        rate: float,
        head: str = "",
        tail: str | None = None,
        newline: str = "\n",
        encoding: str = "utf-8",
    ) -> None:
        self._key = key
        self._write_line = line_writer
        self._began = began
        self._until = until
        self._rate = rate
        self._newline = newline
        self._encoding = encoding
        self._head = self._encode(head)
        self._tail = self._encode(tail or "")
        grown = int(max(0.0, (until - began).total_seconds()) * rate)
        self._body = grown if tail is None else -(-grown // BLOCK) * BLOCK

    def _encode(self, text: str) -> bytes:
        return text.replace("\n", self._newline).encode(self._encoding)

    @property
    def size(self) -> int:
        """Bytes by now."""
        return len(self._head) + self._body + len(self._tail)

    def read(self, start: int, stop: int) -> bytes:
        """A part of it."""
        begins, ends = len(self._head), len(self._head) + self._body
        parts = [self._head[start:stop]]
        if start < ends and stop > begins:
            parts.append(self._read(max(start, begins) - begins, min(stop, ends) - begins))
        if stop > ends:
            parts.append(self._tail[max(start - ends, 0) : stop - ends])
        return b"".join(parts)

    def _read(self, start: int, stop: int) -> bytes:
        first = start // BLOCK
        data = b"".join(self._write(block) for block in range(first, -(-stop // BLOCK)))
        return data[start - first * BLOCK : stop - first * BLOCK]

    def _write(self, block: int) -> bytes:
        """One block: whole lines, the last of which is as long as it takes."""
        rng = random.Random(f"{self._key}/{block}")
        lines: list[bytes] = []
        done = 0
        while True:
            place = block * BLOCK + done
            at = min(self._began + timedelta(seconds=place / self._rate), self._until)
            line = self._encode(self._write_line(rng, at, place // 64) + "\n")
            left = BLOCK - done
            if left - len(line) < _SHORTEST:
                end = self._encode("\n")
                text = f"{at:%H:%M:%S} DEBUG state {rng.getrandbits(8 * BLOCK):0{2 * BLOCK}x}".encode()
                lines.append(text[: left - len(end)] + end)
                return b"".join(lines)
            lines.append(line)
            done += len(line)


class Utf16:
    """Text of an ASCII content as Windows likes to write it: UTF-16, least byte first, after a byte order mark."""

    def __init__(self, content: Content) -> None:
        self._content = content

    @property
    def size(self) -> int:
        """Two bytes a character and the mark."""
        return 2 + 2 * self._content.size

    def read(self, start: int, stop: int) -> bytes:
        """A part of it; it may begin inside a character."""
        first, last = max(0, start - 2) // 2, max(0, stop - 1) // 2
        text = self._content.read(first, min(last, self._content.size)).decode("ascii")
        data, offset = text.encode("utf-16-le"), 2 + 2 * first
        if start < 2:
            data, offset = b"\xff\xfe" + data, 0
        return data[start - offset : stop - offset]
