"""How answers are decoded: in one go, and where that fails piece by piece, so that one odd value hides nothing else.

The fast way is msgspec's own. Only where an answer does not fit it, the second one goes through it row by row and
field by field: what is no value of its kind is left at the field's default, as if it had not been sent, and noted
(:mod:`bot.azure.gaps`), as is what is missing though it was asked for and is sent always. A row without the key that
says which one it is, and one that is nothing but numbers of which one is missing, is put aside. What is no JSON at
all, or nested without end, is Azure's fault and told as such.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin
from weakref import WeakKeyDictionary

import msgspec
from msgspec import Struct

from bot.azure import gaps
from bot.azure.answers import decoder_of, list_of
from bot.azure.errors import AzureError
from bot.azure.models.base import Untold, Wire, wire_name

T = TypeVar("T")

_LONG = 32_768
"""Bytes of an answer that is decoded in a turn of its own."""
_HUGE = 2 * 1024 * 1024
"""Bytes of a list that is decoded some rows in each turn."""
_AT_ONCE = 200
_NAMED = 3
"""Odd values that are named; the others are counted."""
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


class Rows(Struct, frozen=True):
    """A page as it was decoded; ``aside`` are the keys of rows that were put aside, empty where there was none."""

    items: list[Any]
    link: str | None
    aside: tuple[str, ...] = ()


async def decode(
    host: str, kind: Any, body: bytes, *, strict: bool = True, exact: bool = False, select: str = ""
) -> Any:
    """What an answer says. Raises AzureError UnexpectedAnswer. ``select`` is what was asked of it, empty for all.

    A long answer takes milliseconds. Several that are there at once are decoded one in each turn of the event loop, so
    that whoever waits to be acknowledged waits for one of them and not for all. ``exact`` takes nothing that is not as
    it should be: for amounts of money, of which none may be left out.
    """
    if len(body) < _LONG:
        return _decode(host, kind, body, strict=strict, exact=exact, select=select)
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        value = _decode(host, kind, body, strict=strict, exact=exact, select=select)
        await asyncio.sleep(0)
    return value


async def decode_rows(host: str, kind: Any, body: bytes, *, strict: bool = True, select: str = "") -> Rows:
    """A page of a list. ``select`` is what was asked of each row, empty for all. Raises AzureError UnexpectedAnswer."""
    if len(body) >= _HUGE or _incomplete(kind, body, in_list=True):
        return await _in_turns(host, kind, body, strict=strict, select=select)
    try:
        if len(body) < _LONG:
            listing = decoder_of(list_of(kind), strict=strict).decode(body)
        else:
            async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
                listing = decoder_of(list_of(kind), strict=strict).decode(body)
                await asyncio.sleep(0)
    except _BROKEN:
        return await _in_turns(host, kind, body, strict=strict, select=select)
    items, keyed, always = listing.value, is_keyed(kind, select), sent_always(kind, select)
    if (not keyed or all(map(attrgetter(kind.KEY), items))) and all(_has_all(items, each) for each in always):
        return Rows(items, listing.batch_next or listing.arm_next)
    odd = _Odd(kind)
    kept = [row for row in items if not keyed or key_of(row) or odd.row("")]
    odd.missing(kept, always)
    odd.tell()
    return Rows(kept, listing.batch_next or listing.arm_next, tuple(odd.rows))


async def _in_turns(host: str, kind: Any, body: bytes, *, strict: bool, select: str) -> Rows:
    """Row by row, some in each turn of the event loop."""
    try:
        sent = decoder_of(_RawListing).decode(body)
    except _BROKEN as error:
        raise not_understood(host, error) from error
    odd, items, keyed = _Odd(kind), [], is_keyed(kind, select)
    decoder = decoder_of(kind, strict=strict)
    for start in range(0, len(sent.value), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        for raw in sent.value[start : start + _AT_ONCE]:
            try:
                row = decoder.decode(raw)
            except _BROKEN:
                row = _lenient_row(kind, raw, odd, strict=strict)
                if row is None:
                    continue
            if (not keyed or key_of(row)) and not _incomplete(kind, raw):
                items.append(row)
            else:
                odd.row(key_of(row))
    odd.missing(items, sent_always(kind, select))
    odd.tell()
    links = [link for link in (sent.batch_next, sent.arm_next) if isinstance(link, str) and link]
    return Rows(items, links[0] if links else None, tuple(odd.rows))


class _RawListing(Struct):
    value: list[msgspec.Raw]
    batch_next: Any = msgspec.field(name="odata.nextLink", default=None)
    arm_next: Any = msgspec.field(name="nextLink", default=None)


def _lenient_row(kind: Any, raw: msgspec.Raw, odd: _Odd, *, strict: bool) -> Any:
    try:
        sent = msgspec.json.decode(raw)
    except _BROKEN:
        odd.row("")
        return None
    key = _key_in(kind, sent)
    try:
        return _Lenient(strict=strict, odd=odd, key=key).value(kind, sent, "")
    except msgspec.ValidationError:
        odd.row(key)
        return None


def _decode(host: str, kind: Any, body: bytes, *, strict: bool, exact: bool, select: str) -> Any:
    if wrong := _incomplete(kind, body):
        raise not_understood(host, wrong) from wrong
    odd = _Odd(kind)
    try:
        value = decoder_of(kind, strict=strict).decode(body)
    except msgspec.ValidationError as error:
        if exact:
            raise not_understood(host, error) from error
        reason = error
    except _BROKEN as error:
        raise not_understood(host, error) from error
    else:
        return _whole(value, odd, select)
    try:
        sent = msgspec.json.decode(body)
        value = _Lenient(strict=strict, odd=odd, key=_key_in(kind, sent)).value(kind, sent, "")
    except _BROKEN:
        raise not_understood(host, reason) from reason
    return _whole(value, odd, select)


def _whole(value: Any, odd: _Odd, select: str) -> Any:
    odd.missing([value], sent_always(type(value), select))
    odd.tell()
    return value


class _Odd:
    """What was odd about an answer: fields by what they belong to, and the rows that were put aside."""

    def __init__(self, kind: Any) -> None:
        self._label = label_of(kind)
        self._fields: dict[str, list[str]] = {}
        self.rows: list[str] = []

    def field(self, key: str, path: str) -> None:
        """A field is no value of its kind."""
        self._fields.setdefault(key, []).append(path)

    def row(self, key: str) -> bool:
        """A row is put aside. False, for whoever filters."""
        self.rows.append(key)
        self._fields.pop(key, None)
        return False

    def missing(self, rows: Sequence[Any], always: Sequence[str]) -> None:
        """Fields that these rows should have and have not."""
        for row in rows:
            for name in always:
                path = wire_name(name)
                if not _has_all((row,), name) and path not in self._fields.get(key := key_of(row), ()):
                    self.field(key, path)

    def tell(self) -> None:
        """Note it all: the first few by their names."""
        named = [(self._named(key), f"{', '.join(paths[:_NAMED])}") for key, paths in self._fields.items()]
        for what, fields in named[:_NAMED]:
            gaps.note(f"{fields} of {what}", "Azure's answer was not understood")
        if (more := len(named) - _NAMED) > 0:
            gaps.note(f"fields of {more:,} more {self._label}s", "Azure's answer was not understood")
        known = [key for key in self.rows if key]
        for key in known[:_NAMED]:
            gaps.note(self._named(key), "Azure's answer was not understood")
        if rest := len(self.rows) - len(known[:_NAMED]):
            gaps.note(f"{rest:,} {self._label}{'s' if rest > 1 else ''}", "Azure's answer does not say which")

    def _named(self, key: str) -> str:
        return f"{self._label} {key}" if key else f"the {self._label}"


class _Lenient:
    """Goes through what was sent as a kind wants it."""

    def __init__(self, *, strict: bool, odd: _Odd, key: str) -> None:
        self._strict = strict
        self._odd = odd
        self._key = key

    def value(self, kind: Any, sent: Any, path: str) -> Any:
        """The value. Raises ValidationError where nothing of it can be understood."""
        try:
            return msgspec.convert(sent, kind, strict=self._strict)
        except msgspec.ValidationError:
            if sent is None:
                raise
        origin = get_origin(kind)
        if origin in (Union, UnionType):
            kinds = [each for each in get_args(kind) if each is not NoneType]
            if len(kinds) == 1:
                return self.value(kinds[0], sent, path)
        elif origin in (tuple, list) and isinstance(sent, list) and _is_open(kind):
            return origin(self._items(get_args(kind)[0], sent, path))
        elif isinstance(sent, dict) and _is_struct(origin or kind) and not getattr(kind, "WHOLE", False):
            return self._struct(kind, sent, path)
        raise msgspec.ValidationError(path)

    def _items(self, kind: Any, sent: Sequence[Any], path: str) -> list[Any]:
        kept = []
        for each in sent:
            try:
                kept.append(self.value(kind, each, path))
            except msgspec.ValidationError:
                self._odd.field(self._key, f"one of {path}" if path else "an item")
        return kept

    def _struct(self, kind: Any, sent: dict[str, Any], path: str) -> Any:
        found: dict[str, Any] = {}
        for field in _fields_of(kind):
            if field.encode_name not in sent:
                continue
            value, where = sent[field.encode_name], f"{path}.{field.encode_name}" if path else field.encode_name
            try:
                found[field.name] = self.value(field.type, value, where)
            except msgspec.ValidationError:
                if field.required:
                    raise
                if isinstance(field.default, int) and not isinstance(field.default, bool):
                    found[field.name] = Untold(field.default)
                if value is not None or _matters(field):
                    self._odd.field(self._key, where)
        return kind(**found)


_fields_of = cache(msgspec.structs.fields)
"""To find them evaluates annotations: ten milliseconds, for each odd row otherwise."""


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def _is_open(kind: Any) -> bool:
    arguments = get_args(kind)
    return len(arguments) == 1 or (len(arguments) == 2 and arguments[1] is Ellipsis)


def _matters(field: msgspec.structs.FieldInfo) -> bool:
    """Whether null is worth a word: a number or a state; elsewhere it is as good as left out."""
    return isinstance(field.default, (int, float)) or field.encode_name.lower().endswith("state")


def _has_all(rows: Sequence[Any], name: str) -> bool:
    """Whether each row has a text or a number there. Lists have a hundred thousand rows: no call for each."""
    values = list(map(attrgetter(name), rows))
    kinds = set(map(type, values))
    return Untold not in kinds and (str not in kinds or all(values))


def _incomplete(kind: Any, body: bytes | msgspec.Raw, *, in_list: bool = False) -> Exception | None:
    """What is left out of a row, or of the rows of a list, of a kind that is nothing but numbers."""
    complete: Any = getattr(kind, "COMPLETE", None)
    if complete is None:
        return None
    try:
        decoder_of(list_of(complete) if in_list else complete).decode(body)
    except _BROKEN as error:
        return error
    return None


def key_of(row: Any) -> str:
    """The key of a row; empty where it has none."""
    key = getattr(row, "KEY", "")
    return str(getattr(row, key)) if key else ""


def _key_in(kind: Any, sent: Any) -> str:
    key = getattr(kind, "KEY", "") or ("id" if isinstance(sent, dict) and isinstance(sent.get("id"), str) else "")
    if not key or not isinstance(sent, dict):
        return ""
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)) if key else {}
    found = sent.get(names.get(key, key))
    return found if isinstance(found, str) else ""


_ENDS = re.compile(r"(Row|State|Times|Traffic|Resource|Result|Item)$")


def label_of(kind: Any) -> str:
    """What a kind is called: ``pool``, ``job schedule``."""
    if not (isinstance(kind, type) and issubclass(kind, Wire)):
        return "entry"
    name = getattr(kind, "LABEL", "") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _ENDS.sub("", kind.__name__))
    return name.lower()


def not_understood(host: str, why: object) -> AzureError:
    """An answer that is not what was asked for."""
    said = "it is nested without end" if isinstance(why, RecursionError) else str(why)
    return AzureError("UnexpectedAnswer", f"{host} answered what is not understood: {said}")


def is_keyed(kind: Any, select: str) -> bool:
    """Whether the key of rows of this kind is asked for."""
    key: str = getattr(kind, "KEY", "")
    return bool(key) and (not select or wire_name(key) in select.split(","))


def sent_always(kind: Any, select: str) -> tuple[str, ...]:
    """The fields of a kind that every row has, as far as they were asked for."""
    always: tuple[str, ...] = getattr(kind, "ALWAYS", ())
    asked = select.split(",")
    return tuple(name for name in always if not select or wire_name(name) in asked)
