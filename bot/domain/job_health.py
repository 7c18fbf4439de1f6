"""How a job is doing: its tasks, whether it can run, and whether it succeeded."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.azure.models import Counts, Job
from bot.domain.knowledge import find
from bot.domain.nodes import ErrorText
from bot.domain.states import is_over

FEW = 20
"""Failures below one in so many ended tasks are a few: else every large job would stand out."""
BAD_REASONS = frozenset(("taskfailed", "maxwallclocktimeexpiry"))
"""Reasons of the service for ending a job that are no success; any other is a success or somebody's will."""


class JobFacts(Struct):
    """What is known of a job: ``scheduling_error`` is code and words, ``reason`` why the service ended it.

    ``active`` to ``failed`` are counts of tasks (``active`` None before they were read) as of ``counted``; ``final``
    whether that was after the job's end. ``progressed`` is when they last showed that something ended or began.
    """

    id: str
    state: str = ""
    created: datetime | None = None
    started: datetime | None = None
    pool: str = ""
    priority: int = 0
    reason: str = ""
    scheduling_error: ErrorText | None = None
    active: int | None = None
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    counted: datetime | None = None
    final: bool = False
    progressed: datetime | None = None

    @property
    def total(self) -> int:
        """All its tasks, as far as they were counted."""
        return (self.active or 0) + self.running + self.succeeded + self.failed


def total(counts: Counts) -> int:
    """All tasks of a job."""
    return counts.active + counts.running + counts.completed


def pool_of(job: Job) -> str:
    """The pool a job's tasks run in; an automatic pool's name is known once it runs."""
    if job.execution_info and job.execution_info.pool_id:
        return job.execution_info.pool_id
    return job.pool_info.pool_id if job.pool_info else ""


def cannot_run(job: Job) -> str:
    """The code of what keeps the service from running a job at all; empty where nothing does."""
    run = job.execution_info
    return run.scheduling_error.code if run and run.scheduling_error else ""


def trouble(failed: int, ended: int, *, cannot_run: bool = False, endless: bool = False) -> float:
    """How bad a job stands, from 0 (well, or a few failures in many) to 2 (it cannot run); what is worse comes first.

    Of those that can the share of their ended tasks that ``failed``; ``endless`` where tasks fail and are run again
    without end, which is as bad as failing.
    """
    if cannot_run:
        return 2.0
    share = failed / ended if failed * FEW > ended > 0 else 0.0
    return max(share, 1.0 if endless and not ended else 0.5 if endless else 0.0)


def stands_out(job: Job, counts: Counts | None) -> bool:
    """Whether a job is in trouble among others: it cannot run, or one in :data:`FEW` of its ended tasks failed."""
    failed, ended = (counts.failed, counts.completed) if counts else (0, 0)
    return bool(cannot_run(job)) or failed * FEW > ended


def is_in_question(job: Job, counts: Counts | None) -> bool:
    """Whether somebody may want to know why a job is as it is: tasks failed, it cannot run, or none of it runs."""
    held = job.state.lower() in ("disabled", "disabling")
    waits = counts is not None and counts.active > 0 and counts.running == 0 and not is_over(job.state)
    return bool(cannot_run(job)) or held or waits or (counts is not None and counts.failed > 0)


def ended_badly(job: JobFacts) -> bool:
    """Whether a job that is over has failed: tasks failed, it could not run, or for a bad reason."""
    return job.failed > 0 or job.scheduling_error is not None or bad_reason(job) != ""


def bad_reason(job: JobFacts) -> str:
    """Why the service ended a job, where that is no success; a sentence without its full stop."""
    known = find("job", code=job.reason) if job.reason.lower() in BAD_REASONS else None
    return known.cause if known else ""
