"""Bar charts of many shapes for the tests and the benchmark. The same arguments give the same chart."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from cards.charts.bars import Bar, BarChart, BarSeries

_WEEK = ("Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22")
_COST = (
    (112.4, 61.0, 20.1), (131.0, 70.2, 24.4), (240.8, 44.1, 31.0), (126.5, 66.3, 22.2),
    (118.0, 58.9, 19.7), (22.1, 40.0, 3.2), (14.9, 31.8, 2.0),
)  # fmt: skip
PARTS = (BarSeries("Busy", "busy"), BarSeries("Idle", "idle"), BarSeries("Spot", "spot"))


def bar_chart(**given: Any) -> BarChart:
    """A week's cost in three parts; ``given`` are fields of the chart."""
    fields: dict[str, Any] = {
        "headline": "$1,261 last week, 30 % of it on idle cores",
        "subtitle": "render-prod · all pools · 16 – 22 Nov 2026, Chicago time",
        "series": PARTS,
        "bars": tuple(Bar(day, parts) for day, parts in zip(_WEEK, _COST, strict=True)),
        "unit": "USD",
    }
    return BarChart(**(fields | given))


def single(*values: float | None, unit: str = "USD", name: str = "Cost a day", **given: Any) -> BarChart:
    """One series, a bar a day from 24 Aug on."""
    first = date(2026, 8, 24)
    days = [first + timedelta(days=n) for n in range(len(values))]
    bars = tuple(Bar(f"{day.day} {day:%b}", (value,)) for day, value in zip(days, values, strict=True))
    return bar_chart(series=(BarSeries(name, "busy"),), bars=bars, unit=unit, **given)


def _quarter(parts: int) -> tuple[Bar, ...]:
    chance = random.Random(5)
    first = date(2026, 8, 24)
    found = []
    for n in range(90):
        day = first + timedelta(days=n)
        size = (40 if day.weekday() > 4 else 150) * chance.uniform(0.7, 1.3)
        values = tuple(size * share for share in (0.6, 0.3, 0.1)[:parts])
        gone = 31 <= n < 38
        found.append(Bar(f"{day.day} {day:%b}", (None,) * parts if gone else values, partial=n >= 87))
    return tuple(found)


POOLS = (
    ("gpu-a", 912.0), ("cpu-b", 488.4), ("sim", 214.25),
    ("render-nightly-eu-west-spot-nodes-with-a-long-name-042", 131.0),
    ("licence-check", 41.2), ("sim-old", 0.0), ("never-sampled", None), ("5 more", 55.15),
)  # fmt: skip


def bar_shapes() -> dict[str, BarChart]:
    """Every shape that a picture has to stand."""
    week = bar_chart()
    pools = tuple(Bar(name, (value,)) for name, value in POOLS)
    last = replace(week.bars[-1], partial=True)
    causes = ("out of memory", "input not found", "licence server down", "timeout", "disk full", "other")
    failures = tuple(
        Bar(f"{hour:02}:00", tuple(float((hour * (n + 3)) % 17 // (n + 1)) for n in range(6)))
        for hour in range(0, 24, 2)
    )
    return {
        "week": week,
        "week filling": replace(week, bars=(*week.bars[:-2], replace(week.bars[-2], partial=True), last)),
        "budget": replace(week, level=260.0, level_label="budget", note="Wed 18: nightly ran three times, $120 more"),
        "quarter": bar_chart(bars=_quarter(3), headline="$9,412 in 90 days, 7 days unknown"),
        "quarter single": bar_chart(
            series=(BarSeries("Cost a day", "busy"),), bars=_quarter(1), level=110, level_label="mean"
        ),
        "billed": bar_chart(
            series=(BarSeries("explained by usage", "busy"), BarSeries("rest of the bill", "billed")),
            bars=tuple(Bar(bar.label, (bar.values[0], bar.values[1]), n > 3) for n, bar in enumerate(week.bars)),
        ),
        "one": single(84.2),
        "two": single(84.2, 12.0),
        "zero": single(0.0, 0.0, 0.0, 0.0, headline="Nothing spent in four days"),
        "no data": single(None, None, None, headline="The bill has not been read yet"),
        "nothing": single(headline="No bars"),
        "zero is not unknown": single(12.0, 0.0, None, 0.0, 31.0, headline="One day is unknown, two cost nothing"),
        "partly unknown": replace(week, bars=(Bar("Mon 16", (112.4, None, 20.1)), *week.bars[1:])),
        "credits": single(120.0, 96.5, -240.0, 101.2, 99.0, headline="A credit of $240 on Wednesday"),
        "only credits": single(-12.0, -96.5, -240.0, headline="Credits"),
        "yen": single(12345.0, 9821.4, 15003.0, unit="JPY", headline="¥37,169 in three days"),
        "yen small": single(3.0, 1.0, 2.4, unit="JPY", headline="¥6 in three days"),
        "francs": single(0.031, 0.052, 0.011, unit="CHF", headline="CHF 0.09 in three days"),
        "hours": single(21840.0, 19022.5, 2200.0, unit="h", name="Core-hours", headline="43,062 core-hours"),
        "huge": single(
            2.5e9, 3.1e10, 4.0e12, headline="An account of unusual size with a headline that needs two lines, " * 2
        ),
        "failures": bar_chart(
            series=tuple(BarSeries(cause, "bad" if n < 5 else "other") for n, cause in enumerate(causes)),
            bars=failures,
            unit="",
            headline="214 failures in nightly, 3 causes explain 96 %",
        ),
        "good and bad": bar_chart(
            series=(BarSeries("completed", "good"), BarSeries("failed", "bad"), BarSeries("unknown", "other")),
            unit="",
        ),
        "pools": bar_chart(series=(BarSeries("Cost last week", "busy"),), bars=pools, across=True),
        "pools in parts": bar_chart(
            bars=tuple(
                Bar(
                    name,
                    tuple(value * share for share in (0.55, 0.35, 0.1)) if value is not None else (None,) * 3,
                    n < 2,
                )
                for n, (name, value) in enumerate(POOLS)
            ),
            across=True,
            level=500,
            level_label="budget of each",
        ),
        "across credits": bar_chart(
            series=(BarSeries("Change", "busy"),),
            bars=(Bar("gpu-a", (260.0,)), Bar("cpu-b", (-90.5,)), Bar("sim", (0.0,))),
            across=True,
        ),
        "across one": bar_chart(series=(BarSeries("Cost", "busy"),), bars=pools[:1], across=True),
        "across none": bar_chart(bars=(), across=True),
        "across many": bar_chart(bars=tuple(Bar(f"pool-{n:03}", (90.0 - n, 3.0, 1.0)) for n in range(45)), across=True),
        "phone": bar_chart(width=360, height=203),
        "tiny": bar_chart(width=1, height=1),
        "odd words": bar_chart(
            headline="$x^2$ \\frac{1}{2} 漢字 🚀\n_a_ %s",
            series=(BarSeries("$", "busy"), BarSeries("\x00", "idle")),
            bars=(Bar("$x_1$\n", (1.0, 2.0)), Bar("", (3.0, None))),
            note="$\x1b[31m",
        ),
    }
