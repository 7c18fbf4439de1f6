"""Jobs that never end, and schedules that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.domain.entity import Entity
from bot.domain.recommendations.groups import KNOWN, listed
from bot.domain.recommendations.model import Case, JobStanding, Recommendation
from bot.domain.recommendations.pools import FORGOTTEN
from bot.domain.states import is_active
from cards.command_line import command
from cards.formatting import number, plural

QUIET = timedelta(hours=24)
"""For which nothing of an active job has moved whose tasks are all complete: it waits for nobody."""


def zombies(case: Case) -> Iterator[Recommendation]:
    """Active jobs that have nothing to do for :data:`QUIET`: all their tasks are complete, or they have none.

    Those that keep their schedule from starting another job come one by one, the others all at once.
    """
    found = [each for each in case.jobs or () if _is_done(each, case.at)]
    alone = [each for each in found if not each.schedule]
    for job in found:
        if job.schedule:
            yield Recommendation(
                kind="stuck schedule",
                about=Entity("schedule", job.schedule),
                words=f"job {job.id} is still active, though {_done(job)}",
                harm=f"schedule {job.schedule} starts no other while it is: let its jobs end when their tasks do",
                button="Terminate",
                command=command("job terminate", job.id),
                changes=True,
                since=job.quiet_since,
                risk=3,
                of=(Entity("job", job.id), Entity("schedule", job.schedule)),
            )
    if not alone:
        return
    one = alone[0] if len(alone) == 1 else None
    words = (
        f"job {one.id} is still active, though {_done(one)}"
        if one
        else f"{number(len(alone))} jobs are still active, though nothing of them is left to run for a day or more: "
        + listed([each.id for each in alone])
    )
    yield Recommendation(
        kind="zombie jobs",
        about=Entity("account", case.account),
        words=words,
        harm=f"{'it counts' if one else 'they count'} against the quota of active jobs",
        button="Terminate" if one else "Jobs",
        command=command("job terminate", one.id) if one else command("job list", "active"),
        changes=one is not None,
        since=min((each.quiet_since for each in alone if each.quiet_since), default=None),
        risk=2,
        of=tuple(Entity("job", each.id) for each in alone[:KNOWN]),
    )


def _is_done(job: JobStanding, at: datetime) -> bool:
    """Whether an active job is known to have nothing left to do, for so long."""
    if not is_active(job.state) or job.tasks is None or job.unfinished != 0:
        return False
    return job.quiet_since is not None and at - job.quiet_since >= QUIET


def _done(job: JobStanding) -> str:
    if not job.tasks:
        return "it has no tasks"
    return "its only task completed" if job.tasks == 1 else f"all its {number(job.tasks)} tasks completed"


def forgotten_schedules(case: Case) -> Iterator[Recommendation]:
    """Schedules that have been disabled for so long that nobody misses them: all of them at once."""
    found = [
        each
        for each in case.schedules or ()
        if each.state.lower() == "disabled" and each.state_since and case.at - each.state_since >= FORGOTTEN
    ]
    if not found:
        return
    one = len(found) == 1
    yield Recommendation(
        kind="forgotten schedules",
        about=Entity("account", case.account),
        words=f"{plural(len(found), 'schedule')} {'has' if one else 'have'} been disabled for {FORGOTTEN.days} days or "
        f"more: {listed([each.id for each in found])}",
        harm=f"{'it counts' if one else 'they count'} against the quota of jobs and schedules",
        button="Delete" if one else "Schedules",
        command=command("schedule delete", found[0].id) if one else command("schedule list", "disabled"),
        changes=one,
        since=found[0].state_since if one else None,
        risk=2,
        of=tuple(Entity("schedule", each.id) for each in found[:KNOWN]),
    )
