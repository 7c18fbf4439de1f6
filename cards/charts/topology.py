"""Things that hang together: the specification of the picture. Needs no drawing library.

One specification serves an account (schedules → jobs → pools → nodes) and the tasks of a job that wait for each other.
What a box stands for may be one thing or many rolled up; whoever makes the specification decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from cards.formatting import number, plural

Kind = Literal["failed", "bad", "blocked", "changing", "gone", "waiting", "idle", "running", "done"]
KINDS: tuple[Kind, ...] = ("failed", "bad", "blocked", "gone", "changing", "done", "running", "waiting", "idle")
"""What a box is made of, in the order of its bar: what is wrong, what is done, what goes on, what waits. Tasks: failed,
blocked, done, running, waiting; nodes: bad, gone (preempted), changing, running, idle."""

_NAMED = 5
"""Boxes that are named in words."""

Mark = Literal["failed", "blocked", "warning", "plain", "quiet"]


class Part(Struct, frozen=True, array_like=True, gc=False):
    """So many of a kind."""

    kind: Kind
    count: int


class Box(Struct, frozen=True):
    """One thing, or ``of`` things rolled up: its layer, its name, a note, what it is made of.

    Of the note whole words are left out from its end where there is no room: the figure comes first.
    """

    key: str
    layer: int
    label: str
    note: str = ""
    mark: Mark = "plain"
    parts: tuple[Part, ...] = ()
    of: int = 1
    troubled: bool = False
    """Whether the headline counts it among those in trouble, whatever its mark."""


class Tie(Struct, frozen=True, array_like=True, gc=False):
    """A line from one box (by key) to one of a later layer; ``failing`` ones stand out."""

    source: str
    target: str
    failing: bool = False


class Layer(Struct, frozen=True):
    """A column: its name (may be empty) and its share of the width."""

    name: str = ""
    weight: float = 1.0


class Topology(Struct, frozen=True, tag="topology"):
    """What the topology picture shows.

    Boxes of a layer come in the order in which they should stand, worst first; the picture moves them only to keep
    lines from crossing. ``root`` is what all of it belongs to: boxes of the first layer and those in ``rooted`` hang on
    it. ``things`` says what boxes are where layers have no names. ``height`` is not used: a picture is as high as
    it needs.
    """

    headline: str
    subtitle: str
    layers: tuple[Layer, ...]
    boxes: tuple[Box, ...]
    ties: tuple[Tie, ...]
    root: str = ""
    rooted: tuple[str, ...] = ()
    things: str = "task"
    width: int = 1600
    height: int = 0


def parts(counts: Iterable[tuple[Kind, int]]) -> tuple[Part, ...]:
    """Parts in the order of a bar, empty ones left out, equal kinds added up."""
    total: Counter[Kind] = Counter()
    for kind, count in counts:
        total[kind] += count
    return tuple(Part(kind, total[kind]) for kind in KINDS if total[kind] > 0)


def topology_alt(chart: Topology) -> str:
    """The figures of the picture in a few sentences; the whole of it as text belongs beside the picture."""
    names = []
    for index, layer in enumerate(chart.layers):
        boxes = [box for box in chart.boxes if box.layer == index]
        if boxes and layer.name:
            names.append(f"{layer.name} ({number(sum(box.of for box in boxes))})")
    steps = len({box.layer for box in chart.boxes})
    things = f"{plural(sum(box.of for box in chart.boxes), chart.things)} in {plural(steps, 'step')}"
    about = f"Picture of {', '.join(names) or things}."
    wrong = [box for box in chart.boxes if box.mark in ("failed", "blocked") or box.troubled]
    warned = [box for box in chart.boxes if box.mark == "warning" and not box.troubled]
    trouble = f" In trouble: {_named(wrong)}." if wrong else ""
    trouble += f" {'Also marked' if wrong else 'Marked'}: {_named(warned)}." if warned else ""
    trouble = trouble or " Nothing in it is in trouble."
    return f"{chart.headline}. {about}{trouble}" if chart.headline else f"{about}{trouble}"


def _named(boxes: Sequence[Box]) -> str:
    """The first few of some boxes with their notes, and how many more there are."""
    named = ", ".join(f"{box.label} ({box.note})" if box.note else box.label for box in boxes[:_NAMED])
    return named + (f" and {number(len(boxes) - _NAMED)} more" if len(boxes) > _NAMED else "")
