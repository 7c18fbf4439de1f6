"""Values as JSON has them, without secrets: each text by what it says, and each value by the name that it goes by.

The one place that goes through objects and lists: what is stored, files, request bodies and the log are such values. A
name stands before its value (``{"DB_PASSWORD": "…"}``), before a list of values, or beside it, behind labels
(``{"name": "DB_PASSWORD", "value": "…"}``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.content.clear_text import clear
from bot.content.redaction import HIDDEN, is_secret
from bot.content.redaction.labelled import is_labelled_value, labelled_name
from bot.content.redaction.names import Kind, kind

_DIGITS = 4
"""A figure of fewer is no password."""


class Found(NamedTuple):
    """A secret: the names of fields and the positions in lists that lead to it, and what may be shown of it.

    ``name`` is the one that says so; empty where the text itself does, which is then shown without its secret.
    """

    path: tuple[str | int, ...]
    name: str
    value: Any
    shown: str


class Values:
    """How values are cleared.

    ``text`` clears a text, ``exact`` says which fields stay as they are with all that is in them, ``put`` makes what
    stands in the place of a secret, ``other`` a value of JSON of what is none (by default it stays), and with ``keys``
    the names of fields are cleared too.
    """

    def __init__(
        self,
        text: Callable[[str], str] = clear,
        *,
        exact: Callable[[str], bool] = lambda _: False,
        put: Callable[[Found], Any] = lambda found: found.shown,
        other: Callable[[Any], Any] = lambda value: value,
        keys: bool = False,
    ) -> None:
        self._text = text
        self._exact = exact
        self._put = put
        self._other = other
        self._keys = keys

    def value(self, value: Any) -> Any:
        """The value without secrets; the very object where nothing changes. Too deep a one raises RecursionError."""
        return self._any(value, (), "")

    def _any(self, value: Any, path: tuple[str | int, ...], name: str) -> Any:
        """``name`` is the one that the value goes by, where that says that it is a secret."""
        match value:
            case str() | int() | float() | None:
                return self._leaf(value, path, name)
            case list() | tuple():
                new = [self._any(each, (*path, number), name) for number, each in enumerate(value)]
                return value if all(one is other for one, other in zip(new, value, strict=True)) else new
            case dict():
                return self._object(value, path)
            case _:
                made = self._other(value)
                return value if made is value else self._any(made, path, name)

    def _leaf(self, value: str | float | None, path: tuple[str | int, ...], name: str) -> Any:
        if isinstance(value, str):
            shown, why = (HIDDEN, name) if name and value else (self._text(value), "")
            return value if shown == value else self._put(Found(path, why, value, shown))
        number = value is not None and not isinstance(value, bool)
        if name and number and kind(name) is Kind.PASSWORD and len(str(value)) >= _DIGITS:
            return self._put(Found(path, name, value, HIDDEN))
        return value

    def _object(self, value: dict[Any, Any], path: tuple[str | int, ...]) -> dict[Any, Any]:
        label = labelled_name(value)
        new = {}
        same = True
        for key, each in value.items():
            field = str(key)
            if self._exact(field):
                new[key] = each
                continue
            named = label if is_labelled_value(label, field, each) else field if is_secret(field) else ""
            put = self._text(field) if self._keys else field
            made = self._any(each, (*path, field), named)
            same = same and made is each and put == field
            new[key if put == field else put] = made
        return value if same else new


def clear_named(name: str, value: str) -> str:
    """The value that goes by a name: hidden where the name says that it is a secret, else cleared as a text."""
    return HIDDEN if value and is_secret(name) else clear(value)


def clear_pairs(pairs: Mapping[str, str]) -> dict[str, str]:
    """Names and values, such as a pool's metadata, without secrets."""
    return {clear(name): clear_named(name, value) for name, value in pairs.items()}
