"""Every kind of picture, of any account, is one that Teams takes, or is told in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.azure.models import Counts, Job, JobSchedule, Pool
from bot.azure.models.job import PoolInfo
from bot.chat.teams.picture_size import LEGIBLE, LONGEST_EDGE, MOST_BYTES, fits, narrower, size_of, within
from bot.domain.dependencies import graph
from cards.card import Chart
from cards.charts.draw import draw
from cards.charts.topology import Topology
from handlers.account.topology import _chart as of_account
from handlers.account.topology import _JobAt, _PoolAt, _rank, _Whole
from handlers.job.topology import _chart as of_job
from tests.cards.charts.bar_shapes import bar_shapes
from tests.cards.charts.heatmaps import heatmaps
from tests.cards.charts.shapes import END, usage_chart
from tests.cards.charts.timelines import timelines
from tests.cards.charts.topologies import topologies
from tests.cards.charts.trend_shapes import trend_shapes
from tests.domain.test_dependencies import task

WORDS = st.text("abcdefghij-0123456789", min_size=1, max_size=64)


def taken(chart: Chart) -> bytes | None:
    """The picture as it goes to Teams; None where it is told in words."""
    tried: Chart | None = within(chart)
    while tried is not None:
        png = draw(tried)
        if fits(png):
            return png
        tried = narrower(tried, png)
    return None


SHAPES: dict[str, Chart] = {
    "usage": usage_chart(),
    **topologies(),
    **heatmaps(),
    **timelines(),
    **bar_shapes(),
    **trend_shapes(),
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_kind_of_picture_is_taken(name: str) -> None:
    for chart in (SHAPES[name], replace(SHAPES[name], width=4000, height=2250)):
        png = taken(chart)
        if png is None:  # nothing but what is too high to be read
            first = draw(within(chart))
            width, height = size_of(first)
            assert width * LONGEST_EDGE / height < LEGIBLE + 8
            continue
        assert max(size_of(png)) <= LONGEST_EDGE
        assert len(png) <= MOST_BYTES


@st.composite
def wholes(made: st.DrawFn) -> _Whole:
    """Whatever an account has: many jobs of few stories, of many, of schedules, in pools that are not there."""
    schedules = made(st.lists(WORDS, max_size=40, unique=True))
    pools = made(st.lists(WORDS, max_size=60, unique=True))
    stems = made(st.lists(WORDS, min_size=1, max_size=60))
    jobs = []
    for n in range(made(st.integers(0, 200))):
        schedule = made(st.sampled_from(["", *schedules]))
        name = f"{schedule}:job-{n}" if schedule else f"{made(st.sampled_from(stems))[:50]}-{n:03}"
        pool = made(st.sampled_from(["", "gone", *pools]))
        counts = Counts(active=3, running=1, completed=9, succeeded=5, failed=made(st.integers(0, 9)))
        job = Job(id=name, state=made(st.sampled_from(("active", "disabled"))), pool_info=PoolInfo(pool_id=pool))
        jobs.append(_JobAt(job, schedule, pool, counts))
    jobs.sort(key=_rank)
    said = st.sampled_from(("", "full"))
    there = [_PoolAt(name, Pool(id=name), {"idle": made(st.integers(0, 3))}, made(said)) for name in pools]
    there += [_PoolAt("gone", None, {}, "no such pool", failed=True)] * any(job.pool == "gone" for job in jobs)
    return _Whole([JobSchedule(id=name, state="active") for name in schedules], jobs, there, END)


@given(wholes())
@settings(max_examples=25, deadline=None)
def test_any_account_is_taken_without_being_made_smaller(whole: _Whole) -> None:
    ctx: Any = SimpleNamespace(zone="UTC")
    source: Any = SimpleNamespace(name="render-prod")
    chart = of_account(ctx, source, whole)
    assert sum(box.of for box in chart.boxes if box.layer == 1) == len(whole.jobs)
    png = draw(within(chart))
    assert fits(png), size_of(png)


@pytest.mark.parametrize("count", [48, 200])
def test_jobs_and_tasks_with_the_same_story_are_one_box(count: int) -> None:
    counts = Counts(completed=20, failed=20)
    jobs = [_JobAt(Job(id=f"storm-{n:03}", state="active"), "", "farm", counts) for n in range(count)]
    other = _JobAt(Job(id="sim", state="active"), "", "farm", Counts(running=2))
    whole = _Whole([], [*jobs, other], [_PoolAt("farm", Pool(id="farm"), {"running": 3}, "")], END)
    chart: Topology = of_account(SimpleNamespace(zone="UTC"), SimpleNamespace(name="a"), whole)  # type: ignore[arg-type]
    boxes = {box.label: box for box in chart.boxes if box.layer == 1}
    assert set(boxes) == {f"{count} × storm-000 – storm-{count - 1:03}", "sim"}
    assert boxes[f"{count} × storm-000 – storm-{count - 1:03}"].note == f"{20 * count:,} failed"
    assert topology_of_tasks(32) == 1


def topology_of_tasks(count: int) -> int:
    """Boxes of so many tasks that wait for nothing."""
    net = graph([task(f"frame-{n:02}") for n in range(count)])
    chart = of_job(SimpleNamespace(name="a"), Job(id="j"), net, "now")  # type: ignore[arg-type]
    return len(chart.boxes)
