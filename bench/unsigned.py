"""What requests cost that nobody signed: how long refusing one takes, and how late Slack is acknowledged beside them.

The program runs in a process of its own. From outside the strict Slack stand-in sends commands and measures until each
is acknowledged, first alone, then while ten connections post forms of 1 MB with a false signature as fast as they can;
and each kind of body is posted one after the other.

    python -m bench.unsigned [--commands 100]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from bench.ranks import tail
from bot.app import App
from bot.ops import logs
from bot.sandbox.slack import SlackSettings, SlackStandIn
from bot.settings_file import check
from bot.tools.demo import free_port

GOAL_ACK_MS = 1000
"""At the 99th percentile, beside ten connections; Slack gives three seconds."""
GOAL_REFUSED_MS = 5
CONNECTIONS = 10
REFUSED = 200
_FORM = b"payload=" + b"a" * 1_000_000
BODIES = {
    "form of 1 MB": _FORM,
    "100,000 opened lists": b"[" * 100_000,
    "no UTF-8": b"\xff\xfe" * 50_000,
    "an opened brace": b"{",
}
ACCOUNT = {"endpoint": "https://nowhere.westeurope.batch.azure.com", "subscription": "s", "resource_group": "r"}


async def serve(listen: str, slack_url: str) -> None:
    """The program, with nothing else to do."""
    logs.configure("error")
    with tempfile.TemporaryDirectory() as scratch:
        bot = {"listen": listen, "database": str(Path(scratch) / "bench.db"), "prices_url": ""}
        app = await App.open(check({"bot": bot, "accounts": {"render": ACCOUNT}, "slack": {"api_url": slack_url}}))
        await app.start()
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        print("up", flush=True)
        await stopped.wait()
        await app.stop()


@asynccontextmanager
async def program(slack: SlackStandIn) -> AsyncIterator[tuple[str, int]]:
    """The program as a child: the address that Slack calls, and its process."""
    listen = f"127.0.0.1:{free_port()}"
    slack.app_url = f"http://{listen}/slack/events"
    settings = slack.settings
    told = {"SLACK_BOT_TOKEN": settings.bot_token, "SLACK_SIGNING_SECRET": settings.signing_secret}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.unsigned", "--listen", listen, "--slack", slack.api_url,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | told,
    )  # fmt: skip
    assert child.stdout
    if (await child.stdout.readline()).decode().strip() != "up":
        raise RuntimeError("the program did not come up")
    try:
        yield slack.app_url, child.pid
    finally:
        child.terminate()
        await child.wait()


def _unsigned() -> dict[str, str]:
    return {
        "X-Slack-Request-Timestamp": str(int(time.time())),
        "X-Slack-Signature": "v0=" + "0" * 64,
        "Content-Type": "application/x-www-form-urlencoded",
    }


def _processor_ms(pid: int) -> float:
    """What the program has taken of the processor so far: whoever else is busy here does not count."""
    user, system = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * 1e3 / os.sysconf("SC_CLK_TCK")


async def _floods(url: str, counted: list[int]) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.post(url, data=_FORM, headers=_unsigned()) as answer:
                counted[answer.status == 401] += 1


async def _acknowledged(slack: SlackStandIn, commands: int) -> list[float]:
    took = []
    for number in range(commands):
        begun = time.perf_counter()
        await slack.command("viewer", "batch-ops", f"help {number}")
        took.append((time.perf_counter() - begun) * 1e3)
        await asyncio.sleep(0.05)
    return sorted(took)


def _tell(when: str, took: list[float], goal: str = "") -> None:
    end, most = tail(took)
    print(f"acknowledge  {when:45} p50 {statistics.median(took):6.1f} ms  {end} {most:6.1f} ms{goal}")


async def measure(commands: int) -> None:
    """All of it, one run."""
    slack = SlackStandIn(SlackSettings(post_burst=0, tiers=False))
    await slack.start()
    async with program(slack) as (url, pid):
        _tell("alone", await _acknowledged(slack, commands))
        counted = [0, 0]
        floods = [asyncio.create_task(_floods(url, counted)) for _ in range(CONNECTIONS)]
        begun = time.perf_counter()
        took = await _acknowledged(slack, commands)
        each = counted[1] / (time.perf_counter() - begun)
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
        _tell(f"beside {CONNECTIONS} connections of 1 MB, unsigned", took, f" (goal p99 {GOAL_ACK_MS} ms)")
        print(f"refused      {each:.0f} forms of 1 MB a second, {counted[0]} answered otherwise than 401")
        async with aiohttp.ClientSession() as session:
            for name, body in BODIES.items():
                begun = _processor_ms(pid)
                for _ in range(REFUSED):
                    async with session.post(url, data=body, headers=_unsigned()) as answer:
                        await answer.read()
                each = (_processor_ms(pid) - begun) / REFUSED
                print(f"refused      {name:25} {each:5.2f} ms of the processor each (goal {GOAL_REFUSED_MS} ms)")
    await slack.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=100)
    parser.add_argument("--listen", default="")
    parser.add_argument("--slack", default="")
    given = parser.parse_args()
    asyncio.run(serve(given.listen, given.slack) if given.listen else measure(given.commands))
