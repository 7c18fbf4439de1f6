"""The program as a process that can be killed: forked from one that has imported everything, so that it starts fast."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import aiohttp

from tests.acceptance.fast_clock import FastClock, FastTime

START_SECONDS = 60.0


@dataclass
class Program:
    """One installation of the program: its settings, its database, and the process that runs it, if one does."""

    raw: dict[str, Any]
    environment: Mapping[str, str]
    time: FastTime
    log: Path
    ahead: float = 0.0
    """Seconds by which its clock is wrong."""
    process: ForkServerProcess | None = None
    starts: int = 0
    die_at: str = ""
    """The step of posting a report at which it kills itself (:data:`STEPS`); empty: at none."""

    async def start(self) -> None:
        """Run it, and wait until it listens."""
        self.begin()
        await self.listening()

    def begin(self) -> None:
        """Run it."""
        self.process = _context().Process(
            target=_run, args=(self.raw, dict(self.environment), self.time, self.ahead, str(self.log), self.die_at)
        )
        self.process.start()
        self.starts += 1

    async def listening(self) -> None:
        """Wait until it answers."""
        end = time.monotonic() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < end:
                assert self.process and self.process.is_alive(), f"it did not come up:\n{self.said()}"
                try:
                    async with session.get(f"http://{self.raw['bot']['listen']}/health") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
        raise AssertionError(f"it did not come up in time:\n{self.said()}")

    async def restart(self, how: str) -> None:
        """End it, by ``kill`` or ``stop``, and run it again."""
        await (self.kill() if how == "kill" else self.stop())
        await self.start()

    async def died(self) -> None:
        """Wait until it has killed itself."""
        process, self.process = self.process, None
        assert process
        await asyncio.to_thread(process.join, START_SECONDS)
        assert process.exitcode == -signal.SIGKILL, self.said()[-3000:]

    async def kill(self) -> None:
        """As a machine that loses its power."""
        process, self.process = self.process, None
        if process and process.pid:
            os.kill(process.pid, signal.SIGKILL)
            await asyncio.to_thread(process.join)

    async def stop(self) -> int:
        """In good order; the exit code."""
        process, self.process = self.process, None
        if process is None or process.pid is None:
            return 0
        if process.is_alive():
            os.kill(process.pid, signal.SIGTERM)
        await asyncio.to_thread(process.join, 30)
        return process.exitcode if process.exitcode is not None else -1

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bot.app", "bot.cli", "tests.acceptance.program"])
    return context


def _run(raw: dict[str, Any], environment: dict[str, str], fast: FastTime, ahead: float, log: str, die_at: str) -> None:
    """The child."""
    with Path(log).open("a", encoding="utf-8") as out:
        os.dup2(out.fileno(), sys.stdout.fileno())
        os.dup2(out.fileno(), sys.stderr.fileno())
    os.environ.update(environment)
    asyncio.run(_serve(raw, FastClock(fast, ahead), die_at))


async def _serve(raw: dict[str, Any], clock: FastClock, die_at: str) -> None:
    from bot.app import App  # noqa: PLC0415
    from bot.ops import logs  # noqa: PLC0415 - in the child only
    from bot.settings_file import check  # noqa: PLC0415

    logs.configure("info")
    pace_by(clock)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    app = await App.open(check(raw), clock=clock, hold=True)
    app.drawing.start = _nothing  # type: ignore[method-assign] # no chart is asked for: starts are to be quick
    if die_at:
        _deadly(app, die_at)
    try:
        await app.start()
        await stopped.wait()
    finally:
        await app.stop()


STEPS = (
    "before it is decided",
    "after it is decided",
    "before it is claimed",
    "after it is claimed",
    "after it is posted",
    "after it is noted",
)
"""Of posting a report, in their order."""


def _deadly(app: Any, die_at: str) -> None:
    """The program dies, as a machine that loses its power, at a step of the first report that comes to it."""

    def around(of: Any, method: str, before: str, after: str, entry: int | None = None) -> None:
        real = getattr(of, method)

        async def wrapped(*args: Any, **kwargs: Any) -> Any:
            if entry is not None and not str(args[entry]).startswith("report-"):
                return await real(*args, **kwargs)
            _reached(before, die_at)
            found = await real(*args, **kwargs)
            _reached(after, die_at)
            return found

        setattr(of, method, wrapped)

    around(app.store, "post_report", STEPS[0], STEPS[1])
    around(app.store, "claim", STEPS[2], STEPS[3], entry=0)
    for chat in app.chats.values():
        around(chat, "post_once", "", STEPS[4], entry=2)
    around(app.store, "delivered", "", STEPS[5], entry=0)


def _reached(step: str, die_at: str) -> None:
    if step == die_at:
        os.kill(os.getpid(), signal.SIGKILL)


def pace_by(clock: FastClock) -> None:
    """Let the chats keep their pace by the fast clock, as the stand-ins measure it."""
    from bot.chat.budget import Budget  # noqa: PLC0415

    Budget.__init__.__defaults__ = (clock.elapsed, clock.sleep)


async def _nothing() -> None:
    return None
