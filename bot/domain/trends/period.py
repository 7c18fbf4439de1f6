"""A period in buckets of equal length, and the one before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Final, TypeVar

from msgspec import Struct

from bot.domain.timeline import PRESETS

T = TypeVar("T")

PERIODS: Final[Mapping[str, tuple[timedelta, timedelta]]] = MappingProxyType(
    {
        "24h": (PRESETS["24h"], timedelta(hours=1)),
        "7d": (PRESETS["7d"], timedelta(hours=6)),
        "30d": (PRESETS["30d"], timedelta(days=1)),
        "90d": (PRESETS["90d"], timedelta(days=3)),
    }
)
"""How long a period is and its buckets are: some thirty of them, which a phone can still show."""
_DAY = timedelta(days=1)
_FINE = timedelta(hours=6)


class Period(Struct, frozen=True):
    """From ``since`` to before ``until`` (UTC), in buckets of ``step``."""

    since: datetime
    until: datetime
    step: timedelta

    @property
    def span(self) -> timedelta:
        """How long it is."""
        return self.until - self.since

    @property
    def before(self) -> Period:
        """The period before it, just as long."""
        return Period(self.since - self.span, self.since, self.step)

    @property
    def count(self) -> int:
        """How many buckets it has."""
        return round(self.span / self.step)

    @property
    def fine(self) -> timedelta:
        """The spans in which cores are read for it: its buckets, or six hours where they are longer."""
        return min(self.step, _FINE)

    @property
    def starts(self) -> list[datetime]:
        """When each bucket begins."""
        return [self.since + index * self.step for index in range(self.count)]

    def index(self, at: datetime) -> int | None:
        """The bucket that a moment lies in; None where it lies outside."""
        return (at - self.since) // self.step if self.since <= at < self.until else None

    def grouped(self, items: Iterable[T], when: Callable[[T], datetime]) -> list[list[T]]:
        """The items of each bucket; those outside are left out."""
        groups: list[list[T]] = [[] for _ in range(self.count)]
        for item in items:
            if (index := self.index(when(item))) is not None:
                groups[index].append(item)
        return groups

    def known(self, since: datetime | None) -> list[bool]:
        """Of each bucket whether all of it, or at least its end, lies after something was first watched."""
        return [since is not None and start + self.step > since for start in self.starts]


def period_of(name: str, now: datetime, zone: tzinfo) -> Period:
    """The period of :data:`PERIODS` that ends with the hour or the day (of a zone) in which ``now`` lies.

    Its buckets all have the same length. So in a zone whose clock was put forward or back within it, the days before
    that begin at 23:00 or 1:00.
    """
    span, step = PERIODS[name]
    if step < _DAY:
        grid = step.total_seconds()
        offset = (now.astimezone(zone).utcoffset() or timedelta()).total_seconds()
        until = datetime.fromtimestamp(((now.timestamp() + offset) // grid + 1) * grid - offset, UTC)
    else:
        tomorrow = now.astimezone(zone).date() + _DAY
        until = datetime.combine(tomorrow, time(), zone).astimezone(UTC)
    return Period(until - span, until, step)
