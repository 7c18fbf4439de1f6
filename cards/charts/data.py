"""The figures of a chart as a table, for whoever wants to go on with them. Needs no drawing library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from cards.charts.bars import BarChart
from cards.charts.heatmap import HeatMap
from cards.charts.node_states import STYLES
from cards.charts.scaling import Scaling
from cards.charts.topology import Topology
from cards.charts.trend import TrendChart
from cards.charts.usage import UsageChart

Figure: TypeAlias = str | int | float | None
"""None is what nobody knows; it is an empty cell, and no zero."""


class Data(Struct, frozen=True):
    """Names of columns with their units, and rows as long as they are."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Figure, ...], ...]


def data_of(chart: object) -> Data:
    """What a chart shows, unrounded, its moments as ISO 8601 in its zone. Raises TypeError for what is no chart."""
    made = _TABLES.get(type(chart))
    if made is None:
        raise TypeError(f"{type(chart).__name__} is no chart: known are {', '.join(each.__name__ for each in _TABLES)}")
    return made(chart)


def _usage(chart: UsageChart) -> Data:
    zone = ZoneInfo(chart.zone)
    columns = ("start", "busy cores", "all cores", "busy spot cores", "all spot cores", "sampled share", "busy at most")
    rows = tuple(
        (_iso(p.start, zone), p.busy, p.total, p.busy_spot, p.spot, p.covered, "yes" if p.at_most else "")
        if p.covered > 0
        else (_iso(p.start, zone), None, None, None, None, 0.0, "")
        for p in chart.points
    )
    return Data(columns, rows)


def _bars(chart: BarChart) -> Data:
    columns = ("bar", *(_unit(series.name, chart.unit) for series in chart.series), "still filling")
    return Data(columns, tuple((bar.label, *bar.values, "yes" if bar.partial else "") for bar in chart.bars))


def _trend(chart: TrendChart) -> Data:
    zone = ZoneInfo(chart.zone)
    names: list[str] = []
    columns: list[tuple[float | None, ...]] = []
    for series in chart.series:
        names.append(_unit(series.name, chart.unit))
        columns.append(series.values)
        if series.before:
            names.append(f"{_unit(series.name, chart.unit)} before")
            columns.append(series.before)
    count = max((len(column) for column in columns), default=0)
    rows = tuple(
        (
            _iso(chart.since + timedelta(seconds=chart.step * n), zone),
            *(column[n] if n < len(column) else None for column in columns),
        )
        for n in range(count)
    )
    return Data(("start", *names), rows)


def _scaling(chart: Scaling) -> Data:
    zone = ZoneInfo(chart.zone)
    columns = ("start", "nodes with the formula", "tasks waiting with it", "nodes as they were", "tasks that waited")
    return Data(
        columns,
        tuple(
            (_iso(point.start, zone), point.nodes, point.waiting, point.was_nodes, point.was_waiting)
            for point in chart.points
        ),
    )


def _heatmap(chart: HeatMap) -> Data:
    return Data(
        ("pool", "state", "share of slots in use", "spot"),
        tuple(
            (section.name, STYLES[cell.state].word, cell.use, "yes" if cell.spot else "")
            for section in chart.sections
            for cell in section.cells
        ),
    )


def _topology(chart: Topology) -> Data:
    after: dict[str, list[str]] = {box.key: [] for box in chart.boxes}
    labels = {box.key: box.label for box in chart.boxes}
    for tie in chart.ties:
        after[tie.source].append(labels[tie.target])
    layers = [layer.name for layer in chart.layers]
    return Data(
        ("layer", "name", "note", "things", "leads to"),
        tuple(
            (layers[box.layer] or str(box.layer + 1), box.label, box.note, box.of, ", ".join(after[box.key]))
            for box in chart.boxes
        ),
    )


_TABLES: dict[type, Callable[[Any], Data]] = {
    UsageChart: _usage,
    BarChart: _bars,
    TrendChart: _trend,
    Scaling: _scaling,
    HeatMap: _heatmap,
    Topology: _topology,
}


def _iso(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat()


def _unit(name: str, unit: str) -> str:
    """A column's name with what it counts in, which for shares is one."""
    return f"{name} ({'share' if unit == '%' else unit})" if unit else name
