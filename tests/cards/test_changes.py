"""Changes, shares and days in words."""

from __future__ import annotations

from datetime import date

import pytest

from cards.command_line import join_template
from cards.formatting import change, compared, day_words, share


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [(14, 10, "+40 %"), (9, 10, "−10 %"), (10, 10, "the same"), (0, 0, "the same"), (5, 0, "new"), (None, 3, ""),
     (1001, 1000, "about the same"), (0, 4, "−100 %"), (3, None, ""), (26, 10, "2.6 times"), (-4, -2, "−100 %"),
     (5, 0.001, "over 1,000 times")],
)  # fmt: skip
def test_a_change_in_words(now: float | None, before: float | None, words: str) -> None:
    assert change(now, before) == words


@pytest.mark.parametrize(
    ("now", "words"),
    [(112, "12 % more than usual"), (95, "5 % less than usual"), (100, "as much as usual"),
     (260, "2.6 times as much as usual"), (0, "100 % less than usual")],
)  # fmt: skip
def test_a_comparison_in_words(now: float, words: str) -> None:
    assert compared(now, 100, "usual") == words


def test_what_is_little_is_no_difference() -> None:
    assert compared(109, 100, "usual", 10) == "as much as usual"
    assert compared(110, 100, "usual", 10) == "10 % more than usual"


def test_shares_and_days() -> None:
    assert (share(0.127), share(0.0078, 1), share(0)) == ("13 %", "0.8 %", "0 %")
    assert day_words(date(2026, 11, 3)) == "Tue 3 Nov"


def test_what_is_chosen_is_not_quoted() -> None:
    assert join_template(["task", "list", "my job", "{}", "of:{}", "a{}b"]) == "task list 'my job' {} of:{} 'a{''}b'"
