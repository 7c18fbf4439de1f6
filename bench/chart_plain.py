"""Every kind of chart by matplotlib's Axes: what one writes first, with a title, labels and a constrained layout."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from cards.charts.bars import BarChart, total
from cards.charts.heatmap import HeatMap, sorted_cells
from cards.charts.node_states import STYLES
from cards.charts.scaling import Scaling
from cards.charts.timeline import Timeline
from cards.charts.topology import Topology
from cards.charts.trend import TrendChart
from cards.charts.usage import UsageChart, UsagePoint

TONES = {
    "busy": "#3b7de6",
    "idle": "#fce8ba",
    "spot": "#a8c6f6",
    "billed": "#3a485a",
    "good": "#68c89e",
    "bad": "#9e1420",
    "other": "#7c8692",
}


def _sheet(height: float = 9, rows: int = 1, **more: Any) -> tuple[Figure, Any]:
    figure = Figure(figsize=(16, height), dpi=100, layout="constrained")
    return figure, figure.subplots(rows, 1, **more)


def _titled(axes: Any, *lines: str) -> None:
    axes.set_title("\n".join(line for line in lines if line), loc="left", fontsize=24, parse_math=False)


def _dated(axes: Any, zone: str) -> None:
    locator = AutoDateLocator(tz=ZoneInfo(zone))
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=ZoneInfo(zone)))


def _finished(figure: Figure, *every: Any) -> bytes:
    for axes in every:
        axes.tick_params(labelsize=20)
        axes.spines[["top", "right"]].set_visible(False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def bars(spec: BarChart) -> bytes:
    """Stacked bars with their totals and a legend."""
    figure, axes = _sheet()
    labels = [bar.label for bar in spec.bars]
    places = list(range(len(labels)))
    draw, base = (axes.barh if spec.across else axes.bar), [0.0] * len(labels)
    drawn = None
    for n, series in enumerate(spec.series):
        values = [bar.values[n] or 0.0 for bar in spec.bars]
        shift = {"left" if spec.across else "bottom": list(base)}
        drawn = draw(places, values, label=series.name, color=TONES[series.tone], **shift)
        base = [before + value for before, value in zip(base, values, strict=True)]
    if drawn is not None and len(labels) <= 20:
        axes.bar_label(drawn, labels=[f"{total(bar) or 0:,.0f}" for bar in spec.bars], fontsize=18)
    if spec.level is not None:
        (axes.axvline if spec.across else axes.axhline)(
            spec.level, color="black", linestyle="--", label=spec.level_label
        )
    every = max(1, len(labels) // 8)
    axis = axes.yaxis if spec.across else axes.xaxis
    axis.set_ticks(places[:: 1 if spec.across else every], labels[:: 1 if spec.across else every])
    _titled(axes, spec.headline, spec.subtitle, spec.note)
    axes.legend(fontsize=20)
    return _finished(figure, axes)


def trend(spec: TrendChart) -> bytes:
    """Stacked bars or lines over time, those of the period before thin, and a legend."""
    figure, axes = _sheet()
    count = max(len(series.values) for series in spec.series)
    at = [spec.since + timedelta(seconds=spec.step * n) for n in range(count)]
    base = [0.0] * count
    for series in spec.series:
        values = [float("nan") if value is None else value for value in series.values]
        if spec.bars:
            axes.bar(
                at,
                values,
                bottom=list(base),
                width=spec.step / 86400 * 0.8,
                color=TONES[series.tone],
                label=series.name,
            )
            base = [a + b for a, b in zip(base, values, strict=True)]
        else:
            axes.plot(at, values, color=TONES[series.tone], linewidth=3, marker="s", label=series.name)
        if series.before:
            before = [float("nan") if value is None else value for value in series.before[:count]]
            axes.plot(at[: len(before)], before, color=TONES[series.tone], linewidth=1, alpha=0.6)
    axes.set_ylim(0)
    axes.grid(axis="y", color="#e2e7ec")
    _titled(axes, spec.headline, spec.subtitle, spec.note)
    axes.legend(fontsize=20)
    _dated(axes, spec.zone)
    return _finished(figure, axes)


def heatmap(spec: HeatMap) -> bytes:
    """A square a node by scatter, a legend of states; with its letter; let off the stripes of spot nodes."""
    figure, axes = _sheet(16)
    row = 0
    for section in spec.sections:
        cells = sorted_cells(section.cells)
        x = [n % 50 for n in range(len(cells))]
        y = [-(row + n // 50) for n in range(len(cells))]
        colours = [tuple(c / 255 for c in STYLES[cell.state].colour) for cell in cells]
        axes.scatter(x, y, s=400, marker="s", c=colours)
        for across, down, cell in zip(x, y, cells, strict=True):
            axes.text(across, down, STYLES[cell.state].letter, ha="center", va="center", fontsize=12)
        axes.text(0, -row + 0.8, section.name, fontsize=18)
        row += len(cells) // 50 + 3
    for state in {cell.state for section in spec.sections for cell in section.cells}:
        axes.scatter([], [], marker="s", color=[tuple(c / 255 for c in STYLES[state].colour)], label=STYLES[state].word)
    _titled(axes, spec.headline, spec.subtitle)
    axes.legend(fontsize=18, ncols=4, loc="lower center", bbox_to_anchor=(0.5, -0.1))
    axes.set_axis_off()
    return _finished(figure, axes)


def scaling(spec: Scaling) -> bytes:
    """Two plots over time: nodes and tasks, with the formula and as they were."""
    figure, (above, below) = _sheet(11, 2, sharex=True)
    at = [point.start for point in spec.points]
    above.fill_between(at, [p.was_nodes for p in spec.points], step="post", color=TONES["idle"], label="as it was")
    above.step(
        at, [p.nodes for p in spec.points], where="post", color=TONES["busy"], linewidth=3, label="with the formula"
    )
    below.fill_between(at, [p.was_waiting or 0 for p in spec.points], step="post", color=TONES["idle"])
    below.step(at, [p.waiting for p in spec.points], where="post", color=TONES["busy"], linewidth=3)
    _titled(above, spec.headline, spec.subtitle)
    above.legend(fontsize=20)
    for axes in (above, below):
        axes.set_ylim(0)
        axes.grid(axis="y", color="#e2e7ec")
        _dated(axes, spec.zone)
    return _finished(figure, above, below)


RUNS = {"run": TONES["busy"], "failed": TONES["bad"], "preparation": TONES["good"]}


def timeline(spec: Timeline) -> bytes:
    """How many wait as stacked areas, and bars of runs by row; let off patterns and what took the time."""
    figure = Figure(figsize=(16, 16), dpi=100, layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[1, 5], sharex=True)
    if spec.queue:
        bins = len(spec.queue[0].values)
        seconds = (spec.until - spec.since).total_seconds() / max(1, bins)
        at = [spec.since + timedelta(seconds=n * seconds) for n in range(bins)]
        above.stackplot(at, *(each.values for each in spec.queue), labels=[each.kind for each in spec.queue])
        above.legend(fontsize=18)
    place, names = 0, []
    for row in spec.rows:
        names.append((place, row.name))
        for lane in row.lanes:
            bars = [(spec.since + timedelta(seconds=s.begin), timedelta(seconds=s.end - s.begin)) for s in lane]
            colours = [RUNS.get(span.kind, TONES["idle"]) for span in lane]
            below.broken_barh(bars, (place, 0.8), facecolors=colours, edgecolors="white", linewidth=0.5)
            place += 1
    below.set_yticks([each for each, _ in names], [name for _, name in names])
    below.invert_yaxis()
    _titled(above, spec.headline, spec.subtitle)
    _dated(below, spec.zone)
    return _finished(figure, above, below)


def topology(spec: Topology) -> bytes:
    """Boxes with names and notes in columns, and lines; let off the bars of states and an order with few crossings."""
    figure, axes = _sheet(16)
    seen: dict[int, int] = {}
    at: dict[str, tuple[int, int]] = {}
    for box in spec.boxes:
        at[box.key] = (box.layer, -seen.setdefault(box.layer, 0))
        seen[box.layer] += 1
    for tie in spec.ties:
        (x0, y0), (x1, y1) = at[tie.source], at[tie.target]
        axes.plot([x0, x1], [y0, y1], color="#b0bcca", linewidth=1.5)
    for box in spec.boxes:
        x, y = at[box.key]
        frame = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#5b6875"}
        axes.text(x, y, f"{box.label}\n{box.note}", fontsize=10, ha="center", va="center", bbox=frame, parse_math=False)
    _titled(axes, spec.headline, spec.subtitle)
    axes.set_axis_off()
    return _finished(figure, axes)


def usage(spec: UsageChart) -> bytes:
    """Busy filled, all as a line, the idle gap tinted, the strip of the kept history."""
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


PLAIN: dict[type, Callable[[Any], bytes]] = {
    UsageChart: usage,
    BarChart: bars,
    TrendChart: trend,
    HeatMap: heatmap,
    Scaling: scaling,
    Topology: topology,
    Timeline: timeline,
}
