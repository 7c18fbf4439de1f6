"""Twenty commands a second for two minutes: how many fail, how late they are acknowledged, and whether memory grows.

The program runs in a process of its own. From outside the strict Slack stand-in sends the commands of four people and
measures until each is acknowledged. More is asked than may be answered: queues and shares are full all the time.

    python -m bench.load [--seconds 120]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import time
from pathlib import Path

from bench.ranks import tail
from bench.unsigned import program
from bot.sandbox.slack import SlackSettings, SlackStandIn

A_SECOND = 20
GOAL_ACK_MS = 100
PEOPLE = ("viewer", "operator", "admin", "second admin")
COMMANDS = ("help", "help pool list", "status", "home", "alert list")


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(seconds: int) -> None:
    """One run."""
    slack = SlackStandIn(SlackSettings(post_burst=0, tiers=False))
    await slack.start()
    took: list[float] = []
    failed = 0

    async def asks(number: int) -> None:
        nonlocal failed
        begun = time.perf_counter()
        done = await slack.command(PEOPLE[number % len(PEOPLE)], "batch-ops", COMMANDS[number % len(COMMANDS)])
        took.append((time.perf_counter() - begun) * 1e3)
        failed += not done.ok

    async with program(slack) as (_, pid):
        memory, asking = [_resident_mib(pid)], list[asyncio.Task[None]]()
        begun = time.perf_counter()
        for number in range(A_SECOND * seconds):
            asking.append(asyncio.create_task(asks(number)))
            await asyncio.sleep(max(0.0, begun + (number + 1) / A_SECOND - time.perf_counter()))
            if (number + 1) % (A_SECOND * seconds // 6) == 0:
                memory.append(_resident_mib(pid))
        await asyncio.gather(*asking)
    await slack.close()
    took.sort()
    end, most = tail(took)
    grown = " ".join(f"{after - before:+.1f}" for before, after in itertools.pairwise(memory))
    print(
        f"load         {A_SECOND} commands a second for {seconds} s: {failed} failed; acknowledged p50 "
        f"{took[len(took) // 2]:.1f} ms  {end} {most:.1f} ms (goal {GOAL_ACK_MS} ms)"
    )
    print(f"memory       {memory[0]:.0f} MiB, and in each sixth of the time {grown} MiB (goal: levels off)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    asyncio.run(measure(parser.parse_args().seconds))
