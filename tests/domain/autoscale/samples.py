"""Samples for tests: one row for each 30 seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.autoscale.evaluate import Outcome, PoolNow, evaluate
from bot.domain.autoscale.syntax import read

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)  # a Tuesday
PERIOD = timedelta(seconds=30)


class Rows:
    """Series of samples, each the oldest first, the last taken ``late`` before now."""

    def __init__(self, series: Mapping[str, Sequence[float]], late: timedelta = timedelta(0)) -> None:
        self.series, self.late = series, late

    def _newest_first(self, name: str) -> list[tuple[datetime, float]]:
        last = NOW - self.late
        return [(last - n * PERIOD, value) for n, value in enumerate(reversed(self.series[name]))]

    def known(self, name: str) -> bool:
        return name in self.series

    def newest(self, name: str, count: int) -> list[float]:
        return [value for _, value in self._newest_first(name)[:count]]

    def between(self, name: str, since: datetime, until: datetime) -> list[float]:
        return [value for at, value in self._newest_first(name) if since < at <= until]

    def began(self, name: str) -> datetime | None:
        rows = self._newest_first(name)
        return rows[-1][0] if rows else None

    def count(self, name: str) -> int:
        return len(self.series[name])


def run(text: str, metrics: Rows | None = None, pool: PoolNow | None = None) -> Outcome:
    """A formula over twenty samples of one variable, 1 to 20, the newest last."""
    rows = metrics or Rows({"$ActiveTasks": [float(n) for n in range(1, 21)]})
    return evaluate(read(text), rows, NOW, pool or PoolNow(3.0, 0.0, 4.0))
