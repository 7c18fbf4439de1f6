"""The service's clock: UTC, as fast as wanted, and it may be stopped and moved on by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Simulated UTC that runs `speed` times as fast as `source` (seconds, monotonic).

    It never runs backwards: `advance` refuses to, and a change of speed or a pause starts from the time it is.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        paused: bool = False,
        source: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._base = start or datetime.now(UTC)
        self._anchor = source()
        self._speed = speed
        self._paused = paused
        if self._base.tzinfo is None:
            raise ValueError("the clock starts at an aware time")
        self._check(speed)

    @staticmethod
    def _check(speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"a clock's speed is above zero, not {speed}")

    def now(self) -> datetime:
        """The simulated time, aware, UTC, to the microsecond."""
        if self._paused:
            return self._base
        return self._base + timedelta(seconds=(self._source() - self._anchor) * self._speed)

    def _rebase(self) -> None:
        self._base, self._anchor = self.now(), self._source()

    @property
    def speed(self) -> float:
        """Simulated seconds in a second of the source."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._check(speed)
        self._rebase()
        self._speed = speed

    @property
    def paused(self) -> bool:
        """Whether time stands still but for `advance`."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._rebase()
        self._paused = paused

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock on at once; the new time."""
        if by < timedelta(0):
            raise ValueError("the clock does not run backwards")
        self._rebase()
        self._base += by
        return self._base
