"""Timelines of jobs of many kinds, made of facts as a handler makes them of an account's."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from bot.azure.models.task import Dependencies
from bot.domain.task_timeline.moments import NodeFacts, TaskFacts
from bot.domain.task_timeline.phases import course_of, finding
from bot.domain.task_timeline.waits import spans_of
from cards.charts.timeline import Timeline
from handlers.timeline.layout import marks_of, moment, queue_of, rows_of, stages_of

BEGIN = datetime(2026, 3, 2, 13, 7, tzinfo=UTC).timestamp()


def picture(name: str, tasks: list[TaskFacts], nodes: list[NodeFacts], now: float, **more: object) -> Timeline:
    """The timeline of a job of these tasks, as ``timeline job`` makes it."""
    made = spans_of(tasks, nodes, more.pop("prepared", {}), now)  # type: ignore[arg-type]
    course = course_of(made)
    assert course is not None
    rows, about = rows_of(made, course)
    return Timeline(
        finding(course),
        f"render-prod · {name} · {len(tasks):,} tasks · {about}",
        moment(course.begin),
        moment(course.end),
        rows,
        "America/Chicago",
        stages_of(course),
        queue_of(made, course),
        marks_of(made, course),
        about,
    )


def crowd(
    tasks: int, nodes: int, slots: int, *, seconds: float, boot: float = 0.0, seed: int = 7
) -> tuple[list[TaskFacts], list[NodeFacts], float]:
    """A job whose tasks run as slots get free, after its nodes have booted. A fiftieth of them fails."""
    rng = random.Random(seed)
    machines = [
        NodeFacts(
            f"tvmps_{rng.getrandbits(64):016x}_d", BEGIN + 30, at := BEGIN + boot * rng.uniform(0.9, 1.2), at + 40
        )
        if boot
        else NodeFacts(f"tvmps_{rng.getrandbits(64):016x}_d", BEGIN - 9000, BEGIN - 8800, BEGIN - 8700)
        for _ in range(nodes)
    ]
    free = [(max(BEGIN + 1, node.usable or BEGIN), node.id) for node in machines for _ in range(slots)]
    found = []
    for n in range(tasks):
        free.sort()
        at, node = free.pop(0)
        end = at + seconds * rng.uniform(0.5, 1.8)
        free.append((end + 1, node))
        made = BEGIN + n * 0.01
        found.append(
            TaskFacts(f"frame-{n:05}", made, "completed", end, max(at, made), end, rng.random() < 0.02, node=node)
        )
    return found, machines, max(end for end, _ in free)


def tiny() -> Timeline:
    """Four tasks, each of which waits for the one before, on a pool that has to boot."""
    node = NodeFacts("n1", BEGIN + 5, BEGIN + 200, BEGIN + 260)
    names, at, tasks = ("prepare", "simulate", "simulate-b", "merge"), BEGIN + 262, []
    for n, name in enumerate(names):
        after = Dependencies((names[n - 1],)) if n else None
        tasks.append(TaskFacts(name, BEGIN + n, "completed", at + 90, at, at + 90, node="n1", after=after))
        at += 92
    return picture("small-job", tasks, [node], at)


def retried() -> Timeline:
    """Tasks that were run again: of some it is known how long, of others not."""
    tasks, nodes, now = crowd(18, 3, 2, seconds=200)
    again = []
    for n, task in enumerate(tasks):
        if n % 3:
            again.append(task)
            continue
        began = (task.began or 0) + 400
        again.append(
            TaskFacts(task.id, task.made, "completed", began + 90, began, began + 90, n % 2 == 0, 3, 0, began - 2,
                      False, 300.0 if n % 2 else None, task.node)
        )  # fmt: skip
    return picture("retry-job", again, nodes, now + 600)


def preempted() -> Timeline:
    """Forty spot nodes, of which ten go in the middle: their tasks wait again, and run elsewhere."""
    tasks, nodes, _ = crowd(400, 40, 1, seconds=400, boot=420)
    middle, gone = BEGIN + 2000, {node.id for node in nodes[:10]}
    free = [(middle, node.id) for node in nodes[10:]]
    found = []
    for task in tasks:
        if (task.ended or 0) <= middle or (task.node not in gone and (task.began or 0) <= middle):
            found.append(task)
            free = [(max(at, task.ended or 0) if name == task.node else at, name) for at, name in free]
    for task in sorted((task for task in tasks if task not in found), key=lambda each: each.began or 0):
        free.sort()
        at, node = free.pop(0)
        lost = (task.began or 0) < middle
        began, took = at + 2, (task.ended or 0) - (task.began or 0)
        free.append((began + took, node))
        before = middle - (task.began or 0) if lost else None
        last = middle if lost else None
        found.append(
            TaskFacts(task.id, task.made, "completed", began + took, began, began + took, task.failed, int(lost),
                      int(lost), last, lost, before, node)
        )  # fmt: skip
    return picture("spot-job", found, nodes, max(at for at, _ in free))


def timelines() -> dict[str, Timeline]:
    """One of each kind."""
    big = crowd(2500, 40, 1, seconds=150, boot=840)
    return {
        "tiny": tiny(),
        "retried": retried(),
        "preempted": preempted(),
        "2500 on 40 slots": picture("nightly-12", *big),
        "2500 on 4 nodes": picture("nightly-13", *crowd(2500, 4, 16, seconds=150)),
        "10000": picture("storm", *crowd(10_000, 300, 4, seconds=900, boot=300)),
        "going": picture("young", *_going()),
    }


def _going() -> tuple[list[TaskFacts], list[NodeFacts], float]:
    tasks, nodes, _ = crowd(60, 5, 2, seconds=300, boot=200)
    now, found = BEGIN + 900, []
    for task in tasks:
        if (task.began or 0) > now:
            found.append(TaskFacts(task.id, task.made, "active", task.made))
        elif (task.ended or 0) > now:
            found.append(TaskFacts(task.id, task.made, "running", task.began or 0, task.began, node=task.node))
        else:
            found.append(task)
    return found, nodes, now
