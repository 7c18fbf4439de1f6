"""Accounts with very many active jobs, as render farms have them: few run tasks, half wait for nodes, half idle.

Jobs belong to twenty teams (`team-07-0012`). Those that run have four tasks going on the pool `farm`, which has nodes
to spare; those that wait are behind a job that holds all nodes of the pool `queue` for days; those that idle have done
what they had to do and stay active, as jobs do that people add tasks to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.engine import World
from bot.sandbox.world.live import LiveJob
from bot.sandbox.world.scenarios.parts import UBUNTU, Batch, add_account, metadata, on

TEAMS = 20
RUNNING = 20
"""One job in so many runs tasks, one at least."""
AT_ONCE = 4
SPARE = 16
"""Nodes of the farm that nobody needs."""
QUEUE = 4
SIZES = (1, 10, 50, 300, 1000)
_FRAME = Work(median=900.0, spread=0.5, failures=((0.01, exited(1)),))
_SHORT = Work(median=20.0)
_DAYS = Work(median=1_000_000.0, spread=0.01)


def fleet(accounts: int, jobs: int, nodes: int) -> Callable[[World], None]:
    """A world with so many accounts that are each as :func:`crowded` makes one."""

    def fill(world: World) -> None:
        for number in range(accounts):
            crowded(jobs, nodes, f"fleet{number + 1:04}")(world)

    return fill


def crowded(jobs: int, nodes: int = 0, name: str = "crowded") -> Callable[[World], None]:
    """A world with so many active jobs; with `nodes` the farm has so many, and its jobs keep four in five busy."""

    def fill(world: World) -> None:
        running = max(1, jobs // RUNNING)
        at_once = nodes * 4 // 5 // running if nodes else AT_ONCE
        size = nodes or SPARE + AT_ONCE * running
        account = add_account(
            world, name, "westeurope", dedicated=2 * (size + QUEUE), spot=0,
            families={"standardDSv3Family": 2 * (size + QUEUE)}, jobs=max(1_000, 3 * jobs),
        )  # fmt: skip
        _pool(account, "farm", size)
        _pool(account, "queue", QUEUE)
        for number in range(jobs):
            if number < running:
                tasks = Batch(
                    count=25 * at_once,
                    task_id="frame-{n:05}",
                    command="render {n}",
                    spec=TaskSpecification(),
                    work=_FRAME,
                )
                _submit(account, number, "farm", tasks, at_once)
            elif number == running and jobs > 1:
                _submit(account, number, "queue", _tasks(QUEUE, _DAYS))
            elif number % 2:
                _submit(account, number, "queue", _tasks(3, _FRAME))
            else:
                _submit(account, number, "farm", _tasks(1, _SHORT))

    return fill


def _pool(account: AccountState, pool_id: str, nodes: int) -> None:
    spec = PoolSpecification(
        vm_size="Standard_D2s_v3", virtual_machine_configuration=UBUNTU, target_dedicated_nodes=nodes
    )
    account.allocator.add(pool_id, spec, since=account.world.time - timedelta(days=2))


def _tasks(count: int, work: Work) -> Batch:
    return Batch(count=count, task_id="task-{n}", command="work {n}", spec=TaskSpecification(), work=work)


def _submit(account: AccountState, number: int, pool_id: str, tasks: Batch, at_once: int = -1) -> LiveJob:
    team = f"team-{number % TEAMS + 1:02}"
    spec = JobSpecification(pool_info=on(pool_id), max_parallel_tasks=at_once, metadata=metadata(team=team))
    job = account.job_lifecycle.add(f"{team}-{number + 1:04}", spec)
    tasks.add(account, job)
    return job
