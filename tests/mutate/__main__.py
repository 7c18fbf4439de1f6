"""Faults put into the program one by one, and tests that should notice: ``make mutate``, ``SEED=7 make mutate``.

    python -m tests.mutate [--seed N] [--each 30] [--minutes 30] [--workers 2] [--kept .mutate] [PACKAGE...]

Each fault is put into a copy of the tree and tried with the tests that run its line, the quickest first. It prints the
share that is noticed, by package, and every fault that is not. Those that ``accepted.toml`` lists with a reason are
counted apart. It exits 1 where less than the goal is noticed.

What the tests run is measured first, and kept in a folder: ``--kept`` names one that may be used again.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import SimpleQueue

from pytest import ExitCode

from tests.mutate.covered import Covered
from tests.mutate.faults import Fault, change, sample

GOAL = 92
"""Per cent of the faults, without those that are accepted."""
PACKAGES = {
    "bot/monitor": ("tests/monitor",),
    "bot/alerting": ("tests/alerting", "tests/cases"),
    "bot/outbox": ("tests/outbox",),
    "bot/filter": ("tests/filter",),
    "bot/policy": ("tests/policy",),
    "bot/domain": ("tests/domain",),
    "storage": ("tests/storage",),
    "bot/chat": ("tests/chat",),
}
"""What faults are put into, and the tests that are measured for it. A fault is tried with all that run its line."""
_ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "node_modules", "artifacts", "build")
_MOST = 60.0
"""Seconds of tests that a fault is tried with at most."""
_PATIENCE = 60.0
"""Seconds after which a run that takes three times as long as it should has noticed: a loop without an end."""


@dataclass
class Tally:
    """How many faults of a package were noticed, are accepted, and which were not noticed."""

    noticed: int = 0
    accepted: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Per cent that were noticed, without those that are accepted."""
        tried = self.noticed + len(self.missed)
        return 100 * self.noticed / tried if tried else 100.0


def main() -> int:
    """Try a sample; returns the exit code."""
    given = _arguments()
    until = time.monotonic() + given.minutes * 60
    print(f"seed {given.seed}, {given.each} faults a package", flush=True)
    with tempfile.TemporaryDirectory(prefix="mutate-") as work:
        trees = [_copied(Path(work) / f"tree{number}") for number in range(given.workers)]
        kept = Path(given.kept or Path(work) / "kept").resolve()
        kept.mkdir(parents=True, exist_ok=True)
        covered = Covered(_ROOT, kept)
        for folder in dict.fromkeys(folder for folders in PACKAGES.values() for folder in folders):
            covered.measure(folder, PACKAGES, given.workers)
            covered.read(folder)
        for name in sorted(covered.failed):
            print(f"left out, it fails without a fault: {name}")
        faults = {each: sample(trees[0], [each], given.each, f"{given.seed} {each}") for each in given.packages}
        tallies = {each: Tally() for each in given.packages}
        turns = [(package, fault) for package, each in faults.items() for fault in each]
        random.Random(given.seed).shuffle(turns)  # where time runs out, every package had its share
        left = _try_all(turns, trees, covered, tallies, until)
    return _told(tallies, left)


def _try_all(
    turns: list[tuple[str, Fault]], trees: list[Path], covered: Covered, tallies: dict[str, Tally], until: float
) -> int:
    """Try the faults, one in each tree at a time; returns how many there was no time for."""
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    accepted, lock = _accepted(), threading.Lock()

    def one(turn: tuple[str, Fault]) -> int:
        package, fault = turn
        if time.monotonic() > until:
            return 1
        tree = free.get()
        try:
            code = (tree / fault.path).read_text()
            was, now = change(code, fault.put_into(code))
            tests = covered.tests(fault.path, fault.line, _MOST)
            noticed = bool(tests) and _notices(tree, fault, tests, sum(covered.seconds.get(each, 1) for each in tests))
        finally:
            free.put(tree)
        told = f"{fault.path}:{fault.line} {fault.operator} ({len(tests)} tests)\n    - {was}\n    + {now}"
        with lock:
            tally, why = tallies[package], accepted.get((fault.path, was, now))
            if noticed:
                tally.noticed += 1
            elif why:
                tally.accepted.append(f"{told}\n    accepted: {why}")
            else:
                tally.missed.append(told)
                print(f"not noticed: {told}", flush=True)
        return 0

    with ThreadPoolExecutor(len(trees)) as pool:
        return sum(pool.map(one, turns))


def _notices(tree: Path, fault: Fault, tests: list[str], seconds: float) -> bool:
    """Whether one of the tests fails with the fault, or finds no end. Raises RuntimeError where none was run."""
    with _put(tree / fault.path, fault):
        code = _pytest(tree, tests, _PATIENCE + 3 * seconds)
    if code == ExitCode.USAGE_ERROR:  # its module is not imported any more; or there are no such tests
        code = _pytest(tree, tests, _PATIENCE + 3 * seconds, "--collect-only")
        if code == ExitCode.OK:
            return True
        raise RuntimeError("the tests are not those that were measured: measure anew, without --kept")
    if code not in (ExitCode.OK, ExitCode.TESTS_FAILED, ExitCode.INTERRUPTED):
        raise RuntimeError(f"pytest ended with {code} at {fault}: none of the tests was run")
    return code != ExitCode.OK


def _pytest(tree: Path, tests: list[str], seconds: float, *more: str) -> int:
    """Run tests in a tree, up to the first that fails. Returns pytest's exit code; that of a failure for no end."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(tests))
        names.flush()
        command = [sys.executable, "-m", "pytest", f"@{names.name}", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [*command, *more],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return ExitCode.TESTS_FAILED
        finally:
            _end(process)


@contextmanager
def _put(path: Path, fault: Fault) -> Iterator[None]:
    """The fault stands in the file inside the block."""
    code = path.read_text()
    path.write_text(fault.put_into(code))
    try:
        yield
    finally:
        path.write_text(code)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run with everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _copied(tree: Path) -> Path:
    """A copy of what is here. Its compiled modules are held against what they were compiled from, never its time."""
    shutil.copytree(_ROOT, tree, ignore=_LEFT_OUT)
    for folder in ("bot", "handlers", "cards", "storage"):
        compile_dir(tree / folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return tree


def _accepted() -> dict[tuple[str, str, str], str]:
    """The faults that need not be noticed, each with its reason."""
    listed = tomllib.loads((Path(__file__).parent / "accepted.toml").read_text())["fault"]
    return {(each["file"], each["was"], each["now"]): each["why"] for each in listed}


def _told(tallies: dict[str, Tally], left: int) -> int:
    """Print what was found; returns the exit code."""
    whole = Tally()
    print()
    for package, tally in tallies.items():
        print(f"{package:14} {_figures(tally)}")
        whole.noticed += tally.noticed
        whole.accepted += tally.accepted
        whole.missed += tally.missed
    print(f"{'all':14} {_figures(whole)}; the goal is {GOAL} %")
    if left:
        print(f"there was no time for {left} more")
    for title, faults in (("Accepted", whole.accepted), ("Not noticed", whole.missed)):
        if faults:
            print(f"\n{title}:")
            print("\n".join(faults))
    return 0 if whole.share >= GOAL else 1


def _figures(tally: Tally) -> str:
    tried = tally.noticed + len(tally.missed)
    return f"{tally.share:5.1f} % of {tried} noticed, {len(tally.accepted)} accepted besides"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.mutate", description="Whether the tests notice faults.")
    parser.add_argument("packages", nargs="*", default=list(PACKAGES), help="of these alone: bot/outbox")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--each", type=int, default=30, help="faults of a package")
    parser.add_argument("--minutes", type=float, default=25.0, help="after so long no fault is begun any more")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kept", default="", help="where what was measured is kept, and looked for")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
