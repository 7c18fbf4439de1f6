"""BUSY CORES / ALL CORES over a window: the specification of the usage picture."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class UsagePoint(Struct, frozen=True, array_like=True):
    """One bucket: its start (aware), mean busy cores, mean allocated cores, and how much of it was sampled (0..1)."""

    start: datetime
    busy: float
    total: float
    covered: float


class UsageChart(Struct, frozen=True, tag="usage"):
    """What the usage picture shows.

    ``points`` are in time order, ``step`` seconds apart; buckets with ``covered == 0`` are drawn as a gap.
    ``strip`` is the whole kept history, coarser, with the window marked on it. ``zone`` is an IANA name. ``note`` is
    one line on the most striking thing; with ``note_at`` it points at that moment in the picture.
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
