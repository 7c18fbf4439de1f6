"""The values of the language: patterns of text, spans of time, moments, numbers. Each is written back as it is read.

Every reader returns None for what it does not understand; the parser says what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import Enum
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_LONGEST_SPAN = 3650 * 86_400
_SPAN = re.compile(
    r"(\d{1,9}(?:\.\d{1,3})?)\s*(weeks?|days?|hours?|hrs?|mins?|minutes?|secs?|seconds?|[wdhms])\s*", re.I
)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?")
_OFFSET = re.compile(r"z|[+-]\d{2}:?\d{2}", re.I)
_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)(?:b|bytes?)?", re.I)
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_YEARS = range(2000, 2100)
_MOST_DIGITS = 18
_SIGNED, _UNSIGNED = 1 << 31, 1 << 32


class Wild(Enum):
    """A place in a pattern where something else may stand."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True)
class Pattern:
    """Text with wildcards: literal pieces and wild ones in turn, never two literal pieces or two ``*`` in a row."""

    pieces: tuple[str | Wild, ...]

    @classmethod
    def read(cls, raw: str) -> Pattern:
        """From what was typed; a backslash takes the wildcard, comma or backslash behind it as it is."""
        pieces: list[str | Wild] = []
        for char, escaped in _chars(raw):
            last = pieces[-1] if pieces else None
            if char in "*?" and not escaped:
                if not (char == "*" and last is Wild.ANY):
                    pieces.append(Wild(char))
            elif isinstance(last, str):
                pieces[-1] = last + char
            else:
                pieces.append(char)
        return cls(tuple(pieces))

    @property
    def literal(self) -> str | None:
        """The text, where nothing in it is wild."""
        match self.pieces:
            case (str() as only,):
                return only
        return None

    @property
    def prefix(self) -> str:
        """What everything that fits begins with."""
        match self.pieces:
            case (str() as first, *_):
                return first
        return ""

    @property
    def is_prefix(self) -> bool:
        """Whether it is a beginning and ``*``."""
        return len(self.pieces) == 2 and isinstance(self.pieces[0], str) and self.pieces[1] is Wild.ANY

    @property
    def fits_all(self) -> bool:
        """Whether it is ``*``."""
        return self.pieces == (Wild.ANY,)

    def expression(self) -> str:
        """As a regular expression over lower-case text; it takes linear time, however many stars there are."""
        parts: list[str] = []
        literal = ""
        for piece in (*self.pieces, None):
            if isinstance(piece, str):
                literal += re.escape(piece.lower())
            elif piece is Wild.ONE:
                literal += "."
            else:
                parts.append(literal)
                literal = ""
        first, *rest = parts
        if not rest:
            return first
        *inner, last = rest
        return first + "".join(f"(?>.*?{part})" for part in inner if part) + ".*" + last

    def __str__(self) -> str:
        return "".join(piece.value if isinstance(piece, Wild) else _escape(piece) for piece in self.pieces)


def _chars(raw: str) -> Iterator[tuple[str, bool]]:
    chars = iter(range(len(raw)))
    for index in chars:
        following = raw[index + 1 : index + 2]
        if raw[index] == "\\" and following and following in ",*?\\":
            next(chars)
            yield following, True
        else:
            yield raw[index], False


def _escape(text: str) -> str:
    return re.sub(r"([,*?\\])", r"\\\1", text)


def alternatives(raw: str) -> list[str]:
    """Values parted by commas that no backslash keeps, each still in its escapes; empty ones are left out."""
    found = [""]
    for char, escaped in _chars(raw):
        if char == "," and not escaped:
            found.append("")
        else:
            found[-1] += f"\\{char}" if escaped else char
    return [value.strip() for value in found if value.strip()]


def span(text: str) -> timedelta | None:
    """``90s``, ``5m``, ``2h``, ``1d12h``, ``1.5h``: whole seconds, ten years at most."""
    seconds, index = 0.0, 0
    while index < len(text):
        found = _SPAN.match(text, index)
        if not found:
            return None
        seconds += float(found[1]) * _UNITS[found[2][0].lower()]
        index = found.end()
    return timedelta(seconds=round(seconds)) if text and seconds <= _LONGEST_SPAN else None


def spelled(length: timedelta) -> str:
    """A span as :func:`span` reads it: ``1d12h``, ``30d``; weeks where they are whole."""
    seconds = round(length.total_seconds())
    text = ""
    for unit, size in _UNITS.items():
        if unit == "w" and seconds % size:
            continue  # 30d, which people say, and not 4w2d
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def integer(text: str) -> int | None:
    """A whole number; ``0xC0000005`` is the signed number of 32 bits that the service writes for it."""
    digits = text.removeprefix("+")
    try:
        if re.fullmatch(r"0x[0-9a-f]{1,8}", digits, re.I):
            value = int(digits, 16)
            return value - _UNSIGNED if value >= _SIGNED else value
        if re.fullmatch(rf"-?[0-9]{{1,{_MOST_DIGITS}}}", digits):
            return int(digits)
    except ValueError:
        pass
    return None


def decimal(text: str) -> float | None:
    """A number that is not negative: ``16``, ``0.35``."""
    return float(text) if _DECIMAL.fullmatch(text) else None


def amount(text: str) -> int | None:
    """Bytes: ``1500``, ``20MB``, ``1.5 GB``, in powers of a thousand like :func:`cards.formatting.file_size`."""
    found = _AMOUNT.fullmatch(text.strip())
    return round(float(found[1]) * _BYTES[found[2].lower()]) if found else None


@dataclass(frozen=True)
class Moment:
    """A moment as people say it: a day, a minute or second of a day, a clock time, or so long ago.

    One of ``day``, ``ago`` and ``named`` (today or yesterday) at most is set; a clock without them is its latest time.
    """

    day: date | None = None
    clock: time | None = None
    ago: timedelta | None = None
    offset: timedelta | None = None
    named: str = ""

    @classmethod
    def read(cls, text: str) -> Moment | None:
        """From what was typed."""
        low = text.strip().lower()
        if low in ("today", "yesterday"):
            return cls(named=low)
        if (ago := span(low)) is not None:
            return cls(ago=ago)
        day: date | None = None
        if found := _DATE.match(low):
            if int(found[1]) not in _YEARS:
                return None
            try:
                day = date(int(found[1]), int(found[2]), int(found[3]))
            except ValueError:
                return None
            low = low[found.end() :].removeprefix("t").strip()
            if not low:
                return cls(day=day)
        return cls._clock(low, day)

    @classmethod
    def _clock(cls, low: str, day: date | None) -> Moment | None:
        found = _CLOCK.match(low)
        if not found:
            return None
        rest, offset = low[found.end() :].strip(), None
        if rest and day and _OFFSET.fullmatch(rest):
            sign = -1 if rest[0] == "-" else 1
            digits = "0000" if rest == "z" else rest[1:].replace(":", "")
            offset = sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
            if abs(offset) > timedelta(hours=15):
                return None
        elif rest:
            return None
        try:
            return cls(day=day, clock=time(int(found[1]), int(found[2]), int(found[3] or 0)), offset=offset)
        except ValueError:
            return None

    def span_at(self, at: datetime, zone: str) -> tuple[datetime, datetime]:
        """From when to before when it lasts, seen from ``at`` (aware) in a zone; ``ago`` lasts till the end of time."""
        if self.ago is not None:
            return floor(at, self.ago) - self.ago, datetime.max.replace(tzinfo=UTC)
        home: tzinfo = zone_of(zone)
        if self.offset is not None and self.day and self.clock:
            start = (datetime.combine(self.day, self.clock, UTC) - self.offset).astimezone(UTC)
            return start, start + self._grain()
        today = at.astimezone(home).date()
        if self.clock is None:
            day = self.day or (today if self.named == "today" else today - timedelta(days=1))
            return _utc(day, time(), home), _utc(day + timedelta(days=1), time(), home)
        start = _utc(self.day or today, self.clock, home)
        if self.day is None and start > at:
            start = _utc(today - timedelta(days=1), self.clock, home)
        return start, start + self._grain()

    def _grain(self) -> timedelta:
        return timedelta(seconds=1) if self.clock and self.clock.second else timedelta(minutes=1)

    def __str__(self) -> str:
        if self.ago is not None:
            return spelled(self.ago)
        clock = ""
        if self.clock:
            clock = self.clock.strftime("%H:%M:%S" if self.clock.second else "%H:%M")
        if self.offset is not None:
            minutes = round(self.offset.total_seconds() / 60)
            sign = "-" if minutes < 0 else "+"
            clock += "Z" if not minutes else f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
        return self.named or "T".join(part for part in (self.day.isoformat() if self.day else "", clock) if part)


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """The zone of that name; UTC where there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return UTC


def _utc(day: date, clock: time, home: tzinfo) -> datetime:
    return datetime.combine(day, clock, home).astimezone(UTC)


def floor(at: datetime, length: timedelta) -> datetime:
    """The moment that a span is counted back from: the minute begun, for short spans the second.

    So the same filter asks the service the same question for a while, and turning a page finds its bookmark.
    """
    at = at.replace(microsecond=0)
    return at.replace(second=0) if length >= timedelta(minutes=10) else at


Value: TypeAlias = str | Pattern | int | float | timedelta | Moment
"""A state word, a pattern, a number, a span or a moment; yes and no are state words."""
