"""Tasks on the nodes that ran them: side by side in as few lanes as they need, or how busy nodes were, bin by bin."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bot.domain.task_timeline.waits import RUNS, Kind, Span, TaskSpans

_ON_NODE: frozenset[Kind] = frozenset(("preparation", "run", "failed"))
"""What is known to have been on the node that a task names; where it ran before that is told nowhere."""

NOWHERE = ""
"""The node of runs of which nobody knows where they were."""


class NodeLanes(Struct, frozen=True):
    """Runs on a node: lanes of spans that do not overlap, in order of time; how many tasks, and of them failed."""

    node: str
    lanes: tuple[tuple[Span, ...], ...]
    tasks: int
    failed: int


class NodeUse(Struct, frozen=True):
    """How busy some nodes were: in each bin the share of ``slots`` (their most at once) in use, and how many failed."""

    nodes: tuple[str, ...]
    slots: int
    shares: tuple[float, ...]
    failures: tuple[int, ...]


def lanes_of(tasks: Iterable[TaskSpans]) -> list[NodeLanes]:
    """Nodes in the order in which they began to work."""
    by_node: dict[str, list[tuple[Span, ...]]] = {}
    for task in tasks:
        if own := tuple(span for span in task.spans if span.kind in _ON_NODE):
            by_node.setdefault(task.task.node, []).append(own)
    found = [
        NodeLanes(node, _packed(every), len(every), sum(spans[-1].kind == "failed" for spans in every))
        for node, every in by_node.items()
    ]
    return sorted(found, key=lambda each: (each.node == NOWHERE, each.lanes[0][0].begin, each.node))


def _packed(tasks: Iterable[tuple[Span, ...]]) -> tuple[tuple[Span, ...], ...]:
    """Each task into the first lane that is free, a new one where none is."""
    lanes: list[list[Span]] = []
    free: list[int] = []
    taken: list[tuple[float, int]] = []
    for spans in sorted(tasks, key=lambda each: (each[0].begin, each[-1].end)):
        while taken and taken[0][0] <= spans[0].begin + 1e-6:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if not free:
            free.append(len(lanes))
            lanes.append([])
        place = heapq.heappop(free)
        lanes[place] += spans
        heapq.heappush(taken, (spans[-1].end, place))
    return tuple(tuple(lane) for lane in lanes)


class PutBack(Struct, frozen=True):
    """So many tasks were put back into the queue about the same time (seconds since 1970), to begin anew."""

    at: float
    tasks: int


def put_backs(tasks: Iterable[TaskSpans], apart: float) -> list[PutBack]:
    """When tasks were put back into the queue, those less than ``apart`` seconds after the first of them together.

    Of a task the last time is known.
    """
    moments = sorted(each.task.last_again for each in tasks if each.task.last_back and each.task.last_again is not None)
    found: list[PutBack] = []
    for at in moments:
        if found and at - found[-1].at < apart:
            found[-1] = PutBack(found[-1].at, found[-1].tasks + 1)
        else:
            found.append(PutBack(at, 1))
    return found


def use_of(nodes: Sequence[NodeLanes], begin: float, end: float, bins: int, rows: int) -> list[NodeUse]:
    """How busy nodes were in each of ``bins`` parts of the time, neighbours together where there are more than rows."""
    together = max(1, -(-len(nodes) // max(1, rows)))
    found = []
    for first in range(0, len(nodes), together):
        some = nodes[first : first + together]
        spans = [span for node in some for lane in node.lanes for span in lane if span.kind in RUNS]
        slots = sum(len(node.lanes) for node in some)
        busy = busy_seconds(spans, begin, end, bins) / ((end - begin) / bins) / max(1, slots)
        ends = [span.end for span in spans if span.kind == "failed"]
        failures, _ = np.histogram(ends, bins=bins, range=(begin, end))
        found.append(
            NodeUse(
                tuple(node.node for node in some),
                slots,
                tuple(round(float(share), 4) for share in np.clip(busy, 0, 1)),
                tuple(int(count) for count in failures),
            )
        )
    return found


def busy_seconds(spans: Sequence[Span], begin: float, end: float, bins: int) -> NDArray[np.float64]:
    """Seconds of spans in each of so many even parts of [begin, end]."""
    if not spans or end <= begin:
        return np.zeros(bins)
    # What had passed of all of them by each edge, and the differences.
    edges = np.linspace(begin, end, bins + 1)
    starts = np.sort(np.array([span.begin for span in spans]))
    ends = np.sort(np.array([span.end for span in spans]))
    passed = _until(starts, edges) - _until(ends, edges)
    return np.asarray(np.diff(passed), dtype=np.float64)


def _until(moments: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each edge the sum of how long ago the moments before it were."""
    sums = np.concatenate(([0.0], np.cumsum(moments - edges[0])))
    counts = np.searchsorted(moments, edges, side="right")
    return np.asarray(counts * (edges - edges[0]) - sums[counts], dtype=np.float64)
