from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from cards.charts.draw import draw
from cards.charts.heatmap import Cell, HeatMap, Section, counted, heatmap_alt, sorted_cells
from cards.charts.heatmap_picture import lay_out
from cards.charts.node_states import INDEX, RUNNING, RUNNING_INDEX, STYLES
from tests.cards.charts.heatmaps import cells, heatmaps, one_pool, pools
from tests.cards.charts.pixels import count, pixels, small

SHAPES = heatmaps()


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_small_palette_picture(name: str) -> None:
    chart = SHAPES[name]
    assert small("heatmap", name, chart, most=200_000).width == chart.width


def test_areas_are_to_scale() -> None:
    """As many squares of a colour as there are nodes: without letters, which cost each of them as much."""
    states = {"unusable": 300, "idle": 900, "running": 1300}
    chart = one_pool(*(Cell(INDEX[state], 1.0) for state, many in states.items() for _ in range(many)))
    chart = replace(chart, width=640)  # squares too small for letters
    image = pixels(chart)
    legend = 5_000
    unusable, idle = (
        count(image, STYLES[INDEX["unusable"]].colour),
        count(image, STYLES[INDEX["idle"]].colour),
    )
    assert idle == pytest.approx(3 * unusable, abs=legend)
    assert count(image, RUNNING[4]) == pytest.approx(1300 / 300 * unusable, abs=legend)


def test_one_bad_node_of_2500_is_there_to_see() -> None:
    well = one_pool(*[Cell(RUNNING_INDEX, 1.0)] * 2500)
    ill = one_pool(*[Cell(RUNNING_INDEX, 1.0)] * 2499, Cell(INDEX["unusable"]))
    colour = STYLES[INDEX["unusable"]].colour
    legend = 48 * 48
    assert count(pixels(well), colour) == 0
    assert count(pixels(ill), colour) > legend


def test_five_greens() -> None:
    image = pixels(one_pool(*(Cell(RUNNING_INDEX, n / 5) for n in range(1, 6))))
    assert all(count(image, green) > 3_000 for green in RUNNING)


def test_spot_nodes_look_different() -> None:
    plain, spot = one_pool(Cell(INDEX["idle"])), one_pool(Cell(INDEX["idle"], spot=True))
    idle = STYLES[INDEX["idle"]].colour
    assert count(pixels(spot), idle) < 0.8 * count(pixels(plain), idle)


@pytest.mark.parametrize("counts", [[1], [40], [2500], [100] * 20, [1000, 400, 3, 1, 250], [25] * 32])
def test_squares_fill_the_room_and_do_not_leave_it(counts: list[int]) -> None:
    layout = lay_out(counts, 1528, 1200, 1.0)
    assert layout.height <= 1200
    for n, spot in zip(counts, layout.spots, strict=True):
        assert spot.column * (layout.column + 26) + min(n, spot.across) * layout.cell <= 1528
    assert len(layout.rows) == layout.spots[-1].row + 1


def test_squares_are_readable_for_2500_nodes() -> None:
    assert lay_out([2500], 1528, 1100, 1.0).cell >= 24
    assert lay_out([1], 1528, 1100, 1.0).cell > 100
    crowded = lay_out([25] * 100, 1528, 1100, 1.0)
    assert crowded.cell >= 20, "rather higher than too small to see"


def test_the_worst_come_first() -> None:
    found = sorted_cells(cells(300))
    assert [STYLES[cell.state].state for cell in found[:2]] == ["unusable", "unusable"]
    running = [cell.use for cell in found if cell.state == RUNNING_INDEX]
    assert running == sorted(running, reverse=True)


def test_alt_tells_the_figures() -> None:
    chart = one_pool(
        *[Cell(RUNNING_INDEX, 0.5)] * 18,
        *[Cell(INDEX["idle"])] * 2,
        Cell(INDEX["unusable"]),
        Cell(INDEX["preempted"], 0, True),
    )
    assert heatmap_alt(chart) == (
        "1 of 22 nodes bad. Heat map of 22 nodes: 1 unusable, 1 preempted, 2 idle, 18 running. "
        "Running nodes use 50 % of their task slots. 1 is a spot node."
    )
    several = heatmap_alt(pools(50, 300))
    assert "Bad nodes are in pool-0" in several
    assert heatmap_alt(one_pool()).endswith("no nodes.")


some_cells = st.lists(
    st.builds(Cell, st.integers(0, 15), st.floats(0, 1), st.booleans()), max_size=12
).map(tuple)  # fmt: skip
some_maps = st.builds(
    HeatMap,
    st.text(max_size=40),
    st.text(max_size=20),
    st.lists(st.builds(Section, st.text(max_size=64), some_cells), max_size=6).map(tuple),
    width=st.sampled_from([1, 360, 1024, 1600]),
    height=st.sampled_from([0, 300, 2000]),
)


@settings(max_examples=settings.default.max_examples // 8, deadline=None)
@given(some_maps)
def test_any_world_is_drawn_and_told(chart: HeatMap) -> None:
    assert draw(chart).startswith(b"\x89PNG")
    told = heatmap_alt(chart)
    for state, number in Counter(cell.state for section in chart.sections for cell in section.cells).items():
        assert f"{number} {STYLES[state].word}" in told
    assert list(counted(chart)) == sorted(counted(chart))
