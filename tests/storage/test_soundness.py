"""No row of any table keeps the store from opening: what cannot be read is put aside, counted and kept."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.port.errors import CannotStore
from storage.sql.soundness import DAYS, ENCODED, LATEST, MOMENTS
from storage.sqlite.store import SqliteStore

pytestmark = pytest.mark.usefixtures("made_anew")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KINDS: list[tuple[dict[str, tuple[str, ...]], tuple[Any, ...]]] = [
    (MOMENTS, (-1, LATEST + 1, 2**62)),
    (ENCODED, (b"\xff\x00{", b"[1", b"x")),
    (DAYS, ("", "soon", "2026-13-01")),
]
WRONG = [
    (table, column, value)
    for columns_of, values in KINDS
    for table, columns in columns_of.items()
    for column in columns
    for value in values
]
DEFAULTS = {"TEXT": "x", "INTEGER": 1, "REAL": 1.0, "BLOB": b""}


def row_of(db: sqlite3.Connection, table: str, number: int) -> dict[str, Any]:
    """A row of a table in which nothing is wrong, as far as is checked, unlike others by its number."""
    found: dict[str, Any] = {}
    for _, name, kind, _, _, key in db.execute(f"PRAGMA table_info({table})"):
        value = DEFAULTS[kind]
        if name in DAYS.get(table, ()):
            value = "2026-11-23"
        elif name in ENCODED.get(table, ()):
            value = "{}" if kind == "TEXT" else b"{}"
        elif name in MOMENTS.get(table, ()):
            value = number + 1
        elif kind == "TEXT" or key:
            value = number + 1 if kind == "INTEGER" else f"x{number}"
        found[name] = value
    return found


def insert(db: sqlite3.Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def modes_in(folder: Path) -> dict[str, int]:
    """Who may read what is in a folder."""
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()}


async def opened(path: Path, *, held: bool = True) -> SqliteStore:
    store = SqliteStore.open(path, held=held)
    await store.close()
    return store


async def test_what_cannot_be_read_is_put_aside_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    assert (await opened(path)).condition.troubles() == []
    expected: dict[str, int] = {}
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        for number, (table, column, value) in enumerate(WRONG):
            text = isinstance(value, bytes) and "TEXT" in next(
                kind for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})") if name == column
            )
            wrong = value.decode("latin-1") if text else value
            insert(db, table, {**row_of(db, table, number), column: wrong})
            expected[table] = expected.get(table, 0) + 1
        sound = sorted(expected)
        for number, table in enumerate(sound, start=len(WRONG)):
            insert(db, table, row_of(db, table, number))
    store = await opened(path)
    assert dict(store.condition.unreadable) == expected
    assert len(store.condition.troubles()) == len(expected)
    with sqlite3.connect(path) as db:
        assert [db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in sound] == [1] * len(sound)
        kept = db.execute("SELECT body FROM unreadable WHERE source = 'journal'").fetchall()
    assert any("x'FF007B'" in json.loads(body)["body"] for (body,) in kept)
    assert dict((await opened(path)).condition.unreadable) == expected  # told for as long as they lie there


async def test_a_program_that_does_not_hold_the_file_moves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    await opened(path)
    with sqlite3.connect(path) as db:
        insert(db, "journal", {**row_of(db, "journal", 0), "accepted": -1})
    condition = (await opened(path, held=False)).condition
    assert (dict(condition.unreadable), dict(condition.left)) == ({}, {"journal": 1})
    assert condition.troubles() == ["1 unreadable row of journal was left in place"]
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT COUNT(*) FROM journal").fetchone() == (1,)
    assert (await opened(path)).condition.troubles() == ["1 unreadable row of journal was put aside"]


@pytest.mark.parametrize("held", [False, True])
async def test_only_who_holds_a_file_writes_it_anew(tmp_path: Path, held: bool) -> None:
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    with sqlite3.connect(old) as db:
        db.execute("CREATE TABLE filler (body BLOB)")
    for path, shrinks in ((old, held), (new, True)):
        await opened(path, held=held)
        with sqlite3.connect(path) as db:
            assert (db.execute("PRAGMA auto_vacuum").fetchone() == (2,)) is shrinks


async def test_pruning_waits_for_no_reader(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db", patience=86_400)
    await store.accept("k", b"{}", NOW)
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM journal").fetchall()
        await store.accept("l", b"{}", NOW)
        async with asyncio.timeout(60):  # it would be a day
            await store.prune(NOW + timedelta(days=365))
            assert await store.accept("m", b"{}", NOW)
    assert await store._run(lambda: store._db.execute("PRAGMA busy_timeout").fetchone()) == (86_400_000,)
    await store.prune(NOW + timedelta(days=365))
    assert (tmp_path / "bot.db-wal").stat().st_size == 0
    await store.close()


async def test_every_column_that_holds_a_moment_is_known(tmp_path: Path) -> None:
    """A new table's moments and encoded columns are named in ``storage.sql.soundness``."""
    path = tmp_path / "bot.db"
    await opened(path)
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in set(tables) - {"audit", "unreadable", "_sqlite_migrations", "meta"}:
            columns = {name: kind for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})")}
            assert {*MOMENTS.get(table, ()), *ENCODED.get(table, ()), *DAYS.get(table, ())} <= columns.keys()
            for name in columns.keys() & {"at", "expires", "accepted", "started", "ended", "seen", "since", "as_of"}:
                assert name in MOMENTS.get(table, ()), (table, name)
            for name in columns.keys() & {"card", "outcome", "result", "request"}:
                if columns[name] == "BLOB":
                    assert name in ENCODED.get(table, ()), (table, name)


async def test_a_full_disk_is_told_and_goes_by_itself(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    await store.accept("k0", b"{}", NOW)
    pages = await store._run(lambda: store._db.execute("PRAGMA page_count").fetchone()[0])
    await store._run(lambda: store._db.execute(f"PRAGMA max_page_count = {pages}").fetchall())
    with pytest.raises(CannotStore, match="the disk is full"):
        for number in range(200):
            await store.accept(f"big{number}", b'"' + b"x" * 4000 + b'"', NOW)
    assert store.condition.troubles()[0].startswith("nothing can be stored: ")
    assert await store.unfinished()  # what is there can be read
    assert store.condition.failing
    await store._run(lambda: store._db.execute("PRAGMA max_page_count = 1000000").fetchall())
    assert await store.accept("after", b"{}", NOW)
    assert store.condition.troubles() == []
    await store.close()


async def test_nobody_else_reads_the_file_and_it_shrinks(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    with sqlite3.connect(path) as db:  # of an earlier version: it does not shrink, and everybody may read it
        db.execute("CREATE TABLE filler (body BLOB)")
    path.chmod(0o644)
    store = SqliteStore.open(path, held=True)
    for number in range(300):
        await store.accept(f"k{number}", b'"' + b"x" * 40_000 + b'"', NOW)
    modes = modes_in(tmp_path)
    assert modes == dict.fromkeys(modes, 0o600)
    assert {"bot.db", "bot.db-wal", "bot.db-shm"} <= modes.keys()
    await store.prune(NOW + timedelta(days=365))
    await store.close()
    assert path.stat().st_size < 1_000_000 < 300 * 40_000
