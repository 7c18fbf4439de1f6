"""A job as it was read, and what a diagnosis of it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.models import Counts, Job, PreparationStatus, Task
from bot.domain.diagnosis.model import Clue, Evidence
from bot.domain.diagnosis.pools import PoolCase
from bot.domain.entity import Entity
from bot.domain.job_health import pool_of
from bot.domain.retries import Retried, Retrying, retrying
from bot.domain.states import is_over
from cards.formatting import number, plural

OF_TASK = (
    "id,state,stateTransitionTime,creationTime,executionInfo,nodeInfo,dependsOn,requiredSlots,multiInstanceSettings,"
    "exitConditions,constraints"
)
"""What is read of a task that waits, runs or failed."""
UNFINISHED = "state ne 'completed'"
"""The filter of tasks that are not over."""
MOST_UNFINISHED, MOST_FAILURES = 500, 200
"""Tasks that are read at once."""


class Working(Struct, frozen=True):
    """A job whose tasks run on a pool's nodes: how many of them, and its priority where that is known."""

    job: str
    tasks: int
    priority: int | None = None


class JobCase(Struct, frozen=True, kw_only=True):
    """A job as it was read at ``at``.

    ``counts`` are its tasks (None: not known), ``unfinished`` those that are not over, ``failures`` some that failed;
    ``preparations`` how its preparation task went by node. ``pool`` is its pool, None where ``pool_gone`` or where it
    was not read. ``working`` are the jobs whose tasks run on the pool, ``free`` the slots that are free on its nodes
    (None: not known), ``ended`` who ended or disabled it, as far as our own audit knows, ``printed`` what some of its
    tasks printed, by their ids.
    """

    job: Job
    at: datetime
    counts: Counts | None = None
    unfinished: Sequence[Task] = ()
    failures: Sequence[Task] = ()
    preparations: Sequence[PreparationStatus] = ()
    pool: PoolCase | None = None
    pool_gone: bool = False
    working: Sequence[Working] = ()
    free: int | None = None
    ended: Evidence | None = None
    printed: Mapping[str, Evidence] = {}

    @property
    def about(self) -> Entity:
        """The job."""
        return Entity("job", self.job.id)

    @property
    def names(self) -> dict[str, str]:
        """What its steps may need beside itself."""
        return {"pool": pool_of(self.job)} if pool_of(self.job) else {}

    @property
    def priority(self) -> int:
        """Its priority, from -1000 to 1000."""
        return int(self.job.priority)

    @property
    def active(self) -> list[Task]:
        """Those of its tasks that wait for a node, as far as they were read."""
        return [each for each in self.unfinished if each.state.lower() == "active"]

    @property
    def waits(self) -> bool:
        """Whether tasks wait and none runs, as far as was counted; those of a job that is over wait no more."""
        counts = self.counts
        return bool(counts and counts.active and not counts.running) and not is_over(self.job.state)

    @property
    def again(self) -> Retrying:
        """Those of its tasks that fail and are run again."""
        runs = [(each.id, each.execution_info) for each in self.unfinished if each.execution_info]
        return retrying(Retried(name, run.retry_count, run.last_retry_time) for name, run in runs)


class Explained(Struct, frozen=True):
    """What explains, and what was seen as well."""

    clues: tuple[Clue, ...] = ()
    also: tuple[Clue, ...] = ()


def tasks_waiting(case: JobCase) -> Evidence | None:
    """How many of its tasks wait, and how many run; None where they were not counted."""
    counts = case.counts
    if counts is None:
        return None
    return Evidence(f"{plural(counts.active, 'task')} waiting, {number(counts.running)} running", case.at)
