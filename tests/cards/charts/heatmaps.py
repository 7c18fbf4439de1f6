"""Heat maps of many shapes for the tests. The same arguments give the same chart."""

from __future__ import annotations

import random

from cards.charts.heatmap import Cell, HeatMap, Section
from cards.charts.node_states import INDEX, RUNNING_INDEX, STYLES

USUAL = {"running": 0.78, "idle": 0.15, "starting": 0.02, "waitingforstarttask": 0.02, "preempted": 0.01,
         "unusable": 0.01, "starttaskfailed": 0.01}  # fmt: skip


def cells(count: int, states: dict[str, float] = USUAL, spot: float = 0.2, seed: int = 7) -> tuple[Cell, ...]:
    """So many nodes with states by their shares."""
    chance = random.Random(seed)
    found = []
    for state in chance.choices(list(states), list(states.values()), k=count):
        use = chance.choice((0.25, 0.5, 0.75, 1.0)) if state == "running" else 0.0
        found.append(Cell(INDEX[state], use, chance.random() < spot))
    return tuple(found)


def one_pool(*found: Cell) -> HeatMap:
    """A heat map of one pool."""
    section = Section("gpu-a", tuple(found))
    return HeatMap(f"{section.bad} of {len(found):,} nodes bad", "render-prod · pool gpu-a · 22 Nov 14:02", (section,))


def pools(*counts: int) -> HeatMap:
    """A heat map of several pools."""
    sections = tuple(Section(f"pool-{n + 1:02}", cells(count, seed=n)) for n, count in enumerate(counts))
    bad = sum(section.bad for section in sections)
    ordered = tuple(sorted(sections, key=lambda section: -section.bad))
    return HeatMap(f"{bad} of {sum(counts):,} nodes bad", f"render-prod · {len(counts)} pools · 22 Nov 14:02", ordered)


def heatmaps() -> dict[str, HeatMap]:
    """Every shape that the picture has to stand."""
    every = [Cell(n, 0.0, spot) for n in range(len(STYLES)) for spot in (False, True)]
    greens = [Cell(RUNNING_INDEX, share / 5, spot) for share in range(1, 6) for spot in (False, True)]
    return {
        "one": one_pool(Cell(INDEX["idle"])),
        "none": one_pool(),
        "forty": one_pool(*cells(40)),
        "states": one_pool(*every, *greens),
        "bad": one_pool(*cells(300, {"unusable": 0.8, "starttaskfailed": 0.2})),
        "three of 2,000": one_pool(*cells(1997, {"running": 1.0}), *[Cell(INDEX["unusable"])] * 3),
        "many": one_pool(*cells(2500)),
        "spot": one_pool(*cells(800, {"running": 0.9, "preempted": 0.1}, spot=1.0)),
        "demo": pools(30, 12, 24, 8, 6, 2),
        "performance": pools(*[100] * 20),
        "uneven": pools(1000, 400, 3, 1, 0, 250, 40, 12),
        "hundred pools": pools(*[25] * 100),
        "huge": one_pool(*cells(40_000)),
        "phone": HeatMap("3 bad", "here", one_pool(*cells(400)).sections, width=360),
        "odd words": HeatMap("$x^2$ 漢字 🚀\n" * 9, "\x00 $", (Section("p" * 64, cells(9)), Section("", cells(3)))),
    }
