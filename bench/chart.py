"""The usage picture beside plain matplotlib and vl-convert, in one run: time and bytes of a warm 1600x900 chart.

    python -m bench.chart [--rounds 15] [--keep DIR]

All draw the same figures: busy filled, all as a step line, the idle gap tinted, the strip of 90 days. Plain is what one
writes first, an Axes with dates and a constrained layout, and has the hole, the end labels and the window's mark too;
vl-convert is let off them. Rounds are interleaved, so that a busy machine is busy for everyone; told are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from bot.content.drawing import Drawing
from cards.charts.draw import draw
from cards.charts.usage import UsageChart, UsagePoint
from tests.cards.charts.shapes import END, HOUR, holed, usage_chart

GOAL = 2.0


def chart() -> UsageChart:
    """A week in half hours."""
    return usage_chart(points=holed(usage_chart(), END - 69 * HOUR, END - 65 * HOUR), note="$1,842 spent, $731 idle")


def plain(spec: UsageChart) -> bytes:
    """The picture by matplotlib's Axes."""
    zone = ZoneInfo(spec.zone)
    figure = Figure(figsize=(16, 9), dpi=100, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[6, 1])
    at, busy, total = _columns(spec.points, spec)
    above.fill_between(at, total, step="post", color="#fce8ba")
    above.fill_between(at, busy, step="post", color="#3b7de6")
    above.step(at, total, where="post", color="#16202c", linewidth=3)
    above.set_xlim(spec.since, spec.until)
    above.set_ylim(0)
    above.grid(axis="y", color="#e2e7ec")
    words = f"{spec.headline}\n{spec.subtitle}\n{spec.note}"
    above.set_title(words, loc="left", fontsize=24, parse_math=False)
    for name, value, height in (("ALL", total[-1], 0.3), ("BUSY", busy[-1], 0.1)):
        conversation = {"xytext": (1.01, height), "textcoords": "axes fraction", "fontsize": 20}
        above.annotate(f"{name} {value:.0f} cores", (at[-1], value), **conversation)
    at, busy, total = _columns(spec.strip, spec)
    below.fill_between(at, total, color="#dde2e8")
    below.fill_between(at, busy, color="#b0bcca")
    below.axvspan(spec.since, spec.until, color="#3b7de6", alpha=0.3)
    below.set_yticks([])
    for axes in (above, below):
        locator = AutoDateLocator(tz=zone)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        axes.tick_params(labelsize=20)
        axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _columns(points: tuple[UsagePoint, ...], spec: UsageChart) -> tuple[list[datetime], list[float], list[float]]:
    """Times and values, with not-a-number where there is a hole."""
    at: list[datetime] = []
    busy: list[float] = []
    total: list[float] = []
    for number, point in enumerate(points):
        if number and (point.start - at[-1]).total_seconds() > spec.step and points is spec.points:
            at, busy, total = [*at, at[-1]], [*busy, float("nan")], [*total, float("nan")]
        at.append(point.start)
        busy.append(point.busy)
        total.append(point.total)
    return at, busy, total


def vega(spec: UsageChart) -> bytes:
    """The picture by Vega-Lite in vl-convert."""
    import vl_convert  # noqa: PLC0415 - an extra of its own

    def rows(points: tuple[UsagePoint, ...]) -> dict[str, object]:
        return {"values": [{"at": p.start.timestamp() * 1000, "busy": p.busy, "all": p.total} for p in points]}

    def layer(mark: dict[str, object], field: str) -> dict[str, object]:
        y = {"field": field, "type": "quantitative", "title": None, "axis": {"labelFontSize": 24, "tickCount": 4}}
        x = {"field": "at", "type": "temporal", "title": None, "axis": {"labelFontSize": 24, "tickCount": 8}}
        return {"mark": mark, "encoding": {"x": x, "y": y}}

    step = {"interpolate": "step-after"}
    curves = [
        layer({"type": "area", "color": "#fce8ba", **step}, "all"),
        layer({"type": "area", "color": "#3b7de6", **step}, "busy"),
        layer({"type": "line", "color": "#16202c", "strokeWidth": 3, **step}, "all"),
    ]
    past = [layer({"type": "area", "color": "#dde2e8"}, "all"), layer({"type": "area", "color": "#b0bcca"}, "busy")]
    title = {"text": spec.headline, "subtitle": [spec.subtitle, spec.note], "anchor": "start"}
    words = {
        "background": "white",
        "title": {**title, "fontSize": 40, "subtitleFontSize": 26},
        "vconcat": [
            {"width": 1537, "height": 619, "data": rows(spec.points), "layer": curves},
            {"width": 1537, "height": 70, "data": rows(spec.strip), "layer": past},
        ],
    }
    return bytes(vl_convert.vegalite_to_png(words, vl_version="5.20", scale=1))


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
    await asyncio.gather(*(drawing.png(spec) for _ in range(8)))
    watcher.cancel()
    await drawing.close()
    return first * 1e3, warm * 1e3, stall * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.chart", description="The usage picture, beside others.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="folder to keep the pictures in")
    given = parser.parse_args()
    spec = chart()
    painters: dict[str, Callable[[UsageChart], bytes]] = {"batchbot": draw, "plain matplotlib": plain}
    try:
        vega(spec)
        painters["vl-convert"] = vega
    except ImportError:
        print("vl-convert is not installed: pip install vl-convert-python")
    pictures = {name: paint(spec) for name, paint in painters.items()}  # warms them, too
    took: dict[str, list[float]] = {name: [] for name in painters}
    for _ in range(given.rounds):
        for name, paint in painters.items():
            begun = time.perf_counter()
            paint(spec)
            took[name].append((time.perf_counter() - begun) * 1e3)
    ours, size = statistics.median(took["batchbot"]), len(pictures["batchbot"])
    print(f"warm usage picture, {spec.width}x{spec.height}, median of {given.rounds}")
    for name, values in took.items():
        median = statistics.median(values)
        print(
            f"  {name:18} {median:7.0f} ms ({min(values):.0f} … {max(values):.0f})  {len(pictures[name]) / 1e3:6.1f} kB"
            f"  {median / ours:5.1f}x the time  {len(pictures[name]) / size:4.1f}x the bytes"
        )
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
            (given.keep / f"{name.replace(' ', '-')}.png").write_bytes(pictures[name])
    faster = statistics.median(took["plain matplotlib"]) / ours
    smaller = len(pictures["plain matplotlib"]) / size
    print(f"  goal {GOAL:.0f}x faster than plain: {_met(faster)}; {GOAL:.0f}x smaller: {_met(smaller)}")
    first, warm, stall = asyncio.run(through_the_worker(spec))
    print(
        f"  through the worker: first {first:.0f} ms, then {warm:.0f} ms; eight at once stall the loop {stall:.1f} ms"
    )


def _met(ratio: float) -> str:
    return f"{'reached' if ratio >= GOAL else 'MISSED'} ({ratio:.1f}x)"


if __name__ == "__main__":
    main()
