"""Text in base64 in which a secret stands."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

Span = tuple[int, int]

_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}={0,2}")
_FIRST = 24
"""Characters by which is seen whether text comes out: pictures, keys and hashes go no further."""


def encoded(text: str, found_in: Callable[[str], bool]) -> Iterator[Span]:
    """Where base64 is in whose text ``found_in`` finds a secret."""
    for run in _RUN.finditer(text):
        inner = _text(run.group())
        if inner and found_in(inner):
            yield run.span()


def _text(run: str) -> str:
    run = run.rstrip("=").replace("-", "+").replace("_", "/")
    if not _readable(run[:_FIRST] if len(run) >= _FIRST else run):
        return ""
    try:
        decoded = base64.b64decode(run + "=" * (-len(run) % 4))
    except binascii.Error:
        return ""
    if decoded[1::2].count(0) * 3 > len(decoded):
        return decoded.decode("utf-16-le", "replace")
    text = decoded.decode("utf-8", "replace")
    return text if text.count("\ufffd") * 20 <= len(text) else ""


def _readable(run: str) -> bool:
    try:
        first = base64.b64decode(run + "=" * (-len(run) % 4))
    except binascii.Error:
        return False
    first = first.rstrip(b"\0").replace(b"\0", b"")
    return len(first) >= 6 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in first)
