"""Goes through every text of a value, whatever it is made of, and puts another in its place.

What kinds of struct there are need not be listed: the fields that may hold text are found by their types, once for each
type, so that the ten thousand cells of a heat map cost nothing. A value in which nothing changes comes back as it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

from msgspec import Struct
from msgspec.structs import fields, replace

T = TypeVar("T")
Rewrite = Callable[[str], str]

_NO_TEXT: tuple[type, ...] = (int, float, bool, bytes, datetime, date, time, timedelta, type(None), enum.Enum)


class Texts:
    """How a value is rewritten: every text by ``text``; a kind of struct otherwise by overriding :meth:`struct`.

    ``exact`` says which fields of a struct stay as they are.
    """

    def __init__(self, text: Rewrite, exact: Callable[[str], bool] = lambda _: False) -> None:
        self.text = text
        self._exact = exact

    def value(self, value: T) -> T:
        """The value, every text in it rewritten. What is left out of a sequence is None in it before."""
        return self._any(value)  # type: ignore[no-any-return]

    def struct(self, value: Struct) -> Any:
        """A struct; None leaves it out of the sequence that it is in."""
        return self.fields(value)

    def sequence(self, value: tuple[Any, ...]) -> tuple[Any, ...]:
        """A sequence, without what was left out of it."""
        changed = tuple(self._any(each) for each in value)
        if all(new is old for new, old in zip(changed, value, strict=True)):
            return value
        return tuple(new for new, old in zip(changed, value, strict=True) if new is not None or old is None)

    def fields(self, value: Struct) -> Any:
        """A struct, field by field."""
        changes = {}
        for name in _textual(type(value)):
            if self._exact(name):
                continue
            old = getattr(value, name)
            new = self._any(old)
            if new is not old:
                changes[name] = new
        return replace(value, **changes) if changes else value

    def _any(self, value: Any) -> Any:
        match value:
            case str():
                new = self.text(value)
                return value if new == value else new
            case Struct():
                return self.struct(value)
            case tuple():
                return self.sequence(value)
            case list():
                found = self.sequence(tuple(value))
                return value if len(found) == len(value) and all(map(_same, found, value)) else list(found)
            case dict():
                return self.mapping(value)
            case _:
                return value

    def mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        """A mapping: its values, for its keys are what they are found by."""
        new = {key: self._any(each) for key, each in value.items()}
        return value if all(new[key] is value[key] for key in value) else new


def _same(one: object, other: object) -> bool:
    return one is other


@cache
def _textual(kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a struct in which text may be."""
    return tuple(each.name for each in fields(kind) if _holds_text(each.type, frozenset({kind})))


def _holds_text(kind: Any, above: frozenset[type]) -> bool:
    if get_origin(kind) is Literal:
        return False
    if inner := get_args(kind):
        return any(_holds_text(each, above) for each in inner if each is not Ellipsis)
    if not isinstance(kind, type):
        return True
    if issubclass(kind, Struct):
        return kind not in above and any(_holds_text(each.type, above | {kind}) for each in fields(kind))
    return not issubclass(kind, _NO_TEXT)
