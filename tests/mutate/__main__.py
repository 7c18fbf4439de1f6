"""Faults put into the program one by one, and tests that should notice: ``make mutate``, ``SEED=7 make mutate``.

    python -m tests.mutate [--seed N] [--faults 200] [--minutes 25] [--most 60] [--workers 2] [--near]
                           [--kept FOLDER] [PACKAGE...]

Each fault is put into a copy of the tree and tried with the tests that run its line, the quickest first: with those of
the folders next to its package, and where none of them notices it, with those of everything else that ``make test``
runs. It prints the share that is noticed, by package, and every fault that is not. Those that ``accepted.toml`` lists
with a reason are counted apart, and so are those with which a run finds no end: a busy machine can be the cause of
that, too. A few turns go without a fault, to see that the tests fail of faults alone. It exits 1 where less than the
goal is noticed, 130 where it was stopped (Ctrl-C, SIGTERM); either way nothing that it started stays.

Which lines the tests run is measured before they are needed, and kept in a folder: ``--kept`` names one that may be
used again. A folder of tests is measured anew when it or the program has changed. On a machine that is busy elsewhere
tests take longer, and fewer of them fit into the time of a fault: ``--most`` gives it more. ``--near`` leaves out the
tests elsewhere, which take longest to measure: what it does not notice is what a package's own tests do not hold.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from tests.mutate.covered import Covered
from tests.mutate.faults import Fault, change, sample
from tests.mutate.trying import Outcome, StoppedError, Tree

GOAL = 92
"""Per cent of the faults, without those that are accepted."""
PACKAGES = {
    "bot/monitor": ("tests/monitor",),
    "bot/alerting": ("tests/alerting", "tests/cases", "tests/webhooks"),
    "bot/outbox": ("tests/outbox", "tests/webhooks"),
    "bot/filter": ("tests/filter",),
    "bot/policy": ("tests/policy",),
    "bot/domain": ("tests/domain", "tests/knowledge", "tests/reports"),
    "storage": ("tests/storage",),
    "bot/chat": (
        "tests/chat",
        "tests/handlers/test_home_tab.py",
        "tests/handlers/test_links.py",
        "tests/sandbox/slack/test_lifecycle.py",
        "tests/sandbox/slack/test_links.py",
        "tests/sandbox/teams/test_extension.py",
    ),
}
"""What faults are put into, and the tests next to it, folders or files: a fault is tried with those first."""
_ROOT = Path(__file__).parents[2]
_ELSEWHERE = "elsewhere"
_LEAST = 20
"""Faults of a package at least; beyond that each gets its share, by the places where it can have one."""
_CONTROLS = 30
"""Of so many turns one more goes without a fault."""


@dataclass
class Tally:
    """How many faults of a package were noticed, are accepted, and which were not noticed or found no end."""

    noticed: int = 0
    accepted: list[str] = field(default_factory=list)
    missed: dict[Fault, str] = field(default_factory=dict)
    endless: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Per cent that were noticed, without those that are accepted or found no end."""
        tried = self.noticed + len(self.missed)
        return 100 * self.noticed / tried if tried else 100.0

    def add(self, other: Tally) -> None:
        """Count another's faults as well."""
        self.noticed += other.noticed
        self.accepted += other.accepted
        self.missed |= other.missed
        self.endless += other.endless


class Trial:
    """A sample that is tried, and what became of it so far."""

    def __init__(self, covered: Covered, trees: list[Tree], packages: list[str], most: float = 60.0) -> None:
        """The faults are put into the trees, one into each at a time, for tests of so many seconds at most."""
        self.tallies = {each: Tally() for each in packages}
        self.controls = 0
        self.untrusted: list[str] = []
        self.unjudged: list[str] = []
        self.left = 0
        self._covered = covered
        self._most = most
        self._trees = trees
        self._free: SimpleQueue[Tree] = SimpleQueue()
        for tree in trees:
            self._free.put(tree)
        self._accepted = _accepted()
        self._tried: dict[Fault, list[str]] = {}
        self._lock = threading.Lock()

    def again(self, until: float) -> None:
        """Try those that were not noticed with the tests that were read since."""
        self.run([(package, fault) for package, tally in self.tallies.items() for fault in tally.missed], until)

    def run(self, turns: list[tuple[str, Fault]], until: float) -> None:
        """Try faults of packages until so late by the monotonic clock. What runs ends where this is left early."""
        with ThreadPoolExecutor(len(self._trees)) as pool:
            try:
                for _ in pool.map(lambda numbered: self._one(*numbered, until), enumerate(turns)):
                    pass
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for tree in self._trees:
                    tree.end()
                raise

    def _one(self, number: int, turn: tuple[str, Fault], until: float) -> None:
        if time.monotonic() > until:
            with self._lock:
                self.left += 1
            return
        package, fault = turn
        tried = self._tried.get(fault, [])
        tests = self._covered.tests(fault.path, fault.line, self._most, tried)
        takes = sum(self._covered.seconds.get(each, 1) for each in tests)
        tree = self._free.get()
        try:
            code = (tree.folder / fault.path).read_text()
            was, now = change(code, fault.put_into(code))
            if tests and number % _CONTROLS == 0:
                self._control(tree, tests, takes)
            outcome = tree.outcome(fault, tests, takes) if tests else Outcome.NOT_NOTICED
        except RuntimeError as error:  # none of its tests was run: the others go on
            with self._lock:
                self.unjudged.append(f"{fault.path}:{fault.line} {fault.operator}: {error}")
            return
        finally:
            self._free.put(tree)
        told = f"{fault.path}:{fault.line} {fault.operator} ({len(tried) + len(tests)} tests)\n    - {was}\n    + {now}"
        why = self._accepted.get((fault.path, was, now))
        with self._lock:
            self._tried[fault] = [*tried, *tests]
            tally = self.tallies[package]
            tally.missed.pop(fault, None)
            if outcome is Outcome.NOTICED:
                tally.noticed += 1
            elif why:
                tally.accepted.append(f"{told}\n    accepted: {why}")
            elif outcome is Outcome.ENDLESS:
                tally.endless.append(told)
            else:
                tally.missed[fault] = told
                print(f"not noticed so far: {told}", flush=True)

    def _control(self, tree: Tree, tests: list[str], takes: float) -> None:
        outcome = tree.outcome(None, tests, takes)
        with self._lock:
            self.controls += 1
            if outcome is not Outcome.NOT_NOTICED:
                self.untrusted.append(f"{outcome.value} without a fault: {', '.join(tests)}")


def main() -> int:
    """Try a sample; returns the exit code."""
    given = _arguments()
    until = time.monotonic() + given.minutes * 60
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print(f"seed {given.seed}, {given.faults} faults", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutate-") as work:
        kept = Path(given.kept or Path(work) / "kept").resolve()
        kept.mkdir(parents=True, exist_ok=True)
        trees = [Tree.of(_ROOT, Path(work) / f"tree{number}") for number in range(given.workers)]
        covered = Covered(trees[0], kept, PACKAGES)
        trial = Trial(covered, trees, given.packages, given.most)
        try:
            near = [folder for package in given.packages for folder in PACKAGES[package]]
            _measure(covered, {folder: [folder] for folder in near}, given.workers, until)
            trial.run(sample(trees[0].folder, given.packages, given.faults, _LEAST, given.seed), until)
            if not given.near and time.monotonic() < until and any(tally.missed for tally in trial.tallies.values()):
                far = {suite: folders for suite, folders in _suites(_ROOT).items() if suite not in near}
                _measure(covered, far, given.workers, until)
                trial.again(until)
        except (KeyboardInterrupt, StoppedError):
            _told(trial)
            print("\nstopped before its end")
            return 130
        return _told(trial)


def _measure(covered: Covered, suites: Mapping[str, Iterable[str]], workers: int, until: float) -> None:
    """Measure suites, take them up, and say what is left out."""
    before = set(covered.failed)
    for suite, folders in suites.items():
        if not covered.measure(suite, folders, workers, max(1.0, until - time.monotonic())):
            print(f"there was no time to measure {suite}: its tests try nothing")
            continue
        covered.read(suite)
    for name in sorted(covered.failed - before):
        print(f"left out, it fails without a fault: {name}")
    left = (until - time.monotonic()) / 60
    print(f"the tests of {', '.join(suites)} are measured, {left:.0f} minutes are left", flush=True)


def _suites(root: Path) -> dict[str, list[str]]:
    """All tests: what is next to a package, and what is elsewhere. These tests here are left out."""
    near = {suite for suites in PACKAGES.values() for suite in suites}
    every = {str(Path(*path.relative_to(root).parts[:2])) for path in (root / "tests").rglob("test_*.py")}
    return {folder: [folder] for folder in sorted(near)} | {_ELSEWHERE: sorted(every - near - {"tests/mutate"})}


def _accepted() -> dict[tuple[str, str, str], str]:
    """The faults that need not be noticed, each with its reason."""
    listed = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())["fault"]
    return {(each["file"], each["was"], each["now"]): each["why"] for each in listed}


def _told(trial: Trial) -> int:
    """Print what was found; returns the exit code."""
    whole = Tally()
    print()
    for package, tally in trial.tallies.items():
        print(f"{package:14} {_figures(tally)}")
        whole.add(tally)
    print(f"{'all':14} {_figures(whole)}; the goal is {GOAL} %")
    print(f"{trial.controls} turns without a fault, of which {len(trial.untrusted)} failed")
    print("\n".join(trial.untrusted))
    if trial.left:
        print(f"there was no time for {trial.left} more")
    listed = {
        "Not judged": trial.unjudged,
        "Accepted": whole.accepted,
        "No end": whole.endless,
        "Not noticed": list(whole.missed.values()),
    }
    for title, faults in listed.items():
        if faults:
            print(f"\n{title}:")
            print("\n".join(faults))
    return 0 if whole.share >= GOAL else 1


def _figures(tally: Tally) -> str:
    tried = tally.noticed + len(tally.missed)
    besides = f"{len(tally.accepted)} accepted, {len(tally.endless)} without an end besides"
    return f"{tally.share:5.1f} % of {tried} noticed, {besides}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.mutate", description="Whether the tests notice faults.")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="of these alone: bot/outbox")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--faults", type=int, default=200, help="about how many")
    parser.add_argument("--minutes", type=float, default=25.0, help="after so long no fault is begun any more")
    parser.add_argument("--most", type=float, default=60.0, help="seconds of tests for a fault, as they were measured")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--near", action="store_true", help="with the tests next to a package alone")
    parser.add_argument("--kept", default="", help="where what was measured is kept, and looked for")
    given = parser.parse_args()
    given.packages = given.packages or list(PACKAGES)
    if unknown := set(given.packages) - PACKAGES.keys():
        parser.error(f"no package {', '.join(unknown)}: there are {', '.join(PACKAGES)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
