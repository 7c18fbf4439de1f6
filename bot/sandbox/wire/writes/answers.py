"""The successes of writes: a status, entity tag and address, and most often no body."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from aiohttp import web
from msgspec import Struct

from ..conditions import check
from ..errors import Refusal
from ..listener import http_date


class Tag(Struct, frozen=True):
    """An entity tag and the time it stands for."""

    etag: str
    last_modified: datetime


class Tagged(Protocol):
    """What has an entity tag."""

    @property
    def etag(self) -> str:
        """The tag."""

    @property
    def last_modified(self) -> datetime:
        """The time of the last change."""


def require(request: web.Request, thing: Tagged) -> None:
    """Hold a write to its conditions: If-Match and the three others. Raises `Refusal` (412)."""
    if not check(request.headers, thing.etag, thing.last_modified):
        raise Refusal("ConditionNotMet")


def done(status: int, *, changed: Tagged | None = None, at: str = "", location: str = "") -> web.Response:
    """An answer without a body; ``changed`` gives its tag, ``at`` is the address of what was done."""
    headers: dict[str, str] = {}
    if changed is not None:
        headers = {"ETag": changed.etag, "Last-Modified": http_date(changed.last_modified)}
    if location:
        headers["Location"] = location
    if at or location:
        headers["DataServiceId"] = at or location
    return web.Response(status=status, headers=headers)
