"""The states of a node can be told apart by everybody."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.domain.states import BAD_NODES, NODES
from cards.charts.node_states import INDEX, RUNNING, STYLES, YELLOW, index_of, luminance, on, shade
from cards.charts.style import Colour

SEEN_BY: dict[str, list[list[float]]] = {
    "everybody": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""How eyes change linear RGB: "A Physiologically-based Model for Simulation of Color Vision Deficiency" by Machado,
Oliveira and Fernandes (2009), severity 1.0."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def seen(colour: Colour, eyes: str) -> NDArray[np.float64]:
    """A colour in CIE Lab as these eyes see it."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(SEEN_BY[eyes]) @ linear, 0, 1) / WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


GROUPS = {style.state: style.colour for style in STYLES if style.colour != YELLOW and style.state != "running"} | {
    "in transition": YELLOW,
    **{f"running {n}": colour for n, colour in enumerate(RUNNING)},
}


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_colours_can_be_told_apart(eyes: str) -> None:
    """CIE76 above 10: plain at a glance (2.3 is just noticeable). Leaving and deallocating share theirs on purpose."""
    for (a, first), (b, second) in combinations(GROUPS.items(), 2):
        if {a, b} == {"leavingpool", "deallocating"}:
            continue
        apart = float(np.linalg.norm(seen(first, eyes) - seen(second, eyes)))
        assert apart > 10, f"{a} and {b} are {apart:.1f} apart for {eyes}"


def test_every_state_has_a_letter_of_its_own_and_the_bots_words() -> None:
    assert len(STYLES) == 16
    assert {style.state for style in STYLES} == set(NODES)
    assert len({style.letter for style in STYLES}) == 16
    assert all(style.word == NODES[style.state].word for style in STYLES)
    assert {style.state for style in STYLES if style.kind == "bad"} == set(BAD_NODES)


def test_trouble_comes_first() -> None:
    kinds = [style.kind for style in STYLES]
    assert kinds.index("idle") > max(n for n, kind in enumerate(kinds) if kind == "bad")
    assert STYLES[-1].state == "running"


def test_letters_have_contrast() -> None:
    """WCAG 1.4.11: three to one for what is read as a mark."""
    for colour in [*(style.colour for style in STYLES), *RUNNING]:
        lighter, darker = sorted((luminance(colour), luminance(on(colour))), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 3, colour


def test_greens_darken_with_use() -> None:
    assert all(luminance(a) > luminance(b) for a, b in pairwise(RUNNING))
    assert [shade(use) for use in (0, 0.01, 0.2, 0.21, 0.4, 0.5, 0.75, 0.81, 1.0, 7.0)] == [
        0,
        0,
        0,
        1,
        1,
        2,
        3,
        4,
        4,
        4,
    ]


def test_a_state_that_nobody_knows() -> None:
    assert index_of("StartTaskFailed") == INDEX["starttaskfailed"]
    assert STYLES[index_of("sulking")].state == "unknown"
