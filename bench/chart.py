"""Every kind of picture beside plain matplotlib and vl-convert, in one run: time and bytes of a warm one.

    python -m bench.chart [--rounds 7] [--only usage,bars] [--keep DIR]

All draw the same figures. Plain (:mod:`bench.chart_plain`) is what one writes first, vl-convert
(:mod:`bench.chart_vega`) as plainly as it can be had; both are let off patterns, end labels and whatever else makes a
picture fit for a chat. Rounds are interleaved, and told is the least time of the processor, which neighbours on a busy
machine change least.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.chart_plain import PLAIN
from bench.chart_vega import VEGA
from bot.content.drawing import Drawing
from cards.charts.draw import draw
from cards.charts.scaling import Scaling, ScalingPoint
from cards.charts.usage import UsageChart
from tests.cards.charts.bar_shapes import bar_shapes
from tests.cards.charts.heatmaps import pools
from tests.cards.charts.shapes import DAY, END, HOUR, holed, usage_chart, with_spot, working_days
from tests.cards.charts.timelines import timelines
from tests.cards.charts.topologies import account
from tests.cards.charts.trend_shapes import trend_shapes

FASTER = SMALLER = 2.0
"""Than plain matplotlib; than vl-convert it has to be faster."""


def chart() -> UsageChart:
    """A week in half hours."""
    return usage_chart(points=holed(usage_chart(), END - 69 * HOUR, END - 65 * HOUR), note="$1,842 spent, $731 idle")


def charts() -> dict[str, object]:
    """One of each kind, and of each form that a kind has."""
    bars, trends = bar_shapes(), trend_shapes()
    return {
        "usage": chart(),
        "usage spot": usage_chart(points=with_spot(chart().points, 0.4, END - 5 * DAY), idle="$731"),
        "bars": bars["budget"],
        "bars 90": bars["quarter"],
        "bars across": bars["pools in parts"],
        "trend bars": trends["tasks"],
        "trend lines": trends["runtime"],
        "heatmap": pools(300, 200),
        "scaling": _scaling(),
        "topology": account(5, 20, 8),
        "timeline": timelines()["2500 on 40 slots"],
    }


def _scaling() -> Scaling:
    points = tuple(
        ScalingPoint(p.start, p.busy / 8, max(0.0, p.total - p.busy), p.total / 8, p.busy)
        for p in working_days(END - 7 * DAY, END, 1800)
    )
    return Scaling("$221 less than as it was", "render-prod · pool gpu-a", points, 1800, END - 7 * DAY, END)


async def through_the_worker(spec: UsageChart) -> tuple[float, float, float]:
    """Milliseconds: the first picture after start, a warm one, and the loop's longest stall over eight at once."""
    drawing = Drawing()
    await drawing.start()
    begun = time.perf_counter()
    await drawing.png(spec)
    first = time.perf_counter() - begun
    begun = time.perf_counter()
    await drawing.png(spec)
    warm = time.perf_counter() - begun
    stall = 0.0

    async def watch() -> None:
        nonlocal stall
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            stall = max(stall, time.perf_counter() - before - 0.001)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(drawing.png(each) for each in list(charts().values())[:8]))
    watcher.cancel()
    await drawing.close()
    return first * 1e3, warm * 1e3, stall * 1e3


def measure(
    name: str, spec: object, painters: dict[str, Callable[[Any], bytes]], rounds: int, keep: Path | None
) -> bool:
    """Draw one by everybody in turns, print what it took, and return whether the goals are reached."""
    pictures = {who: paint(spec) for who, paint in painters.items()}  # warms them, too
    took: dict[str, list[float]] = {who: [] for who in painters}
    for _ in range(rounds):
        for who, paint in painters.items():
            begun = time.process_time()
            paint(spec)
            took[who].append((time.process_time() - begun) * 1e3)
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for who, png in pictures.items():
            (keep / f"{name}-{who}.png".replace(" ", "-")).write_bytes(png)
    least = {who: min(values) for who, values in took.items()}
    ours, size = least["batchbot"], len(pictures["batchbot"])
    line = f"  {name:12} {ours:6.0f} ms {size / 1e3:6.1f} kB"
    for who in list(painters)[1:]:
        ratio, larger = least[who] / ours, len(pictures[who]) / size
        line += f"   {who} {least[who]:5.0f} ms ({ratio:.1f}x) {len(pictures[who]) / 1e3:6.1f} kB ({larger:.1f}x)"
    reached = least["plain"] / ours >= FASTER and len(pictures["plain"]) / size >= SMALLER
    reached = reached and least.get("vl-convert", ours + 1) > ours
    print(f"{line}   {'reached' if reached else 'MISSED'}", flush=True)
    return reached


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.chart", description="Every picture, beside others.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="names of charts, separated by commas")
    parser.add_argument("--keep", type=Path, help="folder to keep the pictures in")
    given = parser.parse_args()
    wanted = [name.strip() for name in given.only.split(",") if name.strip()]
    try:
        VEGA[UsageChart](chart())
        with_vega = True
    except ImportError:
        print("vl-convert is not installed: pip install vl-convert-python")
        with_vega = False
    print(
        f"warm pictures, least processor time of {given.rounds}; goal: {FASTER:.0f}x faster and {SMALLER:.0f}x smaller "
        "than plain matplotlib, faster than vl-convert"
    )
    for name, spec in charts().items():
        if wanted and name not in wanted:
            continue
        painters: dict[str, Callable[[Any], bytes]] = {"batchbot": draw, "plain": PLAIN[type(spec)]}
        if with_vega:
            painters["vl-convert"] = VEGA[type(spec)]
        measure(name, spec, painters, given.rounds, given.keep)
    first, warm, stall = asyncio.run(through_the_worker(chart()))
    print(
        f"  through the worker: first {first:.0f} ms, then {warm:.0f} ms; eight at once stall the loop {stall:.1f} ms"
    )


if __name__ == "__main__":
    main()
