"""Resident memory of the program while it watches the performance case: 20 pools, 2,000 nodes, 50 jobs, 100,000 tasks.

The program runs whole (Slack and Teams adapters, store, collector); the sandbox and the drawing process are processes
of their own and are told apart.

    python -m bench.memory [--samples 20]
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bot.app import App
from bot.chat.request import CommandRequest, Conversation, Person
from bot.ops import logs
from bot.tools.demo import Stage, demo_settings, free_port

GOAL = 160
_COMMANDS = ("home", "pool list", "job list", "account show", "usage 1h")


def resident(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def measure(samples: int) -> None:
    """Watch, request, and print what is resident."""
    logs.configure("error")
    with tempfile.TemporaryDirectory() as scratch:
        async with Stage.azure_only(scenario="performance", history=1.0) as stage:
            told = {**stage.printed, "TEAMS_APP_ID": "app", "TEAMS_TENANT_ID": "tenant"}
            told |= {"TEAMS_OPENID_URL": "http://127.0.0.1:9/keys", "TEAMS_SERVICE_URL": "http://127.0.0.1:9/"}
            stage.printed.update(told)
            listen = f"127.0.0.1:{free_port()}"
            settings = demo_settings(stage, listen=listen, database=str(Path(scratch) / "bench.db"))
            settings = msgspec.structs.replace(settings, platforms={"teams": settings.platforms["teams"]})
            app = await App.open(settings)
            try:
                before = resident()
                await app.start()
                for _ in range(samples):
                    await asyncio.gather(*(app.collector.collect(account) for account in app.accounts))
                    await stage.clock(advance=60)
                watching = resident()
                for command in _COMMANDS:
                    person, conversation = Person("text", "bench"), Conversation("text", "bench")
                    card = await app.dispatcher.card(
                        CommandRequest("k", command, person, conversation, datetime.now(UTC))
                    )
                    assert not card.refused, command
                asked = resident()
                print(
                    f"memory  loaded {before:.0f} MiB, watching {samples} samples {watching:.0f} MiB, "
                    f"after {len(_COMMANDS)} commands {asked:.0f} MiB (goal {GOAL} MiB)"
                )
                print(f"memory  the sandbox beside it {resident(stage.pid):.0f} MiB (goal 500 MiB)")
            finally:
                await app.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    asyncio.run(measure(parser.parse_args().samples))
