"""A PostgreSQL of the tests' own: one server for each process that runs tests, from its first database to its end.

It lies in a temporary folder, in memory where that can be, listens on a socket there, and does not wait for the disk.
To make a database takes a third of a second, to empty one a hundredth of that: those that were used are used again.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from storage.postgresql.address import Address
from storage.postgresql.database import PostgresDatabase
from storage.postgresql.migrations import migrate
from tests.skips import lacking

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=60")
_SHARED = Path("/dev/shm")
_INHERIT = 'exec 2>/dev/null; cat; kill -QUIT "$(head -n 1 "$1/data/postmaster.pid")"; rm -rf "$1"'
"""Waits for the end of who started the server, which may be killed, and does what is left of :meth:`Server.end`."""


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The URL of a database as the program makes it, or one without a table.

    Skips, or fails, where there is no server to start.
    """
    there = server()
    name = there.idle.pop() if there.idle and not empty else there.create("template1" if empty else "made")
    yield there.url(name)
    if not empty:
        there.clear(name)


class Server:
    """A running server, with the databases ``idle`` that nobody uses just then."""

    def __init__(self, programs: Path, *, durable: bool = False) -> None:
        """With ``durable`` it lies on the disk and waits for it, as a server of the world does."""
        self.idle: list[str] = []
        self._numbers = itertools.count()
        self._programs = programs
        there = _SHARED if not durable and _SHARED.is_dir() and os.access(_SHARED, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="batchbot-pg-", dir=there))
        self.user = given_to_who_runs(self.folder)
        """As whom it runs, for whoever starts a process."""
        self._heir = subprocess.Popen(
            ["sh", "-c", _INHERIT, "sh", self.folder], stdin=subprocess.PIPE, start_new_session=True
        )
        data = self.folder / "data"
        self._do("initdb", "-D", data, "-U", "batchbot", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        chosen = (*(() if durable else _FAST), "listen_addresses=''", f"unix_socket_directories={self.folder}")
        self.options = " ".join(f"-c {each}" for each in chosen)
        self.start()
        self.create("template1", "made")
        db = PostgresDatabase(Address(self.url("made")))
        migrate(db)
        db.close()

    def _do(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.user)

    def start(self) -> None:
        """Let it run."""
        self._do("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-o", self.options, "-w", "start")

    def stop(self, how: str = "fast") -> None:
        """Put everybody out, and end; ``immediate`` forgets what does not wait for the disk."""
        self._do("pg_ctl", "-D", self.folder / "data", "-m", how, "stop")

    def runs(self) -> bool:
        """Whether it runs."""
        return (self.folder / "data" / "postmaster.pid").exists()

    def end(self) -> None:
        """Stop it, and take its folder away."""
        if self.runs():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
        self._heir.communicate()

    def url(self, name: str) -> str:
        """Of a database."""
        return f"postgresql://batchbot@/{name}?host={self.folder}"

    def create(self, template: str, name: str = "") -> str:
        """A database as a copy of another; its name."""
        name = name or f"t{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # type: ignore[arg-type]
        return name

    def clear(self, name: str) -> None:
        """Empty a database for the next one."""
        db = PostgresDatabase(Address(self.url(name)))
        tables = sorted({*db.table_names()} - {"schema_version"})
        # As a replica, so that the trigger which keeps the audit trail does not stand in the way.
        db.execute("; ".join(["SET session_replication_role = replica", *(f"DELETE FROM {each}" for each in tables)]))
        db.close()
        self.idle.append(name)


@cache
def server() -> Server:
    """The one of this process; skips, or fails, where there is none to start."""
    found = programs()
    if found is None:
        lacking("postgresql", "no PostgreSQL server is installed")
    made = Server(found)
    atexit.register(made.end)
    return made


def programs() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian keeps them, the newest."""
    found = [Path(there).parent for there in [shutil.which("initdb")] if there]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: -float(each.parent.name))
    return next((each for each in found if (each / "initdb").exists()), None)


def given_to_who_runs(folder: Path) -> dict[str, Any]:
    """Give a folder to whom a server may run as, which is not root; what a process is started with to be that one."""
    if os.geteuid() != 0:
        return {}
    user = next(each for each in map(_person, ("postgres", "nobody")) if each)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _person(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None
