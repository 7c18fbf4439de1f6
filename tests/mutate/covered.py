"""Which tests run a line, and how long each takes: what a fault in that line is tried with."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from xml.etree import ElementTree

from coverage import CoverageData

from tests.mutate.trying import Tree

LONGEST = 1 / 3
"""The share of the time of a fault from which on a test is not used: what it alone notices is noticed too late."""


class Covered:
    """The tests of some suites, which are folders each: which run a line of a file, quickest first."""

    def __init__(self, tree: Tree, kept: Path, packages: Iterable[str]) -> None:
        """Tests are run in ``tree``; which lines of the packages they run lies in the folder ``kept``."""
        self._tree = tree
        self._kept = kept
        self._packages = list(packages)
        self._runs: dict[str, dict[int, set[str]]] = {}
        self._called: dict[str, dict[int, range]] = {}
        self._imported: dict[str, set[str]] = {}
        self.seconds: dict[str, float] = {}
        self.failed: set[str] = set()

    def measure(self, suite: str, folders: Iterable[str], workers: int, seconds: float | None = None) -> bool:
        """Run what ``make test`` runs of folders and keep which lines each test runs, unless that is kept already.

        What is slow is left out: a fault that it alone notices would be noticed too late. False where it was not done
        within so many seconds.
        """
        tests = sorted(folders)
        if self.has(suite, tests):
            return True
        data, times, state = self._files(suite)
        for file in (state, data, times):
            file.unlink(missing_ok=True)
        cover = [f"--cov={package}" for package in self._packages]
        command = [sys.executable, "-m", "pytest", *tests, "-m", "not slow", "-q", "-n", str(workers)]
        command += [
            "-p",
            "no:cacheprovider",
            "--timeout",
            "600",
            "--cov-context=test",
            "--cov-report=",
            f"--junitxml={times}",
            *cover,
        ]
        if self._tree.run(command, {"COVERAGE_FILE": str(data)}, seconds) is None:
            return False
        state.write_text(f"{self._state(tests)}\n{self._tree.folder}")  # last: what was stopped before is not whole
        return True

    def has(self, suite: str, tests: Iterable[str]) -> bool:
        """Whether a suite is measured, and neither its folders nor the program have changed since."""
        state = self._files(suite)[2]
        return state.exists() and state.read_text().splitlines()[0] == self._state(tests)

    def read(self, suite: str) -> None:
        """Take up what was measured of a suite. Raises FileNotFoundError where nothing was."""
        data, times, state = self._files(suite)
        measured_in = Path(state.read_text().splitlines()[1])
        took, failed = _times(times)
        kept = CoverageData(str(data))
        kept.read()
        for path in kept.measured_files():
            lines = self._runs.setdefault(str(Path(path).relative_to(measured_in)), defaultdict(set))
            for line, contexts in kept.contexts_by_lineno(path).items():
                lines[line] |= {context.rpartition("|")[0] for context in contexts if context}
        names = {name for lines in self._runs.values() for each in lines.values() for name in each}
        for name in names - self.seconds.keys():
            if _junit(name) in took:
                self.seconds[name] = took[_junit(name)]
        self.failed |= {name for name in names if _junit(name) in failed}

    def tests(self, path: str, line: int, most: float, tried: Collection[str] = ()) -> list[str]:
        """The tests that run a line, the quickest first, as many as take so many seconds together at most.

        Those that were tried already are left out.

        A line that is run by the import alone, whichever test came first to it, is tried with all tests that run
        anything of its file; one of a file that has no other lines, with those of the files that import it. So is one
        of a function that is called at the import, such as what makes the rows of a table.
        """
        lines = self._runs.get(path, {})
        statement = self._calls(path).get(line, range(0))
        found = {name for each in statement for name in lines.get(each, ())}
        if not found and (not statement or any(each in lines for each in statement)):
            found = self._of(path) or {
                name for each in self._runs if self._imports(each, path) for name in self._of(each)
            }
        chosen, sum_, longest = [], 0.0, LONGEST * most
        for name in sorted(found - self.failed - set(tried), key=lambda name: (self.seconds.get(name, longest), name)):
            takes = self.seconds.get(name, longest)
            if takes > longest or sum_ + takes > most:
                break
            chosen.append(name)
            sum_ += takes
        return chosen

    def _of(self, path: str) -> set[str]:
        """The tests that run a function of a file."""
        lines = self._runs.get(path, {})
        return {name for line in lines.keys() & self._calls(path).keys() for name in lines[line]}

    def _calls(self, path: str) -> dict[int, range]:
        """The lines of a file that are run by calls, each with those of its statement."""
        if path not in self._called:
            found: dict[int, range] = {}
            for function in ast.walk(self._parsed(path)):
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                    for node in (inner for each in function.body for inner in ast.walk(each)):
                        if isinstance(node, ast.stmt):
                            _add(found, node)
            self._called[path] = found
        return self._called[path]

    def _imports(self, path: str, imported: str) -> bool:
        """Whether a file imports from another."""
        if path not in self._imported:
            nodes = ast.walk(self._parsed(path))
            self._imported[path] = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        return imported.removesuffix(".py").removesuffix("/__init__").replace("/", ".") in self._imported[path]

    def _parsed(self, path: str) -> ast.Module:
        return ast.parse((self._tree.folder / path).read_text())

    def _files(self, suite: str) -> tuple[Path, Path, Path]:
        name = suite.replace("/", ".")
        return tuple(self._kept / f"{name}.{kind}" for kind in ("coverage", "xml", "state"))  # type: ignore[return-value]

    def _state(self, tests: Iterable[str]) -> str:
        """A digest of the program's and the tests' text."""
        digest = hashlib.sha256()
        for folder in (*self._packages, *sorted(tests)):
            whole = self._tree.folder / folder
            for path in sorted(whole.rglob("*")) if whole.is_dir() else (whole,):
                if path.suffix in (".py", ".toml"):
                    digest.update(str(path.relative_to(self._tree.folder)).encode() + path.read_bytes())
        return digest.hexdigest()


def _add(found: dict[int, range], statement: ast.stmt) -> None:
    """Put in the lines of a statement; of one that holds others, whatever they do not say better."""
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    for line in lines:
        if line not in found or len(lines) < len(found[line]):
            found[line] = lines


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
    """What JUnit's file calls a test: a class that it is in belongs to its module there."""
    path, _, within = name.partition("::")
    above = within.partition("[")[0].rpartition("::")[0]  # its values may have colons too
    module = path.removesuffix(".py").replace("/", ".")
    return ".".join((module, *above.split("::"))) if above else module, within.removeprefix(f"{above}::")
