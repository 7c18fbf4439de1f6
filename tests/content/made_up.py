"""Made-up secrets, and the tables of how they occur: the same ones in every run."""

from __future__ import annotations

import base64
import random
import re
import string
from pathlib import Path
from typing import NamedTuple

_SHAPE = re.compile("«([^»]+)»")
_CHARACTERS = {
    "a": string.ascii_letters + string.digits,
    "AN": string.ascii_uppercase + string.digits,
    "u": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "h": "0123456789abcdef",
    "d": string.digits,
}
_PASSWORD = {
    "pw": "&!%^*@+=.-_",
    "pws": "&,;#! @%+.",  # in quotes
    "pwe": "&,;#!%",  # to the end of its line
    "pwu": "!.$*+-_",  # in an address
    "pwn": "!.*-_+",
    "pwj": "&,;#!@+",
    "pwx": "!.$*-_,;",
}
PIECE = 6
"""Characters of a secret in a row that nobody may read."""


class Occurrence(NamedTuple):
    """A text in which secrets stand."""

    kind: str
    text: str
    secrets: tuple[str, ...]

    def left(self, clear: str) -> str:
        """A piece of a secret that can still be read."""
        for secret in self.secrets:
            for start in range(max(1, len(secret) - PIECE + 1)):
                if secret[start : start + PIECE] in clear:
                    return secret[start : start + PIECE]
        return ""


def occurrences(table: str, times: int, seed: int = 11) -> list[Occurrence]:
    """The table ``NAME.txt`` beside this file with secrets filled in, each line ``times`` times."""
    chance = random.Random(seed)
    lines = (Path(__file__).parent / f"{table}.txt").read_text(encoding="utf-8").splitlines()
    made = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        kind, form = line.split(" | ", 1)
        made += [_filled(chance, kind, form) for _ in range(times)]
    return made


def plain_lines(table: str) -> list[str]:
    """The lines of ``NAME.txt``; those of several are written with ``\\n``."""
    lines = (Path(__file__).parent / f"{table}.txt").read_text(encoding="utf-8").splitlines()
    return [_unescaped(line) for line in lines if line and not line.startswith("# ")]


def _filled(chance: random.Random, kind: str, form: str) -> Occurrence:
    secrets: list[str] = []

    def fill(found: re.Match[str]) -> str:
        made = _made(chance, found[1])
        if len(made) > 4:
            secrets.append(made)
        return made.replace("\\", "\\\\")

    return Occurrence(kind, _unescaped(_SHAPE.sub(fill, form)), tuple(secrets))


def _unescaped(line: str) -> str:
    return re.sub(r"\\(u[0-9a-f]{4}|x[0-9a-f]{2}|.)", _escape, line)


def _escape(found: re.Match[str]) -> str:
    code = found[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}.get(code, code)


def _made(chance: random.Random, shape: str) -> str:
    if shape == "g":
        return "-".join(_drawn(chance, "h", count) for count in (8, 4, 4, 4, 12))
    if shape == "basic":
        return base64.b64encode(f"render:{_made(chance, 'pw')}".encode()).decode()
    if shape == "w":
        return chance.choice(("horse", "staple", "window"))
    if shape.startswith("b64of:"):
        inner = re.sub(r"%(\w+)", lambda found: _made(chance, found[1]), shape[6:])
        return base64.b64encode(inner.encode()).decode()
    if shape in _PASSWORD:
        return _password(chance, _PASSWORD[shape])
    kind, count = re.fullmatch(r"([a-zA-Z]+)(\d+)", shape).groups()  # type: ignore[union-attr]
    return _drawn(chance, kind, int(count))


def _drawn(chance: random.Random, kind: str, count: int) -> str:
    """Random characters, a letter and a figure among them, as all but a few real ones have."""
    while True:
        made = "".join(chance.choice(_CHARACTERS[kind]) for _ in range(count))
        ends = made[0].isalnum() and made[-1].isalnum()
        if ends and (count < 6 or kind == "d" or (re.search("[0-9]", made) and re.search("[A-Za-z]", made))):
            return made


def _password(chance: random.Random, marks: str) -> str:
    """As people make them: a few letters and figures, and marks in between."""
    first, last = _drawn(chance, "a", chance.randint(3, 6)), _drawn(chance, "a", chance.randint(3, 6))
    return f"{chance.choice(string.ascii_letters)}{first}{chance.choice(marks)}{last}{chance.choice(string.digits)}"
