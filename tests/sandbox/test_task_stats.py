"""Statistics of tasks: when they come, and that they tell of all runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.sandbox.entity_specs import JobSpecification, TaskConstraints, TaskSpecification
from bot.sandbox.world import Clock, World
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.durations import seconds
from bot.sandbox.world.live import LiveTask
from bot.sandbox.world.scenarios import build
from bot.sandbox.world.scenarios.parts import Batch, on, submit
from tests.handlers.conftest import START


def _retried() -> tuple[World, AccountState, LiveTask]:
    """A task that always fails and is run three times, when it is over."""
    world = build("tiny", seed=3, clock=Clock(START, paused=True))
    world.clock.advance(timedelta(hours=1))
    world.settle()
    account = world.accounts["tiny"]
    batch = Batch(
        count=1, task_id="t", command="x", work=Work(median=120.0, failures=((1.0, exited(1)),)),
        spec=TaskSpecification(constraints=TaskConstraints(max_task_retry_count=2)),
    )  # fmt: skip
    job = submit(account, "again", JobSpecification(pool_info=on("pool1")), batch, ends=False)
    task = job.tasks["t"]
    while task.state != "completed":
        world.clock.advance(timedelta(seconds=10))
        world.settle()
    return world, account, task


def _stats(account: AccountState, task: LiveTask, **asked: bool) -> dict[str, Any] | None:
    return account.task_body(account.jobs["again"], task, **asked).stats


def test_statistics_come_half_an_hour_after_the_end_and_where_they_are_asked_for() -> None:
    world, account, task = _retried()
    assert _stats(account, task, stats=True) is None
    world.clock.advance(timedelta(minutes=30))
    world.settle()
    assert _stats(account, task) is None
    assert _stats(account, task, stats=True) is not None


def test_they_tell_how_long_all_runs_took() -> None:
    world, account, task = _retried()
    info = task.execution_info
    assert info.retry_count == 2
    world.clock.advance(timedelta(minutes=31))
    world.settle()
    stats = _stats(account, task, stats=True)
    assert stats
    assert info.start_time
    assert info.end_time
    assert stats["lastUpdateTime"] > info.end_time
    last = (info.end_time - info.start_time).total_seconds()
    whole = seconds(stats["wallClockTime"])
    assert whole == pytest.approx(task.held, abs=1e-5)
    assert whole is not None
    assert whole > 2 * last
    assert isinstance(stats["startTime"], datetime)
