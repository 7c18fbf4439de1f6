"""Nodes as a heat map: the specification of the picture, its figures, and its words. Needs no drawing library."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from cards.charts.node_states import RUNNING_INDEX, STYLES
from cards.formatting import number, percent, plural


class Cell(Struct, frozen=True, array_like=True, gc=False):
    """One node: its state's place in :data:`STYLES`, the share of its task slots in use (0..1), whether it is spot."""

    state: int
    use: float = 0.0
    spot: bool = False


class Section(Struct, frozen=True):
    """The nodes of one pool, or of several that are shown together."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def bad(self) -> int:
        """Nodes that are billed and do no work."""
        return sum(STYLES[cell.state].kind == "bad" for cell in self.cells)


class HeatMap(Struct, frozen=True, tag="heatmap"):
    """What the heat map shows: a square a node, in sections when there are several pools.

    The squares are sorted by trouble and then by use: a node's id says nothing about where it stands, and so the worst
    are where reading begins and every state is one area. ``height`` 0 means as high as it needs.
    """

    headline: str
    subtitle: str
    sections: tuple[Section, ...]
    width: int = 1600
    height: int = 0


def sorted_cells(cells: tuple[Cell, ...]) -> list[Cell]:
    """By trouble, the busiest first; spot after dedicated."""
    return sorted(cells, key=lambda cell: (cell.state, -cell.use, cell.spot))


def counted(chart: HeatMap) -> dict[int, int]:
    """Nodes by state (its place in :data:`STYLES`), worst first; states without nodes are left out."""
    counts = Counter(cell.state for section in chart.sections for cell in section.cells)
    return dict(sorted(counts.items()))


def heatmap_alt(chart: HeatMap) -> str:
    """The figures of the picture in a few sentences."""
    counts = counted(chart)
    total = sum(counts.values())
    if not total:
        return f"{chart.headline}. Heat map: no nodes."
    states = ", ".join(f"{number(count)} {STYLES[state].word}" for state, count in counts.items())
    parts = [f"{chart.headline}.", f"Heat map of {plural(total, 'node')}: {states}."]
    cells = [cell for section in chart.sections for cell in section.cells]
    busy = [cell.use for cell in cells if cell.state == RUNNING_INDEX]
    if busy:
        parts.append(f"Running nodes use {percent(sum(busy), len(busy))} of their task slots.")
    if spot := sum(cell.spot for cell in cells):
        parts.append(f"{number(spot)} are spot nodes." if spot > 1 else "1 is a spot node.")
    worst = sorted((section for section in chart.sections if section.bad), key=lambda section: -section.bad)
    if worst and len(chart.sections) > 1:
        named = ", ".join(f"{section.name} ({number(section.bad)})" for section in worst[:5])
        more = f" and {number(len(worst) - 5)} more" if len(worst) > 5 else ""
        parts.append(f"Bad nodes are in {named}{more}.")
    return " ".join(parts)
