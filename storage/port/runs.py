"""What jobs that are over came to: one row for each, kept much longer than the service keeps the job."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from storage.port.spread import NOTHING, Spread


class JobRun(Struct, frozen=True, kw_only=True):
    """A job that has ended.

    ``schedule`` is the job schedule that made it, or empty. Times are the service's. ``queue`` are the seconds from its
    first task's creation to the first start of one. ``core_seconds`` are those of its tasks' own runs, ``cost`` what
    these cost and ``idle_cost`` its share of what its pools cost beside, in ``currency``; ``lost_core_seconds`` are of
    runs that were made again, ``requeued_core_seconds`` those of them that lost their node. ``waits`` are from a task's
    creation to the start of its last run, ``runtimes`` from there to its end, of the ``read`` tasks that were read.
    None is unknown, and never zero; of ``read`` it says that nobody has looked at its tasks. ``at_least`` says that not
    all of them, or not all runs of them, could be read: ``core_seconds``, ``cost`` and both of what was lost are lower
    bounds then.
    """

    account: str
    job: str
    pool: str
    started: datetime
    ended: datetime
    schedule: str = ""
    tasks: int | None = None
    failed: int | None = None
    retries: int = 0
    queue: float | None = None
    core_seconds: float | None = None
    lost_core_seconds: float | None = None
    requeued_core_seconds: float | None = None
    cost: float | None = None
    idle_cost: float | None = None
    currency: str = ""
    at_least: bool = False
    waits: Spread = NOTHING
    runtimes: Spread = NOTHING
    read: int | None = None

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return (self.ended - self.started).total_seconds()

    @property
    def total(self) -> float | None:
        """What it cost with its share of what its pools cost beside; None where either is unknown."""
        return None if self.cost is None or self.idle_cost is None else self.cost + self.idle_cost


class RunStore(Protocol):
    """Runs of jobs. They are put by :class:`storage.port.changes.ChangeStore`. Every method may raise StoreError."""

    async def job_runs(
        self,
        account: str,
        *,
        schedule: str | None = None,
        job: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
    ) -> list[JobRun]:
        """The newest that fit, newest end first.

        They ended at ``since`` or later and before ``until``. Ids are compared in any case; ``schedule`` "" fits jobs
        that no schedule made, None any. A job that was made anew with the id of an older one has a run for each.
        """
        ...
