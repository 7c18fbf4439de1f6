"""The table of causes: read and checked once, looked up by id or by what shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from string import Formatter
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.knowledge.patterns import occurs
from bot.domain.knowledge.shapes import Match, Row

PLACEHOLDERS = frozenset(("pool", "node", "job", "task", "schedule", "nodes", "dedicated", "spot"))
"""What a step's command may have to be filled in."""
UNKNOWN_KINDS = 200
"""Kinds of unknown trouble that are counted apart; what comes after is counted as ``other``."""

_KEPT = 2_048
"""Answers that are kept: a poll asks the same of each node of a pool."""
_KEPT_LONGEST = 2_000
"""Characters of what is asked that is kept with its answer: a resize's error may hold a document of many kilobytes."""
_TOGETHER: dict[str, tuple[str, ...]] = {"resize": ("resize", "provider")}
"""An error of a resize may be told by what lies at its bottom (:func:`bot.domain.pools.error_text`)."""
_RUNS = ("task", "start_task", "exit", "line")
"""Where programs run: exit codes and lines mean the same there."""
_EXITS = {"task": "task.exit_code", "start_task": "start_task.exit_code"}
"""The rows of programs that ended with an exit code which says no more."""
_ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)+")
_EXITED = "failureexitcode"
_UNSIGNED = 1 << 32
_SIGNED_MAX = (1 << 31) - 1


_Small: TypeAlias = tuple[Row, tuple[Match, ...]]


class _File(Struct, forbid_unknown_fields=True):
    cause: tuple[Row, ...]
    sources: dict[str, str] = {}


class Asked(Struct, frozen=True):
    """What shows of a trouble, all in small letters."""

    code: str = ""
    message: str = ""
    category: str = ""
    exit_code: int | None = None
    line: str = ""


class Table:
    """Rows, found by their id or by what shows; of those that fit, the one that asks for most, else the first."""

    def __init__(self, rows: Sequence[Row], own: Sequence[Row] = ()) -> None:
        """``own`` are a team's rows, which come before ``rows`` whatever those ask for."""
        self.rows = tuple(rows)
        self.own = tuple(own)
        self.unknown: Counter[tuple[str, str]] = Counter()
        """How often no row knew what was asked: where, and the code."""
        self._by_id = {each.id: each for each in (*self.rows, *self.own)}
        self._own = [_small(each) for each in self.own]
        self._at: dict[str, list[_Small]] = {}
        for each in self.rows:
            self._at.setdefault(each.where, []).append(_small(each))
        self._looked_up = lru_cache(maxsize=_KEPT)(self._look)

    def row(self, id_: str) -> Row:
        """The row of this id. Raises KeyError."""
        return self._by_id[id_]

    def find(self, where: str, asked: Asked) -> Row | None:
        """The row that knows what is asked, None where none does, which is counted; but of a line, which may be any."""
        if asked == Asked():
            return None
        long = len(asked.message) + len(asked.line) > _KEPT_LONGEST
        found = self._look(where, asked) if long else self._looked_up(where, asked)
        if found is None and where != "line":
            self._count(where, asked)
        return found

    def _look(self, where: str, asked: Asked) -> Row | None:
        for among in self._order(where, asked):
            if found := _best(among, asked):
                return self._placed(found, where)
        return None

    def _order(self, where: str, asked: Asked) -> Iterator[Iterable[_Small]]:
        """The rows to look through, one group after the other."""
        runs = where in _RUNS
        exited = runs and asked.code in ("", _EXITED)
        shows = {"line": bool(asked.line), "exit": bool(asked.exit_code)}
        if exited:
            yield from ((each,) for each in self._own if shows[each[0].where])
            yield from (self._at.get(kind, ()) for kind in ("line", "exit") if shows[kind])
        if not (exited and shows.get(where)):
            yield chain.from_iterable(self._at.get(kind, ()) for kind in _TOGETHER.get(where, (where,)))

    def _placed(self, found: Row, where: str) -> Row:
        """An exit code or a line with the buttons of where the program ran; of a start task, whose end says less, with
        what is to be done with that."""
        if where not in _EXITS or found.where not in ("exit", "line"):
            return found
        usual = self.row(_EXITS[where])
        plain = found.where == "exit" and where == "start_task" and found not in self.own
        return replace(found, steps=found.steps or usual.steps, do=usual.do if plain else found.do)

    def _count(self, where: str, asked: Asked) -> None:
        named = asked.code if asked.code and asked.code != _EXITED else ""
        key = (where, named or ("" if asked.exit_code is None else f"exit code {asked.exit_code}"))
        full = len(self.unknown) >= UNKNOWN_KINDS and key not in self.unknown
        self.unknown[(where, "other") if full else key] += 1


def signed(code: int) -> int:
    """An exit code as a signed number of 32 bits, as Windows' are looked up."""
    return code - _UNSIGNED if _SIGNED_MAX < code < _UNSIGNED else code


def built_in() -> tuple[Row, ...]:
    """The rows that come with the program. Raises ValueError where they are not as they should be."""
    return read(files(__package__).joinpath("causes.toml").read_bytes())


def read(text: bytes) -> tuple[Row, ...]:
    """The rows of a file. Raises ValueError with a line per mistake."""
    try:
        file = msgspec.toml.decode(text, type=_File)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None
    if found := [*_mistakes(file.cause), *_sources_missing(file)]:
        raise ValueError("\n".join(found))
    return tuple(replace(each, source=_told(each, file.sources)) for each in file.cause)


def _told(row: Row, sources: Mapping[str, str]) -> str:
    return "; ".join(sources[key] for key in _keys(row))


def _keys(row: Row) -> list[str]:
    return [key.strip() for key in row.source.split(",") if key.strip()]


def _sources_missing(file: _File) -> Iterator[str]:
    for each in file.cause:
        for key in _keys(each):
            if key not in file.sources:
                yield f"{each.id}: {key} is no source"


def _mistakes(rows: Sequence[Row]) -> Iterator[str]:
    for id_, count in Counter(each.id for each in rows).items():
        if count > 1:
            yield f"{id_}: is there {count} times"
        if not _ID.fullmatch(id_):
            yield f"{id_}: is not a dotted id of small letters"
    for each in rows:
        if not each.cause or each.cause.endswith(".") or each.do.endswith("."):
            yield f"{each.id}: cause and do are sentences without a full stop"
        if any(match == Match() for match in each.match):
            yield f"{each.id}: matches everything"
        for step in each.steps:
            named = {name for _, name, _, _ in Formatter().parse(step.command) if name is not None}
            if named - PLACEHOLDERS:
                yield f"{each.id}: {step.command}: nothing fills in {', '.join(sorted(named - PLACEHOLDERS))}"


def _small(row: Row) -> _Small:
    """A row, and what it is recognised by in small letters."""
    folded = (
        replace(
            each,
            code=tuple(code.lower() for code in each.code),
            part=each.part.lower(),
            words=tuple(word.lower() for word in each.words),
            category=each.category.lower(),
        )
        for each in row.match
    )
    return row, tuple(folded)


def _best(rows: Iterable[_Small], asked: Asked) -> Row | None:
    found, most = None, 0.0
    for row, matches in rows:
        for match in matches:
            if (weight := _weight(match, asked, general=row.general)) > most:
                found, most = row, weight
    return found


def _weight(match: Match, asked: Asked, *, general: bool) -> float:
    """How much of what is asked a match asks for, of two parts of a code the longer one; 0 where it does not fit."""
    said = asked.line or asked.message
    fits = (
        (not match.code or asked.code in match.code)
        and match.part in asked.code
        and all(each in said for each in match.words)
        and match.category in ("", asked.category)
        and (not match.exit or asked.exit_code in match.exit)
        and (not match.pattern or occurs(match.pattern, asked.line))
    )
    if not fits:
        return 0.0
    code = 3 if general else 8
    return (
        code * bool(match.code)
        + 8 * bool(match.exit)
        + 4 * bool(match.words or match.pattern)
        + 2 * bool(match.part)
        + len(match.part) / 100
        + bool(match.category)
    )
