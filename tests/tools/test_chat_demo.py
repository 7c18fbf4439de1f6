"""`batchbot chat --demo` as somebody at a terminal has it: a pseudo-terminal, a child process, keys."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")
PATIENCE = 180
"""Seconds for whatever is waited for: what is tried is that it comes."""


class Chat:
    """The program at a terminal, what it wrote and what is typed."""

    def __init__(self, folder: Path) -> None:
        self.own, theirs = pty.openpty()
        command = [sys.executable, "-m", "bot", "chat", "--demo", "--history", "0.2", "--speed", "60"]
        self.process = subprocess.Popen(
            [*command, "--pictures", str(folder)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def until(self, pattern: str, begin: int = 0) -> re.Match[str]:
        """Read until it is there, from ``begin`` on."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := re.compile(pattern).search(self.said, begin):
                return found
            assert self.process.poll() is None, self.said
            self.said += re.sub(r"\x1b\[[0-9;]*m", "", os.read(self.own, 65536).decode(errors="replace"))
        raise AssertionError(f"no {pattern!r} in:\n{self.said}")

    def type(self, line: str, pattern: str) -> re.Match[str]:
        """Type a line, and read until its answer is there."""
        begin = len(self.said)
        os.write(self.own, line.encode() + b"\n")
        return self.until(pattern, begin)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.own)


@pytest.fixture
def chat(tmp_path: Path) -> Iterator[Chat]:
    running = Chat(tmp_path)
    yield running
    running.close()


@pytest.mark.timeout(3 * PATIENCE)
def test_it_is_a_conversation_about_an_account_that_is_watched(chat: Chat) -> None:
    chat.until("batch> ")
    assert "Active jobs" in chat.said, "it begins with the home card"
    chat.type("pool list", r"Pools in render-prod")
    chat.type("usage 1h", r"busy of [\d,.]+ core-hours")
    number = chat.until(r"\[(\d+)\] (?:Acknowledge|Open alerts)")[1]  # an alert came, or the home card counts them
    chat.type(number, r"Alerts in|cknowledged|alert")
    chat.type("status", r"Watched|watch|polls|render-prod")
    chat.process.send_signal(signal.SIGINT)
    assert chat.process.wait(PATIENCE) == 0
    assert "Traceback" not in chat.said
