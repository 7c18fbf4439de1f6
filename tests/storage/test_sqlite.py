from __future__ import annotations

import asyncio
import itertools
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlite_utils import Database

from storage.port.core_use import CoreUse
from storage.port.errors import StoreError
from storage.port.files import SharedFile
from storage.port.samples import Sample
from storage.port.store import Store
from storage.sqlite.migrations import migrations
from storage.sqlite.store import SqliteStore
from tests.storage.contract import NOON, approximately, figures, recomputed, used
from tests.storage.whole_contract import WholeContract


class TestSqlite(WholeContract):
    @pytest.fixture
    def fresh(self, tmp_path: Path) -> Callable[[], Store]:
        numbers = itertools.count()
        return lambda: SqliteStore.open(tmp_path / f"{next(numbers)}.db")


async def test_commits_are_synchronous(tmp_path: Path, made_anew: None) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    modes = await store._run(
        lambda: [store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )
    assert modes == ["wal", 2]
    await store.close()


async def test_nothing_runs_on_the_event_loop(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    threads = set()
    await store._run(lambda: store._db.conn.set_trace_callback(lambda _: threads.add(threading.current_thread())))
    await store.accept("k", b"", NOON)
    await store.add_samples([Sample("a", "p", NOON, 60, CoreUse(1))])
    await store.usage("a", None, NOON, NOON + timedelta(hours=1), 60)
    await store.prune(NOON)
    assert len(threads) == 1
    assert threading.current_thread() not in threads
    await store.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(StoreError, match=r"bot\.db: it is no SQLite database: restore a backup"):
        SqliteStore.open(path)


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    await SqliteStore.open(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StoreError, match="it is damaged: restore a backup"):
        SqliteStore.open(path)


async def test_a_locked_file(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    await SqliteStore.open(path).close()
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    store = SqliteStore.open(path, patience=0.05)
    with pytest.raises(StoreError, match="another process holds it: stop that process"):
        await store.accept("k", b"", NOON)
    other.rollback()
    assert await store.accept("k", b"", NOON)
    other.close()
    await store.close()


async def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    await SqliteStore.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, 'time_travel', '')",
            [migrations.name],
        )
    db.close()
    with pytest.raises(StoreError, match=r"a newer batchbot wrote it \(migration time_travel\): install"):
        SqliteStore.open(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="it cannot be opened: create its folder"):
        SqliteStore.open(tmp_path / "nowhere" / "bot.db")


WRITER = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from storage.port.files import SharedFile
from storage.port.samples import Sample
from storage.sqlite.store import SqliteStore
from tests.storage.contract import NOON, used

async def main():
    store = SqliteStore.open(sys.argv[1])
    first = int(sys.argv[2])
    for n in range(first, first + 100000):
        at = NOON + timedelta(minutes=n)
        await store.add_samples([Sample("render", pool, at, 60, used(n % 7, 8)) for pool in "ab"])
        assert await store.accept(f"key-{n}", b"body", NOON)
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path, acknowledged, first = tmp_path / "bot.db", [-1], 0
    for lines in (3, 40, 11):
        command = [sys.executable, "-c", WRITER, str(path), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            acknowledged += [int(process.stdout.readline()) for _ in range(lines)]
            process.kill()
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
            assert process.wait() == -signal.SIGKILL
        first = acknowledged[-1] + 2  # the one in between may or may not be there

    async def check() -> None:
        store = SqliteStore.open(path)
        kept = {row.key for row in await store.unfinished()}
        assert kept >= {f"key-{n}" for n in acknowledged[1:]}
        rows = await store._run(
            lambda: store._db.execute(
                "SELECT pool, at, seconds, dedicated_busy, dedicated_unused "
                "FROM samples JOIN series ON id = series WHERE pool <> ''"
            ).fetchall()
        )
        epoch = NOON - timedelta(seconds=NOON.timestamp())
        samples = [
            Sample("render", p, epoch + timedelta(microseconds=at), s, used(b, b + idle)) for p, at, s, b, idle in rows
        ]
        assert {s.at for s in samples} >= {NOON + timedelta(minutes=n) for n in acknowledged[1:]}
        since, until = NOON - timedelta(hours=1), max(s.at for s in samples) + timedelta(hours=1)
        for pool in (None, "a"):
            got = await store.usage("render", pool, since, until, 300)
            assert figures(got) == approximately(recomputed(samples, pool, since, until, 300))
        await store.close()

    asyncio.run(check())


async def test_pictures_of_an_older_version_are_still_lent(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    older = Database(sqlite3.connect(path))
    migrations.apply(older, stop_before="lent_files")
    older.table("pictures").insert({"key": "k", "png": b"png", "expires": 1 << 60})
    older.close()
    store = SqliteStore.open(path)
    assert await store.file("k", datetime(2026, 11, 23, tzinfo=UTC)) == SharedFile(b"png", "image/png")
    await store.close()


async def test_requests_that_an_older_version_left_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    older = Database(sqlite3.connect(path))
    migrations.apply(older, stop_before="requests_are_held_and_started")
    at = 1_700_000_000_000_000
    for key, state in (("left", "new"), ("answered", "done")):
        older.table("journal").insert({"key": key, "body": b"body", "accepted": at, "state": state})
    older.close()
    store = SqliteStore.open(path)
    (row,) = await store.claim_requests("one", NOON, NOON + timedelta(minutes=1))
    assert (row.key, row.body, row.state, row.outcome) == ("left", b"body", "received", b"")
    assert await store.start_change("left", "one", "do it", NOON)
    await store.close()
