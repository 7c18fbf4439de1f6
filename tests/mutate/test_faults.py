"""Faults are put in where they are said to be, a seed gives the same again, and what is accepted is still there."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code

from tests.mutate.covered import Covered
from tests.mutate.faults import OWN, change, sample

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


@pytest.mark.parametrize("name", OWN)
def test_our_own_faults_are_what_they_say(name: str) -> None:
    for example in OWN[name].examples():
        assert mutate_code(example.pre_mutation_code, OWN[name](), example.occurrence) == example.post_mutation_code


def test_every_place_gets_a_fault_and_a_seed_gives_the_same_again(tmp_path: Path) -> None:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot" / "fold.py").write_text(CODE)
    whole = sample(tmp_path, ["bot"], 100, 1)
    assert sorted({(fault.path, fault.line) for fault in whole}) == [("bot/fold.py", line) for line in (1, 4, 5, 6, 7)]
    assert all(fault.put_into(CODE) != CODE for fault in whole)
    assert sample(tmp_path, ["bot"], 3, 7) == sample(tmp_path, ["bot"], 3, 7)
    assert len(sample(tmp_path, ["bot"], 3, 7)) == 3
    found = {change(CODE, fault.put_into(CODE)) for seed in range(40) for fault in sample(tmp_path, ["bot"], 100, seed)}
    assert {
        ("LATE = 3", "LATE = 4"),
        ("if row.late < LATE and row.known:", "if row.late <= LATE and row.known:"),
        ("if row.late < LATE and row.known:", "if row.late < LATE or row.known:"),
        ("if row.late < LATE and row.known:", "if False:"),
        ("continue", "break"),
        ("total += row.cores", "total = row.cores"),
    } <= found


@pytest.mark.parametrize("fault", ACCEPTED, ids=lambda fault: f"{fault['file']} {fault['now']}")
def test_what_is_accepted_is_a_line_of_its_file_and_has_a_reason(fault: dict[str, str]) -> None:
    lines = {line.strip() for line in (ROOT / fault["file"]).read_text().splitlines()}
    assert set(fault["was"].split(" ⏎ ")) <= lines
    assert fault["was"] != fault["now"]
    assert len(fault["why"]) > 20


def test_a_line_is_tried_with_the_tests_that_run_it_quickest_first(tmp_path: Path) -> None:
    covered = Covered(tmp_path, tmp_path)
    covered.seconds = {"slow": 8.0, "quick": 0.1, "red": 0.2, "endless": 90.0}
    covered.failed = {"red"}
    covered._runs = {"a.py": {2: {"slow", "quick", "red", "endless"}, 3: {"quick"}}}
    assert covered.tests("a.py", 2, 60) == ["quick", "slow"]
    assert covered.tests("a.py", 2, 5) == ["quick"]
    assert covered.tests("a.py", 1, 60) == ["quick", "slow"], "run by the import alone"
    assert covered.tests("b.py", 1, 60) == []
