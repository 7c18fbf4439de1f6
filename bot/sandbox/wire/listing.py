"""One page of a list: found, cut, dressed and written piece by piece, so that no other request waits for it.

The order of every list is that of the ids, and a skip token says the last id that was sent: pages stay true while
things come and go between them.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from .errors import Refusal
from .odata import FilterError, Scan, compile_filter, page_size
from .tables import Listing
from .versions import dress, knows

SCANNED: Final = 4000
"""Entities a filter looks at before others get their turn (about a millisecond)."""

WRITTEN: Final = 50
"""Entities written before others get their turn (about a millisecond)."""

_MARK: Final = "SBX1:"

_encode = msgspec.json.Encoder().encode


class Thing(Protocol):
    """Whatever is listed: it knows the id it is filed under."""

    @property
    def id(self) -> str:
        """The id."""


T = TypeVar("T", bound=Thing)


class ReadOptions(Struct, frozen=True):
    """What a request asks of a list or of one thing: the query, understood and checked."""

    version: str
    scan: Scan | None = None
    select: Mapping[str, str] | None = None
    expand: bool = False
    size: int = 0
    after: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str], listing: Listing, version: str) -> ReadOptions:
        """From the query (names in lower case). Raises `Refusal`."""
        return cls(
            version=version,
            scan=_scan(query.get("$filter"), listing),
            select=_select(query.get("$select"), listing, version),
            expand=_expand(query.get("$expand"), listing),
            size=_size(query.get("maxresults"), listing),
            after=_after(query.get("$skiptoken")),
        )

    def write(self, body: Struct) -> bytes:
        """The JSON object of one entity."""
        if not self.expand and getattr(body, "stats", None) is not None:
            body = msgspec.structs.replace(body, stats=None)
        if self.select is not None:
            chosen = {name: getattr(body, attribute) for name, attribute in self.select.items()}
            return _encode({name: value for name, value in chosen.items() if value is not None})
        return _encode(dress(body, self.version))


async def page(things: Sequence[T], options: ReadOptions, body: Callable[[T], Struct]) -> tuple[list[bytes], str]:
    """The entities of one page as JSON, and the id to continue after ("" at the end).

    ``things`` are in the order of their ids and stay as they are over an await; what is in them may change.
    """
    found = await _find(things, options)
    more = len(found) > options.size
    found = found[: options.size]
    parts: list[bytes] = []
    for start in range(0, len(found), WRITTEN):
        if start:
            await asyncio.sleep(0)
        parts += [options.write(body(thing)) for thing in found[start : start + WRITTEN]]
    return parts, found[-1].id if more else ""


async def _find(things: Sequence[T], options: ReadOptions) -> Sequence[T]:
    """Up to one more than a page of what fits."""
    position = bisect_right(things, options.after, key=_id) if options.after else 0
    wanted = options.size + 1
    if options.scan is None:
        return things[position : position + wanted]
    found: list[T] = []
    for start in range(position, len(things), SCANNED):
        if start > position:
            await asyncio.sleep(0)
        found += options.scan(things[start : start + SCANNED])
        if len(found) >= wanted:
            break
    return found[:wanted]


def _id(thing: Thing) -> str:
    return thing.id


def token(last: str) -> str:
    """The skip token that continues after ``last``; made of letters that need no escaping in a query."""
    return _MARK + base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def _after(given: str | None) -> str:
    if given is None:
        return ""
    mark, _, code = given.rpartition(":")
    try:
        last = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        last = ""
    if not last or f"{mark}:" != _MARK:
        raise Refusal.query("$skiptoken", given, "The continuation token is not valid")
    return last


def _scan(given: str | None, listing: Listing) -> Scan | None:
    if given is None:
        return None
    try:
        return compile_filter(given, listing.table)
    except FilterError as error:
        raise Refusal.query("$filter", given, str(error)) from None


def _select(given: str | None, listing: Listing, version: str) -> Mapping[str, str] | None:
    if given is None:
        return None
    fields = listing.fields()
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if name not in fields or not knows(name, version):
            raise Refusal.query("$select", given, f"The property {name or '(empty)'} does not exist")
    return {name: attribute for name, attribute in fields.items() if name in names}


def _expand(given: str | None, listing: Listing) -> bool:
    if given is None:
        return False
    for name in given.split(","):
        if name.strip() not in listing.expandable:
            raise Refusal.query("$expand", given, f"The property {name.strip() or '(empty)'} cannot be expanded")
    return True


def _size(given: str | None, listing: Listing) -> int:
    if given is not None and given.strip().lstrip("-").isdecimal() and int(given) < 1:
        raise Refusal.query("maxresults", given, "MaxResults cannot be less than 1")
    try:
        return page_size(given, most=listing.most)
    except ValueError:
        values = [("QueryParameterName", "maxresults"), ("QueryParameterValue", given or "")]
        values += [("MinimumAllowed", "1"), ("MaximumAllowed", str(listing.most))]
        raise Refusal("OutOfRangeQueryParameterValue", values) from None
