"""The picture of failures over time, a colour for each cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from bot.domain.clusters.model import Cluster
from bot.domain.clusters.over_time import APART, OverTime, over_time
from cards.card import Picture
from cards.charts.alt import alt
from cards.charts.trend import Tone, TrendChart, TrendSeries
from cards.formatting import number, plural

_TONES: tuple[Tone, ...] = ("bad", "busy", "idle", "billed")
_RAISED = re.compile(r"\b(?P<name>\w{1,60}(?:Error|Exception))\b")
_NAME = 18
"""Characters of a cause beside the bars."""
_DRAWN = 3
"""Buckets with failures that a picture is made for: of fewer the card's words say as much."""


def picture(clusters: Sequence[Cluster], where: str, since: datetime | None, at: datetime, zone: str) -> Picture | None:
    """Failures over time; None where they are of so few moments that there is nothing to see."""
    found = over_time(clusters, since, at if since else max(each.last or at for each in clusters))
    if found is None or sum(map(any, zip(*found.rows, strict=True))) < _DRAWN:
        return None
    drawn = _chart(found, clusters, where, zone)
    total = sum(each.count for each in clusters)
    key = f"failures-{clusters[0].key}-{found.since:%d%H%M}-{found.step}-{total}"
    return Picture(key=key, alt=alt(drawn), chart=drawn, title=f"Failures over time: {where}")


def _chart(found: OverTime, clusters: Sequence[Cluster], where: str, zone: str) -> TrendChart:
    names = names_of(clusters)
    series = [
        TrendSeries(f"{place} · {names[place - 1]}", tone, tuple(map(float, row)))
        for place, (cluster, tone, row) in enumerate(zip(clusters, _TONES, found.rows, strict=False), start=1)
    ]
    if found.rest:
        many = len(clusters) - APART
        series.append(TrendSeries(f"{many} more" if many > 1 else "the other", "other", tuple(map(float, found.rest))))
    total = sum(each.count for each in clusters)
    headline = plural(total, "failure")
    if clusters[0].count < total:
        headline += f", {number(clusters[0].count)} of them {names[0]}"
    else:
        headline += f", all {names[0]}"
    return TrendChart(headline, where, tuple(series), found.since, found.step, zone, bars=True)


def names_of(clusters: Sequence[Cluster]) -> list[str]:
    """``exit code 137``, ``BlobNotFound``; of several with one exit code what they printed: ``MemoryError``."""
    plain = [cluster.cause.partition(": ")[0] for cluster in clusters]
    return [
        _cut(found["name"] if plain.count(name) > 1 and (found := _RAISED.search(cluster.line)) else name)
        for cluster, name in zip(clusters, plain, strict=True)
    ]


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"
