"""Every kind of chart by Vega-Lite in vl-convert (``pip install vl-convert-python``), as plainly as it can be had."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from bench.chart_plain import TONES
from cards.charts.bars import BarChart
from cards.charts.heatmap import HeatMap, sorted_cells
from cards.charts.node_states import STYLES
from cards.charts.scaling import Scaling
from cards.charts.timeline import Timeline
from cards.charts.topology import Topology
from cards.charts.trend import TrendChart
from cards.charts.usage import UsageChart, UsagePoint


def _png(words: dict[str, Any]) -> bytes:
    import vl_convert  # noqa: PLC0415 - an extra of its own

    return bytes(vl_convert.vegalite_to_png({"background": "white", **words}, vl_version="5.20", scale=1))


def _title(headline: str, *more: str) -> dict[str, Any]:
    lines = [line for line in more if line]
    return {"text": headline, "subtitle": lines, "anchor": "start", "fontSize": 40, "subtitleFontSize": 26}


def _values(name: str, **more: Any) -> dict[str, Any]:
    return {"field": name, "type": "quantitative", "title": None, "axis": {"labelFontSize": 24, "tickCount": 4}, **more}


def _scale(names: list[str], colours: list[str]) -> dict[str, Any]:
    return {
        "field": "name",
        "scale": {"domain": names, "range": colours},
        "legend": {"labelFontSize": 24, "title": None},
    }


def bars(spec: BarChart) -> bytes:
    """Stacked bars with a legend."""
    rows = [
        {"label": bar.label, "name": series.name, "value": bar.values[n] or 0.0}
        for bar in spec.bars
        for n, series in enumerate(spec.series)
    ]
    names = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelFontSize": 24}}
    colour = _scale([series.name for series in spec.series], [TONES[series.tone] for series in spec.series])
    x, y = (_values("value"), names) if spec.across else (names, _values("value"))
    words = {"data": {"values": rows}, "mark": "bar", "encoding": {"x": x, "y": y, "color": colour}}
    return _png({"width": 1300, "height": 700, "title": _title(spec.headline, spec.subtitle, spec.note), **words})


def trend(spec: TrendChart) -> bytes:
    """Stacked bars or lines over time."""
    rows = [
        {"at": (spec.since + timedelta(seconds=spec.step * n)).timestamp() * 1000, "name": series.name, "value": value}
        for series in spec.series
        for n, value in enumerate(series.values)
    ]
    colour = _scale([series.name for series in spec.series], [TONES[series.tone] for series in spec.series])
    at = {"field": "at", "type": "temporal", "title": None, "axis": {"labelFontSize": 24, "tickCount": 8}}
    mark = {"type": "bar"} if spec.bars else {"type": "line", "strokeWidth": 3, "point": True}
    words = {"data": {"values": rows}, "mark": mark, "encoding": {"x": at, "y": _values("value"), "color": colour}}
    return _png({"width": 1300, "height": 700, "title": _title(spec.headline, spec.subtitle, spec.note), **words})


def heatmap(spec: HeatMap) -> bytes:
    """A square a node."""
    rows, first = [], 0
    for section in spec.sections:
        for n, cell in enumerate(sorted_cells(section.cells)):
            state = STYLES[cell.state]
            rows.append({"x": n % 50, "y": first + n // 50, "name": state.word, "letter": state.letter})
        first += len(section.cells) // 50 + 3
    states = [STYLES[state] for state in sorted({cell.state for section in spec.sections for cell in section.cells})]
    colour = _scale([state.word for state in states], ["rgb({}, {}, {})".format(*state.colour) for state in states])
    x, y = _values("x", axis=None), _values("y", axis=None, scale={"reverse": True})
    square = {"mark": {"type": "square", "size": 500, "opacity": 1}, "encoding": {"x": x, "y": y, "color": colour}}
    letter = {"mark": {"type": "text", "fontSize": 14}, "encoding": {"x": x, "y": y, "text": {"field": "letter"}}}
    words = {"data": {"values": rows}, "layer": [square, letter]}
    return _png({"width": 1300, "height": 1400, "title": _title(spec.headline, spec.subtitle), **words})


def scaling(spec: Scaling) -> bytes:
    """Two plots over time."""
    rows = [
        {
            "at": p.start.timestamp() * 1000,
            "nodes": p.nodes,
            "waiting": p.waiting,
            "was": p.was_nodes,
            "waited": p.was_waiting,
        }
        for p in spec.points
    ]
    at = {"field": "at", "type": "temporal", "title": None, "axis": {"labelFontSize": 24, "tickCount": 8}}

    def plot(now: str, was: str, height: int) -> dict[str, Any]:
        area = {"type": "area", "interpolate": "step-after", "color": TONES["idle"]}
        line = {"type": "line", "interpolate": "step-after", "color": TONES["busy"], "strokeWidth": 3}
        layers = [
            {"mark": area, "encoding": {"x": at, "y": _values(was)}},
            {"mark": line, "encoding": {"x": at, "y": _values(now)}},
        ]
        return {"width": 1500, "height": height, "layer": layers}

    panels = [plot("nodes", "was", 500), plot("waiting", "waited", 360)]
    return _png({"data": {"values": rows}, "title": _title(spec.headline, spec.subtitle), "vconcat": panels})


def timeline(spec: Timeline) -> bytes:
    """Bars of runs by row; let off how many wait."""
    begin = spec.since.timestamp()
    rows = [
        {"y": f"{n:03} {row.name} {m}", "x": (begin + s.begin) * 1000, "x2": (begin + s.end) * 1000, "kind": s.kind}
        for n, row in enumerate(spec.rows)
        for m, lane in enumerate(row.lanes)
        for s in lane
    ]
    x = {"field": "x", "type": "temporal", "title": None, "axis": {"labelFontSize": 24, "tickCount": 8}}
    encoding = {
        "x": x,
        "x2": {"field": "x2"},
        "y": {"field": "y", "type": "nominal", "title": None},
        "color": {"field": "kind", "type": "nominal"},
    }
    mark = {"type": "bar", "stroke": "white", "strokeWidth": 0.5}
    words = {"title": _title(spec.headline, spec.subtitle), "mark": mark, "encoding": encoding}
    return _png({"width": 1300, "height": 1300, "data": {"values": rows}, **words})


def topology(spec: Topology) -> bytes:
    """Names and notes in columns, and lines."""
    seen: dict[int, int] = {}
    at: dict[str, tuple[int, int]] = {}
    for box in spec.boxes:
        at[box.key] = (box.layer, seen.setdefault(box.layer, 0))
        seen[box.layer] += 1
    names = [{"x": at[b.key][0], "y": at[b.key][1], "words": f"{b.label} {b.note}"} for b in spec.boxes]
    ties = [
        {"x": at[t.source][0], "y": at[t.source][1], "x2": at[t.target][0], "y2": at[t.target][1]} for t in spec.ties
    ]
    x, y = _values("x", axis=None), _values("y", axis=None, scale={"reverse": True})
    layers = [
        {
            "data": {"values": ties},
            "mark": {"type": "rule", "color": "#b0bcca"},
            "encoding": {"x": x, "y": y, "x2": {"field": "x2"}, "y2": {"field": "y2"}},
        },
        {
            "data": {"values": names},
            "mark": {"type": "text", "fontSize": 14},
            "encoding": {"x": x, "y": y, "text": {"field": "words"}},
        },
    ]
    return _png({"width": 1300, "height": 1400, "title": _title(spec.headline, spec.subtitle), "layer": layers})


def usage(spec: UsageChart) -> bytes:
    """The picture by Vega-Lite in vl-convert."""

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
        "title": {**title, "fontSize": 40, "subtitleFontSize": 26},
        "vconcat": [
            {"width": 1537, "height": 619, "data": rows(spec.points), "layer": curves},
            {"width": 1537, "height": 70, "data": rows(spec.strip), "layer": past},
        ],
    }
    return _png(words)


VEGA: dict[type, Callable[[Any], bytes]] = {
    UsageChart: usage,
    BarChart: bars,
    TrendChart: trend,
    HeatMap: heatmap,
    Scaling: scaling,
    Topology: topology,
    Timeline: timeline,
}
