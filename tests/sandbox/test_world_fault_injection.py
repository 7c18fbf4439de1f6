"""Fault injection inside the world: faults come as asked for, and the world stays consistent."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.entity_parts import StartTask, TaskConstraints
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, Schedule, TaskDependencies, TaskSpecification
from bot.sandbox.world import AccountState, Clock, LivePool, Refused, World
from bot.sandbox.world.behaviour import Work, cause_named
from bot.sandbox.world.scenarios.parts import add_account, on

from .world_check import Watch, dump, strict

START = datetime(2026, 11, 24, tzinfo=UTC)
QUARTER = "$TargetDedicatedNodes = 2;"


class Place:
    """An account with a pool of four dedicated and three spot nodes, and a hand on its clock."""

    def __init__(self) -> None:
        self.world = World(7, Clock(START, paused=True))
        self.account: AccountState = add_account(
            self.world, "place", "westeurope", dedicated=60, spot=40, families={"standardDSv3Family": 60}, jobs=20
        )
        strict(self.account)
        self.do = self.account.inject
        self.watch = Watch(self.world)
        self.pool = self.add_pool("pool", dedicated=4, spot=3, start_task=StartTask(command_line="setup"))

    def add_pool(self, pool_id: str, *, dedicated: int = 0, spot: int = 0, **spec: object) -> LivePool:
        asked = PoolSpecification(
            vm_size="Standard_D4s_v3",
            target_dedicated_nodes=dedicated,
            target_low_priority_nodes=spot,
            **spec,  # type: ignore[arg-type]
        )
        return self.account.allocator.add(pool_id, asked, since=START - timedelta(days=1))

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        self.watch.look()

    def states(self) -> Counter[str]:
        return Counter(node.state for node in self.pool.nodes.values())


@pytest.fixture
def place() -> Place:
    return Place()


# --- storms -----------------------------------------------------------------------------------------------------------


def test_ten_thousand_tasks_fail_of_a_hundred_causes_within_a_minute(place: Place) -> None:
    names = [f"exit-{code}" for code in range(1, 101)]
    assert place.do.storm(["one", "two"], names, 10_000, 60, pool_id="pool") == {"one": 5000, "two": 5000}
    one, two = place.account.job("one"), place.account.job("two")
    assert one.counts[3] == 0
    place.wait(30)
    assert (one.counts[3], two.counts[3]) == (2500, 2500)
    place.wait(30)
    for job in (one, two):
        assert job.counts == [0, 0, 0, 5000]
    infos = [task.execution_info for job in (one, two) for task in job.tasks.values()]
    assert Counter(info.exit_code for info in infos) == dict.fromkeys(range(1, 101), 100)
    ended = [info.end_time - START for info in infos if info.end_time]
    assert (min(ended), max(ended)) == (timedelta(seconds=0.006), timedelta(seconds=60))
    assert all(task.node_id in place.pool.nodes for task in one.tasks.values())
    assert not place.account.runner.set_to_fail


def test_a_storm_takes_those_that_run_first_and_lets_nobody_escape(place: Place) -> None:
    job = place.do.add_job("job", "pool", 40, seconds=20)
    place.wait(6)
    running = {task.id for task in job.running}
    assert len(running) == 7
    place.do.storm(["job"], ["exit-137"], 40, 300)
    place.wait(200)
    assert job.counts[2] == 0  # though twenty seconds have long been over for all of them
    place.wait(100)
    assert job.counts == [0, 0, 0, 40]
    first = sorted(job.tasks.values(), key=lambda task: task.state_transition_time)[:7]
    assert {task.id for task in first} == running


def test_a_storm_at_once_spends_the_retries_and_leaves_the_rest_alone(place: Place) -> None:
    job = place.account.job_lifecycle.add("job", JobSpecification(pool_info=on("pool"), uses_task_dependencies=True))
    runner, spec = place.account.runner, TaskSpecification(constraints=TaskConstraints(max_task_retry_count=2))
    for number in range(9):
        runner.add(job, f"t{number}", "work", spec, work=Work(median=500.0))
    runner.add(job, "child", "work", spec, work=Work(median=500.0), depends_on=TaskDependencies(task_ids=["t0"]))
    place.wait(60)
    assert place.do.storm(["job"], ["exit-1", "disk-full"], 8) == {"job": 8}
    place.watch.look()
    failed = [task for task in job.tasks.values() if task.state == "completed"]
    assert Counter(
        (task.execution_info.exit_code, task.execution_info.retry_count, task.execution_info.failure_info.code)
        for task in failed
        if task.execution_info.failure_info
    ) == {(1, 2, "FailureExitCode"): 4, (None, 0, "DiskFull"): 4}
    assert list(job.waiting) == ["child"]
    assert job.counts[0] + job.counts[1] == 2


def test_doomed_tasks_end_as_their_job_does_when_it_ends_first(place: Place) -> None:
    place.do.add_job("job", "pool", 20, seconds=500)
    place.wait(30)
    place.do.storm(["job"], ["exit-1"], 20, 100)
    place.wait(10)
    place.account.commands.terminate_job("job")
    place.wait(200)
    job = place.account.job("job")
    assert job.state == "completed"
    assert Counter(task.state for task in job.tasks.values()) == {"completed": 9, "active": 11}
    assert not place.account.runner.set_to_fail


def test_a_storm_over_nothing(place: Place) -> None:
    with pytest.raises(Refused, match="JobNotFound"):
        place.do.storm(["none"], ["exit-1"], 1)
    with pytest.raises(Refused, match="PoolNotFound"):
        place.do.storm(["none"], ["exit-1"], 1, pool_id="nowhere")
    place.do.add_job("job", "pool")
    assert place.do.storm(["job"], ["exit-1"], 5) == {"job": 0}
    place.account.commands.terminate_job("job")
    with pytest.raises(Refused, match="OperationInvalidForCurrentState"):
        place.do.storm(["job"], ["exit-1"], 5)


@pytest.mark.parametrize("name", ["exit-0", "exit-", "exit-2147483648", "rain", "exit-1e3"])
def test_no_causes(name: str) -> None:
    with pytest.raises(ValueError, match="is no cause of failure; there are exit-1"):
        cause_named(name)


def test_causes() -> None:
    assert [cause_named(f"exit-{code}").exit_code for code in (1, 255, -1073741819)] == [1, 255, -1073741819]
    assert cause_named("blob-not-found").phase == "prepare"


def test_the_same_requests_make_the_same_history() -> None:
    def told() -> bytes:
        place = Place()
        place.do.storm(["a", "b"], ["exit-1", "disk-full"], 300, 90, pool_id="pool")
        place.do.flap("pool", times=5, every=20)
        place.do.break_nodes("pool", 2, recovers=True)
        place.wait(3600)
        return dump(place.world)

    assert told() == told()


# --- nodes ------------------------------------------------------------------------------------------------------------


def test_a_node_flaps_two_hundred_times_and_is_well_afterwards(place: Place) -> None:
    node_id = place.do.flap("pool", times=200, every=10)
    node, changes = place.pool.nodes[node_id], 0
    was = "idle"
    assert node.state == "unusable"
    for _ in range(420):
        changes += node.state != was
        was = node.state
        assert (node.body.errors is None) == (node.state != "unusable")
        place.wait(5)
    assert changes == 400
    assert place.states() == {"idle": 7}


def test_a_start_task_flaps(place: Place) -> None:
    node = place.pool.nodes[place.do.flap("pool", times=4, every=1200, start_task=True)]
    seen = []
    for _ in range(18):
        seen.append(node.state)
        place.wait(300)
    assert seen == ["starttaskfailed", "starttaskfailed", "rebooting", "idle"] * 4 + ["idle", "idle"]
    place.add_pool("plain", dedicated=1)
    with pytest.raises(Refused, match="OperationInvalidForCurrentState"):
        place.do.flap("plain", start_task=True)


def test_storms_use_the_nodes_that_work(place: Place) -> None:
    place.do.storm(["job"], ["exit-1"], 70, 70, pool_id="pool")
    place.wait(35)
    broken = set(place.do.break_nodes("pool", 3))
    at = place.world.time
    place.wait(35)
    tasks = place.account.job("job").tasks.values()
    assert {task.node_id for task in tasks if task.state_transition_time <= at} == set(place.pool.nodes)
    assert {task.node_id for task in tasks if task.state_transition_time > at} == set(place.pool.nodes) - broken
    place.do.break_nodes("pool", 9)
    place.do.storm(["late"], ["exit-1"], 5, pool_id="pool")
    assert {task.node_id for task in place.account.job("late").tasks.values()} == {None}


def test_broken_nodes_stay_broken_until_they_are_healed(place: Place) -> None:
    broken = place.do.break_nodes("pool", 2)
    failed = place.do.fail_start_tasks("pool", 3)
    assert len({*broken, *failed}) == 5
    place.wait(86_400)
    assert place.states() == {"unusable": 2, "starttaskfailed": 3, "idle": 2}
    assert place.do.heal("pool") == sorted(broken + failed)
    assert place.states() == {"idle": 4, "rebooting": 3}
    place.wait(1200)
    assert place.states() == {"idle": 7}
    assert all(info.result == "success" for node in place.pool.nodes.values() if (info := node.body.start_task_info))


def test_broken_nodes_that_recover(place: Place) -> None:
    place.do.break_nodes("pool", 2, recovers=True)
    place.wait(3 * 3600)
    assert place.states() == {"idle": 7}


# --- pools ------------------------------------------------------------------------------------------------------------


def test_a_stuck_resize_neither_ends_nor_errs_until_it_goes_on(place: Place) -> None:
    place.do.stick_resize("pool", 6)
    place.wait(86_400)
    body = place.pool.body
    assert (body.allocation_state, body.resize_errors, len(place.pool.nodes)) == ("resizing", None, 7)
    place.do.unstick_pool("pool")
    place.wait(1200)
    assert (body.allocation_state, body.resize_errors, len(place.pool.nodes)) == ("steady", None, 9)


def test_a_resize_sticks_half_way(place: Place) -> None:
    place.account.commands.resize("pool", 6)
    place.wait(20)
    place.do.stick_resize("pool")
    place.wait(7200)
    assert (place.pool.body.allocation_state, place.states()) == ("resizing", {"idle": 9})
    place.account.commands.stop_resize("pool")
    place.wait(60)
    assert (place.pool.body.allocation_state, place.pool.stuck) == ("steady", False)


def test_a_resize_fails_with_the_error_asked_for(place: Place) -> None:
    place.do.fail_resize("pool", "AllocationFailed", dedicated=9)
    place.wait(3600)
    body = place.pool.body
    assert (body.allocation_state, body.target_dedicated_nodes, len(place.pool.nodes)) == ("steady", 9, 7)
    assert [error.code for error in body.resize_errors or ()] == ["AllocationFailed"]


def test_autoscale_errs_stands_still_and_goes_on(place: Place) -> None:
    pool = place.add_pool(
        "scaled", dedicated=2, enable_auto_scale=True, auto_scale_formula=QUARTER, auto_scale_evaluation_interval="PT5M"
    )
    place.do.break_autoscale("scaled", "error")
    place.wait(301)
    run = pool.body.auto_scale_run
    assert run
    assert run.error
    assert (run.error.code, run.timestamp) == ("AutoScalingFormulaEvaluationError", START + timedelta(minutes=5))
    place.do.break_autoscale("scaled", "stale")
    place.wait(3600)
    assert pool.body.auto_scale_run is run
    place.do.break_autoscale("scaled", None)
    place.wait(300)
    run = pool.body.auto_scale_run
    assert run
    assert (run.error, run.timestamp) == (None, START + timedelta(minutes=70))
    with pytest.raises(Refused, match="OperationInvalidForCurrentState"):
        place.do.break_autoscale("pool", "error")


# --- jobs and schedules -----------------------------------------------------------------------------------------------


def test_a_stuck_job_stands_still_and_then_goes_on(place: Place) -> None:
    job = place.do.add_job("job", "pool", 30, seconds=40, failing=0.2, cause="exit-9")
    place.wait(30)
    place.do.stick_job("job")
    place.wait(4)
    still_world = list(job.counts)
    place.wait(86_400)
    assert job.counts == still_world == [23, 7, 0, 0]
    place.do.unstick_job("job")
    place.wait(600)
    assert job.counts[:2] == [0, 0]
    assert 0 < job.counts[3] < 30
    assert {task.execution_info.exit_code for task in job.tasks.values()} == {0, 9}


def test_a_barren_schedule_is_due_and_nothing_comes(place: Place) -> None:
    schedule = place.account.commands.add_schedule(
        "hourly", Schedule(recurrence_interval="PT1H"), JobSpecification(pool_info=on("pool"))
    )
    place.wait(1)
    assert schedule.made == 1
    place.account.commands.terminate_job("hourly:job-1")
    place.do.block_schedule("hourly")
    place.wait(3700)
    info = schedule.body.execution_info
    assert info.next_run_time == START + timedelta(hours=1)  # past, and still to come
    place.wait(3 * 3600)
    assert schedule.made == 1
    place.do.block_schedule("hourly", False)
    place.wait(3600)
    assert schedule.made == 2


def test_deletions_at_once_and_in_time(place: Place) -> None:
    account = place.account
    place.do.add_job("job", "pool", 20)
    account.commands.add_schedule("s", Schedule(recurrence_interval="PT1H"), JobSpecification(pool_info=on("pool")))
    place.wait(20)
    place.do.delete_job("job")
    assert account.job("job").state == "deleting"
    place.do.delete_job("job", at_once=True)
    place.do.delete_schedule("s", at_once=True)
    assert (account.jobs, account.schedules) == ({}, {})
    place.do.add_job("other", "pool", 20)
    place.wait(20)
    place.do.delete_pool("pool")
    place.watch.look()
    assert place.states() == {"leavingpool": 7}
    place.do.delete_pool("pool", at_once=True)
    place.watch.look()
    assert (account.pools, account.cores[True], account.cores[False]) == ({}, 0, 0)
    assert account.job("other").counts[0] == 20
    place.wait(3600)
    assert account.pools == {}


# --- lag --------------------------------------------------------------------------------------------------------------


def test_a_lag_hides_what_is_young_and_shows_what_was(place: Place) -> None:
    place.account.list_lag.seconds = 45
    job = place.do.add_job("job", "pool", 3, seconds=1000)
    place.wait(30)
    seen = place.account.list_lag.seen
    assert [*seen([job]), *seen(job.ordered())] == []  # made thirty seconds ago
    place.wait(30)
    assert {task.state for task in seen(job.ordered())} == {"running"}
    place.do.storm(["job"], ["exit-1"], 3)
    place.account.commands.terminate_job("job")
    node = place.do.break_nodes("pool")[0]
    place.wait(44)
    assert {task.state for task in seen(job.ordered())} == {"running"}
    assert place.account.list_lag.task_counts(job).task_counts.running == 3
    assert [one.body.state for one in seen([job])] == ["active"]
    assert [one.body.state for one in seen([place.pool.nodes[node]])] == ["running"]
    true, told = place.account.node_counts("pool"), place.account.list_lag.node_counts(place.pool)
    assert [one.dedicated.unusable + one.low_priority.unusable for one in (true, told)] == [1, 0]
    place.wait(1)
    assert {task.execution_info.result for task in seen(job.ordered())} == {"failure"}
    assert [one.body.state for one in seen([place.pool.nodes[node]])] == ["unusable"]
    place.account.list_lag.seconds = 0
    assert seen(job.ordered()) is job.ordered()


def test_a_lag_of_schedules_and_pools(place: Place) -> None:
    place.account.list_lag.seconds = 20
    schedule = place.account.commands.add_schedule(
        "hourly", Schedule(recurrence_interval="PT1H"), JobSpecification(pool_info=on("pool"))
    )
    place.wait(30)
    place.account.commands.disable_schedule("hourly")
    place.account.commands.resize("pool", 6)
    told = []
    for _ in range(3):
        schedules, pools = place.account.list_lag.seen([schedule]), place.account.list_lag.seen([place.pool])
        told.append((schedules[0].body.state, pools[0].body.allocation_state, pools[0].body.target_dedicated_nodes))
        place.wait(10)
    assert told == [("active", "steady", 4), ("active", "steady", 4), ("disabled", "resizing", 6)]


def test_a_lag_keeps_no_past_that_nobody_will_see(place: Place) -> None:
    place.account.list_lag.seconds = 10
    place.do.add_job("job", "pool", 200, seconds=5)
    place.wait(600)
    place.wait(11)
    place.account.list_lag.seen([])
    assert not place.account.list_lag._past
    for wrong in (-1, float("nan"), 1e9):
        with pytest.raises(ValueError, match="a lag is between 0 and 86400 seconds"):
            place.account.list_lag.seconds = wrong
