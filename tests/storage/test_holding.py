"""One program holds a database, and lets it go however it ends."""

from __future__ import annotations

import asyncio
import os
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


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write access to its folder"):
        Holding.take(tmp_path / "nowhere" / "bot.db", 0)
