"""Windows over what is kept: how they are named, cut to what there is, moved and narrowed. Pure arithmetic.

A window lies on the grid of its step (multiples of it since 1970, UTC), because that is how buckets are kept. The step
is the finest that gives a picture no more points than it can show, and that is still kept for so old a moment
(:mod:`storage.retention`). All moments are aware; a window is in UTC, so that no clock that is put forward or back
changes how long it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from storage.retention import Retention

Preset: TypeAlias = Literal["1h", "24h", "7d", "30d", "90d"]
PRESETS: Final[Mapping[Preset, timedelta]] = MappingProxyType(
    {
        "1h": timedelta(hours=1),
        "24h": timedelta(hours=24),
        "7d": timedelta(days=7),
        "30d": timedelta(days=30),
        "90d": timedelta(days=90),
    }
)
"""The windows that have a button, all of them up to now."""
PRESET_LABELS: Final[Mapping[Preset, str]] = MappingProxyType({each: f"{each[:-1]} {each[-1]}" for each in PRESETS})
"""What their buttons say: ``24 h``."""
PRESET_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1h": "the last hour",
        "24h": "the last 24 hours",
        "7d": "the last 7 days",
        "30d": "the last 30 days",
        "90d": "the last 90 days",
    }
)
"""What they are called in a sentence: ``the last 24 hours``."""
POINTS: Final = 360
"""Buckets of a window at most: a picture has about a thousand pixels for them."""
STRIP: Final = 240
"""Buckets of the strip below it."""
SHORTEST: Final = timedelta(minutes=15)
_KEPT: Final = Retention().rollups
_STEPS: Final = tuple(_KEPT)


class WindowError(ValueError):
    """A window that cannot be: the message says why, in a sentence."""


class Kept(Struct, frozen=True):
    """From when to when anything is kept: the first and the last moment of it, and its finest buckets (seconds)."""

    first: datetime
    last: datetime
    finest: int = 60


class Window(Struct, frozen=True):
    """From ``since`` to before ``until`` in buckets of ``step`` seconds.

    ``cut`` says that more was asked for than is kept.
    """

    since: datetime
    until: datetime
    step: int
    cut: bool = False

    @property
    def span(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    @property
    def points(self) -> int:
        """How many buckets it has."""
        return round(self.span.total_seconds() / self.step)


def step_of(since: datetime, until: datetime, kept: Kept, points: int = POINTS) -> int:
    """The finest step (seconds) in which a span has so few buckets, and that is kept for as long ago as it begins."""
    seconds, age = (until - since).total_seconds(), kept.last - since
    for step in _STEPS:
        limit = _KEPT[step]
        held = limit is None or age <= limit + timedelta(seconds=step)
        if step >= kept.finest and seconds <= step * points and held:
            return step
    return _STEPS[-1]


def finest_parts(since: datetime, until: datetime, kept: Kept) -> list[tuple[tuple[datetime, datetime], int]]:
    """A span in parts, each with the finest step (seconds) that is kept of it; the oldest part first."""
    parts: list[tuple[tuple[datetime, datetime], int]] = []
    end = until
    for step in _STEPS:
        if step < kept.finest:
            continue
        limit = _KEPT[step]
        begin = since if limit is None else max(since, _ceiling_of(kept.last - limit, _STEPS[-1]))
        if begin < end:
            parts.append(((floor(begin, step), end), step))
            end = floor(begin, step)
        if end <= since:
            break
    return parts[::-1]


def latest(span: timedelta, kept: Kept) -> Window:
    """The last hour, day, …: so long, and up to the end of the bucket in which the last moment lies.

    It may begin before what is kept: what is missing there is a gap.
    """
    step = step_of(kept.last - span, kept.last, kept)
    until = _ceiling(kept.last, step)
    return Window(floor(until - span, step), until, step)


def between(since: datetime, until: datetime, kept: Kept) -> Window:
    """The window from one moment to another, widened to whole buckets and cut to what is kept.

    Raises WindowError where it begins after it ends, lies in the future, or before everything that is kept.
    """
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    if since >= until:
        raise WindowError("The window begins after it ends." if since > until else "The window ends as it begins.")
    if since > _ceiling(kept.last, _STEPS[0]):
        raise WindowError("The window lies in the future.")
    if until <= floor(kept.first, _STEPS[0]):
        raise WindowError("The window lies before everything that is kept.")
    return _fitted(since, until, kept)


def _fitted(since: datetime, until: datetime, kept: Kept) -> Window:
    step = step_of(max(since, kept.first), min(until, kept.last), kept)
    begin, end = floor(since, step), _ceiling_of(until, step)
    least, most = floor(kept.first, step), _ceiling(kept.last, step)
    shown = Window(max(begin, least), min(end, most), step, cut=begin < least or end > most)
    if shown.span < SHORTEST:
        return _longer(shown, least, most)
    return shown


def _longer(window: Window, least: datetime, most: datetime) -> Window:
    """At least :data:`SHORTEST`, to the left where there is no room to the right; less where no more is kept."""
    wanted = _ceiling_of(window.since + SHORTEST, window.step) - window.since
    until = min(window.since + wanted, most)
    return replace(window, since=max(until - wanted, least), until=until)


def pan(window: Window, direction: int, kept: Kept) -> Window | None:
    """Its whole length earlier (-1) or later (1), as far as there is anything; None where there is nothing more."""
    step = timedelta(seconds=window.step)
    shift = max(step, window.span // step * step) * direction
    least, most = floor(kept.first, window.step), _ceiling(kept.last, window.step)
    since = min(max(window.since + shift, least), most - window.span)
    if (since >= window.since) if direction < 0 else (since <= window.since):
        return None
    return _fitted(since, since + window.span, kept)


def narrower(window: Window, kept: Kept) -> Window | None:
    """Half as long around its middle; None where that would be too short to show anything more."""
    half = window.span // 2
    if half < SHORTEST:
        return None
    since = window.since + half // 2
    found = _fitted(since, since + half, kept)
    return found if found.span < window.span else None


def wider(window: Window, kept: Kept) -> Window | None:
    """Twice as long around its middle, moved to where something is kept; None where it shows all of that already."""
    least, most = floor(kept.first, window.step), _ceiling(kept.last, window.step)
    if window.since <= least and window.until >= most:
        return None
    span = min(2 * window.span, most - least)
    since = min(max(window.since - window.span // 2, least), most - span)
    found = _fitted(since, since + span, kept)
    return replace(found, cut=False) if found.span > window.span else None


def strip_of(window: Window, kept: Kept) -> Window:
    """All that is kept, and the window where it reaches further back, in few coarse buckets: the strip below."""
    first, last = min(kept.first, window.since), max(kept.last, window.since)
    step = step_of(first, last, Kept(first, last, kept.finest), STRIP)
    return Window(floor(first, step), _ceiling(last, step), step)


def written(at: datetime) -> str:
    """A moment as a button carries it, which means the same in every zone: ``2026-11-23T21:00Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


def floor(at: datetime, step: int) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    return datetime.fromtimestamp(at.timestamp() // step * step, UTC)


def _ceiling(at: datetime, step: int) -> datetime:
    """The end of the bucket that a moment lies in, the next one where it is a bucket's first moment."""
    return floor(at, step) + timedelta(seconds=step)


def _ceiling_of(end: datetime, step: int) -> datetime:
    """The end of the bucket that a window's end cuts; itself where it cuts none."""
    return datetime.fromtimestamp(-(-end.timestamp() // step) * step, UTC)
