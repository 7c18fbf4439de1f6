"""A team's own causes: the exit codes of its programs and the lines that they print, from a file of its own.

    [[cause]]
    exit = 42                               # or several: [42, 43]
    cause = "the licence server is down"
    do = "wait for it, then run the task again"
    owner = "#licences"

    [[cause]]
    line = "no licence for"                 # a text, whatever the case; a regular expression between slashes:
    cause = "all licences are taken"        # line = "/licen[cs]e .* (denied|refused)/"

An entry with ``exit`` and ``line`` wants both. The first that fits is taken, before every row of the program.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from rapidfuzz import process

from bot.domain.knowledge import patterns
from bot.domain.knowledge.shapes import SHORT, Match, Row, Where
from bot.domain.knowledge.table import signed
from bot.settings import SettingsError
from cards.text_fit import clean

LARGEST = 256 * 1024
"""Bytes of a file."""
MOST = 300
"""Entries of a file: each is tried on every line."""
_SHORTEST = 3
"""Characters of a line that are looked for."""
_NAME = r"^[a-z][a-z0-9_-]{0,39}$"
_Sentence = Annotated[str, Meta(min_length=1, max_length=200)]
_Exit = Annotated[int, Meta(ge=-(1 << 31), lt=1 << 32)]


class OwnCause(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: how it is recognised, what it means, what to do and who may be asked.

    ``name`` is what the row is called (``own.NAME``); made of the exit code or the number of the entry if left out.
    """

    cause: _Sentence
    do: Annotated[str, Meta(max_length=200)] = ""
    exit: _Exit | Annotated[list[_Exit], Meta(min_length=1, max_length=50)] | None = None
    line: Annotated[str, Meta(min_length=_SHORTEST, max_length=200)] | None = None
    owner: Annotated[str, Meta(max_length=80)] = ""
    name: Annotated[str, Meta(pattern=_NAME)] | None = None

    @property
    def exits(self) -> tuple[int, ...]:
        """Its exit codes, signed."""
        if self.exit is None:
            return ()
        return tuple(signed(each) for each in ([self.exit] if isinstance(self.exit, int) else self.exit))

    @property
    def pattern(self) -> str:
        """The regular expression, without its slashes; empty where ``line`` is a text, or missing."""
        found = re.fullmatch(r"/(.+)/", self.line or "", re.DOTALL)
        return found[1] if found else ""


def read_own(path: Path) -> tuple[Row, ...]:
    """The rows of a team's file, in its order. Raises SettingsError with a line per mistake."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        raw = tomllib.loads(text.decode("utf-8-sig")) if len(text) <= LARGEST else None
    except FileNotFoundError:
        raise SettingsError([f"{path}: no such file. Write it, or take knowledge.file out of the settings"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read: {error}"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError([f"{path}: not valid TOML: {error}"]) from None
    if raw is None:
        raise SettingsError([f"{path}: more than {LARGEST:,} bytes: write {LARGEST:,} at most"])
    rows, mistakes = rows_of(raw)
    if mistakes:
        raise SettingsError([f"{path}: {each}" for each in mistakes])
    return rows


def rows_of(raw: dict[str, Any]) -> tuple[tuple[Row, ...], list[str]]:
    """The rows of a file that was read, and what is wrong with it, a line for each mistake: what, where, the cure."""
    mistakes = [f"{key}: unknown key: write each entry as [[cause]]" for key in raw if key != "cause"]
    entries = raw.get("cause", [])
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        return (), [*mistakes, "cause: write each entry as [[cause]]"]
    if len(entries) > MOST:
        return (), [*mistakes, f"cause: {len(entries)} entries: write {MOST} at most"]
    found: list[tuple[int, OwnCause]] = []
    for number, each in enumerate(entries, 1):
        said = list(_unknown(each)) or _decoded(each, number, found)
        mistakes += [f"cause {number}{said_of}" for said_of in said]
    names = Counter(_id(number, each) for number, each in found)
    twice = [id_ for id_, many in names.items() if many > 1]
    mistakes += [f"name: {id_} is there several times: give each a name of its own" for id_ in twice]
    return tuple(_row(number, each) for number, each in found), mistakes


def _unknown(entry: dict[str, Any]) -> Iterator[str]:
    known = OwnCause.__struct_fields__
    for key in entry:
        if key not in known:
            guess = process.extractOne(key, known, score_cutoff=60)
            yield f".{key}: unknown key: {f'did you mean {guess[0]}?' if guess else 'known: ' + ', '.join(known)}"


def _decoded(entry: dict[str, Any], number: int, found: list[tuple[int, OwnCause]]) -> list[str]:
    try:
        own = msgspec.convert(entry, OwnCause)
    except msgspec.ValidationError as error:
        return [_told(str(error))]
    mistakes = list(_mistakes(own))
    if not mistakes:
        found.append((number, own))
    return mistakes


def _told(text: str) -> str:
    if missing := re.search(r"missing required field `(\w+)`", text):
        return f".{missing[1]}: is missing: add it"
    key = re.search(r" - at `\$(\.\w+)?", text)
    return f"{key[1] or '' if key else ''}: {text[: key.start()] if key else text}"


def _mistakes(own: OwnCause) -> Iterator[str]:
    if not own.exits and own.line is None:
        yield ": nothing says when it fits: add exit or line"
    if 0 in own.exits:
        yield ".exit: 0 is success: write the code of a failure"
    for key in ("cause", "do", "owner"):
        typed = getattr(own, key)
        if "\n" in (fit := clean(typed)):
            yield f".{key}: has several lines: write one"
        elif fit != typed:
            yield f".{key}: {typed!r} has characters that no message can show: leave them out"
    if not _sentence(own.cause):
        yield ".cause: says nothing: write what went wrong"
    if own.line is not None and not own.pattern and len(_words(own.line)) < _SHORTEST:
        yield f".line: {own.line!r} fits nearly every line: write {_SHORTEST} characters or more besides blanks"
    if own.pattern and (wrong := patterns.mistake(own.pattern)):
        yield f".line: {own.line!r} is not a regular expression: {wrong}: mend it, or leave out the slashes for a text"
    elif own.pattern and patterns.occurs(own.pattern, ""):
        yield f".line: {own.line!r} fits every line: write what only this cause prints"


def _sentence(typed: str) -> str:
    """Without its full stop and blanks around it."""
    return typed.strip().rstrip(".").rstrip()


def _words(line: str) -> str:
    """With one blank between its words, as lines are looked up (:func:`bot.monitor.error_line.key_line`)."""
    return " ".join(line.split())


def _id(number: int, own: OwnCause) -> str:
    if own.name:
        return f"own.{own.name}"
    return f"own.exit_{own.exits[0]}" if own.exits and own.line is None else f"own.{number}"


def _row(number: int, own: OwnCause) -> Row:
    texts = (_words(own.line),) if own.line and not own.pattern else ()
    match = Match(exit=own.exits, words=texts, pattern=own.pattern)
    do = "; ".join(filter(None, (_sentence(own.do), f"ask {own.owner}" if own.owner else "")))
    where: Where = "exit" if own.line is None else "line"
    cause = _sentence(own.cause)
    short = cause if len(cause) <= SHORT else ""
    return Row(_id(number, own), where, cause, do, short, match=(match,), source="the team's own file")
