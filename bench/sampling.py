"""The command ``batchbot`` with a sampler in it, which says what the main thread's CPU went into.

    python -m bench.sampling FILE run --settings batchbot.toml

At SIGUSR1 it writes into FILE, as JSON, the CPU-seconds of each thread so far, how often the main thread was found at
each kind of work, and the longest turns of its event loop. It is looked at every few milliseconds of the process's CPU
time; where it waits, another thread is at work, and nothing is counted.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY = 0.005
"""Seconds of CPU time between two samples."""
LONG = 0.2
"""A turn of the event loop that takes so many CPU-seconds is told."""
_PLACES = 4
_TURNS = "asyncio/events.py"
WIRE = "receiving (HTTP, TLS, event loop)"
KINDS = (
    ("/bot/outbox/", "delivering"),
    ("/bot/chat/", "delivering"),
    ("/bot/alerting/service.py", "deciding"),
    ("/bot/alerting/", "deciding"),
    ("/bot/monitor/collector.py", "samples"),
    ("/bot/monitor/network.py", "beside (money, advice, network, receipts)"),
    ("/bot/monitor/backfill.py", "history from Azure Monitor, once an account"),
    ("/bot/receipts/", "beside (money, advice, network, receipts)"),
    ("/bot/reports/", "beside (money, advice, network, receipts)"),
    ("/bot/accounting/", "beside (money, advice, network, receipts)"),
    ("/bot/advising/", "beside (money, advice, network, receipts)"),
    ("/bot/monitor/names.py", "names"),
    ("/bot/azure/decoding.py", "decoding"),
    ("/bot/azure/", "asking Azure"),
    ("/bot/monitor/", "folding"),
)
"""The kind of work by a part of a file's path. The outermost frame decides, but within a poll the innermost."""
_WAITING = ("/selectors.py",)
_POLL = "/bot/monitor/observer.py"
_CALLS = ("/bot/monitor/watcher.py", "/bot/monitor/look_reader.py")
"""What calls all the others is none of it."""


def kind_of(frame: FrameType | None) -> str:
    """What a stack is at; empty where it waits."""
    files: list[str] = []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    if files[0].endswith(_WAITING):
        return ""
    watching = any(file.endswith(_POLL) for file in files)
    for file in files if watching else reversed(files):
        if file.endswith(_CALLS):
            continue
        for part, kind in KINDS:
            if part in file:
                return kind
    return WIRE


def turn_of(frame: FrameType | None) -> FrameType | None:
    """The turn of the event loop that a stack is in: while it takes, nothing else is done."""
    while frame is not None and not (frame.f_code.co_name == "_run" and frame.f_code.co_filename.endswith(_TURNS)):
        frame = frame.f_back
    return frame


def place_of(frame: FrameType | None) -> str:
    """The innermost functions of the program in a stack."""
    found: list[str] = []
    while frame is not None and len(found) < _PLACES:
        file = frame.f_code.co_filename
        if any(part in file for part in ("/bot/", "/storage/", "/handlers/", "/cards/")):
            found.append(f"{Path(file).stem}.{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(found)


class Turns:
    """The longest turns of the event loop, in CPU-seconds, and where each was when it was half over."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self._turn: FrameType | None = None
        self._places: list[str] = []

    def note(self, frame: FrameType | None) -> None:
        """The main thread is there."""
        turn = turn_of(frame)
        if turn is None or turn is not self._turn:
            if len(self._places) * EVERY >= LONG:
                place = self._places[len(self._places) // 2]
                self.longest[place] = max(self.longest.get(place, 0.0), len(self._places) * EVERY)
            self._turn, self._places = turn, []
        self._places.append(place_of(frame))


def main() -> None:
    """Run the command."""
    into, sys.argv = Path(sys.argv[1]), ["batchbot", *sys.argv[2:]]
    from bot import cli  # noqa: PLC0415

    counted: Counter[str] = Counter()
    turns = Turns()

    def sample(_: int, frame: FrameType | None) -> None:
        counted[kind_of(frame)] += 1
        turns.note(frame)

    def tell(_: int, __: FrameType | None) -> None:
        threads: Counter[str] = Counter()
        for each in threading.enumerate():
            stat = Path(f"/proc/self/task/{each.native_id}/stat").read_text(encoding="ascii")
            fields = stat.rpartition(")")[2].split()
            name = each.name.partition("_")[0] if each.name.partition("_")[2].isdigit() else each.name
            threads[name] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # type: ignore[assignment]
        written = into.with_suffix(".new")
        written.write_text(json.dumps({"threads": threads, "kinds": counted, "turns": turns.longest}), encoding="utf-8")
        written.replace(into)

    # asyncio is woken by every signal, and where very much is to be done in one turn it has no room for more of these.
    signal.set_wakeup_fd = functools.partial(signal.set_wakeup_fd, warn_on_full_buffer=False)  # type: ignore[assignment]
    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, tell)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    cli.main()


if __name__ == "__main__":
    main()
