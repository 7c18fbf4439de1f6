"""BUSY CORES / ALL CORES over a window: the specification of the usage picture."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class UsagePoint(Struct, frozen=True, array_like=True):
    """One bucket: its start (aware), mean busy cores, mean allocated cores, and how much of it was sampled (0..1).

    ``busy_spot`` and ``spot`` are how many of these are of spot nodes. ``at_most``: so many were busy at most, as in
    history that came from Azure Monitor, which counts nodes and not what they do.
    """

    start: datetime
    busy: float
    total: float
    covered: float
    busy_spot: float = 0.0
    spot: float = 0.0
    at_most: bool = False


class Peaks(Struct, frozen=True):
    """The most of a window and what was last, of the finest buckets that are kept: the same however it is cut.

    ``busy`` at ``busy_at`` and ``total`` are the greatest means of ``step`` seconds, ``last`` is the latest.
    """

    busy: float
    busy_at: datetime
    total: float
    last: UsagePoint
    step: int


class UsageChart(Struct, frozen=True, tag="usage"):
    """What the usage picture shows.

    ``points`` are in time order, ``step`` seconds apart; buckets with ``covered == 0`` are drawn as a gap.
    ``strip`` is the whole kept history, coarser, with the window marked on it. ``zone`` is an IANA name. ``note`` is
    one line on the most striking thing; with ``note_at`` it points at that moment in the picture. ``idle`` says what
    the idle gap came to in the whole window, in a few characters (``$731``).
    """

    headline: str
    subtitle: str
    points: tuple[UsagePoint, ...]
    step: int
    since: datetime
    until: datetime
    zone: str = "UTC"
    note: str = ""
    strip: tuple[UsagePoint, ...] = ()
    width: int = 1600
    height: int = 900
    note_at: datetime | None = None
    idle: str = ""
    peaks: Peaks | None = None
    """Of the finest buckets; where it is left out those of ``points`` are told."""
