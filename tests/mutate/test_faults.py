"""Faults are put in where they are said to be, a seed gives the same again, and what is accepted is still there."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code

from tests.mutate.covered import Covered
from tests.mutate.faults import OWN, Fault, change, sample
from tests.mutate.trying import Tree

ROOT = Path(__file__).parents[2]
ACCEPTED = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())["fault"]
CODE = """\
LATE = 3

def fold(rows, total):
    for row in rows:
        if row.late < LATE and row.known:
            continue
        total += row.cores
    return total
"""
LINES = """\
from b import MOST

def fits(number):
    if number:
        return (number <=
            MOST)
def unused():
    return 1
"""


@pytest.mark.parametrize("name", OWN)
def test_our_own_faults_are_what_they_say(name: str) -> None:
    for example in OWN[name].examples():
        assert mutate_code(example.pre_mutation_code, OWN[name](), example.occurrence) == example.post_mutation_code


def _some(root: Path, number: int, seed: int) -> list[Fault]:
    return [fault for _, fault in sample(root, ["bot"], number, 0, seed)]


def test_every_place_gets_a_fault_and_a_seed_gives_the_same_again(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "fold.py").write_text(CODE)
    whole = _some(tmp_path, 100, 1)
    assert sorted({(fault.path, fault.line) for fault in whole}) == [("bot/fold.py", line) for line in (1, 4, 5, 6, 7)]
    assert all(fault.put_into(CODE) != CODE for fault in whole)
    assert _some(tmp_path, 3, 7) == _some(tmp_path, 3, 7)
    assert len(_some(tmp_path, 3, 7)) == 3
    found = {change(CODE, fault.put_into(CODE)) for seed in range(40) for fault in _some(tmp_path, 100, seed)}
    assert {
        ("LATE = 3", "LATE = 4"),
        ("if row.late < LATE and row.known:", "if row.late <= LATE and row.known:"),
        ("if row.late < LATE and row.known:", "if row.late < LATE or row.known:"),
        ("if row.late < LATE and row.known:", "if False:"),
        ("continue", "break"),
        ("total += row.cores", "total = row.cores"),
    } <= found


def test_arguments_that_no_run_can_tell_apart_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "row.py").write_text(
        "class Row(Struct, frozen=True):\n    late: bool = field(default=True)\ndef f(*, a): pass\n"
    )
    assert {fault.line for fault in _some(tmp_path, 100, 1)} == {2}


def test_of_large_numbers_only_those_that_are_compared_become_one_more(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    lines = ["LONGEST = 200", "SHARE = 0.5", "FEW = 19", "busy = status == 429", "cut = text[:80]"]
    (tmp_path / "bot" / "row.py").write_text("\n".join(lines) + "\n")
    found = {fault.line for seed in range(9) for fault in _some(tmp_path, 100, seed) if fault.operator == "SmallNumber"}
    assert found == {2, 3, 4}


def test_of_the_first_only_the_second_is_made(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    code = "first, last = rows[0], rows[-1]\n"
    (tmp_path / "bot" / "row.py").write_text(code)
    found = {fault.put_into(code) for seed in range(30) for fault in _some(tmp_path, 100, seed)}
    assert {each.replace(" ", "") for each in found if "rows[-1]\n" in each} == {"first,last=rows[1],rows[-1]\n"}
    assert "first, last = rows[0], rows[- 2]\n" in found


def test_a_folder_gets_the_share_of_its_places_and_a_small_one_some(tmp_path: Path) -> None:
    for folder, times in (("large", 20), ("small", 1)):
        (tmp_path / folder).mkdir()
        for number in range(times):
            (tmp_path / folder / f"fold{number}.py").write_text(CODE)
    most = len(sample(tmp_path, ["small"], 10_000, 0, 1))
    shares = Counter(folder for folder, _ in sample(tmp_path, ["large", "small"], 42, 2, 1))
    assert shares == {"large": 40, "small": 2}
    assert Counter(folder for folder, _ in sample(tmp_path, ["large", "small"], 42, 99, 1))["small"] == most


@pytest.mark.parametrize("fault", ACCEPTED, ids=lambda fault: f"{fault['file']} {fault['now']}")
def test_what_is_accepted_is_a_line_of_its_file_and_has_a_reason(fault: dict[str, str]) -> None:
    lines = {line.strip() for line in (ROOT / fault["file"]).read_text().splitlines()}
    assert set(fault["was"].split(" ⏎ ")) <= lines
    assert fault["was"] != fault["now"]
    assert len(fault["why"]) > 20


def test_a_line_is_tried_with_the_tests_that_run_it_quickest_first(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(LINES)
    (tmp_path / "b.py").write_text("MOST = 3\n")
    (tmp_path / "c.py").write_text("LEAST = 3\n")
    covered = Covered(Tree(tmp_path), tmp_path, [])
    covered.seconds = {"slow": 8.0, "quick": 0.1, "red": 0.2, "endless": 90.0}
    covered.failed = {"red"}
    covered._runs = {"a.py": {1: {"endless"}, 4: {"slow", "quick", "red", "endless"}, 5: {"quick"}}}
    assert covered.tests("a.py", 4, 60) == ["quick", "slow"]
    assert covered.tests("a.py", 4, 5) == ["quick"]
    assert covered.tests("a.py", 4, 60, ["quick"]) == ["slow"]
    assert covered.tests("a.py", 5, 60) == ["quick"]
    assert covered.tests("a.py", 6, 60) == ["quick"], "it is in the statement of the line above"
    assert covered.tests("a.py", 8, 60) == [], "no test calls it"
    covered._runs["a.py"][8] = set()
    assert covered.tests("a.py", 8, 60) == ["quick", "slow"], "it was called by the import"
    assert covered.tests("a.py", 1, 60) == ["quick", "slow"], "run by the import, whichever test came first"
    assert covered.tests("b.py", 1, 60) == ["quick", "slow"], "run by the import alone: those of who imports it"
    assert covered.tests("c.py", 1, 60) == []


def test_what_was_measured_serves_again_until_something_changes(tmp_path: Path) -> None:
    tree, kept = tmp_path / "tree", tmp_path / "kept"
    for folder in (tree / "tests", tree / "fold", kept):
        folder.mkdir(parents=True)
    (tree / "fold" / "__init__.py").write_text("def fits(number):\n    return number <= 3\n")
    test = tree / "tests" / "test_fold.py"
    test.write_text(
        "from fold import fits\n\ndef test_it():\n    assert fits(3)\n\ndef test_red():\n    assert fits(9)\n"
    )

    def covered() -> Covered:
        made = Covered(Tree(tree), kept, ["fold"])
        made.measure("all", ["tests"], 0)
        made.read("all")
        return made

    first = covered()
    assert first.failed == {"tests/test_fold.py::test_red"}, "it fails without a fault"
    assert first.tests("fold/__init__.py", 2, 60) == ["tests/test_fold.py::test_it"]
    measured = (kept / "all.coverage").stat().st_mtime_ns
    covered()
    assert (kept / "all.coverage").stat().st_mtime_ns == measured
    test.write_text(test.read_text().replace("test_it", "test_boundary"))
    assert covered().tests("fold/__init__.py", 2, 60) == ["tests/test_fold.py::test_boundary"]


def test_how_long_a_test_takes_is_known_in_a_class_too_and_whatever_its_values_are(tmp_path: Path) -> None:
    """A test of which it is not known takes a third of a fault's time: hardly two of them would be tried."""
    tree, kept = tmp_path / "tree", tmp_path / "kept"
    for folder in (tree / "tests", tree / "fold", kept):
        folder.mkdir(parents=True)
    (tree / "fold" / "__init__.py").write_text("def fits(number):\n    return number <= 3\n")
    (tree / "tests" / "test_fold.py").write_text(
        "import pytest\nfrom fold import fits\n\n@pytest.mark.parametrize('name', ['a::b', 'c'])\nclass TestFold:\n"
        "    class TestWithin:\n        def test_it(self, name):\n            assert fits(3)\n"
        "    def test_red(self, name):\n        assert fits(9)\n"
        "@pytest.mark.parametrize('name', ['a::b'])\ndef test_alone(name):\n    assert fits(3)\n"
    )
    covered = Covered(Tree(tree), kept, ["fold"])
    covered.measure("all", ["tests"], 0)
    covered.read("all")
    first = "tests/test_fold.py::TestFold::"
    assert set(covered.seconds) == {
        *(f"{first}{test}[{name}]" for test in ("TestWithin::test_it", "test_red") for name in ("a::b", "c")),
        "tests/test_fold.py::test_alone[a::b]",
    }
    assert covered.failed == {f"{first}test_red[a::b]", f"{first}test_red[c]"}
