"""One account, one pool of three nodes, one job of two dozen short tasks: the least that is worth looking at."""

from __future__ import annotations

from datetime import timedelta

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.engine import World
from bot.sandbox.world.scenarios.parts import UBUNTU, Batch, add_account, install, metadata, on, submit


def tiny(world: World, name: str = "tiny") -> None:
    """Fills the world, or adds another account to it."""
    account = add_account(world, name, "westeurope", dedicated=20, spot=10, families={"standardDSv3Family": 20})
    account.allocator.add(
        "pool1",
        PoolSpecification(
            display_name="A small pool",
            vm_size="Standard_D2s_v3",
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=3,
            task_slots_per_node=2,
            start_task=install("apt-get install -y jq"),
            metadata=metadata(team="examples"),
        ),
        since=world.time - timedelta(days=2),
    )
    submit(
        account,
        "job1",
        JobSpecification(display_name="A small job", pool_info=on("pool1")),
        Batch(
            count=24,
            task_id="task-{n:02}",
            command='/bin/bash -c "./work.sh {n}"',
            spec=TaskSpecification(),
            work=Work(median=240.0, failures=((0.05, exited(1)),)),
        ),
        ends=False,
    )
