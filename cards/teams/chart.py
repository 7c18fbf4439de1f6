"""A chart that Teams draws itself: the Chart elements of its Adaptive Cards, with the picture as their fallback.

Elements, fields and colours as in Microsoft's own card types (package microsoft-teams-cards 2.1) and in
learn.microsoft.com, charts in Adaptive Cards. Microsoft gives no limits; ours keep a chart legible on a phone.
"""

from __future__ import annotations

from cards.card import Picture
from cards.native_chart import NativeChart, NativeSeries, Room, native, unit_words
from cards.teams.limits import CHART_BARS, CHART_NAME, CHART_SERIES, LABEL
from cards.teams.text import Json

_ROOM = Room(CHART_SERIES, CHART_BARS, CHART_NAME, LABEL)

_COLOURS: dict[str, tuple[str, ...]] = {
    "busy": ("categoricalBlue", "categoricalLightBlue", "divergingBlue", "divergingLightBlue", "divergingCyan"),
    "idle": ("categoricalMarigold", "divergingYellow", "divergingPeach"),
    "spot": ("categoricalLightBlue", "divergingCyan", "divergingLightBlue"),
    "billed": ("neutral", "divergingGray"),
    "good": ("good", "categoricalTeal", "categoricalGreen", "divergingTeal"),
    "bad": ("attention", "divergingMaroon", "divergingLightRed", "categoricalRed", "categoricalPurple"),
    "other": ("categoricalLavender", "divergingGray", "neutral", "categoricalPurple"),
}


def native_element(picture: Picture, fallback: Json) -> tuple[Json, NativeChart] | None:
    """The picture's chart as an element, and as it is; None where it has to be a picture.

    ``fallback`` is drawn by clients that do not know the element.
    """
    chart = native(picture.chart, picture.title, _ROOM) if picture.native else None
    if chart is None:
        return None
    stacked = len(chart.series) > 1
    if stacked and any(value < 0 for series in chart.series for value in series.values):
        return None  # a stack of Teams has no way down
    element: Json = {"title": chart.title, "fallback": fallback, **_drawn(chart, _colours(chart.series))}
    if words := unit_words(chart.unit):
        element["xAxisTitle" if chart.across else "yAxisTitle"] = words
    return element, chart


def _drawn(chart: NativeChart, colours: list[str]) -> Json:
    if len(chart.series) == 1:
        values = [{"x": x, "y": y} for x, y in zip(chart.labels, chart.series[0].values, strict=True)]
        if chart.across:
            mode = {"displayMode": "AbsoluteWithAxis"}
            return {"type": "Chart.HorizontalBar", **mode, "color": colours[0], "data": values}
        return {"type": "Chart.VerticalBar", "showBarValues": True, "color": colours[0], "data": values}
    if chart.across:
        rows = [
            {
                "title": label,
                "data": [
                    {"legend": series.name, "value": series.values[n], "color": colour}
                    for series, colour in zip(chart.series, colours, strict=True)
                ],
            }
            for n, label in enumerate(chart.labels)
        ]
        return {"type": "Chart.HorizontalBar.Stacked", "data": rows}
    groups = [
        {
            "legend": series.name,
            "color": colour,
            "values": [{"x": x, "y": y} for x, y in zip(chart.labels, series.values, strict=True)],
        }
        for series, colour in zip(chart.series, colours, strict=True)
    ]
    return {"type": "Chart.VerticalBar.Grouped", "stacked": True, "data": groups}


def _colours(series: tuple[NativeSeries, ...]) -> list[str]:
    """A colour a series, by what it is about; no two alike."""
    every = [colour for colours in _COLOURS.values() for colour in colours]
    found: list[str] = []
    for each in series:
        choice = next(colour for colour in (*_COLOURS[each.tone], *every) if colour not in found)
        found.append(choice)
    return found
