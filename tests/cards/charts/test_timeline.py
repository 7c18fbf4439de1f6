from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cards.charts.alt import alt
from cards.charts.timeline import KINDS, Mark, Queue, Row, Span, Stage, Timeline
from cards.charts.timeline_picture import FILLS
from tests.cards.charts.pixels import bordered, count, opened, pixels, small
from tests.cards.charts.timelines import crowd, picture, timelines

SHAPES = timelines()
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
WORDS = st.text(max_size=60)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_palette_picture_no_higher_than_wide(name: str) -> None:
    """Teams shows pictures of at most 1024 x 1024: what is higher than wide would lose its width there."""
    image = small("timeline", name, SHAPES[name], most=100_000)
    assert image.width == 1600
    assert image.height <= 1600


def test_every_run_can_be_told_from_its_neighbour() -> None:
    """2,500 tasks on 40 nodes: on the row of a node a gap before each run but the first."""
    chart = SHAPES["2500 on 40 slots"]
    blue = (pixels(chart) == np.array(FILLS["run"].colour)).all(axis=2)
    seen = max(int((np.diff(row.astype(int)) == 1).sum()) for row in blue[700:])
    assert sum(len(lane) for row in chart.rows for lane in row.lanes) == 2500
    most = max(len(lane) for row in chart.rows for lane in row.lanes)
    assert seen >= 0.9 * most


def test_what_failed_stands_out_however_dense() -> None:
    for name in ("2500 on 40 slots", "2500 on 4 nodes", "10000"):
        assert count(pixels(SHAPES[name]), FILLS["failed"].colour) > 300, name
    well = picture("well", *_without_failures())
    assert count(pixels(well), FILLS["failed"].colour) == 0


def _without_failures() -> tuple[list, list, float]:  # type: ignore[type-arg]
    tasks, nodes, now = crowd(200, 4, 4, seconds=60)
    return [task for task in tasks if not task.failed], nodes, now


def test_in_words() -> None:
    told = alt(SHAPES["2500 on 40 slots"])
    assert told.startswith("For 98 % of 3 h 17 min, tasks waited for nodes: 13 min boot, then 40 slots")
    assert "At most 2,500 tasks waited at once." in told
    assert "49 runs failed." in told
    assert "10 tasks put back" in alt(SHAPES["preempted"])
    assert "Slots were 86 % busy." in alt(SHAPES["10000"])


@st.composite
def charts(made: st.DrawFn) -> Timeline:
    seconds = made(st.floats(0, 1e7))
    rng = random.Random(made(st.integers(0, 1000)))
    rows = []
    for _ in range(made(st.integers(0, 200))):
        lanes = tuple(
            tuple(
                Span(rng.choice(KINDS), begin := rng.uniform(0, seconds), rng.uniform(begin, seconds))
                for _ in range(rng.randrange(4))
            )
            for _ in range(rng.randrange(5))
        )
        shares = tuple(rng.random() for _ in range(rng.randrange(300))) if rng.random() < 0.3 else ()
        failures = tuple(rng.randrange(2) for _ in shares)
        rows.append(Row("n" * rng.randrange(70), lanes, shares, failures, rng.random() < 0.1))
    bins = made(st.integers(0, 300))
    return Timeline(
        made(WORDS),
        made(WORDS),
        SINCE,
        SINCE + timedelta(seconds=seconds),
        tuple(rows),
        made(st.sampled_from(("UTC", "America/Chicago", "Pacific/Kiritimati"))),
        tuple(
            Stage(made(st.sampled_from(KINDS)), rng.uniform(0, seconds), seconds, made(WORDS))
            for _ in range(made(st.integers(0, 6)))
        ),
        tuple(Queue(kind, tuple(rng.uniform(0, 50) for _ in range(bins))) for kind in KINDS[: made(st.integers(0, 3))]),
        tuple(Mark(rng.uniform(0, seconds), made(WORDS)) for _ in range(made(st.integers(0, 3)))),
        width=made(st.sampled_from((320, 800))),
    )


@given(charts())
@settings(max_examples=40, deadline=None)
def test_any_timeline_is_drawn_within_its_width_and_told(chart: Timeline) -> None:
    image = opened(chart)
    assert image.size[0] == chart.width
    assert image.size[1] <= chart.width
    bordered(np.asarray(image.convert("RGB")))
    assert alt(chart)


@given(st.integers(1, 3000), st.integers(1, 400), st.integers(1, 16), st.floats(0.01, 1e5), st.booleans())
@settings(max_examples=12, deadline=None)
def test_any_job_is_a_picture_of_few_rows(tasks: int, nodes: int, slots: int, seconds: float, boots: bool) -> None:
    """However many tasks on however many nodes: what is stored and sent of it has a limit."""
    chart = picture("any", *crowd(min(tasks, 20 * nodes * slots), nodes, slots, seconds=seconds, boot=300.0 * boots))
    assert 1 <= len(chart.rows) <= 60
    assert sum(len(lane) for row in chart.rows for lane in row.lanes) <= 2 * 2500
    assert opened(chart).height <= 1600
