"""The figures of a usage chart: what the picture shows and the alt text says. No drawing library here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from cards.charts.usage import UsageChart, UsagePoint


class Figures(Struct, frozen=True):
    """Means and peaks over the sampled part of a window; cores. ``covered`` is that part of the window (0..1)."""

    busy: float
    total: float
    busy_peak: float
    busy_peak_at: datetime
    total_peak: float
    last: UsagePoint
    covered: float
    busy_spot: float = 0.0
    spot: float = 0.0

    @property
    def share(self) -> float:
        """Busy of all, 0..1; 0 where there was nothing."""
        return self.busy / self.total if self.total else 0.0


def runs(points: Sequence[UsagePoint], step: int) -> list[list[UsagePoint]]:
    """Stretches of sampled buckets without a hole between them."""
    stretches: list[list[UsagePoint]] = []
    for point in points:
        if point.covered <= 0:
            continue
        if stretches and point.start - stretches[-1][-1].start == timedelta(seconds=step):
            stretches[-1].append(point)
        else:
            stretches.append([point])
    return stretches


def gaps(chart: UsageChart) -> list[tuple[datetime, datetime]]:
    """Where nothing was sampled. At the edges less than a step is no gap: that bucket is only just beginning."""
    step = timedelta(seconds=chart.step)
    found, known = [], chart.since
    for stretch in runs(chart.points, chart.step):
        begin, end = stretch[0].start, stretch[-1].start + step
        if begin - known > (step if known == chart.since else timedelta(0)):
            found.append((known, begin))
        known = end
    if chart.until - known > step:
        found.append((known, chart.until))
    return found


def bounded(points: Sequence[UsagePoint], step: int) -> list[tuple[datetime, datetime]]:
    """Stretches of which is only known how many cores were busy at most."""
    marked = [point for point in points if point.at_most]
    return [(part[0].start, part[-1].start + timedelta(seconds=step)) for part in runs(marked, step)]


def figures(chart: UsageChart) -> Figures | None:
    """The figures, or None when nothing was sampled in the window."""
    sampled = [point for point in chart.points if point.covered > 0]
    weight = sum(point.covered for point in sampled)
    if not sampled:
        return None
    peak = max(sampled, key=lambda point: point.busy)
    true = chart.peaks
    window = (chart.until - chart.since).total_seconds()
    return Figures(
        busy=sum(point.busy * point.covered for point in sampled) / weight,
        total=sum(point.total * point.covered for point in sampled) / weight,
        busy_peak=true.busy if true else peak.busy,
        busy_peak_at=true.busy_at if true else peak.start,
        total_peak=true.total if true else max(point.total for point in sampled),
        last=true.last if true else sampled[-1],
        covered=min(1.0, weight * chart.step / window) if window > 0 else 0.0,
        busy_spot=sum(point.busy_spot * point.covered for point in sampled) / weight,
        spot=sum(point.spot * point.covered for point in sampled) / weight,
    )


class Idle(Struct, frozen=True):
    """A stretch of time in which most cores were idle: ``share`` of them (0..1), ``core_hours`` in all."""

    since: datetime
    until: datetime
    share: float
    core_hours: float


def most_idle(points: Sequence[UsagePoint], step: int, share: float = 0.8) -> Idle | None:
    """The stretch that wasted the most core-hours with at least ``share`` idle in every bucket: worth a note."""
    best: Idle | None = None
    for stretch in runs(points, step):
        begin = 0
        for end in range(len(stretch) + 1):
            if end < len(stretch) and _idle(stretch[end]) >= share * stretch[end].total > 0:
                continue
            part = stretch[begin:end]
            begin = end + 1
            wasted = sum(_idle(point) * point.covered for point in part)
            if wasted * step / 3600 > (best.core_hours if best else 0.0):
                all_of_it = sum(point.total * point.covered for point in part)
                until = part[-1].start + timedelta(seconds=step)
                best = Idle(part[0].start, until, wasted / all_of_it, wasted * step / 3600)
    return best


def _idle(point: UsagePoint) -> float:
    return max(0.0, point.total - point.busy)


def coarser(points: Sequence[UsagePoint], step: int, factor: int) -> list[UsagePoint]:
    """Points of ``factor`` buckets each: means of what was sampled."""
    if factor <= 1 or not points:
        return list(points)
    first, length = points[0].start, timedelta(seconds=step * factor)
    groups: dict[int, list[UsagePoint]] = {}
    for point in points:
        groups.setdefault((point.start - first) // length, []).append(point)
    merged = []
    for number, group in groups.items():
        weight = sum(point.covered for point in group)
        cores = [(p.busy, p.total, p.busy_spot, p.spot) for p in group]
        means = [
            sum(value * p.covered for value, p in zip(column, group, strict=True)) / (weight or 1.0)
            for column in zip(*cores, strict=True)
        ]
        busy, total, busy_spot, spot = means
        at_most = any(p.at_most for p in group if p.covered > 0)
        merged.append(UsagePoint(first + number * length, busy, total, weight / factor, busy_spot, spot, at_most))
    return merged


def cores(number: float) -> str:
    """A number of cores for people: ``0.5``, ``12``, ``9,400``, ``34.6 k``, ``1.25 M``."""
    for size, letter in ((1_000_000, " M"), (1_000, " k")):
        if number >= max(0.9995 * size, 10_000):
            amount = number / size
            digits = 0 if amount >= 99.95 else 1 if amount >= 9.995 else 2
            text = f"{amount:,.{digits}f}"
            return (text.rstrip("0").rstrip(".") if digits else text) + letter
    if number >= 10 or abs(number - round(number)) < 0.05:
        return f"{number:,.0f}"
    return f"{number:.1f}"


def in_cores(number: float) -> str:
    """The number with its unit: ``1 core``, ``0.4 cores``."""
    words = cores(number)
    return f"{words} core" if words == "1" else f"{words} cores"


def span(length: timedelta) -> str:
    """A length of time in its natural unit: ``45 min``, ``24 h``, ``7 days``."""
    seconds = length.total_seconds()
    if seconds < 5400:
        amount = max(1, round(seconds / 60))
        return f"{amount} min" if amount != 60 else "1 h"
    if seconds < 172_800:
        return f"{round(seconds / 3600)} h"
    return f"{round(seconds / 86400)} days"
