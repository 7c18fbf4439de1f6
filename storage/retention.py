"""How long everything is kept. ``docs/storage.md`` describes it for people; a test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct, field

RESOLUTIONS = (60, 300, 1800, 21600, 86400)
"""Seconds of the rollups. Each divides the next, so that a coarse bucket is a sum of finer ones."""
JOB_RESOLUTIONS = RESOLUTIONS[2:]
"""Those of jobs: they are many, and whoever asks what one used wants sums, no minutes."""

DAY = timedelta(days=1)


def _rollups() -> dict[int, timedelta | None]:
    return {60: 7 * DAY, 300: 30 * DAY, 1800: 90 * DAY, 21600: 365 * DAY, 86400: None}


def _job_rollups() -> dict[int, timedelta | None]:
    return {1800: 90 * DAY, 21600: 365 * DAY, 86400: 400 * DAY}


class Retention(Struct, frozen=True):
    """How long rows are kept; whoever runs the bot may choose some of it, within what ``bot.settings`` allows.

    What is not listed has no limit: the audit trail, conversations, preferences, cursors, snapshots, open incidents,
    and outbox entries that are not delivered yet. Shared files and uploads carry their own expiry.
    """

    requests: timedelta = 7 * DAY
    """Rows of the journal, since they were accepted."""
    request_keys: timedelta = DAY
    """How long a request's key is remembered for de-duplication."""
    confirmations: timedelta = DAY
    """After they expired, so that whoever presses an old button learns that it is too late, or that it was pressed."""
    operations: timedelta = 30 * DAY
    """With their steps, since they ended."""
    uploads: timedelta = 7 * DAY
    """What people attached or pasted: as long as a change that needs it may wait for an approval or be finished."""
    approvals: timedelta = 90 * DAY
    """Those that came to an end, after they expired; the audit trail has what became of them without limit."""
    samples: timedelta = 7 * DAY
    rollups: Mapping[int, timedelta | None] = field(default_factory=_rollups)
    """Of samples, by resolution in seconds; None is forever."""
    job_rollups: Mapping[int, timedelta | None] = field(default_factory=_job_rollups)
    """Of what jobs kept busy. What is older is still there of their pools."""
    network: timedelta = 90 * DAY
    """What pools took in and sent out, half an hour at a time."""
    transitions: timedelta = 30 * DAY
    transition_counts: timedelta = 400 * DAY
    """The hourly rollup of transitions; more than a year, so that a week can be held against last year's."""
    incidents: timedelta = 90 * DAY
    """Resolved ones, since their last change, with their notifications."""
    job_runs: timedelta = 400 * DAY
    """What jobs came to, since they ended; more than a year, so that a run can be held against last year's."""
    reports: timedelta = 400 * DAY
    """Which reports were posted, what they advised, and unusual days with their answers."""
    timings: timedelta = 400 * DAY
    """How long boots took, since then; more than a year, so that a month can be held against last year's."""
    black_box: timedelta = 30 * DAY
    """What failed tasks printed and how nodes in trouble were, since it was kept."""
    black_box_bytes: int = 100 * 1024 * 1024
    """What all of that may take, compressed; the oldest goes first. 0 keeps nothing."""
    messages: timedelta = 90 * DAY
    """Under which id each was posted on Teams: later, answers to its buttons come as messages of their own."""
    entries: timedelta = 30 * DAY
    """Outbox entries that are delivered, never will be, or wait for a webhook, since they were last due."""

    bill: timedelta = 400 * DAY
    """Days that Azure billed, with their corrections: a month can be held against last year's."""

    def resolution(
        self, since: int, until: int, step: int, of: Mapping[int, timedelta | None] | None = None
    ) -> tuple[int, int]:
        """The rollup to read for buckets of ``step`` seconds from ``since``, and where the first bucket starts.

        All three are seconds (since 1970). The coarsest rollup on whose grid ``since`` lies wins, if it is kept as long
        as the window; else the coarsest that divides ``step``, with the first bucket on the grid point before
        ``since``. ``of`` are the rollups there are, those of cores by default. Raises ValueError when ``step`` is no
        multiple of a kept resolution.
        """
        rollups = of or self.rollups
        fitting = [r for r in sorted(rollups) if step > 0 and step % r == 0]
        if not fitting:
            raise ValueError(f"a step of {step} s is no multiple of {min(rollups)} s")
        span = timedelta(seconds=until - since)
        reaches = [r for r in fitting if (kept := rollups[r]) is None or span <= kept]
        chosen = max((r for r in reaches if since % r == 0), default=fitting[-1])
        return chosen, since - since % chosen
