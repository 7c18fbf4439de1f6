"""What is kept for how long. ``docs/storage.md`` tells it to people; a test holds the two together."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

RESOLUTIONS = (60, 300, 1800, 21600, 86400)
"""Seconds of the rollups. Each divides the next, so that a coarse bucket is a sum of finer ones."""

DAY = timedelta(days=1)
SAMPLES_KEPT = 7 * DAY
JOURNAL_KEPT = 7 * DAY
SEEN_FOR = DAY
"""How long a request's key is remembered for de-duplication."""

ROLLUPS_KEPT: dict[int, timedelta | None] = {60: 7 * DAY, 300: 30 * DAY, 1800: 90 * DAY, 21600: 365 * DAY, 86400: None}
"""By resolution; None is forever."""


class Retention(Struct, frozen=True):
    """How long watching keeps things; whoever runs the bot may choose, within what ``bot.settings`` allows.

    Cursors, views and open incidents are kept for ever. Letters lie for a month after the last thing they had to say.
    """

    transitions: timedelta = 30 * DAY
    counts: timedelta = 400 * DAY
    """The hourly rollup of transitions; more than a year, so that a week can be held against last year's."""
    incidents: timedelta = 90 * DAY
    """Resolved ones, since their last change, with their notices."""
    entries: timedelta = 30 * DAY


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
