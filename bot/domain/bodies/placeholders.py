"""``{name}`` and ``{name:default}`` in the text of a template's body.

A shell's ``${name}`` is none, nor are braces around anything but a name (``{}``, ``{1..9}``, ``{print $1}``). One brace
more on each side stands for the text itself: ``{{name}}`` is filled in as ``{name}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.bodies.fields import FREE_FORM, Body
from bot.domain.bodies.path import spelled
from bot.domain.bodies.shapes import FLAGS, NUMBERS

_RUN = re.compile(r"(?<![${])(?P<open>\{+)(?P<name>[A-Za-z_][\w-]*)(?::(?P<default>[^{}]*))?(?P<close>\}+)", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


class NotFilled(ValueError):
    """A template cannot be filled in with these values; the message says what to do."""


@dataclass(frozen=True)
class Placeholder:
    """A name to be filled in; ``default`` None where a value has to be given."""

    name: str
    default: str | None

    def __str__(self) -> str:
        return f"{{{self.name}}}" if self.default is None else f"{{{self.name}:{self.default}}}"


def placeholders(body: Any) -> list[Placeholder]:
    """Those of a body, each once, in the order in which they come; the first default of a name holds for all."""
    found: dict[str, Placeholder] = {}

    def note(words: str) -> str:
        for each in _RUN.finditer(words):
            if len(each["open"]) == 1:
                one = Placeholder(each["name"], each["default"])
                if each["name"] not in found or found[each["name"]].default is None:
                    found[each["name"]] = one
        return words

    _mapped(body, note)
    return list(found.values())


def escaped(body: Body) -> Body:
    """A copy of a body in which nothing is a placeholder, whatever its text is."""
    made: Body = _mapped(body, lambda words: _RUN.sub(r"{\g<0>}", words))
    return made


def filled(body: Body, values: Mapping[str, str]) -> Body:
    """A copy of the body with every placeholder filled in; numbers and flags become what their field holds.

    Raises NotFilled where a value is missing, is for no placeholder, or does not fit its field.
    """
    known = {each.name: each for each in placeholders(body)}
    if unknown := sorted(set(values) - set(known)):
        has = f"It has {', '.join(known)}." if known else "It has none."
        raise NotFilled(f"The template has no placeholder {', '.join(unknown)}. {has}")
    given = {name: values.get(name, each.default) for name, each in known.items()}
    if lacking := [name for name, value in given.items() if value is None]:
        raise NotFilled(f"The template needs a value for {', '.join(lacking)}: give it as {lacking[0]}=….")

    def put(words: str) -> str:
        return _RUN.sub(lambda run: _put(run, given), words)

    made: Body = _typed(_mapped(body, put))
    return made


def typed(field: str, words: str, place: str = "") -> Any:
    """Text as the value of a field: a whole number, a flag, or the text. Raises NotFilled where it does not fit."""
    if field in NUMBERS:
        if not _WHOLE.fullmatch(words):
            raise NotFilled(f"{place or field} takes a whole number, and “{words[:40]}” is none.")
        return int(words)
    if field in FLAGS:
        if words.lower() not in _YES_NO:
            raise NotFilled(f"{place or field} takes true or false, and “{words[:40]}” is neither.")
        return _YES_NO[words.lower()]
    return words


def _put(run: re.Match[str], given: Mapping[str, str | None]) -> str:
    if len(run["open"]) > 1:
        return run.group()[1:-1]
    return (given[run["name"]] or "") + run["close"][1:]


def _typed(value: Any, path: tuple[str | int, ...] = ()) -> Any:
    """The value with text in the fields of numbers and flags made into these."""
    if isinstance(value, dict):
        return {name: held if name in FREE_FORM else _typed(held, (*path, name)) for name, held in value.items()}
    if isinstance(value, list):
        return [_typed(each, (*path, position)) for position, each in enumerate(value)]
    if isinstance(value, str) and path and isinstance(path[-1], str):
        return typed(path[-1], value, spelled(path))
    return value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {name: _mapped(held, change) for name, held in value.items()}
        case list():
            return [_mapped(held, change) for held in value]
        case _:
            return value
