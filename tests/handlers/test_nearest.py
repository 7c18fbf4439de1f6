"""Names that are offered for one that does not exist: those that may have been meant, and no others."""

from __future__ import annotations

import pytest

from handlers.shared.common import NEAREST, nearest

POOLS = ("render-gpu", "render-cpu", "encode-spot", "sim-large")


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("render-gp", "render-gpu"),
        ("rendre-gpu", "render-gpu"),
        ("RENDER-CPU", "render-cpu"),
        ("gpu", "render-gpu"),
        ("gpu-render", "render-gpu"),
        ("sim", "sim-large"),
        ("encode", "encode-spot"),
    ],
)
def test_what_may_have_been_meant_is_first(typed: str, first: str) -> None:
    assert nearest(typed, POOLS)[0] == first


@pytest.mark.parametrize("typed", ["nosuch", "nightly", "pool", "xyz-large-thing", "12", "", "-"])
def test_what_is_unlike_is_not_offered(typed: str) -> None:
    assert nearest(typed, POOLS) == []


def test_a_few_at_most_and_each_once() -> None:
    assert nearest("frame", [*(f"frame-{each}" for each in range(50)), "frame-0"]) == [
        f"frame-{each}" for each in range(NEAREST)
    ]
