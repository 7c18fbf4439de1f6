"""The service's clock, estimated from the ``Date`` headers of its answers and from how time went on here.

A ``Date`` is believed where it fits what was believed before and the seconds since. One that jumps is believed at once
only where the host's own clock jumped alike (a laptop that slept) or says the same; else it has to stay so for
:data:`PERSISTS` first. A host's clock that was wrong from the beginning is no reason to doubt: only progress is
compared.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple, Protocol

import structlog

log = structlog.get_logger()

TOLERANCE = timedelta(minutes=3)
"""By how much a believed ``Date`` may differ from what was expected."""
PERSISTS = timedelta(minutes=10)
"""How long a clock that jumped must go on steadily before it is believed."""
REMEMBERED = timedelta(hours=1)
"""How long a jump is told of."""


class Host(Protocol):
    """What is needed of :class:`bot.clock.Clock`."""

    def elapsed(self) -> float:
        """Seconds that only grow."""
        ...

    def wall(self) -> datetime:
        """What the host's own clock says (UTC, aware); it may be wrong, and be set."""
        ...


class Doubt(NamedTuple):
    """A ``Date`` that was not believed: whose, by how much it was ahead (behind: negative), and when."""

    host: str
    ahead: timedelta
    at: datetime


class _Mark(NamedTuple):
    """A ``Date`` and what the host's two clocks said when it came."""

    date: datetime
    elapsed: float
    wall: datetime


class Clock:
    """The service's clock; before the first ``Date``, the host's."""

    def __init__(self, host: Host | None = None, name: str = "") -> None:
        """Without a ``host`` every ``Date`` is believed; ``name`` is the service's, for the log."""
        self._host = host
        self._name = name
        self._believed: _Mark | None = None
        self._rival: _Mark | None = None
        self._doubt: tuple[Doubt, float] | None = None

    @property
    def heard(self) -> bool:
        """Whether the service has said what time it is."""
        return self._believed is not None

    def now(self) -> datetime:
        """The service's time, as well as it is known; aware, UTC."""
        if self._believed is None:
            return self._wall()
        return self._believed.date + timedelta(seconds=self._elapsed() - self._believed.elapsed)

    def hear(self, date: str | None) -> None:
        """Go by a ``Date`` header; by nonsense do not, and by one that jumps only once it persists."""
        at = instant(date)
        if at is None:
            return
        mark = _Mark(at, self._elapsed(), self._wall())
        if self._believed is None or self._host is None or self._fits(self._believed, mark):
            self._believe(mark)
            return
        first = self._rival
        if first is None or not _steady(first, mark):
            self._rival = first = mark
            self._complain(mark)
        if mark.elapsed - first.elapsed >= PERSISTS.total_seconds():
            log.warning("azure.clock_believed_again", host=self._name, ahead=str(at - self.now()))
            self._believe(mark)

    def at(self, date: str | None) -> datetime:
        """The instant of a ``Date`` header that is believed; else :meth:`now`."""
        at, now = instant(date), self.now()
        return at if at is not None and (self._host is None or abs(at - now) <= TOLERANCE) else now

    @property
    def doubt(self) -> Doubt | None:
        """The last ``Date`` that was not believed, for as long as it is to be told of."""
        if self._doubt is None or self._elapsed() - self._doubt[1] > REMEMBERED.total_seconds():
            return None
        return self._doubt[0]

    @staticmethod
    def _fits(before: _Mark, now: _Mark) -> bool:
        if _steady(before, now):
            return True
        here_went_on = now.wall - before.wall
        slept = abs((now.date - before.date) - here_went_on) <= TOLERANCE
        return slept or abs(now.date - now.wall) <= TOLERANCE

    def _believe(self, mark: _Mark) -> None:
        self._believed, self._rival = mark, None

    def _complain(self, mark: _Mark) -> None:
        ahead, now = mark.date - self.now(), self.now()
        if self.doubt is None:  # once, and not for each answer of a service whose machines disagree
            log.warning("azure.clock_distrusted", host=self._name, date=mark.date.isoformat(), ahead=str(ahead))
        self._doubt = Doubt(self._name, ahead, now), mark.elapsed

    def _elapsed(self) -> float:
        return self._host.elapsed() if self._host else time.monotonic()

    def _wall(self) -> datetime:
        return self._host.wall() if self._host else datetime.now(UTC)


def _steady(before: _Mark, now: _Mark) -> bool:
    """Whether the service's clock went on as the seconds here did."""
    return abs((now.date - before.date) - timedelta(seconds=now.elapsed - before.elapsed)) <= TOLERANCE


def instant(date: str | None) -> datetime | None:
    """What a header of HTTP's form of dates says; None where that is none."""
    try:
        at = parsedate_to_datetime(date or "")
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, TypeError):
        return None
