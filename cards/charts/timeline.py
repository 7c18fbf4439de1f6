"""What waited for what: the specification of the timeline picture. Needs no drawing library.

Rows over time. A row is one thing with spans in lanes side by side (a node with its slots, a task), or, where there are
too many for that, how busy some nodes were by parts of the time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from cards.formatting import number, percent, plural

Kind = Literal[
    "held", "nodes", "boot", "start", "slots", "preparation", "requeued", "unknown", "earlier", "run", "failed"
]
KINDS: tuple[Kind, ...] = (
    "held", "nodes", "boot", "start", "slots", "preparation", "requeued", "unknown", "earlier", "failed", "run"
)  # fmt: skip
"""In the order of the legend: waits, and then runs."""

NAMES: dict[Kind, str] = {
    "held": "waits for other tasks",
    "nodes": "waits for a node",
    "boot": "boot",
    "start": "start task",
    "slots": "waits for a slot",
    "preparation": "job preparation",
    "requeued": "waits again, put back",
    "unknown": "waited or ran, not told apart",
    "earlier": "runs before, repeated",
    "failed": "failed run",
    "run": "runs",
}


class Span(Struct, frozen=True, array_like=True, gc=False):
    """From ``begin`` to ``end``, in seconds after the beginning of the picture."""

    kind: Kind
    begin: float
    end: float


class Row(Struct, frozen=True):
    """One thing: its name, and its lanes of spans.

    ``shares`` instead of lanes: how busy it was (0..1) in even parts of the time, and in which of these parts something
    failed. ``strong`` is what the picture is about.
    """

    name: str
    lanes: tuple[tuple[Span, ...], ...] = ()
    shares: tuple[float, ...] = ()
    failures: tuple[int, ...] = ()
    strong: bool = False


class Queue(Struct, frozen=True):
    """How many waited for one kind of thing, on average in even parts of the time."""

    kind: Kind
    values: tuple[float, ...]


class Stage(Struct, frozen=True):
    """A stretch of time with what it came to in words, as a bracket over the rows; ``kind`` lends its colour."""

    kind: Kind
    begin: float
    end: float
    words: str


class Mark(Struct, frozen=True):
    """A moment with what happened then, as a line down the picture."""

    at: float
    words: str


class Timeline(Struct, frozen=True, tag="timeline"):
    """What the timeline picture shows, from ``since`` to ``until`` in the reader's ``zone``.

    ``rows_are`` says what rows are where they cannot all be named (``40 nodes``). ``height`` 0 means as high as it
    needs; no picture is higher than wide.
    """

    headline: str
    subtitle: str
    since: datetime
    until: datetime
    rows: tuple[Row, ...]
    zone: str = "UTC"
    stages: tuple[Stage, ...] = ()
    queue: tuple[Queue, ...] = ()
    marks: tuple[Mark, ...] = ()
    rows_are: str = ""
    width: int = 1600
    height: int = 0


def timeline_alt(chart: Timeline) -> str:
    """The figures of the picture in a few sentences."""
    found = [f"{chart.headline}.", f"Timeline of {chart.rows_are or plural(len(chart.rows), 'row')}."]
    if chart.stages:
        found.append(f"In order: {'; '.join(stage.words for stage in chart.stages)}.")
    if chart.marks:
        found.append(f"Marked: {'; '.join(mark.words for mark in chart.marks)}.")
    if chart.queue:
        waited = [sum(values) for values in zip(*(each.values for each in chart.queue), strict=True)]
        found.append(f"At most {plural(round(max(waited, default=0)), 'task')} waited at once.")
    shares = [share for row in chart.rows for share in row.shares]
    if shares:
        found.append(f"Slots were {percent(sum(shares), len(shares))} busy.")
    sums: dict[Kind, int] = {}
    for row in chart.rows:
        for lane in row.lanes:
            for span in lane:
                sums[span.kind] = sums.get(span.kind, 0) + 1
    if failed := sums.get("failed", 0) + sum(sum(row.failures) for row in chart.rows):
        found.append(f"{number(failed)} runs failed." if failed > 1 else "1 run failed.")
    return " ".join(found)
