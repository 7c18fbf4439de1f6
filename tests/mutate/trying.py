"""A fault is put into a copy of the tree, tried with the tests that run its line, and taken out again."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from compileall import compile_dir
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from py_compile import PycInvalidationMode

from pytest import ExitCode

from tests.mutate.faults import Fault

_LEFT_OUT = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "node_modules", "artifacts", "build")
_PATIENCE = 60.0
"""Seconds after which a run that takes three times as long as it should is taken for a loop without an end."""
_MEMORY = 4 << 30
"""Bytes that each process of a run may have: a loop that fills memory fails alone."""


class Outcome(Enum):
    """What the tests said of a fault."""

    NOTICED = "noticed"
    NOT_NOTICED = "not noticed"
    ENDLESS = "no end"


class StoppedError(Exception):
    """The tree was ended while it was tried, or before."""


class Tree:
    """A copy of the project in which one fault is tried at a time. What its runs start and write goes with them."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is the copy; a folder beside it is used for what tests write."""
        self.folder = folder
        self._scratch = folder.with_name(f"{folder.name}.tmp")
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    @classmethod
    def of(cls, root: Path, folder: Path) -> Tree:
        """A copy of ``root``. Its compiled modules are held against what they were compiled from, never its time."""
        shutil.copytree(root, folder, ignore=_LEFT_OUT)
        for package in ("bot", "handlers", "cards", "storage"):
            compile_dir(folder / package, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        return cls(folder)

    def outcome(self, fault: Fault | None, tests: list[str], seconds: float) -> Outcome:
        """What tests say that take so many seconds without a fault; without one, whether they are to be trusted.

        Raises RuntimeError where none of them was run, StoppedError once the tree was ended.
        """
        patience = _PATIENCE + 3 * seconds
        with self._put(fault):
            code = self._try(tests, patience)
        if code is None:
            return Outcome.ENDLESS
        if code in (ExitCode.USAGE_ERROR, ExitCode.INTERNAL_ERROR):  # nothing is imported any more; or no such tests
            if self._try(tests, patience, "--collect-only") == ExitCode.OK:
                return Outcome.NOTICED
            raise RuntimeError("the tests are not those that were measured: measure anew, without --kept")
        if code == ExitCode.NO_TESTS_COLLECTED:
            raise RuntimeError(f"none of the tests was run at {fault}")
        return Outcome.NOT_NOTICED if code == ExitCode.OK else Outcome.NOTICED  # below 0: the fault was its end

    def run(self, command: list[str], environment: dict[str, str], seconds: float | None = None) -> int | None:
        """Run a command in the tree; returns its exit code, None where it took longer. Nothing that it started stays.

        Raises StoppedError once the tree was ended.
        """
        self._scratch.mkdir(exist_ok=True)
        with self._lock:
            if self._ended:
                raise StoppedError
            process = self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(self.folder), "TMPDIR": str(self._scratch), **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
        code: int | None
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
            shutil.rmtree(self._scratch, ignore_errors=True)
        if self._ended:
            raise StoppedError
        return code

    def end(self) -> None:
        """End what runs, with everything that it started; nothing is begun any more. From any thread."""
        with self._lock:
            self._ended = True
            if self._process is not None and self._process.poll() is None:
                _end(self._process)

    def _try(self, tests: list[str], seconds: float, *more: str) -> int | None:
        """Run tests up to the first that fails."""
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
            names.write("\n".join(tests))
            names.flush()
            command = [
                sys.executable,
                "-m",
                "pytest",
                f"@{names.name}",
                "-x",
                "-q",
                "-n",
                "0",
                "-p",
                "no:cacheprovider",
            ]
            return self.run([*command, *more], {}, seconds)

    @contextmanager
    def _put(self, fault: Fault | None) -> Iterator[None]:
        """The fault stands in its file inside the block."""
        if fault is None:
            yield
            return
        path = self.folder / fault.path
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
