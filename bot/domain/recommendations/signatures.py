"""Signed addresses (SAS) that end before what needs them does. The addresses themselves are shown nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.azure.models.base import ResourceFile
from bot.domain.entity import Entity
from bot.domain.recommendations.ends import NOW, day, ends, risk_of
from bot.domain.recommendations.model import Case, Recommendation, Risk
from bot.domain.signature import valid_until
from bot.domain.states import is_active
from cards.command_line import command
from cards.formatting import plural


def end_of(files: Iterable[ResourceFile]) -> datetime | None:
    """The earliest end of a signature among these files; None where none is signed."""
    return valid_until(*(address for each in files for address in (each.http_url, each.storage_container_url)))


def earliest(*moments: datetime | None) -> datetime | None:
    """The first of these that are known."""
    return min((each for each in moments if each is not None), default=None)


def task_signature_ends(case: Case) -> Iterator[Recommendation]:
    """Signatures in the tasks of a job that wait, or in the job's own, which end before its work does.

    How long that takes is told by the pace of the last hour; where that is unknown, what ends within a week is told.
    """
    for job in case.jobs or ():
        signed = job.signed
        if signed is None or signed.until is None or not is_active(job.state):
            continue
        end, through = signed.until, job.through
        early = end <= case.at or (through is not None and end < through)
        if not early and (through is not None or end - case.at > NOW):
            continue
        until = f", before the job is through by its pace ({day(through)})" if early and through else ""
        whose = f"of task {signed.task}" if signed.task else "of its own tasks"
        others = f" and of {plural(signed.ending - 1, 'other task')} that wait" if signed.ending > 1 else ""
        yield Recommendation(
            kind="task signature ends",
            about=Entity("job", job.id),
            words=f"a signed address (SAS) {whose}{others} in job {job.id} {ends(end, case.at)}{until}",
            harm="what starts or uploads after that fails: add the tasks again with a new address, or an identity",
            button="Open",
            command=command("job show", job.id),
            risk=5 if end <= case.at else 4,
        )


def signature_ends(case: Case) -> Iterator[Recommendation]:
    """Signatures in start tasks of pools, which new nodes need, and in schedules, which their next jobs need.

    A pool has no end, so of its signatures a week is told before; of a schedule also whether its next run is later.
    """
    for pool in case.pools or ():
        end, name = pool.signed_until, pool.facts.id
        if end is None or end - case.at > NOW or not is_active(pool.facts.state):
            continue
        yield Recommendation(
            kind="signature ends",
            about=Entity("pool", name),
            words=f"a signed address (SAS) of the start task of pool {name} {ends(end, case.at)}",
            harm="nodes that start after that fail their start task: give it a new address, or an identity",
            button="Open",
            command=command("pool show", name),
            risk=risk_of(end, case.at) or 2,
        )
    for schedule in case.schedules or ():
        end, name, run = schedule.signed_until, schedule.id, schedule.next_run
        if end is None or not is_active(schedule.state):
            continue
        before_run = run is not None and end <= run
        if end - case.at > NOW and not before_run:
            continue
        risk: Risk = 5 if before_run else risk_of(end, case.at) or 2
        yield Recommendation(
            kind="signature ends",
            about=Entity("schedule", name),
            words=f"a signed address (SAS) of schedule {name} {ends(end, case.at)}"
            + (", before its next run" if before_run else ""),
            harm="the jobs that it starts after that fail: give it a new address, or an identity",
            button="Open",
            command=command("schedule show", name),
            risk=risk,
        )
