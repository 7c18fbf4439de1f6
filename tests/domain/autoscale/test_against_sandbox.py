"""What a formula would have done, against what it did: the sandbox lives a day, and its past is tried out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.autoscale.history import history
from bot.domain.autoscale.syntax import read
from bot.domain.autoscale.what_if import what_if
from bot.sandbox.world import World
from bot.sandbox.world.live import LivePool
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Sample, Work
from tests.worlds import lived

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


def sampled(world: World, pool: LivePool, hours: int) -> list[Sample]:
    """The samples that the bot would take, one a minute."""
    samples = []
    for _ in range(hours * 60):
        world.clock.advance(timedelta(minutes=1))
        world.settle()
        waiting = sum(job.counts[0] - len(job.waiting) for job in pool.jobs if job.state == "active")
        running = sum(len(job.running) for job in pool.jobs)
        succeeded, failed = (sum(job.counts[column] for job in pool.jobs) for column in (2, 3))
        dedicated, spot = pool.total(True), pool.total(False)
        work = Work(waiting, running, succeeded, failed)
        samples.append(Sample("a", "p", world.time, 60.0, CoreUse(unused=1.0), NO_USE, dedicated + spot, spot, work))
    return samples


@pytest.mark.parametrize("name", ["render-cpu", "render-gpu"])
def test_what_would_have_been_is_about_what_was(name: str) -> None:
    """A pool by its own formula, and a fixed one by its own size: what is tried out is what happened."""
    world = lived("demo", seed=7, start=START, hours=7)
    pool = world.accounts["render-prod"].pools[name]
    samples = sampled(world, pool, 12)
    last = samples[-1]
    text = pool.body.auto_scale_formula or (
        f"$TargetDedicatedNodes = {last.nodes - last.spot_nodes}; $TargetLowPriorityNodes = {last.spot_nodes};"
    )
    past = history(samples, pool.slots)
    assert past
    assert past.arrived > 300
    found = what_if(read(text), past, pool.slots, interval=timedelta(minutes=5))
    assert found.failed == 0
    assert found.would.node_hours == pytest.approx(found.was.node_hours, rel=0.05)
    assert found.mean_wait(found.would) / found.mean_wait(found.was) == pytest.approx(1, abs=0.35)
