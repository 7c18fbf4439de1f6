"""Topologies of many shapes for the tests. The same arguments give the same chart."""

from __future__ import annotations

import random

from cards.charts.topology import Box, Layer, Part, Tie, Topology, parts

ACCOUNT = (Layer("schedules", 0.8), Layer("jobs", 1.3), Layer("pools and nodes", 1.1))


def account(schedules: int, jobs: int, pools: int, seed: int = 7) -> Topology:
    """An account of so many, with some failures."""
    chance = random.Random(seed)
    boxes = [Box(f"s{n}", 0, f"nightly-{n}", "next 02:00") for n in range(schedules)]
    ties: list[Tie] = []
    rooted = []
    for n in range(jobs):
        failed = chance.choice((0, 0, 0, 3, 214))
        done, running = chance.randrange(2000), chance.randrange(60)
        made = parts((("failed", failed), ("done", done), ("running", running), ("waiting", 2000 - done)))
        name = f"nightly-{n % schedules}:job-{n}" if schedules and n % 3 else f"simulation-campaign-2026-11-{n:04}"
        boxes.append(
            Box(f"j{n}", 1, name, f"{failed} failed" if failed else f"{done:,}", "failed" if failed else "plain", made)
        )
        if schedules and n % 3:
            ties.append(Tie(f"s{n % schedules}", f"j{n}"))
        else:
            rooted.append(f"j{n}")
        if pools:
            ties.append(Tie(f"j{n}", f"p{n * 7 % pools}", failed > 100))
    for n in range(pools):
        bad = chance.choice((0, 0, 0, 2))
        made = parts((("bad", bad), ("idle", chance.randrange(9)), ("running", chance.randrange(90)), ("gone", n % 3)))
        total = sum(part.count for part in made)
        note = f"{bad} of {total} bad" if bad else f"{total} nodes"
        boxes.append(Box(f"p{n}", 2, f"pool-{n + 1:02}", note, "failed" if bad else "plain", made))
    subtitle = f"{schedules} schedules · {jobs} jobs · {pools} pools · 22 Nov 14:02"
    return Topology(
        "3 jobs and 2 pools in trouble", subtitle, ACCOUNT, tuple(boxes), tuple(ties), "render-prod", tuple(rooted)
    )


def graph(edges: dict[str, str], marks: dict[str, str] | None = None) -> Topology:
    """Tasks by layer: ``{"a": "0", "b": "1 a"}`` is a in layer 0, b in layer 1 after a."""
    boxes, ties = [], []
    for key, told in edges.items():
        layer, *parents = told.split()
        mark = (marks or {}).get(key, "plain")
        boxes.append(Box(key, int(layer), key, mark=mark, parts=(Part("failed" if mark == "failed" else "done", 1),)))
        ties += [Tie(parent, key, mark == "blocked") for parent in parents]
    depth = max((box.layer for box in boxes), default=-1) + 1
    return Topology("Task graph", "job simulate", tuple(Layer() for _ in range(depth)), tuple(boxes), tuple(ties))


def topologies() -> dict[str, Topology]:
    """Every shape that the picture has to stand."""
    fan = {"mesh": "0"} | {f"aoa-{n:02}": "1 mesh" for n in range(24)}
    fan |= {f"post-{n:02}": f"2 aoa-{n:02}" for n in range(24)} | {
        "report": "3 " + " ".join(f"post-{n:02}" for n in range(24))
    }
    return {
        "topology one job": account(0, 1, 1),
        "topology few": account(2, 5, 3),
        "topology fifty": account(6, 50, 20),
        "topology empty": account(0, 0, 0),
        "topology idle pools": account(0, 0, 8),
        "topology no pools": account(3, 4, 0),
        "graph chain": graph({f"step-{n:02}": f"{n} step-{n - 1:02}" if n else "0" for n in range(16)}),
        "graph diamond": graph(
            {"fetch": "0", "left": "1 fetch", "right": "1 fetch", "join": "2 left right"},
            {"left": "failed", "join": "blocked"},
        ),
        "graph fan": graph(fan, {"aoa-07": "failed", "post-07": "blocked", "report": "blocked"}),
        "graph odd words": graph({"漢字 $x^2$ " + "n" * 60: "0", "": "0", "b": "1 "}),
    }
