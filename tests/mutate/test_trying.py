"""A fault is put into a copy, tried with real tests, and taken out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutate.__main__ import PACKAGES, Tally, _notices
from tests.mutate.faults import Fault

ROOT = Path(__file__).parents[2]
CODE = "MOST = 3\n\n\ndef fits(number):\n    return number <= MOST and number != 7\n\n\nNAMES = [*range(MOST)][2]\n"
TESTS = "from fold import fits\n\n\ndef test_that_it_fits():\n    assert fits(3)\n"
BOUNDARY = Fault("fold.py", 5, "ReplaceComparisonOperator_LtE_Lt", 0)
UNSEEN = Fault("fold.py", 5, "SmallNumber", 2)  # 8 for 7
BREAKS = Fault("fold.py", 8, "SmallNumber", 4)  # there is no such name, and no import any more


@pytest.mark.parametrize(("fault", "noticed"), [(BOUNDARY, True), (UNSEEN, False), (BREAKS, True)])
def test_a_fault_is_noticed_or_not(tmp_path: Path, fault: Fault, noticed: bool) -> None:
    (tmp_path / "fold.py").write_text(CODE)
    (tmp_path / "test_fold.py").write_text(TESTS)
    assert fault.put_into(CODE) != CODE
    assert _notices(tmp_path, fault, ["test_fold.py::test_that_it_fits"], 1.0) is noticed
    assert (tmp_path / "fold.py").read_text() == CODE


def test_tests_that_are_not_there_are_no_answer(tmp_path: Path) -> None:
    (tmp_path / "fold.py").write_text(CODE)
    (tmp_path / "test_fold.py").write_text(TESTS)
    with pytest.raises(RuntimeError, match="measure anew"):
        _notices(tmp_path, UNSEEN, ["test_fold.py::test_of_yesterday"], 1.0)


def test_what_is_accepted_is_counted_apart() -> None:
    assert Tally(noticed=23, accepted=["a"] * 9, missed=["m"] * 2).share == 92.0
    assert Tally().share == 100.0


def test_packages_and_their_tests_are_there() -> None:
    for package, tests in PACKAGES.items():
        assert list((ROOT / package).rglob("*.py"))
        assert all(list((ROOT / folder).rglob("test_*.py")) for folder in tests)
