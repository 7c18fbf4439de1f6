"""Jobs that are over as the service lists them: runs of which only the times are known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from bot.azure.models.watched import JobState
from bot.domain.entity import fold, schedule_of
from bot.domain.states import is_over
from storage.port.runs import JobRun

JOB_TIMES: Final = "id,state,stateTransitionTime,creationTime,executionInfo"
"""What is selected of them."""


class Runs(Struct, frozen=True):
    """Runs that are over, the newest first, and the ids of jobs that go on, likewise."""

    ended: list[JobRun]
    going: list[str]


def runs_of(account: str, rows: Iterable[JobState]) -> list[JobRun]:
    """Runs of the jobs among them that are over; nothing is known of their tasks."""
    found = []
    for row in rows:
        run = row.execution_info
        ended = run.end_time or row.state_transition_time
        started = run.start_time or row.creation_time or ended
        if is_over(row.state) and ended and started:
            found.append(
                JobRun(
                    account=account,
                    job=row.id,
                    pool=run.pool_id,
                    started=started,
                    ended=ended,
                    schedule=schedule_of(row.id),
                )
            )
    return found


def unkept(kept: Iterable[JobRun], listed: Iterable[JobRun]) -> list[JobRun]:
    """Those of which nothing is kept, the newest first."""
    known = {(fold(run.job), run.started) for run in kept}
    return newest_first(run for run in listed if (fold(run.job), run.started) not in known)


def newest_first(runs: Iterable[JobRun]) -> list[JobRun]:
    """By when they ended."""
    return sorted(runs, key=lambda run: (run.ended, run.job), reverse=True)
