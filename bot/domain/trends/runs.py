"""A run of a job schedule against the ones before it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from storage.port.runs import JobRun

LAST: Final = 10
"""Runs that the newest one is held against."""
_FEW: Final = 3
"""Fewer runs have no usual length."""
_ODD: Final = 0.25
"""A run is longer or shorter than usual from this part on."""


class RunAgainst(Struct, frozen=True):
    """The newest run that has ended, those before it (newest first), and what these took in the middle (seconds)."""

    newest: JobRun
    before: tuple[JobRun, ...]
    usual: float | None

    @property
    def longer(self) -> float | None:
        """Seconds that it took more than usual (less: negative); None where nothing is usual yet."""
        return None if self.usual is None else self.newest.seconds - self.usual

    @property
    def odd(self) -> bool:
        """Whether that is worth a word."""
        return self.longer is not None and bool(self.usual) and abs(self.longer) > _ODD * (self.usual or 0)

    @property
    def usual_failed(self) -> float | None:
        """Failed tasks of the runs before, in the middle; None where they were not counted."""
        known = [each.failed for each in self.before if each.failed is not None]
        return median(known) if len(known) >= _FEW else None


def against(runs: Sequence[JobRun]) -> RunAgainst | None:
    """The newest run against the last :data:`LAST` before it; None where none has ended."""
    ordered = sorted(runs, key=lambda run: (run.ended, run.job), reverse=True)
    if not ordered:
        return None
    before = tuple(ordered[1 : LAST + 1])
    usual = median(run.seconds for run in before) if len(before) >= _FEW else None
    return RunAgainst(ordered[0], before, usual)
