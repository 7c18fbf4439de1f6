"""The soak's truth: what happens in the sandbox's world is recorded whole, however short it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.entity_specs import JobSpecification, PoolInformation, Schedule
from bot.sandbox.world import Clock
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.scenarios import build
from tests.soak.account import AGAIN, BREAKING, LOADS, SIZED, WORK, prepared
from tests.soak.expected import expected, kinds
from tests.soak.record import Change, WorldRecord
from tests.soak.trouble import Trouble

START = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class Stopped(Clock):
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        super().__init__(START, source=lambda: 0.0)


def world(load: str = "carried") -> tuple[AccountState, Stopped]:
    clock = Stopped()
    account = next(iter(build("tiny", 1, clock).accounts.values()))
    prepared(load)(account)
    clock.advance(timedelta(minutes=20))
    account.world.settle()
    return account, clock


def of(record: WorldRecord, thing: str, name: str = "") -> list[Change]:
    record.look()
    return [each for each in record.changes if each.thing == thing and name in ("", each.id, each.parent)]


def test_a_node_that_breaks_and_is_well_in_the_same_moment_did_both() -> None:
    account, _ = world()
    record = WorldRecord(account)
    [node] = account.inject.break_nodes(BREAKING[0])
    account.inject.heal(BREAKING[0])
    assert [(each.before, each.after) for each in of(record, "node", node)] == [
        ("idle", "unusable"),
        ("unusable", "idle"),
    ]


def test_a_job_that_is_deleted_and_gone_before_anybody_looks_is_recorded_with_its_failures() -> None:
    account, clock = world()
    record = WorldRecord(account)
    account.inject.add_job("render", WORK, 4, seconds=30.0, failing=1.0, cause="exit-137")
    account.commands.set_on_all_tasks_complete("render", "terminatejob")
    clock.advance(timedelta(minutes=10))
    account.world.settle()
    account.commands.delete_job("render")
    clock.advance(timedelta(minutes=1))
    account.world.settle()
    assert "render" not in account.jobs
    states = [each.after for each in of(record, "job", "render")]
    assert states == ["active", "terminating", "completed", "deleting"]
    assert len(of(record, "task", "render")) == 4
    gone = of(record, "job", "render")[-1].at
    told = expected(record.changes, kinds())
    assert {each.until for each in told if each.kind in ("job.failed", "task.failed")} == {gone}
    assert "job.deleted" not in {each.kind for each in told}


def test_a_schedule_that_is_deleted_and_gone_before_anybody_looks_is_recorded() -> None:
    account, clock = world()
    record = WorldRecord(account)
    spec = JobSpecification(pool_info=PoolInformation(pool_id=AGAIN))
    account.commands.add_schedule("nightly", Schedule(recurrence_interval="PT1H"), spec)
    clock.advance(timedelta(minutes=1))
    account.commands.terminate_schedule("nightly")
    clock.advance(timedelta(minutes=1))
    account.world.settle()
    account.commands.delete_schedule("nightly")
    clock.advance(timedelta(minutes=1))
    account.world.settle()
    assert "nightly" not in account.schedules
    states = [each.after for each in of(record, "schedule", "nightly")]
    assert states == ["active", "terminating", "completed", "deleting"]
    gone = of(record, "schedule", "nightly")[-1].at
    told = [(each.kind, each.until) for each in expected(record.changes, kinds()) if each.name == "nightly"]
    assert ("schedule.completed", gone) in told
    assert ("schedule.deleted", None) in told


def test_a_job_is_recorded_with_its_failures_and_its_end() -> None:
    account, clock = world()
    record = WorldRecord(account)
    account.inject.add_job("render", WORK, 4, seconds=30.0, failing=1.0, cause="exit-137")
    account.commands.set_on_all_tasks_complete("render", "terminatejob")
    clock.advance(timedelta(minutes=10))
    assert [each.after for each in of(record, "job", "render")] == ["active", "terminating", "completed"]
    end = of(record, "job", "render")[-1]
    assert (end.many, end.of, end.why) == (4, 4, "AllTasksComplete")
    assert [each.why for each in of(record, "task", "render")] == ["exit code 137"] * 4


def test_resizes_and_schedules_are_recorded() -> None:
    account, clock = world()
    record = WorldRecord(account)
    account.inject.fail_resize(SIZED[0], "AllocationFailed")
    account.commands.resize(SIZED[1], 3, 0)
    spec = JobSpecification(pool_info=PoolInformation(pool_id=AGAIN))
    account.commands.add_schedule("nightly", Schedule(recurrence_interval="PT1H"), spec)
    account.commands.disable_schedule("nightly")
    clock.advance(timedelta(minutes=10))
    failed = of(record, "allocation", SIZED[0])[-1]
    assert (failed.after, failed.many, failed.of, failed.why) == ("steady", 1, 2, "AllocationFailed")
    well = of(record, "allocation", SIZED[1])[-1]
    assert (well.after, well.many, well.of, well.why) == ("steady", 3, 3, "")
    assert [(each.before, each.after) for each in of(record, "schedule")] == [("", "active"), ("active", "disabled")]


@pytest.mark.parametrize("load", LOADS)
def test_trouble_does_all_that_it_can_and_piles_up_only_where_it_is_to(load: str) -> None:
    account, clock = world(load)
    record = WorldRecord(account)
    trouble = Trouble(account, 1)
    for _ in range(600):
        trouble.strike()
        clock.advance(timedelta(seconds=7))
        account.world.settle()
    record.look()
    assert trouble.seen.keys() >= {"job", "end", "disable", "delete", "retry", "break", "start_task", "heal"}
    assert trouble.seen.keys() >= {"resize", "fails", "pool", "schedule"}
    assert {"pool", "allocation", "node", "job", "task", "retry", "schedule"} == {each.thing for each in record.changes}
    active = sum(job.state == "active" for job in account.jobs.values())
    assert active > 300 if load == "piled" else active < 40
