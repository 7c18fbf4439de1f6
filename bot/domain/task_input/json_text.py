"""Tasks that are written as JSON, each with the line on which it begins.

Taken are an array, objects one after the other (JSON lines), a single object (what ``az batch task create --json-file``
reads, which may be an array too), and ``{"value": […]}``, the body of the service's own request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from bot.domain.task_input.model import Problem
from bot.domain.task_input.properties import shown

_SPACE = re.compile(r"[ \t\r\n]*")
_CURLY = re.compile("[“”„]")
_LISTS = ("value", "tasks")


class _NoNumberError(ValueError):
    """NaN and Infinity, which JSON does not have."""


def _refused(word: str) -> float:
    raise _NoNumberError(word)


_decoder = json.JSONDecoder(parse_constant=_refused)


class Found:
    """The objects in a text, and what is wrong with it. Reading ends at the first thing that is no JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._counted = 0
        self._line = 1
        self.problems: list[Problem] = []
        self.items = [item for item in self._read() if self._is_object(*item)]

    def _read(self) -> Iterator[tuple[int, Any]]:
        try:
            start = self._skip(0)
            if self._text[start : start + 1] == "[":
                yield from self._array(start)
            else:
                yield from self._objects(start)
        except json.JSONDecodeError as error:
            curly = " Curly quotes (“ ”) have to be straight ones." if _CURLY.search(self._text) else ""
            self.problems.append(Problem(error.lineno, f"this is not valid JSON: {error.msg}.{curly}"))
        except _NoNumberError as error:
            self.problems.append(Problem(self._line, f"this is not valid JSON: {error} is not a number."))
        except RecursionError:
            self.problems.append(Problem(self._line, "this is nested too deeply to be a task."))

    def _objects(self, at: int) -> Iterator[tuple[int, Any]]:
        """One object, or several one after the other."""
        first = True
        while at < len(self._text):
            line = self._line_of(at)
            value, end = _decoder.raw_decode(self._text, at)
            after = self._skip(end)
            alone = first and after >= len(self._text)
            inner = next((name for name in _LISTS if isinstance(value, dict) and isinstance(value.get(name), list)), "")
            if alone and inner and "commandLine" not in value:
                yield from self._array(self._list_at(at, inner), last=False)
                return
            yield line, value
            at = self._skip(after + 1) if self._text[after : after + 1] == "," else after
            first = False

    def _array(self, at: int, *, last: bool = True) -> Iterator[tuple[int, Any]]:
        """The items of an array that begins at ``at``; with ``last`` nothing may follow it."""
        at = self._skip(at + 1)
        while self._text[at : at + 1] != "]":
            line = self._line_of(at)
            value, at = _decoder.raw_decode(self._text, at)
            yield line, value
            at = self._skip(at)
            if self._text[at : at + 1] == ",":
                at = self._skip(at + 1)
            elif self._text[at : at + 1] != "]":
                raise json.JSONDecodeError("a comma or ] is missing here", self._text, at)
        if last and (rest := self._skip(at + 1)) < len(self._text):
            raise json.JSONDecodeError("something follows the end of the list", self._text, rest)

    def _list_at(self, start: int, name: str) -> int:
        """Where the list of a member begins in an object that is known to have it."""
        at = self._skip(start + 1)
        while True:
            key, at = _decoder.raw_decode(self._text, at)
            at = self._skip(self._skip(at) + 1)
            if key == name:
                return at
            _, at = _decoder.raw_decode(self._text, at)
            at = self._skip(self._skip(at) + 1)

    def _is_object(self, line: int, value: Any) -> bool:
        if not isinstance(value, dict):
            self.problems.append(Problem(line, f"a task is an object, {{…}}, not {shown(value)}"))
        return isinstance(value, dict)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _line_of(self, at: int) -> int:
        """The line of a position; positions are asked for in their order."""
        if at > self._counted:
            self._line += self._text.count("\n", self._counted, at)
            self._counted = at
        return self._line
