"""What is kept for how long. ``docs/storage.md`` tells it to people; a test holds the two together."""

from __future__ import annotations

from datetime import timedelta

RESOLUTIONS = (60, 300, 1800, 21600, 86400)
"""Seconds of the rollups. Each divides the next, so that a coarse bucket is a sum of finer ones."""

DAY = timedelta(days=1)
SAMPLES_KEPT = 7 * DAY
JOURNAL_KEPT = 7 * DAY
SEEN_FOR = DAY
"""How long a request's key is remembered for de-duplication."""

ROLLUPS_KEPT: dict[int, timedelta | None] = {60: 7 * DAY, 300: 30 * DAY, 1800: 90 * DAY, 21600: 365 * DAY, 86400: None}
"""By resolution; None is forever."""


def resolution(since: int, until: int, step: int) -> tuple[int, int]:
    """The rollup to read for buckets of ``step`` seconds from ``since``, and where the first bucket starts.

    All three are seconds (since 1970). The coarsest rollup on whose grid ``since`` lies wins, if it is kept as long
    as the window; else the coarsest that divides ``step``, with the first bucket on the grid point before ``since``.
    Raises ValueError when ``step`` is no multiple of a kept resolution.
    """
    fitting = [r for r in RESOLUTIONS if step > 0 and step % r == 0]
    if not fitting:
        raise ValueError(f"a step of {step} s is no multiple of {RESOLUTIONS[0]} s")
    reaches = [r for r in fitting if (kept := ROLLUPS_KEPT[r]) is None or until - since <= kept.total_seconds()]
    chosen = max((r for r in reaches if since % r == 0), default=fitting[-1])
    return chosen, since - since % chosen
