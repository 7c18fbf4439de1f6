"""Trend charts of many shapes for the tests and the benchmark. The same arguments give the same chart."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from typing import Any

from cards.charts.trend import TrendChart, TrendSeries

SINCE = datetime(2026, 11, 16, 6, tzinfo=UTC)  # midnight in Chicago


def wave(count: int, size: float, seed: int = 3, *, whole: bool = True) -> tuple[float | None, ...]:
    """Values that follow the day, with chance in them."""
    chance = random.Random(seed)
    values = [max(0.0, size * (0.6 + 0.4 * math.sin(n / 4)) * chance.uniform(0.7, 1.3)) for n in range(count)]
    return tuple(float(round(value)) for value in values) if whole else tuple(values)


def trend_chart(**given: Any) -> TrendChart:
    """A week of completed and failed tasks in bars of six hours; ``given`` are fields of the chart."""
    fields: dict[str, Any] = {
        "headline": "3 % of 12,400 tasks failed, 1 % the week before",
        "subtitle": "render-prod · all jobs · 16 – 22 Nov 2026, Chicago time",
        "series": (
            TrendSeries("completed", "good", wave(28, 600), wave(28, 520, 4)),
            TrendSeries("failed", "bad", wave(28, 40, 5), wave(28, 9, 6)),
        ),
        "since": SINCE,
        "step": 21600,
        "zone": "America/Chicago",
        "bars": True,
    }
    return TrendChart(**(fields | given))


def lines(*series: TrendSeries, **given: Any) -> TrendChart:
    """The same as lines."""
    return trend_chart(**({"series": series, "bars": False, "unit": "s"} | given))


def trend_shapes() -> dict[str, TrendChart]:
    """Every shape that a picture has to stand."""
    runs = (
        TrendSeries("median", "busy", wave(28, 3000, whole=False), wave(28, 2600, 8, whole=False)),
        TrendSeries("1 in 10 longer than", "other", wave(28, 5600, 9, whole=False), wave(28, 5000, 10, whole=False)),
    )
    holed = tuple(None if 9 <= n < 14 else value for n, value in enumerate(wave(28, 3000)))
    lone = tuple(value if n in (3, 4, 11, 20) else None for n, value in enumerate(wave(28, 3000)))
    night = datetime(2026, 11, 1, 2, tzinfo=UTC)
    return {
        "tasks": trend_chart(),
        "tasks alone": trend_chart(series=(TrendSeries("completed", "good", wave(28, 600)),)),
        "tasks by the hour": trend_chart(
            step=3600,
            series=(TrendSeries("completed", "good", wave(2160, 60)), TrendSeries("failed", "bad", wave(2160, 4, 5))),
        ),
        "tasks one bar": trend_chart(
            series=(TrendSeries("completed", "good", (12.0,)), TrendSeries("failed", "bad", (3.0,))), step=86400
        ),
        "tasks zero": trend_chart(
            series=(TrendSeries("completed", "good", (0.0,) * 28),), headline="No task ended in a week"
        ),
        "tasks holed": trend_chart(
            series=(TrendSeries("completed", "good", holed), TrendSeries("failed", "bad", holed))
        ),
        "tasks unknown": trend_chart(series=(TrendSeries("completed", "good", (None,) * 28),)),
        "runtime": lines(
            *runs,
            headline="Tasks ran 52 min in the median, 8 min longer than before",
            note="Since Wed 18 all of them on Standard_D2s_v3",
        ),
        "runtime holed": lines(TrendSeries("median", "busy", holed), headline="Runtime"),
        "runtime lone": lines(TrendSeries("median", "busy", lone), headline="Runtime of the few runs there were"),
        "runs": lines(
            TrendSeries("this schedule", "busy", tuple(float(3000 + 97 * (n % 4)) for n in range(11))),
            step=86400,
            headline="Ten runs of nightly",
        ),
        "preempted": lines(
            TrendSeries("Standard_D4s_v5", "busy", tuple(0.02 + 0.01 * (n % 5) for n in range(28))),
            TrendSeries("Standard_NC4as_T4_v3", "bad", tuple(0.3 + 0.05 * (n % 7) for n in range(28))),
            unit="%",
            headline="1 in 3 spot nodes of NC4as was taken",
        ),
        "burn": lines(
            TrendSeries("spent", "busy", tuple(260.0 * n for n in range(20)), tuple(230.0 * n for n in range(30))),
            TrendSeries("forecast", "other", (None,) * 19 + tuple(260.0 * n for n in range(19, 30))),
            unit="EUR",
            step=86400,
            headline="€4,940 of €7,500 in November",
        ),
        "six": lines(
            *(
                TrendSeries(
                    f"Standard_D{2**n}s_v5",
                    "busy" if n < 4 else "other",
                    wave(28, 300.0 * (n + 1), n),
                    wave(28, 280.0 * (n + 1), n + 20),
                )
                for n in range(6)
            ),
            headline="Boot time by size",
        ),
        "clock goes back": trend_chart(
            since=night, step=3600, series=(TrendSeries("completed", "good", wave(12, 30)),)
        ),
        "credits": lines(TrendSeries("spent", "busy", (3.0, -4.0, 2.5, -1.0)), unit="USD", step=86400),
        "none": trend_chart(series=()),
        "phone": trend_chart(width=360, height=203),
        "tiny": trend_chart(width=1, height=1),
    }
