"""The world as the wire reads it: one account's things by id, whatever the case of the id, and their bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from bot.sandbox.entities import Job, JobSchedule, Node, Pool, PoolNodeCounts, Task, TaskCountsResult
from bot.sandbox.world import bodies

if TYPE_CHECKING:
    from bot.sandbox.world.account import AccountState
    from bot.sandbox.world.engine import World
    from bot.sandbox.world.live import LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask

T = TypeVar("T")


class Store:
    """One account of the world."""

    def __init__(self, world: World, account: AccountState) -> None:
        self._world = world
        self._account = account
        self.clock = world.clock
        self.name = account.facts.name
        self.keys = account.facts.keys

    @property
    def endpoint(self) -> str:
        """Where the account answers, without a trailing slash."""
        return self._account.facts.endpoint

    @endpoint.setter
    def endpoint(self, url: str) -> None:
        self._account.facts.endpoint = url

    def settle(self) -> None:
        """Let everything happen that is due."""
        self._world.settle()

    @property
    def pools(self) -> Mapping[str, LivePool]:
        """All pools."""
        return self._account.pools

    @property
    def jobs(self) -> Mapping[str, LiveJob]:
        """All jobs."""
        return self._account.jobs

    @property
    def schedules(self) -> Mapping[str, LiveSchedule]:
        """All job schedules."""
        return self._account.schedules

    def tasks(self, job: LiveJob) -> Mapping[str, LiveTask]:
        """The tasks of a job."""
        return job.tasks

    def jobs_of(self, schedule: LiveSchedule) -> Mapping[str, LiveJob]:
        """The jobs a schedule made."""
        return {key: job for key, job in self._account.jobs.items() if job.schedule is schedule}

    def pool(self, given: str) -> LivePool | None:
        """By id."""
        return _find(self.pools, given)

    def node(self, pool: LivePool, given: str) -> LiveNode | None:
        """By id."""
        return _find(pool.nodes, given)

    def job(self, given: str) -> LiveJob | None:
        """By id."""
        return _find(self.jobs, given)

    def task(self, job: LiveJob, given: str) -> LiveTask | None:
        """By id."""
        return _find(job.tasks, given)

    def schedule(self, given: str) -> LiveSchedule | None:
        """By id."""
        return _find(self.schedules, given)

    def pool_body(self, pool: LivePool) -> Pool:
        """What the service answers."""
        return bodies.pool_body(self.endpoint, pool)

    def node_body(self, node: LiveNode) -> Node:
        """What the service answers."""
        return bodies.node_body(self.endpoint, node)

    def node_counts(self, pool: LivePool) -> PoolNodeCounts:
        """What the service answers."""
        return bodies.node_counts(pool)

    def job_body(self, job: LiveJob) -> Job:
        """What the service answers."""
        return bodies.job_body(self.endpoint, job)

    def task_body(self, job: LiveJob, task: LiveTask) -> Task:
        """What the service answers."""
        return bodies.task_body(self.endpoint, job, task)

    def task_counts(self, job: LiveJob) -> TaskCountsResult:
        """What the service answers."""
        return bodies.task_counts(job)

    def schedule_body(self, schedule: LiveSchedule) -> JobSchedule:
        """What the service answers."""
        return bodies.schedule_body(self.endpoint, schedule)


def _find(things: Mapping[str, T], given: str) -> T | None:
    """Ids keep their case and are found in any; nearly every caller spells them as they are."""
    if (thing := things.get(given)) is not None:
        return thing
    folded = given.lower()
    return next((things[key] for key in list(things) if key.lower() == folded), None)
