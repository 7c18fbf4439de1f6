"""A chart in words, for those who cannot see it. Needs no drawing library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cards.charts.bars import BarChart, total
from cards.charts.figures import bounded, cores, figures, gaps, in_cores, span
from cards.charts.heatmap import HeatMap, heatmap_alt
from cards.charts.scaling import Scaling, scaling_alt
from cards.charts.timeline import Timeline, timeline_alt
from cards.charts.topology import Topology, topology_alt
from cards.charts.trend import TrendChart, TrendSeries
from cards.charts.units import alike, figure
from cards.charts.usage import UsageChart
from cards.formatting import moment_words, plural

_MINUTE = 60
_EACH = 12
"""Bars that are told one by one; of more, the sum and the greatest are."""


def alt(chart: UsageChart | BarChart | TrendChart | HeatMap | Topology | Timeline | Scaling) -> str:
    """The figures of a chart in a few sentences, whatever it is a chart of."""
    match chart:
        case UsageChart():
            return _usage(chart)
        case BarChart():
            return _bars(chart)
        case TrendChart():
            return _trend(chart)
    return _OWN[type(chart)](chart)


_OWN: dict[type, Callable[[Any], str]] = {
    HeatMap: heatmap_alt,
    Topology: topology_alt,
    Timeline: timeline_alt,
    Scaling: scaling_alt,
}


def _bars(chart: BarChart) -> str:
    names = [series.name for series in chart.series]
    about = f"{'Bars' if len(chart.bars) != 1 else 'Bar'} of {_listed(names) or 'nothing'}"
    if chart.bars:
        ends = dict.fromkeys((chart.bars[0].label, chart.bars[-1].label))
        about += f", {plural(len(chart.bars), 'bar')}" + (f" from {' to '.join(ends)}" if not chart.across else "")
    parts = [_sentence(chart.headline), _sentence(chart.subtitle), f"{about}."]
    totals = [total(bar) for bar in chart.bars]
    known = [value for value in totals if value is not None]
    if not known:
        return " ".join([part for part in parts if part] + ["No data."])
    if len(chart.bars) <= _EACH:
        parts.append(
            f"{'; '.join(_bar(chart, index, words) for index, words in enumerate(alike(totals, chart.unit)))}."
        )
    else:
        greatest = totals.index(max(known))
        whole = sum(known) - sum(
            bar.values[n] or 0.0 for bar in chart.bars for n, series in enumerate(chart.series) if series.apart
        )
        parts.append(
            f"In all {figure(whole, chart.unit)}, on average {figure(whole / len(known), chart.unit)}, "
            f"most {figure(totals[greatest] or 0.0, chart.unit)}: {chart.bars[greatest].label}."
        )
        if len(known) < len(totals):
            parts.append(f"No data for {plural(len(totals) - len(known), 'bar')}.")
        if filling := sum(bar.partial for bar in chart.bars):
            parts.append(f"{plural(filling, 'bar')} still filling.")
    if len(names) > 1:
        columns = [[value for bar in chart.bars if (value := bar.values[n]) is not None] for n in range(len(names))]
        sums = dict(zip(names, alike([sum(each) if each else None for each in columns], chart.unit), strict=True))
        told = [f"{name} {sums[name]}" for name, each in zip(names, columns, strict=True) if each]
        parts.append(f"{_listed(told)} in all.")
        if empty := [name for name, each in zip(names, columns, strict=True) if not each]:
            parts.append(f"No data for {_listed(empty)}.")
    if chart.level is not None:
        parts.append(f"Line: {chart.level_label or 'level'} {figure(chart.level, chart.unit)}.")
    return " ".join(part for part in [*parts, _sentence(chart.note)] if part)


def _bar(chart: BarChart, index: int, words: str) -> str:
    bar = chart.bars[index]
    missing = [series.name for series, value in zip(chart.series, bar.values, strict=True) if value is None]
    some = f", no data for {_listed(missing)}" if missing and len(missing) < len(bar.values) else ""
    return f"{bar.label} {words}{some}{', still filling' if bar.partial else ''}"


def _trend(chart: TrendChart) -> str:
    zone = ZoneInfo(chart.zone)
    count = max((len(series.values) for series in chart.series), default=0)
    until = chart.since + timedelta(seconds=chart.step * count)
    window = f"{_moment(chart.since, zone)} to {_moment(until, zone)} ({chart.zone})"
    kind = "Bars" if chart.bars else "Lines"
    parts = [
        _sentence(chart.headline),
        _sentence(chart.subtitle),
        f"{kind} of {_listed([each.name for each in chart.series]) or 'nothing'}, {window}.",
    ]
    parts += [_series(chart, series, zone) for series in chart.series]
    return " ".join(part for part in [*parts, _sentence(chart.note)] if part)


def _series(chart: TrendChart, series: TrendSeries, zone: ZoneInfo) -> str:
    known = [(n, value) for n, value in enumerate(series.values) if value is not None]
    if not known:
        return f"{series.name}: no data."
    n, most = max(known, key=lambda each: each[1])
    at = _moment(chart.since + timedelta(seconds=chart.step * n), zone)
    was = [value for value in series.before if value is not None]
    if chart.bars:
        words = f"{figure(sum(value for _, value in known), chart.unit)} in all"
        words += f" ({figure(sum(was), chart.unit)} before)" if was else ""
    else:
        words = f"{figure(known[-1][1], chart.unit)} at the end, "
        words += f"{figure(sum(value for _, value in known) / len(known), chart.unit)} on average"
        words += f" ({figure(sum(was) / len(was), chart.unit)} before)" if was else ""
    missing = count - len(known) if (count := len(series.values)) else 0
    holes = f", no data in {missing} of {count} parts" if missing else ""
    return f"{series.name}: {words}, most {figure(most, chart.unit)} at {at}{holes}."


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _usage(chart: UsageChart) -> str:
    zone = ZoneInfo(chart.zone)
    window = f"{_moment(chart.since, zone)} to {_moment(chart.until, zone)} ({chart.zone})"
    found = figures(chart)
    mean = f" (mean of {span(timedelta(seconds=chart.step))})" if chart.step > _MINUTE else ""
    if found is None:
        return f"{_sentence(chart.headline)} Chart of busy and all cores, {window}: no samples in this window."
    parts = [
        _sentence(chart.headline),
        f"Chart of busy and all cores, {window}.",
        f"Busy: {in_cores(found.busy)} on average, {cores(found.last.busy)} at the end, "
        f"peak {cores(found.busy_peak)}{mean} at {_moment(found.busy_peak_at, zone)}.",
        f"All: {cores(found.total)} on average, {cores(found.last.total)} at the end, "
        f"peak {cores(found.total_peak)}{mean}.",
    ]
    if found.total > 0:
        parts.append(f"Idle: {1 - found.share:.0%} of all cores{f', {chart.idle}' if chart.idle else ''}.")
    if found.spot > 0:
        parts.append(f"Of them spot: {cores(found.busy_spot)} of {in_cores(found.spot)} busy on average.")
    if unsure := bounded(chart.points, chart.step):
        parts.append(
            f"From {_moment(unsure[0][0], zone)} to {_moment(unsure[-1][1], zone)} busy is at most what is shown."
        )
    if missing := gaps(chart):
        longest = max(end - begin for begin, end in missing)
        holes = "1 gap" if len(missing) == 1 else f"{len(missing)} gaps"
        parts.append(f"No data in {holes}, the longest {span(longest)}.")
    if chart.note:
        parts.append(_sentence(chart.note))
    return " ".join(part for part in parts if part)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return moment_words(local)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?…" else f"{text}."
