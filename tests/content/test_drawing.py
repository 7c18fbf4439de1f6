from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.content.drawing import Drawing, DrawingError
from cards.charts.usage import UsageChart, UsagePoint

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
CHART = UsageChart(
    "Half", "", (UsagePoint(NOON, 1, 2, 1),), 3600, NOON, NOON + timedelta(hours=1), width=400, height=225
)


class Fatal:
    """Ends the process that unpickles it; with ``marker`` only the first one."""

    def __init__(self, marker: Path | None = None) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[Path | None]]:
        return _die, (self.marker,)


def _die(marker: Path | None) -> UsageChart:
    if marker is None or not marker.exists():
        if marker is not None:
            marker.touch()
        os._exit(9)
    return CHART


@pytest.fixture(scope="module")
def drawing() -> Iterator[Drawing]:
    """One for all tests, since a worker takes seconds to start; nothing in it belongs to an event loop."""
    drawing = Drawing()
    yield drawing
    asyncio.run(drawing.close())


async def test_it_draws(drawing: Drawing) -> None:
    await drawing.start()
    png = await drawing.png(CHART)
    assert png.startswith(b"\x89PNG")
    assert await drawing.png(CHART) == png


async def test_many_at_once(drawing: Drawing) -> None:
    charts = [replace(CHART, headline=str(n)) for n in range(6)]
    assert len(set(await asyncio.gather(*map(drawing.png, charts)))) == 6


async def test_what_cannot_be_drawn_is_said(drawing: Drawing) -> None:
    with pytest.raises(DrawingError, match="str is no chart"):
        await drawing.png("nonsense")
    assert await drawing.png(CHART)


async def test_a_worker_that_dies_is_replaced(drawing: Drawing, tmp_path: Path) -> None:
    assert await drawing.png(Fatal(tmp_path / "died once"))


async def test_a_picture_that_kills_is_given_up(drawing: Drawing) -> None:
    with pytest.raises(DrawingError, match="died twice"):
        await drawing.png(Fatal())
    assert await drawing.png(CHART), "and the next one is drawn"


async def test_waiting_has_an_end() -> None:
    drawing = Drawing(wait=0.01)
    with pytest.raises(DrawingError, match="not ready"):
        await drawing.png(CHART)
    await drawing.close()


async def test_a_picture_that_takes_too_long_ends_its_worker() -> None:
    drawing = Drawing(timeout=0.001)
    with pytest.raises(DrawingError, match="died twice"):
        await drawing.png(replace(CHART, width=4000, height=4000))
    await drawing.close()


async def test_nothing_is_drawn_after_closing() -> None:
    drawing = Drawing()
    await drawing.close()
    with pytest.raises(DrawingError, match="stopping"):
        await drawing.png(CHART)


PARENT = """
import asyncio, sys
from bot.content.drawing import Drawing
from tests.content.test_drawing import CHART

async def main():
    drawing = Drawing()
    await drawing.png(CHART)
    assert "matplotlib" not in sys.modules, "the program itself must stay without matplotlib"
    print(*drawing._pool._processes, flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_do_not_outlive_the_program(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = str(Path(__file__).parents[2])
    command, environment = [sys.executable, str(script)], {**os.environ, "PYTHONPATH": root}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, env=environment, cwd=root, **pipes) as parent:
        workers = [int(word) for word in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert workers
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}/cmdline").exists() and _alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker stayed behind"
        time.sleep(0.05)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
