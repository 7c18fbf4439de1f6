"""A chart that Slack draws itself: the block ``data_visualization``, which came in June 2026.

Fields and limits as in docs.slack.dev, data visualization block; not every workspace and client has it yet.
"""

from __future__ import annotations

from cards.card import Picture
from cards.native_chart import NativeChart, Room, native, unit_words
from cards.slack.limits import AXIS, CHART_BARS, CHART_NAME, CHART_SERIES, CHART_TITLE
from cards.slack.text import Json
from cards.text_fit import cut

_ROOM = Room(CHART_SERIES, CHART_BARS, CHART_NAME, CHART_TITLE)


def native_block(picture: Picture) -> tuple[Json, NativeChart] | None:
    """The picture's chart as a block, and as it is; None where it has to be a picture."""
    chart = native(picture.chart, picture.title, _ROOM) if picture.native else None
    if chart is None:
        return None
    axis: Json = {"categories": list(chart.labels)}
    if words := unit_words(chart.unit):
        axis["y_label"] = cut(words, AXIS)
    series = [
        {
            "name": each.name,
            "data": [{"label": label, "value": value} for label, value in zip(chart.labels, each.values, strict=True)],
        }
        for each in chart.series
    ]
    drawn: Json = {"type": "bar", "series": series, "axis_config": axis}
    return {"type": "data_visualization", "title": chart.title, "chart": drawn}, chart
