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
from storage.sqlite.holding import Holding, lock_of

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
    first.release()
    first.release()
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
    first.release()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write access to its folder"):
        Holding.take(tmp_path / "nowhere" / "bot.db", 0)
