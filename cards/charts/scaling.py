"""Nodes and waiting tasks with a formula and as they were: the specification of the picture, and its words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from cards.formatting import moment_words, plural


class ScalingPoint(Struct, frozen=True, array_like=True):
    """One bucket: its start (aware), mean nodes and waiting tasks with the formula, and as they really were.

    ``was_waiting`` is None where it is not known.
    """

    start: datetime
    nodes: float
    waiting: float
    was_nodes: float
    was_waiting: float | None = None


class Scaling(Struct, frozen=True, tag="scaling"):
    """What the picture of a formula shows: nodes above, waiting tasks below.

    ``points`` are in time order, ``step`` seconds apart; where one is missing nothing is known, and there is a gap.
    ``zone`` is an IANA name. ``figures`` are sentences for the alt text: what is compared, in numbers.
    """

    headline: str
    subtitle: str
    points: tuple[ScalingPoint, ...]
    step: int
    since: datetime
    until: datetime
    zone: str = "UTC"
    figures: tuple[str, ...] = ()
    width: int = 1600
    height: int = 1100


def scaling_alt(chart: Scaling) -> str:
    """The figures of the picture in a few sentences."""
    zone = ZoneInfo(chart.zone)
    begin, end = chart.since.astimezone(zone), chart.until.astimezone(zone)
    window = f"{moment_words(begin)} to {moment_words(end)} ({chart.zone})"
    parts = [f"{chart.headline}.", f"Chart of nodes and waiting tasks with the formula and as they were, {window}."]
    if not chart.points:
        return " ".join([*parts, "No samples in this window."])
    most = max(chart.points, key=lambda point: point.nodes)
    at = most.start.astimezone(zone)
    was = max(point.was_nodes for point in chart.points)
    parts.append(
        f"With the formula at most {plural(round(most.nodes), 'node')}, at {moment_words(at)}; "
        f"really at most {round(was):,}."
    )
    return " ".join([*parts, *chart.figures])


def runs(points: tuple[ScalingPoint, ...], step: int) -> list[list[ScalingPoint]]:
    """Stretches of buckets without a hole between them."""
    stretches: list[list[ScalingPoint]] = []
    for point in points:
        if stretches and (point.start - stretches[-1][-1].start).total_seconds() <= 1.5 * step:
            stretches[-1].append(point)
        else:
            stretches.append([point])
    return stretches
