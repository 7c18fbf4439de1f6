"""Resident memory while the performance case is watched: 20 pools, 2,000 nodes, 50 jobs, 100,000 tasks.

The program runs whole (Teams adapter, store, watching, alerts, collector). Told apart are the program itself, with this
measurement in it; the process that draws its charts, which a machine has to hold too; and the sandbox, which stands for
Azure and is none of it.

    python -m bench.memory [--samples 20]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bot.app import App
from bot.chat.request import CommandRequest, Conversation, Person
from bot.ops import logs
from bot.tools.demo import Stage, demo_settings, free_port

GOAL = 160
"""MiB of the program while it watches."""
GOAL_SANDBOX = 500
_COMMANDS = ("home", "pool list", "job list", "account show", "usage 1h")


def resident(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> Iterator[int]:
    """The processes that a process started and that still run (Linux)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == pid:
            yield int(stat.parent.name)


def drawing(pid: int | str = "self") -> float:
    """Resident memory in MiB of the processes that draw for a program: those that Python spawned for it."""
    program = int(Path("/proc/self").resolve().name) if pid == "self" else int(pid)
    spawned = [each for each in _children(program) if b"multiprocessing" in _command(each)]
    return sum(resident(each) for each in spawned)


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def _look(app: App) -> None:
    """The program looks once more, now."""
    [(name, observer)] = app.observers.items()
    polls = observer.effort.polls
    while observer.effort.polls == polls:
        app.watcher.nudge(name)
        await asyncio.sleep(0.05)


async def measure(samples: int) -> bool:
    """Watch, request, and print what is resident; whether the goals are reached."""
    logs.configure("error")
    with tempfile.TemporaryDirectory() as scratch:
        async with Stage.azure_only(scenario="performance", history=1.0) as stage:
            told = {**stage.printed, "TEAMS_APP_ID": "app", "TEAMS_TENANT_ID": "tenant"}
            told |= {"TEAMS_OPENID_URL": "http://127.0.0.1:9/keys", "TEAMS_SERVICE_URL": "http://127.0.0.1:9/"}
            told["TEAMS_GRAPH_URL"] = "http://127.0.0.1:9/graph"
            stage.printed.update(told)
            listen = f"127.0.0.1:{free_port()}"
            settings = demo_settings(stage, listen=listen, database=str(Path(scratch) / "bench.db"))
            settings = msgspec.structs.replace(settings, platforms={"teams": settings.platforms["teams"]})
            app = await App.open(settings)
            try:
                before = resident()
                await app.start()
                for _ in range(samples):
                    await _look(app)
                    await stage.clock(advance=30)
                watching = resident()
                for command in _COMMANDS:
                    person, conversation = Person("text", "bench"), Conversation("text", "bench")
                    card = await app.dispatcher.card(
                        CommandRequest("k", command, person, conversation, datetime.now(UTC))
                    )
                    assert not card.refused, command
                asked, sandbox = resident(), resident(stage.pid)
                print(
                    f"memory  the program: loaded {before:.0f} MiB, after {samples} looks {watching:.0f} MiB "
                    f"(goal {GOAL} MiB), after {len(_COMMANDS)} commands {asked:.0f} MiB"
                )
                print(f"memory  the process that draws for it: {drawing():.0f} MiB more")
                print(f"memory  the sandbox, which stands for Azure: {sandbox:.0f} MiB (goal {GOAL_SANDBOX} MiB)")
            finally:
                await app.stop()
    return watching <= GOAL and sandbox <= GOAL_SANDBOX


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    sys.exit(not asyncio.run(measure(parser.parse_args().samples)))
