"""One Batch account: its pools, jobs and schedules, their counts, and its operations.

Reading: `World.settle()` first, then `pools`, `jobs`, `schedules`, the `*_body` methods and the counts. Asking: the
methods of `commands`. Ids are found whatever their case, as the service does.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bot.sandbox.entities import Account, Job, JobSchedule, Node, Pool, PoolNodeCounts, Task, TaskCountsResult
from bot.sandbox.entity_parts import ResizeError
from bot.sandbox.world import bodies
from bot.sandbox.world.applications import Application
from bot.sandbox.world.certificates import LiveCertificate
from bot.sandbox.world.commands import Commands
from bot.sandbox.world.diagnostics import Diagnostics
from bot.sandbox.world.fault_injection import FaultInjection
from bot.sandbox.world.files import Files
from bot.sandbox.world.jobs import JobLifecycle
from bot.sandbox.world.ledger import Ledger
from bot.sandbox.world.ledger.stats import Statistics
from bot.sandbox.world.list_lag import ListLag
from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask
from bot.sandbox.world.node_operations import NodeOperations
from bot.sandbox.world.nodes import Fleet
from bot.sandbox.world.pool_autoscale import PoolAutoscale
from bot.sandbox.world.pools import Allocator
from bot.sandbox.world.refused import Refused, not_found
from bot.sandbox.world.schedules import ScheduleLifecycle
from bot.sandbox.world.sizes import VmSize
from bot.sandbox.world.task_stats import task_stats
from bot.sandbox.world.tasks import Runner

if TYPE_CHECKING:
    from bot.sandbox.world.engine import World

T = TypeVar("T")

RETENTION = timedelta(hours=36)
"""How long a completed job is kept, unless a scenario says otherwise."""


class AccountState:
    """The account: `commands` holds its operations, `inject` the faults a sandbox may add.

    `list_lag` delays lists, `ledger` knows what was used and what it cost, `diagnostics` are its events for Azure
    Monitor. Each kind of entity has its state machine: `allocator` for pools, `fleet` for nodes, `runner` for tasks,
    `job_lifecycle` for jobs and `schedule_lifecycle` for job schedules.
    """

    def __init__(self, world: World, facts: Account) -> None:
        self.world = world
        self.facts = facts
        self.pools: dict[str, LivePool] = {}
        self.jobs: dict[str, LiveJob] = {}
        self.schedules: dict[str, LiveSchedule] = {}
        self.cores: dict[bool, int] = {True: 0, False: 0}
        self.family_cores: defaultdict[str, int] = defaultdict(int)
        self.active_jobs = 0
        self.active_schedules = 0
        self.retention = RETENTION
        self.applications: dict[str, Application] = {}
        self.certificates: dict[str, LiveCertificate] = {}
        self.certificates_served = True
        self.files = Files(self)
        self.list_lag = ListLag(self)
        self.ledger = Ledger(self)
        self.statistics = Statistics(self)
        self.diagnostics = Diagnostics(self)
        self._families = {family.name.lower(): family.core_quota for family in facts.families}
        self.runner = Runner(self)
        self.fleet = Fleet(self)
        self.node_operations = NodeOperations(self)
        self.allocator = Allocator(self)
        self.autoscale = PoolAutoscale(self)
        self.job_lifecycle = JobLifecycle(self)
        self.schedule_lifecycle = ScheduleLifecycle(self)
        self.commands = Commands(self)
        self.inject = FaultInjection(self)

    # --- finding and reading ------------------------------------------------------------------------------------------

    def pool(self, pool_id: str) -> LivePool:
        """The pool, or `Refused` with PoolNotFound."""
        return _find(self.pools, pool_id, "pool")

    @staticmethod
    def of_id(things: dict[str, T], wanted: str) -> T | None:
        """The one of that id, whatever its case: two ids that differ in case only are one."""
        return _of_id(things, wanted)

    def node(self, pool_id: str, node_id: str) -> LiveNode:
        """The node, or `Refused` with PoolNotFound or NodeNotFound."""
        return _find(self.pool(pool_id).nodes, node_id, "node")

    def job(self, job_id: str) -> LiveJob:
        """The job, or `Refused` with JobNotFound."""
        return _find(self.jobs, job_id, "job")

    def task(self, job_id: str, task_id: str) -> LiveTask:
        """The task, or `Refused` with JobNotFound or TaskNotFound."""
        return _find(self.job(job_id).tasks, task_id, "task")

    def schedule(self, schedule_id: str) -> LiveSchedule:
        """The job schedule, or `Refused` with JobScheduleNotFound."""
        return _find(self.schedules, schedule_id, "job schedule")

    def ordered_pools(self) -> list[LivePool]:
        """All pools in the order the service lists them: by id."""
        return sorted(self.pools.values(), key=_key)

    def ordered_jobs(self) -> list[LiveJob]:
        """All jobs in the order the service lists them: those not completed first, each part by id."""
        return sorted(self.jobs.values(), key=lambda job: (job.state == "completed", job.id))

    def ordered_schedules(self) -> list[LiveSchedule]:
        """All schedules in the order the service lists them: by id."""
        return sorted(self.schedules.values(), key=_key)

    def pool_body(self, pool: LivePool, *, stats: bool = False) -> Pool:
        """What the wire answers for the pool; valid until the world moves on. `stats` are told where asked for."""
        body = bodies.pool_body(self.facts.endpoint, pool)
        return msgspec.structs.replace(body, stats=self.statistics.pool(pool)) if stats and body.stats is None else body

    def node_body(self, node: LiveNode) -> Node:
        """What the wire answers for the node; valid until the world moves on."""
        return bodies.node_body(self.facts.endpoint, node)

    def job_body(self, job: LiveJob, *, stats: bool = False) -> Job:
        """What the wire answers for the job; valid until the world moves on. `stats` are told where asked for."""
        body = bodies.job_body(self.facts.endpoint, job)
        return msgspec.structs.replace(body, stats=self.statistics.job(job)) if stats and body.stats is None else body

    def task_body(self, job: LiveJob, task: LiveTask, *, stats: bool = False) -> Task:
        """What the wire answers for the task, with its statistics where these are asked for and there are any."""
        body = bodies.task_body(self.facts.endpoint, job, task)
        body.stats = task_stats(self.facts.endpoint, job, task, self.world.time) if stats else None
        return body

    def schedule_body(self, schedule: LiveSchedule) -> JobSchedule:
        """What the wire answers for the schedule; valid until the world moves on."""
        return bodies.schedule_body(self.facts.endpoint, schedule)

    def node_counts(self, pool_id: str) -> PoolNodeCounts:
        """How many nodes of the pool are in each state."""
        return bodies.node_counts(self.pool(pool_id))

    def task_counts(self, job_id: str) -> TaskCountsResult:
        """How many tasks and slots of the job are in each state."""
        return bodies.task_counts(self.job(job_id))

    # --- quotas -------------------------------------------------------------------------------------------------------

    def quota_room(self, size: VmSize, dedicated: bool) -> list[tuple[int, ResizeError]]:
        """How many more nodes of the size each quota allows, with the error that says it is reached."""
        facts = self.facts
        if facts.pool_allocation_mode == "UserSubscription":
            return []
        quota = facts.dedicated_core_quota if dedicated else facts.low_priority_core_quota
        kind, words = ("AccountCoreQuotaReached", "core quota")
        if not dedicated:
            kind, words = ("AccountLowPriorityCoreQuotaReached", "low priority core quota")
        found = [_room(quota, self.cores[dedicated], size, kind, words)]
        if dedicated and facts.families_enforced:
            quota, used = self._families.get(size.family.lower(), 0), self.family_cores[size.family]
            words = f"core quota for the VM series {size.family}"
            found.append(_room(quota, used, size, "AccountVMSeriesCoreQuotaReached", words))
        return found

    def check_job_quota(self) -> None:
        """Refuses where one more job or schedule would be too many."""
        if self.active_jobs + self.active_schedules >= self.facts.job_quota:
            raise Refused(
                409,
                "ActiveJobAndScheduleQuotaReached",
                "The active job and job schedule quota for the account has been reached.",
            )

    def guid(self) -> str:
        """A new GUID out of the world's generator."""
        return str(uuid.UUID(int=self.world.rng.getrandbits(128), version=4))


def _room(quota: int, used: int, size: VmSize, code: str, words: str) -> tuple[int, ResizeError]:
    error = ResizeError(code=code, message=f"The specified account has reached {words}")
    return max(0, quota - used) // size.vcpus, error


def _of_id(things: dict[str, T], wanted: str) -> T | None:
    found = things.get(wanted)
    if found is None:
        folded = wanted.lower()
        found = next((thing for name, thing in things.items() if name.lower() == folded), None)
    return found


def _find(things: dict[str, T], wanted: str, kind: str) -> T:
    if (found := _of_id(things, wanted)) is None:
        raise not_found(kind)
    return found


def _key(thing: LivePool | LiveSchedule) -> str:
    return thing.id
