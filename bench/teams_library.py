"""The two libraries that may speak to Teams, side by side: start, memory, what checking and sending costs.

Each run is a process of its own, and the two take turns, so that a busy machine is no advantage to either. The other
side is the same for both: a service on loopback that signs tokens and takes whatever it is sent. What is told of CPU is
the process's, with the service in it.

    python -m bench.teams_library [--rounds 5]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from typing import Any

LIBRARIES = ("botbuilder", "agents")
_CALLS = 300
_ROWS = 100
_FIGURES = (
    ("import", "ms", "to import the adapter with its library"),
    ("memory", "MiB", "more memory for that"),
    ("modules", "", "modules more"),
    ("check", "ms", "CPU to check a request's token"),
    ("post", "ms", "CPU to send a card of 100 rows"),
)


def _resident() -> float:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib is part of what is measured
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS:"))


def _run(name: str) -> None:
    """One process: print its figures."""
    import bot.chat.teams.adapter  # noqa: F401, PLC0415 - what both need is no part of the difference
    import bot.chat.teams.library as libraries  # noqa: PLC0415

    before, modules, begun = _resident(), len(sys.modules), time.perf_counter()
    libraries.load(name)  # type: ignore[arg-type]
    figures = {
        "import": (time.perf_counter() - begun) * 1e3,
        "memory": _resident() - before,
        "modules": float(len(sys.modules) - modules),
    }
    figures |= asyncio.run(_work(name))
    print(json.dumps(figures))


async def _work(name: str) -> dict[str, float]:
    from tests.chat.teams_service import build, tear_down  # noqa: PLC0415

    world = await build(sdk=name)
    token = f"Bearer {world.service.token()}"
    verifier = world.teams._verifier
    row = {"type": "TableRow", "cells": [{"type": "TableCell", "items": [{"type": "TextBlock", "text": "a cell"}]}] * 6}
    card = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "Table", "rows": [row] * _ROWS}]}
    activity: dict[str, Any] = {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }
    connector = world.teams._outbound()._connector
    await verifier.check(token)
    await connector.post(world.service.url, "19:ops@thread.tacv2", activity)
    begun = time.process_time()
    for _ in range(_CALLS):
        await verifier.check(token)
    checked = time.process_time()
    for _ in range(_CALLS):
        await connector.post(world.service.url, "19:ops@thread.tacv2", activity)
    sent = time.process_time()
    await tear_down(world)
    return {"check": (checked - begun) / _CALLS * 1e3, "post": (sent - checked) / _CALLS * 1e3}


def main() -> int:
    """Print a line a figure, with the ratio of agents to botbuilder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=LIBRARIES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _run(options.one)
        return 0
    found: dict[str, list[dict[str, float]]] = {name: [] for name in LIBRARIES}
    for _ in range(options.rounds):
        for name in LIBRARIES:
            command = [sys.executable, "-m", "bench.teams_library", "--one", name]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[name].append(json.loads(said.splitlines()[-1]))
    print(f"{'median of ' + str(options.rounds):44}{'botbuilder':>12}{'agents':>12}{'ratio':>8}")
    for key, unit, words in _FIGURES:
        one, other = (statistics.median(figures[key] for figures in found[name]) for name in LIBRARIES)
        print(f"{words:44}{one:>8.1f} {unit:3}{other:>8.1f} {unit:3}{other / one:>8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
