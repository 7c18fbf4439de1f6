"""Where the boxes of a layered graph stand: in an order with few crossings, by networkx's multipartite layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np

from cards.charts.topology import Box, Tie

_SWEEPS = 4


def ordered(boxes: Sequence[Box], ties: Sequence[Tie]) -> list[list[str]]:
    """Keys by layer, in an order with few crossings: barycentre sweeps from the given order, the best one kept.

    Sweeps begin at the last layer, so that of equally good orders the one stays in which that layer is as given.
    (networkx places the layers of a graph but does not order what is in them.)
    """
    layers: list[list[str]] = [[] for _ in range(1 + max((box.layer for box in boxes), default=-1))]
    for box in boxes:
        layers[box.layer].append(box.key)
    before: dict[str, list[str]] = {box.key: [] for box in boxes}
    after: dict[str, list[str]] = {box.key: [] for box in boxes}
    for tie in ties:
        after[tie.source].append(tie.target)
        before[tie.target].append(tie.source)
    best, fewest = [list(layer) for layer in layers], crossings(layers, ties)
    for sweep in range(_SWEEPS):
        back = sweep % 2 == 0
        neighbours = after if back else before
        for layer in reversed(layers) if back else layers:
            _sort(layer, layers, neighbours)
        if (count := crossings(layers, ties)) < fewest or sweep == 0:
            best, fewest = [list(layer) for layer in layers], count
        if fewest == 0:
            break
    return best


def _sort(layer: list[str], layers: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    """Each to the mean place of its neighbours; those without any stay where they are."""
    indexes = {key: (index + 0.5) / len(each) for each in layers for index, key in enumerate(each)}
    wanted = {
        key: float(np.mean([indexes[other] for other in neighbours[key]])) if neighbours[key] else indexes[key]
        for key in layer
    }
    layer.sort(key=wanted.__getitem__)


def crossings(layers: Sequence[Sequence[str]], ties: Sequence[Tie]) -> int:
    """How many pairs of ties between the same two layers cross."""
    at = {key: (depth, index) for depth, layer in enumerate(layers) for index, key in enumerate(layer)}
    lanes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for tie in ties:
        (above, start), (below, end) = at[tie.source], at[tie.target]
        lanes.setdefault((above, below), []).append((start, end))
    total = 0
    for lane in lanes.values():
        start, end = np.array(lane).T
        total += int(((start[:, None] < start) & (end[:, None] > end)).sum())
    return total


def spread(layers: Sequence[Sequence[str]]) -> dict[str, tuple[int, float]]:
    """(layer, place) of every box: places are one apart, their middle is 0."""
    columns = {depth: list(layer) for depth, layer in enumerate(layers) if layer}
    if not columns:
        return {}
    graph = nx.Graph()
    graph.add_nodes_from(key for column in columns.values() for key in column)
    found = nx.multipartite_layout(graph, subset_key=columns)  # type: ignore[no-untyped-call]
    deepest = max(layers, key=len)
    step = abs(found[deepest[1]][1] - found[deepest[0]][1]) if len(deepest) > 1 else 1.0
    middles = {depth: float(np.mean([found[key][1] for key in layer])) for depth, layer in enumerate(layers) if layer}
    return {
        key: (depth, float((found[key][1] - middles[depth]) / step))
        for depth, layer in enumerate(layers)
        for key in layer
    }
