"""Jobs that ended lately: work that was done twice, and tasks too short to be worth their start."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import timedelta

from bot.domain.entity import Entity, fold
from bot.domain.recommendations.model import Case, Recommendation
from cards.command_line import command
from cards.formatting import core_hours, number, percent, plural
from storage.port.runs import JobRun
from storage.port.spread import all_of

WINDOW = timedelta(days=7)
"""Runs that ended within it are looked at."""
WASTED = 0.05
"""The share of core-hours that went into runs which were made again, from which it is worth a word."""
LEAST = 10 * 3600.0
"""Core-seconds that are lost at least: less of it is nothing to look after."""
SHORT = 10.0
"""Seconds that a task is to run at least ("Batch best practices": shorter ones spend their time on scheduling)."""
MANY = 100
"""Tasks from which on their typical length says something."""


def retries(case: Case) -> Iterator[Recommendation]:
    """Schedules, or jobs without one, whose tasks lost work to runs that were made again.

    What spot nodes lost is not in it: it stands in their own ledger (:mod:`.spot`).
    """
    spot = {fold(each.pool) for each in case.spent.spans if each.spend.spot_hours.total} if case.spent else set()
    for runs in _by_origin(case).values():
        spent = sum(each.core_seconds or 0.0 for each in runs)
        lost_by = [_lost(each, spot) for each in runs]
        lost = sum(lost_by)
        if not spent or lost < max(LEAST, WASTED * spent):
            continue
        currencies = {each.currency for each in runs if each.cost is not None}
        priced = all(each.cost is not None for each, part in zip(runs, lost_by, strict=True) if part)
        priced = priced and len(currencies) == 1
        cost = sum(
            (each.cost or 0.0) * min(1.0, part / each.core_seconds)
            for each, part in zip(runs, lost_by, strict=True)
            if each.core_seconds
        )
        about, words = _origin(runs)
        yield Recommendation(
            kind="retries",
            about=about,
            words=f"{words} spent {core_hours(lost / 3600)}, {percent(lost, spent)} of all, on runs of tasks that were "
            "made again",
            harm=f"{plural(sum(each.retries for each in runs), 'retry', 'retries')} in "
            f"{plural(len(runs), 'job')} that ended in the last 7 days",
            button="Failures",
            command=command(f"failures {about.kind}", about.id),
            week=cost if priced else None,
            currency=next(iter(currencies)) if priced else "",
            measured=priced,
            risk=1,
        )


def short_tasks(case: Case) -> Iterator[Recommendation]:
    """Schedules, or jobs without one, whose typical task is over before its start is paid for."""
    for runs in _by_origin(case).values():
        lengths = all_of(each.runtimes for each in runs)
        typical = lengths.percentile(0.5)
        if typical is None or typical >= SHORT or lengths.total < MANY:
            continue
        about, words = _origin(runs)
        yield Recommendation(
            kind="short tasks",
            about=about,
            words=f"a typical task of {words} runs for {max(1, round(typical))} s, by {number(lengths.total)} in "
            "7 days",
            harm="below 10 s most of a node's time goes into starting tasks: let one task do the work of several",
            button="Open",
            command=command(f"{about.kind} show", about.id),
            risk=1,
        )


def _lost(run: JobRun, spot: Container[str]) -> float:
    """Core-seconds of a job's runs that were made again, without what was lost with a spot node."""
    lost = run.lost_core_seconds or 0.0
    return lost - (run.requeued_core_seconds or 0.0) if fold(run.pool) in spot else lost


def _by_origin(case: Case) -> Mapping[tuple[str, str], Sequence[JobRun]]:
    """The runs of the window by their schedule, or each job by itself."""
    found: dict[tuple[str, str], list[JobRun]] = defaultdict(list)
    for each in case.runs or ():
        if case.at - each.ended <= WINDOW:
            key = ("schedule", fold(each.schedule)) if each.schedule else ("job", fold(each.job))
            found[key].append(each)
    return found


def _origin(runs: Sequence[JobRun]) -> tuple[Entity, str]:
    first = runs[0]
    about = Entity("schedule", first.schedule) if first.schedule else Entity("job", first.job)
    return about, f"{about.kind} {about.id}"
