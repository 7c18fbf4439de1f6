"""The account of a soak: pools for each kind of trouble, and the load that its pools can carry, or cannot."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bot.sandbox.entity_specs import JobSpecification, PoolInformation, PoolSpecification, TaskSpecification
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import Work
from bot.sandbox.world.scenarios.parts import UBUNTU, install
from tests.acceptance.environment import empty

LOADS = ("carried", "piled")
WORK, AGAIN = "pool1", "again"
BREAKING = tuple(f"breaking-{number}" for number in range(1, 7))
"""Pools of two nodes, of which one breaks at a time. No job waits for them, so nothing else explains that."""
SIZED = tuple(f"sized-{number}" for number in range(1, 5))
"""Pools that are resized."""
_SIZE = "Standard_D2s_v3"
_CARRIED, _PILED = 24, 3
"""Nodes for the jobs that come all the while."""
_WAITING = 300
"""Jobs that wait behind all others, for nodes that never come free for them."""


def prepared(load: str) -> Callable[[AccountState], None]:
    """How to make the account of a load."""
    if load not in LOADS:
        raise ValueError(f"no such load: {load}; choose one of {', '.join(LOADS)}")
    return partial(_prepare, load)


def _prepare(load: str, account: AccountState) -> None:
    empty(account)
    facts = account.facts
    facts.families_enforced = False
    facts.dedicated_core_quota, facts.job_quota, facts.pool_quota = 1_000, 10_000, 1_000
    account.commands.resize(WORK, _CARRIED if load == "carried" else _PILED, 0)
    for pool, nodes in [(AGAIN, 2), *((pool, 2) for pool in BREAKING), *((pool, 1) for pool in SIZED)]:
        spec = PoolSpecification(
            vm_size=_SIZE,
            virtual_machine_configuration=UBUNTU,
            target_dedicated_nodes=nodes,
            start_task=install("apt-get install -y jq"),
        )
        account.commands.add_pool(pool, spec)
    if load == "piled":
        for number in range(1, _WAITING + 1):
            wait(account, f"waiting-{number:03}")


def wait(account: AccountState, name: str) -> None:
    """A job that is there and runs nothing."""
    spec = JobSpecification(priority=-1000, pool_info=PoolInformation(pool_id=WORK))
    job = account.job_lifecycle.add(name, spec)
    for number in range(1, 4):
        account.runner.add(job, f"task-{number}", f"./work.sh {number}", TaskSpecification(), work=Work(median=600.0))
