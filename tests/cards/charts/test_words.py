from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace

from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.charts.figures import coarser, cores, figures, gaps, most_idle, span
from cards.charts.timeaxis import Tick, ticks
from cards.charts.usage import UsagePoint
from tests.cards.charts.bar_shapes import bar_shapes
from tests.cards.charts.heatmaps import heatmaps
from tests.cards.charts.shapes import DAY, END, HOUR, constant, holed, shapes, usage_chart
from tests.cards.charts.topologies import topologies
from tests.cards.charts.trend_shapes import trend_shapes


def test_alt_tells_the_figures() -> None:
    points = (*constant(DAY, 3600, 10, 40)[:12], *constant(DAY, 3600, 30, 40)[12:])
    chart = usage_chart(DAY, 3600, points=points, headline="Half idle", note="A note")
    assert alt(chart) == (
        "Half idle. Chart of busy and all cores, Sat 21 Nov 00:00 to Sun 22 Nov 00:00 (America/Chicago). "
        "Busy: 20 cores on average, 30 at the end, peak 30 (mean of 1 h) at Sat 21 Nov 12:00. "
        "All: 40 on average, 40 at the end, peak 40 (mean of 1 h). Idle: 50% of all cores. A note."
    )
    assert "No data in 1 gap, the longest 3 h." in alt(
        replace(chart, points=holed(chart, END - 9 * HOUR, END - 6 * HOUR))
    )
    assert alt(replace(chart, points=())).endswith("no samples in this window.")


def test_alt_stands_every_shape() -> None:
    assert all(len(alt(chart)) < 1000 for chart in shapes().values())


def test_telling_needs_no_drawing_library() -> None:
    code = "import sys, cards.card, cards.charts.alt; sys.exit('numpy' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_figures_weigh_by_what_was_sampled() -> None:
    points = (UsagePoint(END - 2 * HOUR, 10, 10, 1.0), UsagePoint(END - HOUR, 0, 10, 0.5))
    found = figures(usage_chart(2 * HOUR, 3600, points=points))
    assert found is not None
    assert (found.busy, found.total, found.covered) == (pytest.approx(20 / 3), 10, 0.75)
    assert found.share == pytest.approx(2 / 3)


def test_gaps_at_the_edges() -> None:
    chart = usage_chart(DAY, 3600, points=constant(DAY, 3600, 1, 1))
    assert gaps(chart) == []
    assert gaps(replace(chart, points=chart.points[1:-1])) == [], "the last bucket is only beginning"
    late = replace(chart, points=chart.points[5:])
    assert gaps(late) == [(chart.since, chart.since + 5 * HOUR)]
    assert gaps(replace(chart, points=())) == [(chart.since, chart.until)]


def test_the_most_idle_stretch() -> None:
    busy = [0.9] * 4 + [0.1] * 2 + [0.9] * 2 + [0.05] * 6 + [0.9] * 10
    points = tuple(UsagePoint(END + n * HOUR, 100 * share, 100, 1) for n, share in enumerate(busy))
    found = most_idle(points, 3600)
    assert found is not None
    assert (found.since, found.until) == (END + 8 * HOUR, END + 14 * HOUR)
    assert (found.share, found.core_hours) == (pytest.approx(0.95), pytest.approx(570))
    assert most_idle(points[:4], 3600) is None


def test_coarser_keeps_the_core_hours() -> None:
    points = (UsagePoint(END, 4, 8, 1), UsagePoint(END + HOUR, 0, 8, 0.5), UsagePoint(END + 2 * HOUR, 1, 1, 0))
    [merged, empty] = coarser(points, 3600, 2)
    assert (merged.busy * merged.covered * 2, merged.total, merged.covered) == (pytest.approx(4), 8, 0.75)
    assert empty.covered == 0


CORES = {
    0: "0",
    0.25: "0.2",
    1: "1",
    7.46: "7.5",
    12.4: "12",
    9400: "9,400",
    10_000: "10 k",
    34_563: "34.6 k",
    160_000: "160 k",
    999_600: "1 M",
    1_250_000: "1.25 M",
    12_345_678: "12.3 M",
    2_500_000_000: "2,500 M",
}


@pytest.mark.parametrize(("number", "text"), CORES.items())
def test_cores(number: float, text: str) -> None:
    assert cores(number) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(minutes=5), "5 min"),
        (HOUR, "1 h"),
        (DAY, "24 h"),
        (7 * DAY, "7 days"),
        (timedelta(minutes=90), "2 h"),
    ],
)
def test_span(length: timedelta, text: str) -> None:
    assert span(length) == text


def labels(since: datetime, until: datetime, zone: str, most: int = 8) -> list[str]:
    return [tick.label for tick in ticks(since, until, zone, lambda found: len(found) <= most)]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def test_windows_have_round_ticks() -> None:
    end = utc(2026, 11, 18, 12, 7)
    assert labels(end - HOUR, end, "UTC") == ["11:10", "11:20", "11:30", "11:40", "11:50", "12:00"]
    day = labels(end - DAY, end, "Asia/Kolkata")
    assert day == ["18:00", "21:00", "Wed 18", "03:00", "06:00", "09:00", "12:00", "15:00"]
    assert labels(end - 7 * DAY, end, "UTC")[:3] == ["Thu 12", "Fri 13", "Sat 14"]
    assert labels(end - 30 * DAY, end, "UTC") == ["26 Oct", "2 Nov", "9 Nov", "16 Nov"]
    assert labels(end - 90 * DAY, end, "UTC") == ["31 Aug", "14 Sep", "28 Sep", "12 Oct", "26 Oct", "9 Nov"]
    assert labels(end - 400 * DAY, end, "UTC", 6) == ["Jan 26", "Apr 26", "Jul 26", "Oct 26"]


def test_an_hour_that_comes_twice() -> None:
    begin = utc(2026, 11, 1, 6, 0)
    assert labels(begin, begin + 2 * HOUR, "America/Chicago", 5) == [
        "01:00 CDT", "01:30 CDT", "01:00 CST", "01:30 CST", "02:00",
    ]  # fmt: skip
    night = [tick.at for tick in ticks(begin, begin + 6 * HOUR, "America/Chicago", lambda found: len(found) <= 8)]
    assert night == sorted(night)


def test_an_hour_that_is_skipped() -> None:
    begin = utc(2026, 3, 8, 7, 0)
    assert labels(begin, begin + 2 * HOUR, "America/Chicago", 5) == ["01:00", "01:30", "03:00", "03:30", "04:00"]


def test_a_midnight_that_is_skipped() -> None:
    """Days in Beirut that begin at 01:00."""
    begin = utc(2026, 3, 27, 22, 0)
    at = [tick.at for tick in ticks(begin, begin + 3 * DAY, "Asia/Beirut", lambda found: len(found) <= 4)]
    assert at == [utc(2026, 3, 27, 22), utc(2026, 3, 28, 22), utc(2026, 3, 29, 21), utc(2026, 3, 30, 21)]


def test_days_have_their_own_length() -> None:
    at = [tick.at for tick in ticks(utc(2026, 10, 30), utc(2026, 11, 4), "America/Chicago", lambda f: len(f) <= 5)]
    assert [b - a for a, b in pairwise(at)] == [DAY, DAY, 25 * HOUR, DAY]


def test_when_nothing_fits_there_is_one_tick_at_most() -> None:
    assert ticks(END - DAY, END, "UTC", lambda found: False) == []
    assert ticks(END - 400 * DAY, END, "UTC", lambda found: False) == [Tick(utc(2026, 1, 1), "2026", strong=True)]


def test_alt_tells_the_bars() -> None:
    assert alt(bar_shapes()["week filling"]) == (
        "$1,261 last week, 30 % of it on idle cores. render-prod · all pools · 16 – 22 Nov 2026, Chicago time. "
        "Bars of Busy, Idle and Spot, 7 bars from Mon 16 to Sun 22. Mon 16 $194; Tue 17 $226; Wed 18 $316; Thu 19 $215;"
        " Fri 20 $197; Sat 21 $65, still filling; Sun 22 $49, still filling. Busy $766, Idle $372 and Spot $123 in all."
    )
    assert "26 Aug no data; 27 Aug $0;" in alt(bar_shapes()["zero is not unknown"])
    assert "Mon 16 $132, no data for Idle" in alt(bar_shapes()["partly unknown"])
    quarter = alt(bar_shapes()["quarter"])
    assert "most $193: 23 Sep. No data for 7 bars. 3 bars still filling." in quarter


def test_alt_tells_no_sum_of_a_series_without_data() -> None:
    bars = (Bar("Mon", (4.0, None, 0.0)), Bar("Tue", (5.0, None, 0.0)))
    told = alt(
        BarChart("", "", (BarSeries("own", "busy"), BarSeries("idle", "idle"), BarSeries("spot", "good")), bars, "USD")
    )
    assert told.endswith("own $9.00 and spot $0 in all. No data for idle.")


def test_alt_tells_the_trend() -> None:
    told = alt(trend_shapes()["tasks"])
    assert "completed: 10.1 k in all (8,678 before), most 717 at Tue 17 Nov 18:00." in told
    assert "no data in 5 of 28 parts" in alt(trend_shapes()["runtime holed"])


def test_alt_tells_spot_and_what_may_be_less() -> None:
    told = alt(shapes()["spot back-filled"])
    assert "Of them spot: " in told
    assert "From Sun 15 Nov 00:00 to Thu 19 Nov 00:00 busy is at most what is shown." in told
    assert ", $731." in told


def test_every_chart_has_words() -> None:
    every = {**shapes(), **bar_shapes(), **trend_shapes(), **heatmaps(), **topologies()}
    for name, chart in every.items():
        assert 0 < len(alt(chart)) < 2000, name
