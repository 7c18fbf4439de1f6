"""Jobs with failures of many kinds, made in the sandbox's account: who failed of what, on which node, and when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import Cause, MachineBehaviour, Work
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool
from bot.sandbox.world.scenarios.parts import UBUNTU, on
from tests.handlers.conftest import Scene

ACCOUNT = "render-prod"
WORK = Work(median=60.0)


def farm(scene: Scene, name: str, dedicated: int, spot: int, size: str = "Standard_D2s_v3") -> LivePool:
    """A pool whose nodes are there."""
    return scene.world.accounts[ACCOUNT].allocator.add(
        name,
        PoolSpecification(
            vm_size=size,
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=dedicated,
            target_low_priority_nodes=spot,
        ),
        MachineBehaviour(),
        since=scene.world.time - timedelta(days=2),
    )


def a_job(scene: Scene, name: str, pool: LivePool) -> LiveJob:
    """A job without tasks, which stays open."""
    return scene.world.accounts[ACCOUNT].job_lifecycle.add(name, JobSpecification(pool_info=on(pool.id)))


def ran(
    scene: Scene,
    job: LiveJob,
    nodes: Sequence[LiveNode],
    count: int,
    cause: Cause | None = None,
    *,
    named: str = "frame-{:04}",
    first: int = 0,
    ago: float = 7200.0,
    every: float = 1.0,
    command: str = "/bin/bash -c './render.sh'",
    spec: TaskSpecification | None = None,
) -> list[str]:
    """Tasks that ended, one after the other on each of the nodes in turn, the first of them ``ago`` seconds ago."""
    begin = scene.world.time - timedelta(seconds=ago)
    names = [named.format(first + each) for each in range(count)]
    for place, name in enumerate(names):
        ended = begin + timedelta(seconds=every * place)
        scene.world.accounts[ACCOUNT].runner.remember(
            job,
            name,
            command,
            spec,
            work=WORK,
            node=nodes[place % len(nodes)],
            began=ended - timedelta(seconds=30),
            ended=ended,
            cause=cause,
        )
    return names
