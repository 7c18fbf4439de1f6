"""Levels that change by steps, integrated exactly into rows of equal length: a change costs the same, however long ago
the last one was of note.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

Row = Sequence[float]


class Integral:
    """Several levels side by side; ``rows`` has their integrals over each ``step`` seconds, by number of the step.

    The row of the running step is written ahead, as if nothing changed until its end; `row` takes back what is still
    to come. Steps in which all levels are zero have no row. At most ``keep`` rows are kept.
    """

    __slots__ = ("_end", "_keep", "_key", "_row", "levels", "rows", "step")

    def __init__(self, width: int, step: float, start: float, keep: int) -> None:
        self.levels = [0.0] * width
        self.step = step
        self.rows: dict[int, array[float]] = {}
        self._keep = keep
        self._begin(int(start // step))

    def _begin(self, key: int) -> None:
        self._key, self._end = key, (key + 1) * self.step
        self._row = array("d", [level * self.step for level in self.levels])

    def roll(self, at: float) -> None:
        """Time has gone on to ``at``: the running step is the one that it lies in."""
        while at >= self._end:
            if not any(self.levels):
                self._begin(int(at // self.step))
                return
            self._begin(self._key + 1)
            self._store()

    def _store(self) -> None:
        self.rows[self._key] = self._row
        if len(self.rows) > self._keep:
            del self.rows[next(iter(self.rows))]

    def change(self, at: float, index: int, by: float) -> None:
        """A level is another from ``at`` on, which is not before the last change."""
        if at >= self._end:
            self.roll(at)
        if self._key not in self.rows:
            self._store()
        self.levels[index] += by
        self._row[index] += by * (self._end - at)

    def row(self, key: int, now: float) -> Row | None:
        """The integrals over a step up to ``now``; None where all was zero."""
        if now >= self._end:
            self.roll(now)
        row = self.rows.get(key)
        if row is None or key != self._key:
            return row
        ahead = self._end - now
        return [value - level * ahead for value, level in zip(row, self.levels, strict=True)]
