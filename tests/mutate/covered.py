"""Which tests run a line, and how long each takes: what a fault in that line is tried with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

from coverage import CoverageData

LONGEST = 20.0
"""Seconds of a test from which on it is not used: a fault that it alone notices is noticed too late."""


class Covered:
    """The tests of some folders: which run a line of a file, quickest first."""

    def __init__(self, root: Path, kept: Path) -> None:
        """``root`` is the tree that the tests are run in; what was measured lies in the folder ``kept``."""
        self._root = root
        self._kept = kept
        self._runs: dict[str, dict[int, set[str]]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def measure(self, tests: str, packages: Iterable[str], workers: int) -> None:
        """Run the tests of a folder and keep which lines each runs. What was measured already is not run again."""
        data, times = self._files(tests)
        if data.exists() and times.exists():
            return
        cover = [f"--cov={package}" for package in packages]
        command = [sys.executable, "-m", "pytest", tests, "-q", "-n", str(workers), "-p", "no:cacheprovider"]
        command += ["--timeout", "600", "--cov-context=test", "--cov-report=", f"--junitxml={times}", *cover]
        environment = {**os.environ, "COVERAGE_FILE": str(data), "PYTHONPATH": str(self._root)}
        subprocess.run(command, cwd=self._root, env=environment, stdout=subprocess.DEVNULL, check=False)

    def read(self, tests: str) -> None:
        """Take up what was measured of a folder. Raises FileNotFoundError where nothing was."""
        data, times = self._files(tests)
        took, failed = _times(times)
        kept = CoverageData(str(data))
        kept.read()
        for path in kept.measured_files():
            lines = self._runs.setdefault(str(Path(path).relative_to(self._root)), defaultdict(set))
            for line, contexts in kept.contexts_by_lineno(path).items():
                lines[line] |= {context.rpartition("|")[0] for context in contexts if context}
        names = {name for lines in self._runs.values() for each in lines.values() for name in each}
        for name in names - self.seconds.keys():
            if _junit(name) in took:
                self.seconds[name] = took[_junit(name)]
        self.failed |= {name for name in names if _junit(name) in failed}

    def tests(self, path: str, line: int, most: float) -> list[str]:
        """The tests that run a line, the quickest first, as many as take so many seconds together at most.

        A line that is run by the import alone is tried with all tests that run anything of its file.
        """
        lines: Mapping[int, set[str]] = self._runs.get(path, {})
        found = lines.get(line) or {name for each in lines.values() for name in each}
        chosen, sum_ = [], 0.0
        for name in sorted(found - self.failed, key=lambda name: (self.seconds.get(name, LONGEST), name)):
            takes = self.seconds.get(name, LONGEST)
            if takes > LONGEST or sum_ + takes > most:
                break
            chosen.append(name)
            sum_ += takes
        return chosen

    def _files(self, tests: str) -> tuple[Path, Path]:
        name = tests.replace("/", ".")
        return self._kept / f"{name}.coverage", self._kept / f"{name}.xml"


def _times(path: Path) -> tuple[dict[tuple[str, str], float], set[tuple[str, str]]]:
    """How long each test took, and which failed, by class and name."""
    took, failed = {}, set()
    for case in ElementTree.parse(path).iter("testcase"):
        key = case.get("classname", ""), case.get("name", "")
        took[key] = float(case.get("time", "0"))
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add(key)
    return took, failed


def _junit(name: str) -> tuple[str, str]:
    """What JUnit's file calls a test."""
    path, _, test = name.partition("::")
    return path.removesuffix(".py").replace("/", "."), test
