"""What the benchmark of how soon things are told goes by: which message tells of what, and a clock that jumps."""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime, timedelta

import pytest

from bench.crowd import Event
from bench.jumping_clock import JumpingClock
from bench.ranks import rank, tail
from bench.told import Latency, Shown, Version, told_after

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("event", "kind", "text", "told"),
    [
        (Event("start", "team-01-0001", NOON), "job.started", "job team-01-0001 has started", 20.0),
        (Event("start", "team-01-0002", NOON), "job.started", "job team-01-0001 has started", math.inf),
        (Event("end", "j", NOON), "job.completed", "job j has completed: 4 tasks in 2 h", 20.0),
        (Event("end", "j", NOON), "job.failed", "✖ job j has failed: 1 of 1 task failed", 20.0),
        (Event("end", "j", NOON), "task.failed", "✖ job j ended: 2 of 2 tasks failed · over, not mended", 20.0),
        (Event("end", "j", NOON), "task.failed", "✖ job j: 2 of 2 tasks failed", math.inf),
        (Event("end", "j", NOON), "job.started", "job j has started", math.inf),
        (Event("failure", "j", NOON, 2), "task.failed", "▲ job j: 2 of 9 tasks failed", 20.0),
        (Event("failure", "j", NOON, 3), "task.failed", "▲ job j: 2 of 9 tasks failed", math.inf),
        (Event("failure", "j", NOON, 1), "task.failed", "▲ job j: 3 tasks failed", 20.0),
        (Event("failure", "j", NOON, 1_200), "task.failed", "▲ job j: 1,201 of 9,000 tasks failed", 20.0),
    ],
)
def test_a_message_tells_of_what_it_says(event: Event, kind: str, text: str, told: float) -> None:
    decided = [Shown(kind, "entry", at(19), gathered=False)]
    assert told_after(event, decided, {"entry": [Version(at(20), text)]}) == told


def test_what_was_said_before_it_happened_tells_nothing() -> None:
    event, decided = Event("end", "j", NOON), [Shown("job.completed", "entry", at(-1), gathered=False)]
    for before, seconds in ((-3, 50.0), (-1, 0.0)):  # two clocks may differ by a second
        versions = {
            "entry": [Version(at(before), "job j has completed"), Version(at(50), "job j has completed: 4 tasks")]
        }
        assert told_after(event, decided, versions) == seconds


def test_a_digest_tells_from_the_version_that_was_written_after_the_decision() -> None:
    event, decided = Event("end", "j", NOON), [Shown("job.completed", "digest", at(25), gathered=True)]
    versions = {"digest": [Version(at(5), "9 jobs"), Version(at(27), "12 jobs"), Version(at(90), "13 jobs")]}
    assert told_after(event, decided, versions) == 27.0


def test_few_figures_have_no_p99() -> None:
    few, many = [float(n) for n in range(1, 41)], [float(n) for n in range(1, 201)]
    assert tail(few) == ("longest of 40", 40.0)
    assert tail(many) == ("p99", 198.0)
    assert (rank(many, 0.5), rank([7.0], 0.99)) == (100.0, 7.0)


def test_what_was_never_told_is_said() -> None:
    latency = Latency([*[10.0] * 98, math.inf, math.inf])
    assert latency.never == 2
    assert not latency.good(16, 32)
    assert latency.describe(16, 32).strip() == (
        "100 happened, 2 NEVER TOLD: p50 10.0 s (goal 16)  p99 never (goal 32)  longest never"
    )


async def test_a_jump_wakes_whose_time_has_come_and_no_other() -> None:
    clock = JumpingClock(NOON)
    never = asyncio.Event()
    woken = list[str]()

    async def sleeps() -> None:
        await clock.sleep(1_000)
        woken.append("first")
        await clock.until(never, 5_000)
        woken.append("second")

    task = asyncio.create_task(sleeps())
    await clock.settle()
    assert clock.still
    assert 990 < clock.next_due() - clock.elapsed() <= 1_000
    clock.jump(500)
    await clock.settle()
    assert woken == []
    clock.jump(501)
    await clock.settle()
    assert woken == ["first"]
    assert clock.now() - NOON >= timedelta(seconds=1_001)
    never.set()
    await task
    assert woken == ["first", "second"]


async def test_who_has_not_waited_yet_is_at_work() -> None:
    clock = JumpingClock(NOON, workers=("outbox of ",))
    waiting = asyncio.create_task(clock.sleep(1_000))
    await clock.settle()
    posted = asyncio.Event()
    worker = asyncio.create_task(posted.wait(), name="outbox of somewhere")
    assert not clock.still
    posted.set()
    await worker
    assert clock.still
    waiting.cancel()
