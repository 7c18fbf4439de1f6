"""The program as an earlier version of it: its packages as the history has them, run as a process of their own."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.skips import lacking
from tests.soak.program import InstalledProgram, toml

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("bot", "handlers", "cards", "storage")
_SCHEMA = ":(glob)storage/postgresql/migrations/*.sql"
_SEVERAL = "storage/postgresql/replicas.py"
"""It came with the version from which on there may be several copies."""
_LAUNCHER = """
import json, sys
from pathlib import Path
from tests.acceptance.fast_clock import FastTime
from tests.soak.program import _command
import bot
told = json.loads(sys.argv[1])
assert Path(bot.__file__).is_relative_to(told["tree"]), bot.__file__
time = FastTime(Path(told["time"]))
_command(told["settings"], {}, time, told["ahead"], told["log"], pictures=False, lease=told["lease"])
"""
"""The command as it is typed, by the fast clock, with the tests of today and the program of then."""


def previous() -> str:
    """The commit before the one that last changed the schema of PostgreSQL; skips where no history is to be had.

    Where the schema never changed since several copies may run, it is the first version of which that holds.
    """
    if shutil.which("git") is None or _git("rev-parse", "--is-inside-work-tree").strip() != b"true":
        lacking("history", "the history of the program is not here: neither git nor a clone of it")
    if _git("rev-parse", "--is-shallow-repository").strip() == b"true":
        lacking("history", "the history of the program is cut short here: a whole clone has it")
    first = _git("log", "--diff-filter=A", "--format=%H", "--", _SEVERAL).split()
    changed = _git("log", "-1", "--format=%H", "--", _SCHEMA).split()
    if not first or not changed:
        lacking("history", "the history of the program begins after several copies could run")
    before = f"{changed[0].decode()}^"
    is_one = _git("ls-tree", "--name-only", before, _SEVERAL).strip()
    return _git("rev-parse", before).decode().strip() if is_one else first[-1].decode()


def unpacked(commit: str, folder: Path) -> Path:
    """The packages of a commit, in a folder of theirs."""
    tree = folder / "previous"
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, *_PACKAGES))) as archive:
        archive.extractall(tree, filter="data")
    return tree


def schema(tree: Path) -> list[str]:
    """The migrations of PostgreSQL that a tree has."""
    return sorted(each.name for each in (tree / "storage/postgresql/migrations").glob("*.sql"))


def _git(*words: str) -> bytes:
    done = subprocess.run(["git", "-C", str(_ROOT), *words], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


@dataclass
class PreviousProgram(InstalledProgram):
    """The same installation, run by another version."""

    tree: Path = Path()
    """Where its packages are."""

    def begin(self) -> None:
        """Run it."""
        self.settings.write_text(toml(self.raw), encoding="utf-8")
        told = {
            "tree": str(self.tree),
            "settings": str(self.settings),
            "time": str(self.time.path),
            "ahead": self.ahead,
            "log": str(self.log),
            "lease": self.lease,
        }
        paths = os.pathsep.join([str(self.tree), str(_ROOT)])
        with self.log.open("ab") as log:
            self.process = _Process(  # type: ignore[assignment]
                [sys.executable, "-c", _LAUNCHER, msgspec.json.encode(told).decode()],
                env={**os.environ, **self.environment, "PYTHONPATH": paths},
                stdout=log,
                stderr=log,
                cwd=self.tree,
            )
        self.starts += 1


class _Process(subprocess.Popen[bytes]):
    """As what multiprocessing has."""

    def is_alive(self) -> bool:
        return self.poll() is None

    def join(self, timeout: float | None = None) -> None:
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired:
            return

    @property
    def exitcode(self) -> int | None:
        return self.poll()
