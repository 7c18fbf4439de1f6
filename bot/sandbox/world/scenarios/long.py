"""One job of 100,000 tasks on 100 nodes; nine tenths of them are done, and a few dozen of those failed."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import DISK_FULL, Cause, MachineBehaviour, Work, exited
from bot.sandbox.world.defaults import task_defaults
from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.parts import UBUNTU, add_account, metadata, on

JOB, TASKS, DONE, NODES = "sweep", 100_000, 90_000, 100
EVERY = 2_500
"""Of so many tasks that are done one failed."""
_CAUSES: tuple[Cause, ...] = (exited(1), exited(137), DISK_FULL)


def long(world: World) -> None:
    """Fills the world."""
    account = add_account(world, "long", "eastus2", dedicated=1_000, spot=100, families={"standardDDSv5Family": 1_000})
    pool = account.allocator.add(
        "sweepers",
        PoolSpecification(
            vm_size="Standard_D4ds_v5",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=NODES,
            metadata=metadata(team="research"),
        ),
        MachineBehaviour(),
        since=world.time - timedelta(days=6),
    )
    job = account.job_lifecycle.add(
        JOB, JobSpecification(pool_info=on(pool.id), metadata=metadata(campaign="parameters"))
    )
    work = Work(median=600.0, spread=0.3, failures=((1 / EVERY, exited(1)),))
    spec = task_defaults(TaskSpecification(), 1)
    nodes = pool.ordered()
    for number in range(TASKS):
        name, command = f"point-{number:06}", f"/opt/sweep --point {number}"
        if number >= DONE:
            account.runner.add(job, name, command, spec, work=work)
            continue
        ended = world.time - timedelta(seconds=(DONE - number) * 5)
        began = ended - timedelta(seconds=work.duration(world.rng))
        failed = number % EVERY == EVERY // 2
        account.runner.remember(
            job,
            name,
            command,
            spec,
            work=work,
            node=nodes[number % len(nodes)],
            began=began,
            ended=ended,
            cause=_CAUSES[number // EVERY % len(_CAUSES)] if failed else None,
        )
