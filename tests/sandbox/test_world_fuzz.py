"""Whatever is asked of an account in whatever order, and whenever, the world stays sound and the refusals are clean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.entity_parts import StartTask, TaskConstraints
from bot.sandbox.entity_specs import (
    JobManagerTask,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    PoolSpecification,
    Schedule,
    TaskDependencies,
    TaskSpecification,
)
from bot.sandbox.world import AccountState, Clock, Refused, World
from bot.sandbox.world.behaviour import CAUSES, MachineBehaviour
from bot.sandbox.world.scenarios.parts import add_account, on

from .world_check import Watch, strict

START = datetime(2026, 11, 24, tzinfo=UTC)
POOLS = ("p0", "p1", "p2")
JOBS = ("j0", "j1", "j2", "s0:job-1", "s0:job-2")
OPTIONS = ("requeue", "terminate", "taskcompletion")

Step = tuple[int, int, int, int]
"""Which command, and three numbers it picks its arguments with."""


def world() -> World:
    made = World(5, Clock(START, paused=True))
    account = add_account(
        made, "fuzz", "westeurope", dedicated=40, spot=12, families={"standardDSv3Family": 32}, pools=3, jobs=4
    )
    account.retention = timedelta(hours=2)
    strict(account)
    return made


def _pool_spec(b: int, c: int) -> PoolSpecification:
    return PoolSpecification(
        vm_size=("Standard_D2s_v3", "standard_d4s_v3")[b % 2],
        target_dedicated_nodes=c % 9,
        target_low_priority_nodes=b % 5,
        task_slots_per_node=1 + c % 3,
        start_task=StartTask(command_line="true", wait_for_success=bool(b % 3), max_task_retry_count=1)
        if c % 2
        else None,
        enable_auto_scale=c % 4 == 3,
        auto_scale_formula="$TargetDedicatedNodes = min(6, $PendingTasks.GetSample(1));" if c % 4 == 3 else None,
        auto_scale_evaluation_interval="PT5M",
    )


def _job_spec(b: int, c: int) -> JobSpecification:
    return JobSpecification(
        pool_info=on(POOLS[b % 3]),
        priority=b % 3,
        max_parallel_tasks=(-1, 2)[c % 2],
        uses_task_dependencies=True,
        on_all_tasks_complete="terminatejob" if c % 5 == 4 else None,
        job_preparation_task=JobPreparationTask(command_line="true") if b % 2 else None,
        job_release_task=JobReleaseTask(command_line="true") if b % 2 else None,
        job_manager_task=JobManagerTask(id="manager", command_line="sleep 30", kill_job_on_completion=b % 3 == 0)
        if c % 4 == 1
        else None,
    )


def _node(account: AccountState, b: int, c: int) -> tuple[str, str]:
    pool = account.pool(POOLS[b % 3])
    nodes = pool.ordered()
    return pool.id, nodes[c % len(nodes)].id if nodes else "none"


def _task(account: AccountState, b: int, c: int) -> tuple[str, str]:
    job = account.job(JOBS[b % 5])
    tasks = job.ordered()
    return job.id, tasks[c % len(tasks)].id if tasks else "none"


def _tasks(account: AccountState, a: int, b: int, c: int) -> None:
    job = account.job(JOBS[b % 5])
    for number in range(1 + c % 12):
        after = TaskDependencies(task_ids=[f"t{a}-{number - 1}"]) if number % 4 == 3 else None
        command = ("sleep 90", "sleep 20; exit 1", "sleep 600")[(a + number) % 3]
        spec = TaskSpecification(
            required_slots=1 + (a + number) % 3,
            constraints=TaskConstraints(max_task_retry_count=c % 3, max_wall_clock_time="PT5M"),
        )
        account.commands.add_task(job.id, f"t{a}-{number}", command, spec, after)


COMMANDS: list[Callable[[AccountState, int, int, int], object]] = [
    lambda x, a, b, c: x.allocator.add(
        POOLS[a % 3], _pool_spec(b, c), MachineBehaviour(start_task_failure=0.2, spot_capacity=3)
    ),
    lambda x, a, b, c: x.commands.delete_pool(POOLS[a % 3]),
    lambda x, a, b, c: x.commands.resize(POOLS[a % 3], b % 12, c % 5, deallocation=OPTIONS[b % 3]),
    lambda x, a, b, c: x.commands.stop_resize(POOLS[a % 3]),
    lambda x, a, b, c: x.commands.set_autoscale(POOLS[a % 3], f"$TargetDedicatedNodes = {b % 8};", "PT5M"),
    lambda x, a, b, c: x.commands.disable_autoscale(POOLS[a % 3]),
    lambda x, a, b, c: x.commands.remove_nodes(_node(x, a, b)[0], [_node(x, a, b)[1]], OPTIONS[c % 3]),
    lambda x, a, b, c: x.commands.reboot_node(*_node(x, a, b), OPTIONS[c % 2]),
    lambda x, a, b, c: x.commands.reboot_node(*_node(x, a, b), "taskcompletion"),
    lambda x, a, b, c: x.commands.deallocate_node(*_node(x, a, b), OPTIONS[c % 2]),
    lambda x, a, b, c: x.commands.start_node(*_node(x, a, b)),
    lambda x, a, b, c: x.commands.disable_scheduling(*_node(x, a, b), OPTIONS[c % 3]),
    lambda x, a, b, c: x.commands.enable_scheduling(*_node(x, a, b)),
    lambda x, a, b, c: x.commands.add_job(JOBS[a % 3], _job_spec(b, c)),
    lambda x, a, b, c: x.commands.disable_job(JOBS[a % 5], ("requeue", "terminate", "wait")[b % 3]),
    lambda x, a, b, c: x.commands.enable_job(JOBS[a % 5]),
    lambda x, a, b, c: x.commands.terminate_job(JOBS[a % 5]),
    lambda x, a, b, c: x.commands.delete_job(JOBS[a % 5]),
    lambda x, a, b, c: x.commands.set_priority(JOBS[a % 5], b % 9),
    lambda x, a, b, c: x.commands.set_on_all_tasks_complete(JOBS[a % 5], "terminatejob"),
    lambda x, a, b, c: x.commands.add_schedule("s0", Schedule(recurrence_interval="PT30M"), _job_spec(a, b)),
    lambda x, a, b, c: x.commands.disable_schedule("s0"),
    lambda x, a, b, c: x.commands.enable_schedule("s0"),
    lambda x, a, b, c: x.commands.terminate_schedule("s0"),
    lambda x, a, b, c: x.commands.delete_schedule("s0"),
    _tasks,
    _tasks,
    _tasks,
    lambda x, a, b, c: x.commands.terminate_task(*_task(x, a, b)),
    lambda x, a, b, c: x.commands.reactivate_task(*_task(x, a, b)),
    lambda x, a, b, c: x.commands.delete_task(*_task(x, a, b)),
    lambda x, a, b, c: x.commands.preempt_nodes(POOLS[a % 3], 1 + b % 3),
    lambda x, a, b, c: x.commands.break_node(POOLS[a % 3], recovers=bool(b % 2)),
    lambda x, a, b, c: x.commands.fail_start_task(POOLS[a % 3]),
    lambda x, a, b, c: x.commands.storm(JOBS[a % 5], sorted(CAUSES)[b % len(CAUSES)], 1 + c % 5),
    lambda x, a, b, c: x.inject.storm(
        [JOBS[a % 5], JOBS[b % 5]], ["exit-3", "disk-full"], 1 + c, seconds=b, pool_id=POOLS[c % 3] if c % 2 else None
    ),
    lambda x, a, b, c: x.inject.storm([JOBS[a % 5]], ["exit--1"], 1 + c, seconds=c),
    lambda x, a, b, c: x.inject.add_job(JOBS[a % 3], POOLS[b % 3], c % 9, failing=b / 60),
    lambda x, a, b, c: x.inject.add_task(JOBS[a % 5], f"extra-{b}", seconds=c + 1, cause="exit-9" if b % 2 else None),
    lambda x, a, b, c: x.inject.stick_job(JOBS[a % 5]),
    lambda x, a, b, c: x.inject.unstick_job(JOBS[a % 5]),
    lambda x, a, b, c: x.inject.break_nodes(POOLS[a % 3], 1 + b % 4, recovers=bool(c % 2)),
    lambda x, a, b, c: x.inject.fail_start_tasks(POOLS[a % 3], 1 + b % 3),
    lambda x, a, b, c: x.inject.flap(POOLS[a % 3], times=1 + b % 9, every=1 + 2 * c, start_task=a > 30),
    lambda x, a, b, c: x.inject.heal(POOLS[a % 3]),
    lambda x, a, b, c: x.inject.stick_resize(POOLS[a % 3], b % 9 if c % 2 else None, c % 4 if c % 3 else None),
    lambda x, a, b, c: x.inject.fail_resize(POOLS[a % 3], dedicated=b % 9 if c % 2 else None),
    lambda x, a, b, c: x.inject.unstick_pool(POOLS[a % 3]),
    lambda x, a, b, c: x.inject.break_autoscale(POOLS[a % 3], ("error", "stale", None)[b % 3]),
    lambda x, a, b, c: x.inject.block_schedule("s0", bool(b % 2)),
    lambda x, a, b, c: x.inject.delete_job(JOBS[a % 5], at_once=bool(b % 2)),
    lambda x, a, b, c: x.inject.delete_pool(POOLS[a % 3], at_once=bool(b % 2)),
    lambda x, a, b, c: x.inject.delete_schedule("s0", at_once=bool(b % 2)),
]

STEPS = st.lists(
    st.tuples(st.integers(0, len(COMMANDS) - 1), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60)),
    min_size=5,
    max_size=40,
)
PAUSES = (0, 1, 20, 90, 400, 1500)
BASE: list[Step] = [(0, 0, 1, 5), (0, 1, 2, 4), (13, 0, 0, 0), (13, 1, 1, 0), (25, 1, 0, 11), (25, 2, 1, 10)]
"""Two pools, two jobs and their tasks, so that most commands have something to act on."""


def live(steps: list[Step], *, lag: float = 0.0) -> int:
    made = world()
    account = made.accounts["fuzz"]
    account.list_lag.seconds = lag
    watch = Watch(made)
    refused = 0
    for number, (which, a, b, c) in enumerate(BASE + steps):
        try:
            COMMANDS[which](account, a, b, c)
        except Refused as error:
            assert error.status in (400, 404, 409)
            assert error.code
            refused += 1
        watch.look()
        made.clock.advance(timedelta(seconds=PAUSES[(a + b + number) % len(PAUSES)]))
        watch.look()
    made.clock.advance(timedelta(hours=3))
    watch.look()
    return refused


@settings(max_examples=settings.default.max_examples // 4)
@given(STEPS)
def test_commands_in_any_order_leave_the_world_sound(steps: list[Step]) -> None:
    live(steps)


@settings(max_examples=settings.default.max_examples // 8)
@given(STEPS, st.sampled_from((1, 45, 900)))
def test_lists_that_lag_show_only_what_is_old_enough(steps: list[Step], lag: int) -> None:
    live(steps, lag=lag)
