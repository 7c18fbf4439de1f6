"""A chart in words, for those who cannot see it. Needs no drawing library."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cards.charts.figures import cores, figures, gaps, in_cores, span
from cards.charts.usage import UsageChart


def alt(chart: UsageChart) -> str:
    """The figures of a chart in a few sentences."""
    zone = ZoneInfo(chart.zone)
    window = f"{_moment(chart.since, zone)} to {_moment(chart.until, zone)} ({chart.zone})"
    found = figures(chart)
    if found is None:
        return f"{_sentence(chart.headline)} Chart of busy and all cores, {window}: no samples in this window."
    parts = [
        _sentence(chart.headline),
        f"Chart of busy and all cores, {window}.",
        f"Busy: {in_cores(found.busy)} on average, {cores(found.last.busy)} at the end, "
        f"peak {cores(found.busy_peak)} at {_moment(found.busy_peak_at, zone)}.",
        f"All: {cores(found.total)} on average, {cores(found.last.total)} at the end, peak {cores(found.total_peak)}.",
    ]
    if found.total > 0:
        parts.append(f"Idle: {1 - found.share:.0%} of all cores.")
    if missing := gaps(chart):
        longest = max(end - begin for begin, end in missing)
        holes = "1 gap" if len(missing) == 1 else f"{len(missing)} gaps"
        parts.append(f"No data in {holes}, the longest {span(longest)}.")
    if chart.note:
        parts.append(_sentence(chart.note))
    return " ".join(part for part in parts if part)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?…" else f"{text}."
