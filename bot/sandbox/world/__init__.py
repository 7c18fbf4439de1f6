"""A living Azure Batch: accounts whose pools, nodes, jobs, tasks and schedules change as a simulated clock runs.

    world = build("demo", seed=7, clock=Clock(speed=60))
    world.settle()                                    # applies what happened up to world.clock.now()
    account = world.accounts["render-prod"]
    for job in account.ordered_jobs():
        account.job_body(job), account.task_counts(job.id), [account.task_body(job, task) for task in job.ordered()]

What one reads: `account.pools`, `.jobs`, `.schedules` by id, `pool.nodes`, `job.tasks`; the `ordered_*` methods for
the service's order; the `*_body` methods for what the wire answers. Bodies of pools, nodes, jobs and schedules are the
living ones: encode them before the world moves on. A `LiveTask` carries the fields one filters by under the names of
its body.
"""

from __future__ import annotations

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.clock import Clock
from bot.sandbox.world.engine import World
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask
from bot.sandbox.world.refused import Refused
from bot.sandbox.world.sizes import SIZES, VmSize

__all__ = [
    "SIZES",
    "AccountState",
    "Clock",
    "LiveJob",
    "LiveNode",
    "LivePool",
    "LiveSchedule",
    "LiveTask",
    "Refused",
    "VmSize",
    "World",
]
