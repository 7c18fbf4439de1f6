"""Charts of many shapes for the tests and the benchmark. The same arguments give the same chart."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from cards.charts.usage import UsageChart, UsagePoint

END = datetime(2026, 11, 22, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def working_days(since: datetime, until: datetime, step: int, scale: float = 1.0) -> tuple[UsagePoint, ...]:
    """An account that grows by day and has a short burst at night."""
    chance = random.Random(7)
    points, at = [], since
    while at < until:
        hour = (at.hour + at.minute / 60 + 18) % 24
        total = 320 if 8 <= hour < 20 else 480 if 1 <= hour < 4 else 64
        wave = 0.15 + 0.75 * max(0.0, math.sin((hour - 8) / 12 * math.pi)) if total == 320 else 0.25
        points.append(UsagePoint(at, total * scale * wave * chance.uniform(0.85, 1.05), total * scale, 1.0))
        at += timedelta(seconds=step)
    return tuple(points)


def usage_chart(span: timedelta = 7 * DAY, step: int = 1800, *, scale: float = 1.0, **given: Any) -> UsageChart:
    """A window that ends at END, with 90 days kept; ``given`` are fields of the chart."""
    since, until = given.pop("since", END - span), given.pop("until", END)
    fields: dict[str, Any] = {
        "headline": "Busy cores 58 % of 21,840 core-hours",
        "subtitle": "render-prod · all pools · 15 – 22 Nov 2026, Chicago time",
        "zone": "America/Chicago",
        "strip": working_days(END - 90 * DAY, END, 21600),
    }
    if "points" not in given:
        fields["points"] = working_days(since, until, step, scale)
    return UsageChart(**(fields | given), step=step, since=since, until=until)


def constant(span: timedelta, step: int, busy: float, total: float) -> tuple[UsagePoint, ...]:
    """The same in every bucket of a window that ends at END."""
    since, length = END - span, timedelta(seconds=step)
    return tuple(UsagePoint(since + n * length, busy, total, 1.0) for n in range(span // length))


def holed(chart: UsageChart, since: datetime, until: datetime) -> tuple[UsagePoint, ...]:
    """A chart's points without those in [since, until)."""
    return tuple(point for point in chart.points if not since <= point.start < until)


def with_spot(points: tuple[UsagePoint, ...], share: float, until: datetime | None = None) -> tuple[UsagePoint, ...]:
    """Points of which a share is spot, and up to ``until`` so many were busy at most."""
    return tuple(
        replace(p, busy_spot=p.busy * share, spot=p.total * share, at_most=until is not None and p.start < until)
        for p in points
    )


def shapes() -> dict[str, UsageChart]:
    """Every shape that a picture has to stand."""
    week = usage_chart()
    gap = holed(week, END - 69 * HOUR, END - 65 * HOUR)
    night = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # Chicago's clocks go back at 07:00 UTC
    alone = (UsagePoint(END - HOUR, 1, 1, 0.2),)
    return {
        "week": usage_chart(points=gap, note="$1,842 spent, $731 on idle cores"),
        "pointed": usage_chart(points=gap, note="Wed 12:00 – 18:00: 96 % idle", note_at=END - 81 * HOUR),
        "day": usage_chart(DAY, 300),
        "spot": usage_chart(points=with_spot(gap, 0.4), idle="$731"),
        "back-filled": usage_chart(points=with_spot(week.points, 0.0, END - 3 * DAY), idle="9,173 h"),
        "spot back-filled": usage_chart(points=with_spot(gap, 0.4, END - 3 * DAY), idle="$731"),
        "hour": usage_chart(HOUR, 60, strip=working_days(END - DAY, END, 1800)),
        "month": usage_chart(30 * DAY, 7200),
        "crowded": usage_chart(30 * DAY, 1800),
        "quarter": usage_chart(90 * DAY, 21600, points=working_days(END - 60 * DAY, END, 21600)),
        "empty": usage_chart(points=(), strip=(), headline="No samples yet"),
        "empty with history": usage_chart(HOUR, 60, points=()),
        "one sample": usage_chart(DAY, 300, points=alone, strip=alone, headline="One core, busy"),
        "one core": usage_chart(DAY, 300, points=constant(DAY, 300, 0.4, 1), headline="40 % of one core"),
        "zero": usage_chart(DAY, 300, points=constant(DAY, 300, 0, 0), strip=(), headline="No cores in 24 hours"),
        "full": usage_chart(DAY, 300, points=constant(DAY, 300, 96, 96), headline="96 cores, all busy"),
        "huge": usage_chart(scale=2500.0, headline="Busy cores 58 % of 54,600,000 core-hours in seven long days " * 2),
        "clock goes back": usage_chart(HOUR, 60, since=night, until=night + HOUR),
        "phone": usage_chart(width=360, height=203),
        "tiny": usage_chart(width=1, height=1),
        "odd words": usage_chart(headline="$x^2$ \\frac{1}{2} 漢字 🚀\n_a_ %s", subtitle="$", note="$\x00$ \x1b[31m"),
    }
