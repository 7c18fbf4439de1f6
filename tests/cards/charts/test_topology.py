from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from cards.charts.draw import draw
from cards.charts.layers import crossings, ordered, spread
from cards.charts.topology import KINDS, Box, Layer, Part, Tie, Topology, parts, topology_alt
from tests.cards.charts.pixels import small
from tests.cards.charts.topologies import account, graph, topologies

SHAPES = topologies()
RED = (140, 11, 24)


def opened(chart: Topology) -> Image.Image:
    return Image.open(io.BytesIO(draw(chart)))


def count(chart: Topology, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(opened(chart).convert("RGB")) == np.array(colour)).all(axis=2).sum())


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_a_palette_picture(name: str) -> None:
    assert small("topology", name, SHAPES[name], most=300_000).width == 1600


def test_fifty_jobs_and_twenty_pools_are_legible_on_a_phone() -> None:
    """A phone shows 360 pixels of the 1600: a box is at least 11 of them high, so that its letters have 8."""
    image = opened(account(6, 50, 20))
    assert image.height * 360 / 1600 >= 50 * 14


def test_deep_and_narrow_goes_from_top_to_bottom() -> None:
    assert opened(SHAPES["graph chain"]).height > opened(SHAPES["graph diamond"]).height * 3


def test_failing_parts_stand_out() -> None:
    well = graph({"a": "0", "b": "1 a"})
    ill = graph({"a": "0", "b": "1 a"}, {"a": "failed", "b": "blocked"})
    assert count(well, RED) == 0
    assert count(ill, RED) > 3_000
    tie = replace(ill, boxes=well.boxes)
    assert count(tie, RED) > 300, "a failing tie is red by itself"


def test_bars_are_to_scale() -> None:
    """As much green as grey where half runs; anything there at all can be seen."""
    box = Box("a", 0, "a", parts=parts((("running", 500), ("idle", 500), ("failed", 1))))
    chart = Topology("", "", (Layer(),), (box,), ())
    running, idle, failed = count(chart, (15, 137, 98)), count(chart, (203, 203, 219)), count(chart, RED)
    assert running == pytest.approx(idle, rel=0.1)
    assert 0 < failed < running / 3


def test_lines_cross_as_little_as_they_must() -> None:
    boxes = [Box(f"a{n}", 0, "") for n in range(8)] + [Box(f"b{n}", 1, "") for n in range(8)]
    ties = [Tie(f"a{n}", f"b{7 - n}") for n in range(8)]
    assert crossings([[f"a{n}" for n in range(8)], [f"b{n}" for n in range(8)]], ties) == 28
    layers = ordered(boxes, ties)
    assert crossings(layers, ties) == 0
    assert layers[1] == [f"b{n}" for n in range(8)], "the last layer stays as it was given"


def test_places_are_one_apart_around_the_middle() -> None:
    found = spread([["a"], ["b", "c", "d"], [], ["e", "f"]])
    assert found == {
        "a": (0, 0), "b": (1, -1), "c": (1, 0), "d": (1, 1), "e": (3, -0.5), "f": (3, 0.5),
    }  # fmt: skip
    assert spread([]) == {}


def test_parts_are_added_up_in_order() -> None:
    assert parts((("done", 2), ("failed", 1), ("done", 3), ("idle", 0))) == (Part("failed", 1), Part("done", 5))


def test_alt_tells_the_figures() -> None:
    boxes = (Box("a", 1, "nightly:job-3", "3 failed", "failed"), Box("b", 1, "9 more jobs", of=9), Box("p", 2, "gpu-a"))
    layers = (Layer("schedules"), Layer("jobs"), Layer("pools"))
    assert topology_alt(Topology("1 job in trouble", "", layers, boxes, ())) == (
        "1 job in trouble. Picture of jobs (10), pools (1). In trouble: nightly:job-3 (3 failed)."
    )
    few = (Box("a", 1, "nightly:job-3", "1 failed", "warning"), Box("p", 2, "gpu-a", "8 nodes", "warning"))
    assert topology_alt(Topology("A few failed tasks in 1 job", "", layers, few[:1], ())) == (
        "A few failed tasks in 1 job. Picture of jobs (1). Marked: nightly:job-3 (1 failed)."
    )
    both = (few[0], replace(few[1], troubled=True))
    assert topology_alt(Topology("1 pool in trouble, a few failed tasks in 1 job", "", layers, both, ())).endswith(
        "In trouble: gpu-a (8 nodes). Also marked: nightly:job-3 (1 failed)."
    ), "the verdict and the list name the same"
    assert topology_alt(graph({"a": "0", "b": "1 a"})) == (
        "Task graph. Picture of 2 tasks in 2 steps. Nothing in it is in trouble."
    )


def test_telling_needs_no_drawing_library() -> None:
    code = "import sys, cards.charts.topology, cards.charts.heatmap; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@st.composite
def worlds(draw_: st.DrawFn) -> Topology:
    layers = draw_(st.integers(0, 9))
    boxes = tuple(
        Box(
            str(n),
            draw_(st.integers(0, layers)),
            draw_(st.text(max_size=40)),
            draw_(st.text(max_size=12)),
            draw_(st.sampled_from(["failed", "blocked", "warning", "plain", "quiet"])),
            parts((kind, draw_(st.integers(0, 10**6))) for kind in draw_(st.lists(st.sampled_from(KINDS), max_size=4))),
            draw_(st.integers(1, 500)),
        )
        for n in range(draw_(st.integers(0, 14)))
    )
    keys = st.sampled_from([*(box.key for box in boxes), "nowhere"])
    ties = tuple(draw_(st.lists(st.builds(Tie, keys, keys, st.booleans()), max_size=20)))
    named = tuple(Layer(draw_(st.text(max_size=12)), draw_(st.floats(0.2, 3))) for _ in range(layers))
    return Topology(
        draw_(st.text(max_size=40)), draw_(st.text(max_size=20)), named, boxes, ties, draw_(st.text(max_size=30)),
        draw_(st.lists(keys, max_size=3).map(tuple)), width=draw_(st.sampled_from([1, 360, 1024, 1600])),
    )  # fmt: skip


@settings(max_examples=settings.default.max_examples // 4, deadline=None)
@given(worlds())
def test_any_world_is_drawn_and_told(chart: Topology) -> None:
    assert draw(chart).startswith(b"\x89PNG")
    assert topology_alt(chart)
