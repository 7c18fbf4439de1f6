"""From the jobs that are meant to the card: which tasks failed, what they printed, what they have in common."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Job
from bot.domain.clusters.common import Common, in_common
from bot.domain.clusters.grouping import Kind, clusters, kind_of, printed_by_program
from bot.domain.clusters.model import Cluster, Failed, Ran, Said, TaskKey
from bot.requests.context import Context
from cards.card import Action, Card
from cards.formatting import change, number, plural
from handlers.failures.buttons import cluster_buttons
from handlers.failures.card import SHOWN, Shown, failures_card
from handlers.failures.logs import logs_of
from handlers.failures.picture import picture
from handlers.failures.tasks import Every

JOBS = 40
"""Jobs whose tasks are read for one answer: those with most failures that are known, those that go on, then those that
ended last."""


class Earlier(Struct, frozen=True):
    """What failed before: in the runs before, or in the window before. ``words`` say it in a line.

    ``kinds`` are counts of failures by kind; None where they are not known. ``when`` names that time.
    """

    words: str = ""
    kinds: Mapping[Kind, int] | None = None
    when: str = ""


class Subject(Struct, frozen=True, kw_only=True):
    """What was asked about. ``jobs`` are those that were read, of ``of_jobs``; ``tasks`` are all there are, and
    ``counted`` how many of them failed, each None where nobody knows.

    ``since`` and ``words`` are the window; None and empty where there is none. ``known`` is True where of many jobs
    those were read that are known to have failures.
    """

    name: str
    at: datetime
    jobs: Sequence[Job]
    of_jobs: int
    tasks: int | None = None
    counted: int | None = None
    known: bool = False
    since: datetime | None = None
    words: str = ""
    more: Sequence[Action | None] = ()


async def answer(
    ctx: Context, source: Account, subject: Subject, every: Every, succeeded: Sequence[Ran], earlier: Earlier
) -> Card:
    """The card of failures that were read; ``succeeded`` are the tasks beside them, weighed."""
    failed = every.failed
    said = await logs_of(ctx.store, source, failed) if failed else {}
    whole = not (every.more_failed or every.more_succeeded)
    missed = every.more_failed or subject.of_jobs > len(subject.jobs)
    groups, common = await asyncio.to_thread(_grouped, failed, said, succeeded, whole=whole)
    shown = Shown(
        subject=subject.name,
        at=subject.at,
        clusters=groups,
        common=common,
        read=len(failed),
        failed=subject.counted if subject.counted is not None else None if missed else len(failed),
        of=subject.tasks,
        window=subject.words,
        before=earlier.words,
        earlier={each.key: _against(each, earlier) for each in groups},
        logs=sum(bool(each.line) for each in said.values()),
        logs_of=sum(map(printed_by_program, failed)),
        notes=_notes(subject, every),
        more=[each for each in subject.more if each],
    )
    drawn = picture(groups, _where(subject), subject.since, subject.at, ctx.zone) if groups else None
    states = {job.id: job.state.lower() for job in subject.jobs}
    buttons = [
        await cluster_buttons(ctx, source, each, states, shown.common.get(each.key, ())) for each in groups[:SHOWN]
    ]
    return failures_card(ctx, shown, buttons, drawn)


def _grouped(
    failed: Sequence[Failed], said: Mapping[TaskKey, Said], succeeded: Sequence[Ran], *, whole: bool
) -> tuple[list[Cluster], dict[str, list[Common]]]:
    """All clusters, and what those that are shown have in common; to be called in a thread.

    Each is held against all tasks that were read: of thousands of failures of as many causes that takes half a minute.
    """
    groups, beside = clusters(failed, said), [*failed, *succeeded]
    return groups, {each.key: in_common(each, beside, whole=whole) for each in groups[:SHOWN]}


def _where(subject: Subject) -> str:
    return " · ".join(filter(None, [subject.name, subject.words]))


def _notes(subject: Subject, every: Every) -> list[str]:
    read = len(every.failed)
    notes = []
    if every.more_failed and subject.counted:
        notes.append(f"of {number(subject.counted)} failed, {number(read)} read")
    elif every.more_failed:
        notes.append(f"of more than {number(read)} failed, {number(read)} read")
    if subject.of_jobs > len(subject.jobs):
        first = ", those with most known failures first" if subject.known else ""
        notes.append(f"of {plural(subject.of_jobs, 'job')}, {number(len(subject.jobs))} read{first}")
    if every.more_succeeded:
        notes.append(f"beside them stand {number(len(every.succeeded))} that succeeded, not all")
    return notes


def _against(cluster: Cluster, earlier: Earlier) -> str:
    """``new``, or how many of that code and exit code there were before."""
    if not earlier.kinds:  # unknown, or there were none at all, which is said once
        return ""
    before = earlier.kinds.get(kind_of(cluster.example), 0)
    name = "of that exit code" if printed_by_program(cluster.example) else "of that"
    return f"{number(before)} {name} {earlier.when}" if before else f"new: none {earlier.when}"


def kinds_of(failed: Sequence[Failed]) -> Counter[Kind]:
    """Failures by kind."""
    return Counter(map(kind_of, failed))


def in_window(failed: Sequence[Failed], since: datetime) -> tuple[list[Failed], list[Failed]]:
    """Those that ended since then, and those before."""
    now = [task for task in failed if task.ended is None or task.ended >= since]
    return now, [task for task in failed if task.ended is not None and task.ended < since]


def window_before(before: Sequence[Failed], now: int, span: str, *, whole: bool) -> Earlier:
    """The window before, as long; nothing is said of it where not all of it was read."""
    if not whole:
        return Earlier()
    when = f"in the {span} before"
    words = f"{number(len(before))} {when}" if before else f"None failed {when}"
    moved = change(now, len(before)) if before and now else ""
    return Earlier(f"{words}{f': {moved}' if moved else ''}.", kinds_of(before), when)
