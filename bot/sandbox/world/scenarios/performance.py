"""The performance case: one account, 20 pools, 2,000 nodes, 50 jobs, 100,000 tasks; about one ends a second."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import DISK_FULL, MachineBehaviour, Work, exited
from bot.sandbox.world.defaults import task_defaults
from bot.sandbox.world.engine import World
from bot.sandbox.world.live import LiveJob, LivePool
from bot.sandbox.world.scenarios.parts import UBUNTU, add_account, install, metadata, on

POOLS, NODES, JOBS, TASKS = 20, 100, 50, 2000
_SIZES = (
    ("Standard_D4ds_v5", "standardDDSv5Family"),
    ("Standard_F8s_v2", "standardFSv2Family"),
    ("Standard_E4ds_v5", "standardEDSv5Family"),
    ("Standard_D4ads_v5", "standardDADSv5Family"),
)
_WORK = Work(
    median=2700.0, spread=0.6, prepare=6.0, failures=((0.01, exited(1)), (0.006, exited(137)), (0.002, DISK_FULL))
)


def performance(world: World) -> None:
    """Fills the world."""
    account = add_account(
        world,
        "performance",
        "eastus2",
        dedicated=20_000,
        spot=5_000,
        families={family: 8_000 for _, family in _SIZES},
    )
    account.retention = timedelta(minutes=10)
    for number in range(POOLS):
        _pool(account, number)
    spec = task_defaults(TaskSpecification(), 1)
    for number in range(JOBS):
        _job(account, number, spec, done=(number * 37 % 90) / 100)
    world.after(600.0, _replace, account, spec, JOBS)


def _pool(account: AccountState, number: int) -> None:
    size, _ = _SIZES[number % len(_SIZES)]
    spot = number % 5 == 4
    account.allocator.add(
        f"pool-{number + 1:02}",
        PoolSpecification(
            vm_size=size,
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=0 if spot else NODES,
            target_low_priority_nodes=NODES if spot else 0,
            start_task=install("./setup.sh"),
            metadata=metadata(team=f"team-{number % 7 + 1}"),
        ),
        MachineBehaviour(preemptions=0.01, breakdowns=0.0005, start_task_failure=0.01),
        since=account.world.time - timedelta(days=3 + number),
    )


def _job(account: AccountState, number: int, spec: TaskSpecification, *, done: float) -> LiveJob:
    """A job of which a share is done already; it runs on every pool's turn."""
    pool = account.pools[f"pool-{number % POOLS + 1:02}"]
    job = account.job_lifecycle.add(
        f"job-{number + 1:04}",
        JobSpecification(
            pool_info=on(pool.id), priority=number % 3 * 100, metadata=metadata(campaign=f"c{number // 10}")
        ),
    )
    past = int(TASKS * done)
    for task in range(1, TASKS + 1):
        name, command = f"task-{task:05}", f"/opt/solve --case {number + 1} --part {task}"
        if task <= past:
            _remember(account, job, pool, name, command, spec)
        else:
            account.runner.add(job, name, command, spec, work=_WORK)
    account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")
    return job


def _remember(
    account: AccountState, job: LiveJob, pool: LivePool, name: str, command: str, spec: TaskSpecification
) -> None:
    world = account.world
    nodes = pool.ordered()
    ended = world.time - timedelta(seconds=world.rng.uniform(60.0, 86_400.0))
    began = ended - timedelta(seconds=_WORK.duration(world.rng))
    cause = _WORK.cause(world.rng)
    node = nodes[world.rng.randrange(len(nodes))]
    account.runner.remember(job, name, command, spec, work=_WORK, node=node, began=began, ended=ended, cause=cause)


def _replace(account: AccountState, spec: TaskSpecification, number: int) -> None:
    """Every ten minutes: a new job for each that has ended."""
    while account.active_jobs < JOBS:
        _job(account, number, spec, done=0.0)
        number += 1
    account.world.after(600.0, _replace, account, spec, number)
