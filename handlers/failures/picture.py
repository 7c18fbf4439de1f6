"""The picture of failures over time, a colour for each cause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.domain.clusters.model import Cluster
from bot.domain.clusters.over_time import APART, OverTime, over_time
from cards.card import Picture
from cards.charts.alt import alt
from cards.charts.trend import Tone, TrendChart, TrendSeries

_TONES: tuple[Tone, ...] = ("bad", "busy", "idle", "billed")
_NAME = 22
"""Characters of a cause beside the bars."""
_DRAWN = 3
"""Buckets with failures that a picture is made for: of fewer the card's words say as much."""


def picture(
    clusters: Sequence[Cluster], headline: str, where: str, since: datetime | None, at: datetime, zone: str
) -> Picture | None:
    """Failures over time; None where they are of so few moments that there is nothing to see."""
    found = over_time(clusters, since, at if since else max(each.last or at for each in clusters))
    if found is None or sum(map(any, zip(*found.rows, strict=True))) < _DRAWN:
        return None
    drawn = _chart(found, clusters, headline, where, zone)
    key = f"failures-{clusters[0].key}-{found.since:%d%H%M}-{found.step}-{len(clusters)}"
    return Picture(key=key, alt=alt(drawn), chart=drawn, title=f"Failures over time: {where}")


def _chart(found: OverTime, clusters: Sequence[Cluster], headline: str, where: str, zone: str) -> TrendChart:
    series = [
        TrendSeries(f"{place} {name_of(cluster)}", tone, tuple(map(float, row)))
        for place, (cluster, tone, row) in enumerate(zip(clusters, _TONES, found.rows, strict=False), start=1)
    ]
    if found.rest:
        many = len(clusters) - APART
        series.append(TrendSeries(f"{many} more" if many > 1 else "the other", "other", tuple(map(float, found.rest))))
    return TrendChart(headline, where, tuple(series), found.since, found.step, zone, bars=True)


def name_of(cluster: Cluster) -> str:
    """``exit code 137``, ``BlobNotFound``: the number before it says which of two it is."""
    name = cluster.cause.partition(": ")[0]
    return name if len(name) <= _NAME else name[: _NAME - 1] + "…"
