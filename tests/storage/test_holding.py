"""One program holds a database, and lets it go however it ends."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage.port.errors import StoreError, StoreHeld
from storage.sqlite.holding import Holding, held_by, lock_of
from storage.sqlite.store import SqliteStore

HOLDS = """
import sys, time
from pathlib import Path
from storage.sqlite.holding import Holding
held = Holding.take(Path(sys.argv[1]), 0)
print("held", flush=True)
time.sleep(600)
"""


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    database = tmp_path / "bot.db"
    first = Holding.take(database, 0)
    with pytest.raises(StoreHeld, match=rf"bot\.db: another batchbot holds it \(process {os.getpid()} on "):
        Holding.take(database, 0)
    assert re.match(rf"process {os.getpid()} on ", held_by(database))
    first.release()
    first.release()
    assert held_by(database) == ""
    assert held_by(tmp_path / "other.db") == ""
    Holding.take(database, 0).release()
    assert stat.S_IMODE(lock_of(database).stat().st_mode) == 0o600


async def test_a_rolling_restart_waits_for_the_one_before(tmp_path: Path) -> None:
    first = Holding.take(tmp_path / "bot.db", 0)
    second = asyncio.create_task(asyncio.to_thread(Holding.take, tmp_path / "bot.db", 60))
    await asyncio.sleep(0.5)
    assert not second.done()
    first.release()
    (await second).release()


def test_a_killed_program_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "bot.db")], stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StoreHeld, match=f"process {first.pid} on"):
            Holding.take(tmp_path / "bot.db", 0)
        first.send_signal(signal.SIGKILL)
        first.wait()
    Holding.take(tmp_path / "bot.db", 0).release()


@pytest.mark.skipif(os.name == "nt", reason="locks of another system")
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_file_system_without_locks_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(StoreError, match=re.escape(f"bot.db.lock: it cannot be locked ({os.strerror(number)})")) as got:
        Holding.take(tmp_path / "bot.db", 86_400)
    assert not isinstance(got.value, StoreHeld)


@pytest.mark.skipif(os.name == "nt", reason="written in another way")
def test_a_database_on_a_full_disk_is_held_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pwrite(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.pwrite", pwrite)
    first = Holding.take(tmp_path / "bot.db", 0)
    with pytest.raises(StoreHeld, match="it does not say which"):
        Holding.take(tmp_path / "bot.db", 0)
    assert held_by(tmp_path / "bot.db") == "a program that does not say which"
    first.release()
    assert held_by(tmp_path / "bot.db") == ""


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write access to its folder"):
        Holding.take(tmp_path / "nowhere" / "bot.db", 0)


@pytest.mark.skipif(os.name == "nt", reason="links of another system")
@pytest.mark.parametrize("way", ["symbolic link", "folder behind a link", "dots"])
def test_a_database_has_one_holder_by_whatever_name(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "sym.db").symlink_to(folder / "a.db")  # also before there is a database
    (tmp_path / "there").symlink_to(folder)
    names = {
        "symbolic link": tmp_path / "sym.db",
        "folder behind a link": tmp_path / "there" / "a.db",
        "dots": folder / ".." / "data" / "a.db",
    }
    first = Holding.take(folder / "a.db", 0)
    with pytest.raises(StoreHeld, match=f"process {os.getpid()} on"):
        Holding.take(names[way], 0)
    first.release()
    second = Holding.take(names[way], 0)
    with pytest.raises(StoreHeld):
        Holding.take(folder / "a.db", 0)
    second.release()


@pytest.mark.skipif(sys.platform != "linux", reason="locks of the open file")
@pytest.mark.parametrize("done", ["a hard link", "the lock file is removed", "the database is moved"])
def test_nothing_that_is_done_to_the_files_lets_a_second_one_in(tmp_path: Path, done: str) -> None:
    database = tmp_path / "a.db"
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(database)], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == "held\n"
        if done == "a hard link":
            os.link(database, tmp_path / "b.db")
            database = tmp_path / "b.db"
        elif done == "the lock file is removed":
            lock_of(database).unlink()
        else:
            database = database.rename(tmp_path / "b.db")
        for _ in range(2):
            with pytest.raises(StoreHeld, match="another batchbot holds it"):
                Holding.take(database, 0)
        first.send_signal(signal.SIGKILL)
        first.wait()
    Holding.take(database, 0).release()


@pytest.mark.skipif(sys.platform != "linux", reason="locks of the open file")
async def test_a_held_database_is_read_and_written_by_its_own_program_and_backed_up(tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    held = Holding.take(database, 0)
    store = SqliteStore.open(database)
    secret = await store.secret("test")
    copy = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"
    copying = await asyncio.create_subprocess_exec(sys.executable, "-c", copy, database, tmp_path / "copy.db")
    assert await copying.wait() == 0
    assert await store.secret("other") != secret
    await store.close()
    with pytest.raises(StoreHeld):
        Holding.take(database, 0)
    held.release()
    restored = SqliteStore.open(tmp_path / "copy.db")
    assert await restored.secret("test") == secret
    await restored.close()


async def test_whoever_waits_by_a_removed_lock_file_is_let_in_by_the_new_one(tmp_path: Path) -> None:
    database = tmp_path / "bot.db"
    first = Holding.take(database, 0)
    second = asyncio.create_task(asyncio.to_thread(Holding.take, database, 60))
    await asyncio.sleep(0.5)
    lock_of(database).unlink()
    first.release()
    taken = await second
    with pytest.raises(StoreHeld, match=f"process {os.getpid()} on"):
        Holding.take(database, 0)
    taken.release()
