"""New databases, copied from one that was made once in each process: a twentieth of the time.

To make one is 34 migrations, each of which waits for the disk. What is about that, or about what outlasts a power cut,
asks for the fixture ``made_anew``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlite_utils import Database

from storage.port.condition import StoreCondition
from storage.sqlite import connection

made = connection._connect
"""The program's own."""


def copied(path: Path, patience: float, *, held: bool) -> tuple[Database, StoreCondition]:
    """Open a database as the program does, a new one as a copy whose commits do not wait for the disk."""
    new = not path.exists() and path.parent.is_dir()
    if new:
        path.write_bytes(_empty())
    db, condition = made(path, patience, held=held)
    if new:
        db.execute("PRAGMA synchronous = OFF")
    return db, condition


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        db, _ = made(path, 5.0, held=False)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        db.close()
        return path.read_bytes()
