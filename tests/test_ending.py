"""The program ends when it is told to, whatever it waits for just then: with 0, and long before it would be killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.opening import open_store

LONGEST = 30
"""Seconds until Kubernetes kills what it has told to end ("Pod Lifecycle", terminationGracePeriodSeconds)."""
SETTINGS = """
[bot]
listen = "127.0.0.1:0"
database = "{database}"
database_wait_seconds = 3600
prices_url = ""
[accounts.render]
endpoint = "{silent}"
account = "render"
region = "westeurope"
subscription = "11111111-1111-1111-1111-111111111111"
resource_group = "render"
arm_endpoint = "{silent}"
credential = "managed_identity"
[slack]
api_url = "{silent}/api/"
[alerts]
channels = ["slack:C1"]
[access]
admins = ["slack:U1"]
"""


@contextmanager
def silent() -> Iterator[socket.socket]:
    """Something that connections can be made to, and that never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=50)) as made:
        made.settimeout(60)
        yield made


@contextmanager
def running(folder: Path, database: str, platform: socket.socket) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    settings, log = folder / "batchbot.toml", folder / "log"
    url = f"http://127.0.0.1:{platform.getsockname()[1]}"
    settings.write_text(SETTINGS.format(database=database, silent=url))
    environment = {**os.environ, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "IDENTITY_ENDPOINT": url}
    with log.open("wb") as out:
        command = [sys.executable, "-m", "bot", "run", "--settings", str(settings)]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
        try:
            yield process, log
        finally:
            process.kill()
            process.wait()


def ends(process: subprocess.Popen[bytes], log: Path) -> None:
    assert process.poll() is None, log.read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONGEST) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has Ctrl-C alone")


def test_while_a_chat_that_it_starts_with_does_not_answer(tmp_path: Path) -> None:
    with silent() as slack, running(tmp_path, str(tmp_path / "bot.db"), slack) as (process, log):
        connection, _ = slack.accept()
        with connection:
            ends(process, log)
        assert "app.stopped" in log.read_text(), "it closed what it had opened"


def test_while_another_holds_its_database(tmp_path: Path) -> None:
    path = str(tmp_path / "bot.db")
    _, let_go = open_store(path, hold=0)
    try:
        with silent() as slack, running(tmp_path, path, slack) as (process, log):
            until(lambda: "held_by_another" in log.read_text())
            ends(process, log)
    finally:
        let_go()


def test_while_its_postgresql_does_not_answer(tmp_path: Path) -> None:
    with silent() as slack, silent() as server:
        url = f"postgresql://batchbot@127.0.0.1:{server.getsockname()[1]}/batchbot"
        with running(tmp_path, url, slack) as (process, log):
            connection, _ = server.accept()
            with connection:
                ends(process, log)
