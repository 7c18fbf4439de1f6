"""Reads the part of Bicep that is written here: parameters, resources, objects, arrays and literals.

By the language's own rules ("Data types in Bicep"), apart from the writer, so that a mistake in one is seen in the
other. A reference to a parameter or resource is read as ``<name>``.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TOKEN = re.compile(
    r"(?P<space>[ ]+)|(?P<multi>'''(?:.|\n|\r)*?'''(?!'))|(?P<single>'(?:[^'\\\n\r]|\\.)*')|(?P<number>-?\d+)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<mark>[@{}\[\]():=]|\n+)"
)
_ESCAPE = re.compile(r"\\(?:u\{(?P<code>[0-9a-fA-F]+)\}|(?P<plain>[nrt\\'$]))")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
_LITERALS: dict[str, Any] = {"true": True, "false": False, "null": None}


def read(words: str) -> dict[str, Any]:
    """The parameters that have a default, and the resources, of a file."""
    return _Reader(words).file()


class _Reader:
    def __init__(self, words: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        end = 0
        while end < len(words):
            found = _TOKEN.match(words, end)
            assert found, f"no token at {words[end : end + 20]!r}"
            if found.lastgroup != "space":
                mark = "\n" if found.group().startswith("\n") else found.group()
                self.tokens.append((str(found.lastgroup), mark if found.lastgroup == "mark" else found.group()))
            end = found.end()
        self.at = 0

    def file(self) -> dict[str, Any]:
        params: dict[str, Any] = {}
        resources: dict[str, Any] = {}
        while self.at < len(self.tokens):
            if self.take("\n"):
                continue
            if self.take("@"):
                self.value()
                self.expect("\n")
            elif self.take("param"):
                name, _ = self.next(), self.next()
                if self.take("="):
                    params[name] = self.value()
                self.expect("\n")
            else:
                self.expect("resource")
                name, kind = self.next(), self.value()
                self.take("existing")
                self.expect("=")
                resources[name] = {"type": kind, "body": self.value()}
                self.expect("\n")
        return {"params": params, "resources": resources}

    def value(self) -> Any:
        kind, word = self.tokens[self.at]
        self.at += 1
        match kind, word:
            case "multi", _:
                return word[3:-3].removeprefix("\n")
            case "single", _:
                assert "${" not in _ESCAPE.sub("x", word), "an interpolation"
                return _ESCAPE.sub(_unescaped, word[1:-1])
            case "number", _:
                return int(word)
            case _, "{":
                return dict(self.items("}", self.pair))
            case _, "[":
                return self.items("]", self.value)
        assert kind == "name", f"{word!r} is not a value"
        return self.call(word) if self.take("(") else _LITERALS.get(word, f"<{word}>")

    def call(self, name: str) -> Any:
        if self.take(")"):
            return f"<{name}>"
        inner = self.value()
        self.expect(")")
        return json.loads(inner) if name == "json" else inner

    def pair(self) -> tuple[str, Any]:
        kind, word = self.tokens[self.at]
        if kind == "name":
            self.at += 1
        name = word if kind == "name" else self.value()
        self.expect(":")
        return name, self.value()

    def items(self, closing: str, one: Any) -> list[Any]:
        made = []
        if not self.take(closing):
            self.expect("\n")
            while not self.take(closing):
                made.append(one())
                self.expect("\n")
        return made

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def take(self, word: str) -> bool:
        here = self.at < len(self.tokens) and self.tokens[self.at] in {("mark", word), ("name", word)}
        self.at += here
        return here

    def expect(self, word: str) -> None:
        assert self.take(word), f"{word!r} was expected before {self.tokens[self.at : self.at + 3]}"


def _unescaped(found: re.Match[str]) -> str:
    if found["code"]:
        return chr(int(found["code"], 16))
    return _PLAIN.get(found["plain"], found["plain"])
