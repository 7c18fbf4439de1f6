"""What the service answers: pages and windows of lists, single entities; and how their JSON is decoded."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct, field

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):
    """One page as the service sent it: its items, the link to the next page (None: the last), the service's time.

    ``aside`` are the keys of rows that could not be understood (empty text where not even that was told).
    """

    items: list[T]
    next: str | None
    at: datetime
    aside: tuple[str, ...] = ()


class Fetched(Struct, Generic[T], frozen=True):
    """One entity: decoded, as the JSON that came, the service's time, its ETag (may be empty)."""

    value: T
    raw: bytes
    at: datetime
    etag: str


class Window(Struct, Generic[T], frozen=True):
    """Rows of a list in the service's order, from ``offset`` on; ``more`` where the list goes on behind them."""

    items: list[T]
    offset: int
    more: bool
    at: datetime


class Listing(Struct, Generic[T]):
    """A list on the wire; the data plane and Resource Manager name the link differently."""

    value: list[T]
    batch_next: str | None = field(name="odata.nextLink", default=None)
    arm_next: str | None = field(name="nextLink", default=None)


def list_of(kind: Any) -> Any:
    """The type of a list of this kind."""
    return Listing[kind]


_decoders: dict[tuple[Any, bool], msgspec.json.Decoder[Any]] = {}


def decoder_of(kind: Any, *, strict: bool = True) -> msgspec.json.Decoder[Any]:
    """Not strict where statistics come, which write counts as text; strict is up to a third faster."""
    if (kind, strict) not in _decoders:
        _decoders[kind, strict] = msgspec.json.Decoder(kind, strict=strict)
    return _decoders[kind, strict]
