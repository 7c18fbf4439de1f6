"""Every chart there is, drawn. Import this in the process that draws only: it brings matplotlib along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cards.charts.bars import BarChart
from cards.charts.bars_picture import draw_bars
from cards.charts.canvas import own_settings
from cards.charts.heatmap import HeatMap
from cards.charts.heatmap_picture import draw_heatmap
from cards.charts.scaling import Scaling
from cards.charts.scaling_picture import draw_scaling
from cards.charts.timeline import Timeline
from cards.charts.timeline_picture import draw_timeline
from cards.charts.topology import Topology
from cards.charts.topology_picture import draw_topology
from cards.charts.trend import TrendChart
from cards.charts.trend_picture import draw_trend
from cards.charts.usage import UsageChart
from cards.charts.usage_picture import draw_usage

_PICTURES: dict[type, Callable[[Any], bytes]] = {
    UsageChart: draw_usage,
    HeatMap: draw_heatmap,
    Topology: draw_topology,
    Timeline: draw_timeline,
    Scaling: draw_scaling,
    BarChart: draw_bars,
    TrendChart: draw_trend,
}


def draw(chart: object) -> bytes:
    """The chart as PNG bytes, the same for the same chart. Raises TypeError for what is no chart."""
    picture = _PICTURES.get(type(chart))
    if picture is None:
        raise TypeError(f"{type(chart).__name__} is no chart: known are {', '.join(t.__name__ for t in _PICTURES)}")
    with own_settings():
        return picture(chart)
