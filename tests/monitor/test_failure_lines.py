"""What programs print when they fail: one cause is one line, and what differs in what went wrong stays apart."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.causes import normalised
from bot.domain.mask import masked
from bot.monitor.error_line import key_line

CASES = tomllib.loads((Path(__file__).parent / "failure_lines.toml").read_text())
CAUSES = CASES["cause"]


@pytest.mark.parametrize("case", CAUSES, ids=lambda case: case["id"])
def test_a_cause_is_one_line_however_its_tasks_differ(case: dict) -> None:
    lines = [key_line(tail.split("\n")) for tail in case["tails"]]
    assert [masked(line) for line in lines] == [case["masked"]] * len(lines)


def test_causes_stay_apart() -> None:
    assert len(CAUSES) == 16
    assert len({normalised(case["masked"]) for case in CAUSES}) == len(CAUSES)


@pytest.mark.parametrize("case", CASES["apart"], ids=lambda case: case["one"][:40])
def test_what_went_wrong_otherwise_stays_apart(case: dict) -> None:
    assert masked(case["one"]) != masked(case["other"])


@pytest.mark.parametrize("case", CASES["alike"], ids=lambda case: case["lines"][0][:40])
def test_what_counts_times_or_places_makes_no_difference(case: dict) -> None:
    assert len({masked(line) for line in case["lines"]}) == 1


@given(st.lists(st.sampled_from([line for case in CAUSES for line in case["tails"]]), min_size=1, max_size=12))
def test_a_mask_does_not_depend_on_what_came_before(tails: list[str]) -> None:
    before = {tail: masked(key_line(tail.split("\n"))) for tail in tails}
    masked.cache_clear()  # another replica
    assert {tail: masked(key_line(tail.split("\n"))) for tail in reversed(tails)} == before


@given(st.text(alphabet="ab019 .:/\\'\"-_@<>()[]=%é\t", max_size=400))
def test_masking_twice_changes_no_more(text: str) -> None:
    assert "\t" not in masked(text)
    assert len(masked(text)) <= 4 * max(len(text), 1) + 8


@pytest.mark.parametrize(
    "piece", ["a", "1", "a1", "a.", "/a", "a:", "exit ", "error ", "0x", "status code ", "a@", "f:/", "'", "a/"]
)
def test_a_line_of_100_kb_is_read_to_its_bound(piece: str) -> None:
    line = piece * (100_000 // len(piece))
    assert masked(line) == masked(line[:2048])
    assert len(key_line([line, "x"])) <= 400
