"""Whatever bars and trends hold: they are drawn, told, made a table, and legal where a platform draws them itself."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import cards.slack.message
import cards.teams.message
from bot.sandbox.slack.rules import wrong_with_blocks
from bot.sandbox.teams.cards import draw as client
from cards.card import Card, Picture, Span
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.charts.draw import draw
from cards.charts.trend import TrendChart, TrendSeries
from tests.cards.charts.pixels import bordered

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = st.text(max_size=60)
VALUES = (
    st.none()
    | st.floats(-1e12, 1e12).map(lambda value: 0.0 if abs(value) < 1e-9 else value)
    | st.integers(0, 50).map(float)
)
UNITS = st.sampled_from(("", "h", "USD", "JPY", "CHF", "XYZ"))


@st.composite
def bar_charts(made: st.DrawFn) -> BarChart:
    tones = made(
        st.lists(st.sampled_from(("busy", "idle", "spot", "billed", "good", "bad", "other")), min_size=1, max_size=7)
    )
    count = made(st.integers(0, 40))
    values = st.tuples(*(VALUES for _ in tones))
    bars = tuple(Bar(made(WORDS), made(values), made(st.booleans())) for _ in range(count))
    level = made(st.none() | st.floats(-1e6, 1e6).map(lambda value: round(value, 2)))
    series = tuple(BarSeries(made(WORDS), tone) for tone in tones)
    return BarChart(
        made(WORDS),
        made(WORDS),
        series,
        bars,
        made(UNITS),
        made(st.booleans()),
        level,
        made(WORDS),
        made(WORDS),
        800,
        450,
    )


@st.composite
def trend_charts(made: st.DrawFn) -> TrendChart:
    tones = made(st.lists(st.sampled_from(("busy", "good", "bad", "other")), max_size=5))
    bars = made(st.booleans())
    values = st.lists(VALUES.map(abs_or_none) if bars else VALUES, max_size=60).map(tuple)
    series = tuple(TrendSeries(made(WORDS), tone, made(values), made(values)) for tone in tones)
    start = SINCE + timedelta(hours=made(st.integers(0, 9000)))
    step = made(st.sampled_from((60, 3600, 86400)))
    zone = made(st.sampled_from(("UTC", "America/Chicago", "Pacific/Kiritimati", "Pacific/Pago_Pago")))
    return TrendChart(
        made(WORDS),
        made(WORDS),
        series,
        start,
        step,
        zone,
        made(UNITS | st.sampled_from(("s", "%"))),
        bars,
        "",
        800,
        450,
    )


def abs_or_none(value: float | None) -> float | None:
    return None if value is None else abs(value)


@given(chart=bar_charts() | trend_charts())
@settings(max_examples=settings.default.max_examples // 4)
def test_any_chart_is_drawn_and_told(chart: BarChart | TrendChart) -> None:
    bordered(np.asarray(Image.open(io.BytesIO(draw(chart))).convert("RGB")))
    assert alt(chart)


@given(chart=bar_charts())
@settings(max_examples=settings.default.max_examples // 4)
def test_any_bars_are_legal_where_a_platform_draws_them(chart: BarChart) -> None:
    card = Card((Span("cost"),), (Picture("a", alt(chart), chart, "", native=True),))
    assert wrong_with_blocks(cards.slack.message.render(card, modern=True).payload["blocks"]) == []
    payload = cards.teams.message.render(card, {"a": "https://bot.example/a.png"}, modern=True).payload
    assert [str(problem) for problem in client(payload).problems if problem.grave] == []
