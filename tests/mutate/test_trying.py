"""A fault is put into a copy, tried with real tests, and taken out again, whatever happens meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from compileall import compile_dir
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from tests.mutate import trying
from tests.mutate.__main__ import PACKAGES, Tally, Trial, _suites
from tests.mutate.covered import Covered
from tests.mutate.faults import Fault
from tests.mutate.trying import Outcome, StoppedError, Tree

ROOT = Path(__file__).parents[2]
CODE = "MOST = 3\n\n\ndef fits(number):\n    return number <= MOST and number != 7\n\n\nNAMES = [*range(MOST)][2]\n"
TESTS = "from fold import fits\n\n\ndef test_that_it_fits():\n    assert fits(3)\n"
TEST = "test_fold.py::test_that_it_fits"
BOUNDARY = Fault("fold.py", 5, "ReplaceComparisonOperator_LtE_Lt", 0)
UNSEEN = Fault("fold.py", 5, "SmallNumber", 2)  # 8 for 7
BREAKS = Fault("fold.py", 8, "SmallNumber", 4)  # there is no such name, and no import any more
WAITS = """
import subprocess, sys
from pathlib import Path

def test_waits():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)"])
    Path("started.tmp").write_text(str(child.pid))
    Path("started.tmp").rename("started")
    child.wait()
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "fold.py").write_text(CODE)
    (folder / "test_fold.py").write_text(TESTS)
    compile_dir(folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)  # as that of a whole tree is
    return Tree(folder)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (BOUNDARY, Outcome.NOTICED),
        (UNSEEN, Outcome.NOT_NOTICED),
        (BREAKS, Outcome.NOTICED),
        (None, Outcome.NOT_NOTICED),
    ],
)
def test_a_fault_is_noticed_or_not(tree: Tree, fault: Fault | None, outcome: Outcome) -> None:
    assert fault is None or fault.put_into(CODE) != CODE
    assert tree.outcome(fault, [TEST], 1.0) is outcome
    assert (tree.folder / "fold.py").read_text() == CODE
    assert [path.name for path in tree.folder.parent.iterdir()] == ["tree"], "what tests write is gone"


def test_what_is_tried_is_the_copy_and_not_what_is_installed(tree: Tree) -> None:
    (tree.folder / "bot").mkdir()
    (tree.folder / "bot" / "__init__.py").write_text("")
    asked = "def test_it():\n    assert Path(bot.__file__).parents[1] == Path.cwd()\n"
    asked = f"from pathlib import Path\n\nimport bot\n\n{asked}"
    (tree.folder / "test_copy.py").write_text(asked)
    assert tree.outcome(None, ["test_copy.py::test_it"], 1.0) is Outcome.NOT_NOTICED


def test_tests_that_are_not_there_are_no_answer(tree: Tree) -> None:
    with pytest.raises(RuntimeError, match="measure anew"):
        tree.outcome(UNSEEN, ["test_fold.py::test_of_yesterday"], 1.0)
    covered = Covered(tree, tree.folder, [])
    covered.seconds = {"test_fold.py::test_of_yesterday": 1.0, TEST: 1.0}
    covered._runs = {"fold.py": {5: {"test_fold.py::test_of_yesterday"}}}
    trial = Trial(covered, [tree], ["fold"])
    trial.run([("fold", UNSEEN)], time.monotonic() + 900)
    assert (len(trial.unjudged), trial.tallies["fold"]) == (1, Tally()), "nothing is said of it, and the others go on"


def test_a_run_without_an_end_is_told_apart_and_nothing_of_it_stays(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree.folder / "test_waits.py").write_text(WAITS)
    monkeypatch.setattr(trying, "_PATIENCE", 0.0)
    seconds = 1.0
    while not (tree.folder / "started").exists():  # a busy machine needs longer until it begins to wait
        assert tree.outcome(BOUNDARY, ["test_waits.py::test_waits"], seconds) is Outcome.ENDLESS
        seconds *= 2
    _until(lambda: not _runs(tree.folder / "started"))
    assert (tree.folder / "fold.py").read_text() == CODE


def test_what_is_stopped_ends_what_it_started_and_takes_the_fault_out(tree: Tree) -> None:
    (tree.folder / "test_waits.py").write_text(WAITS)
    covered = Covered(tree, tree.folder, [])
    covered.seconds = {"test_waits.py::test_waits": 1.0}
    covered._runs = {"fold.py": {5: {"test_waits.py::test_waits"}}}
    trial = Trial(covered, [tree], ["fold"])
    raised: list[BaseException] = []

    def run() -> None:
        try:
            trial.run([("fold", BOUNDARY)] * 9, time.monotonic() + 900)
        except StoppedError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    _until((tree.folder / "started").exists)
    tree.end()
    thread.join()
    assert raised
    _until(lambda: not _runs(tree.folder / "started"))
    assert (tree.folder / "fold.py").read_text() == CODE
    assert trial.tallies["fold"] == Tally(), "what was stopped says nothing"


def test_what_no_test_nearby_notices_is_tried_with_the_others(tree: Tree) -> None:
    (tree.folder / "test_far.py").write_text("from fold import fits\n\n\ndef test_seven():\n    assert not fits(7)\n")
    (tree.folder / "fold.py").write_text(CODE.replace("MOST = 3", "MOST = 9"))
    covered = Covered(tree, tree.folder, [])
    covered._runs = {"fold.py": {5: {TEST}}}
    covered.seconds = {TEST: 1.0, "test_far.py::test_seven": 1.0}
    trial = Trial(covered, [tree], ["fold"])
    trial.run([("fold", UNSEEN)], time.monotonic() + 900)
    assert list(trial.tallies["fold"].missed) == [UNSEEN]
    trial.again(time.monotonic() + 900)
    assert list(trial.tallies["fold"].missed) == [UNSEEN], "there are no others yet"
    covered._runs["fold.py"][5].add("test_far.py::test_seven")
    trial.again(time.monotonic() + 900)
    assert trial.tallies["fold"] == Tally(noticed=1)


def test_what_cannot_be_measured_in_time_is_not_taken_for_measured(tree: Tree, tmp_path: Path) -> None:
    (tree.folder / "test_waits.py").write_text(WAITS)
    covered = Covered(tree, tmp_path, ["fold"])
    assert not covered.measure("waits", ["test_waits.py"], 0, seconds=0.5)
    assert not covered.has("waits", ["test_waits.py"])
    assert covered.measure("fold", ["test_fold.py"], 0, seconds=900)
    assert covered.has("fold", ["test_fold.py"])


def test_what_is_accepted_or_has_no_end_is_counted_apart() -> None:
    assert Tally(noticed=23, accepted=["a"] * 9, missed={BOUNDARY: "m", UNSEEN: "m"}, endless=["e"]).share == 92.0
    assert Tally().share == 100.0


def test_packages_and_their_tests_are_there() -> None:
    for package, tests in PACKAGES.items():
        assert list((ROOT / package).rglob("*.py"))
        assert all((ROOT / each).is_file() or list((ROOT / each).rglob("test_*.py")) for each in tests)
    whole = {folder for folders in _suites(ROOT).values() for folder in folders}
    assert {"tests/handlers", "tests/outbox", "tests/test_app.py"} < whole
    assert not whole & {"tests/mutate", "tests/conftest.py", "tests/golden"}


def _until(happens: Callable[[], bool]) -> None:
    while not happens():
        time.sleep(0.02)


def _runs(written: Path) -> bool:
    """Whether the process of that number is there, and no mere entry of one that ended."""
    try:
        return ") Z" not in Path(f"/proc/{written.read_text()}/stat").read_text()
    except FileNotFoundError:
        return False
