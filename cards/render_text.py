"""How a card's pieces are put into words: times, ages, states, progress. The same on every platform."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cards.card import Attachment, Card, Chip, Mark, Mention, Progress, Span, Text, Time
from cards.formatting import bar, file_size, number, percent
from cards.people import unnamed
from cards.text_fit import clean, clean_line, cut, isolate, units

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


_TOGETHER = re.compile(
    r"(?<=\d) (?=(?:%|s|min|h|d|days?|weeks?|months?|kB|MB|GB|TB|KiB|MiB|GiB"
    r"|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?!\w))"
    r"|(?<=\d) (?=[/→–] \d)|(?<=[/→–]) (?=\d)"
)
"""Spaces at which no line may end: between a number and what it counts, a day and its month, two ends of a span."""


class Run(NamedTuple):
    """Clean text in one style, ready to be escaped; ``mark`` gives it a colour, ``who`` says whom it mentions."""

    text: str
    style: str = "plain"
    mark: Mark | None = None
    who: str = ""


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, malformed, or a folder of the zone database
        return UTC


class Clock:
    """Says moments in a card's zone, as seen from the card's ``as_of``."""

    def __init__(self, card: Card) -> None:
        self._zone = _zone(card.zone)
        self._now = self._local(card.as_of) if card.as_of else None

    def _local(self, at: datetime) -> datetime:
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        try:
            return at.astimezone(self._zone)
        except OverflowError:  # the first and last day of the calendar
            return at

    def say(self, time: Time) -> str:
        """The moment in the form it asks for; without an ``as_of`` there is no age to give."""
        local = self._local(time.at)
        if self._now is None:
            return _clock(local, None)
        if time.form == "clock":
            return _clock(local, self._now)
        age = _age(_elapsed(local, self._now).total_seconds())
        return age if time.form == "age" else f"{age}, {_clock(local, self._now)}"

    def as_of(self) -> str:
        """``as of 14:02 CET``, or nothing."""
        if self._now is None:
            return ""
        return f"as of {self._now.hour:02}:{self._now.minute:02} {_zone_name(self._now)}"


def _elapsed(since: datetime, until: datetime) -> timedelta:
    """True time between two moments; plain subtraction within one zone would count what clocks show."""
    offset = (until.utcoffset() or timedelta()) - (since.utcoffset() or timedelta())
    return until.replace(tzinfo=None) - since.replace(tzinfo=None) - offset


def _age(seconds: float) -> str:
    whole = int(abs(seconds))
    if whole < 1:
        return "now"
    if whole < _MINUTE:
        words = f"{whole} s"
    elif whole < _HOUR:
        words = f"{whole // _MINUTE} min"
    elif whole < 10 * _HOUR and whole % _HOUR >= _MINUTE:
        words = f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    elif whole < _DAY:
        words = f"{whole // _HOUR} h"
    else:
        days = whole // _DAY
        words = f"{days:,} day{'s' if days > 1 else ''}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _clock(local: datetime, now: datetime | None) -> str:
    words = f"{local.hour:02}:{local.minute:02}"
    if _comes_twice(local):
        words += f" {_zone_name(local)}"
    if now is not None and local.date() == now.date():
        return words
    year = "" if now is not None and local.year == now.year else f" {local.year}"
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]}{year} {words}"


def _comes_twice(local: datetime) -> bool:
    """Whether clocks show this wall time twice, because they are turned back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def _zone_name(local: datetime) -> str:
    name = local.tzname() or "UTC"
    return f"UTC{name}" if name[:1] in {"+", "-"} else name


def runs(text: Text, clock: Clock, *, lines: bool = False) -> list[Run]:
    """The text as runs: one line, or with its line ends when ``lines``. Empty pieces are gone."""
    found = []
    for piece in text:
        match piece:
            case Span(words, style):
                run = Run(isolate(_piece(words, lines)), style)
            case Chip(mark, word):
                run = Run(f"{mark.symbol} {isolate(clean_line(word))}".strip(), "plain", mark)
            case Time():
                run = Run(clock.say(piece))
            case Mention(who, name):
                run = Run(isolate(_named(who, clean_line(name))), "bold", who=who)
        if run.text:
            found.append(run)
    return found


def _named(who: str, name: str) -> str:
    """``@Mia``; an id that stands in a name's place says nothing to anybody."""
    return unnamed(who) if name and who.endswith(f":{name}") and unnamed(who) != name else f"@{name or 'you'}"


def _piece(words: str, lines: bool) -> str:
    """A span keeps the spaces at its ends: they part it from its neighbours."""
    if lines:
        return clean(words).replace("\t", "    ")
    inner = clean_line(words)
    if not inner:
        return " " if words and clean(words).isspace() else ""
    return (" " if words[0].isspace() else "") + inner + (" " if words[-1].isspace() else "")


def title(card: Card, clock: Clock) -> list[Run]:
    """The first line: the card's mark and its title."""
    words = runs(card.title, clock)
    symbol = card.mark.symbol
    if symbol and not (words and words[0].text.startswith(symbol)):
        words.insert(0, Run(f"{symbol} ", "plain", card.mark))
    return words if any(run.text.strip() for run in words) else [Run("–")]


def unbroken(run: Run) -> Run:
    """The run with no-break spaces where no line may end: within "22 %", and between a state's symbol and its word."""
    if run.style == "code":
        return run
    text = _TOGETHER.sub("\u00a0", run.text) if " " in run.text else run.text
    has_symbol = run.mark is not None and run.mark.symbol and text.startswith(run.mark.symbol)
    return run._replace(text=text.replace(" ", "\u00a0", 1) if has_symbol else text)


def said(words: list[Run]) -> str:
    """Runs as plain text."""
    return "".join(run.text for run in words)


def cut_runs(words: list[Run], limit: int) -> tuple[list[Run], int]:
    """Runs of at most ``limit`` units together, and how many units were lost."""
    kept: list[Run] = []
    room = limit
    for index, run in enumerate(words):
        need = units(run.text)
        if need > room or (need == room and index + 1 < len(words)):
            short = cut(run.text, room) if need > room else cut(run.text + "…", room)
            if short:
                kept.append(run._replace(text=short))
            return kept, sum(units(rest.text) for rest in words[index:]) - max(units(short) - 1, 0)
        kept.append(run)
        room -= need
    return kept, 0


def attachment(block: Attachment) -> list[Run]:
    """``⇩ tasks.csv · 12 kB``, with its title where that says more than its name."""
    name = clean_line(block.name) or "file"
    title = clean_line(block.title)
    return [
        Run(f"⇩ {isolate(name)}", "bold"),
        Run(f" · {file_size(len(block.content))}"),
        *([Run(f" · {isolate(title)}")] if title and title != name else []),
    ]


def progress(block: Progress) -> list[Run]:
    """``label ▓▓▓▓▓▓░░░░ 66 % · 1,602 / 2,400 tasks``."""
    done, total = (max(value, 0.0) if math.isfinite(value) else 0.0 for value in (block.done, block.total))
    unit = f" {isolate(unit)}" if (unit := clean_line(block.unit)) else ""
    label = clean_line(block.label)
    return [
        *([Run(isolate(label), "bold"), Run("  ")] if label else []),
        Run(bar(min(done, total), total), "plain", block.mark),
        Run(f" {percent(min(done, total * 1_000), total)} · {number(done)} / {number(total)}{unit}"),
    ]
