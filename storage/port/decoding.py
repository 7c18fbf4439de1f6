"""Reading what was stored encoded: tolerant, because another version of the program may have written it."""

from __future__ import annotations

from typing import TypeVar

import msgspec
import structlog

log = structlog.get_logger()

T = TypeVar("T")


def decoded(body: bytes, kind: type[T]) -> T | None:
    """The value that was stored as JSON; None where it is none of this kind, which the log says.

    That is so where a newer version wrote it, or the file is damaged. The row is left as it is: a version that
    understands it finds it again.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("storage.unreadable", kind=getattr(kind, "__name__", str(kind)), error=str(error))
        return None
