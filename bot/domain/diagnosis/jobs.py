"""Clues of a job: why its tasks wait, why they fail, why it does not end, why it ended."""

from __future__ import annotations

from datetime import timedelta

from bot.azure.models import FailureInfo
from bot.azure.models.job import JobExecution
from bot.domain import knowledge
from bot.domain.diagnosis.job_case import Explained, JobCase, tasks_waiting
from bot.domain.diagnosis.job_runs import never_ends, of_failures, of_running, serious
from bot.domain.diagnosis.job_waits import of_waiting
from bot.domain.diagnosis.model import Clue, Evidence, clue, on_its_way, unknown
from bot.domain.diagnosis.pools import of_pool
from bot.domain.job_endings import ended_because
from bot.domain.job_health import pool_of, total
from bot.domain.states import is_active, is_over, word
from bot.domain.waiting import NO_AUTOMATIC_POOL
from cards.formatting import duration, number, plural

ENDING_LONG = timedelta(minutes=30)
"""A job that ends for longer waits for its release tasks, or has very many tasks."""


def of_job(case: JobCase) -> Explained:
    """Why a job does not do its work; nothing that explains where it does."""
    failing = of_failures(case)
    pool = of_pool(case.pool) if case.pool else []
    state = case.job.state.lower()
    if is_over(state):
        return Explained((*_of_end(case, failing),))
    if own := _ending(case) if state in ("terminating", "deleting") else _of_itself(case):
        return Explained((own,), (*pool, *failing))
    return of_waiting(case, pool, failing) if case.waits else _of_work(case, pool, failing)


def _of_work(case: JobCase, pool: list[Clue], failing: list[Clue]) -> Explained:
    """What is wrong with a job that has tasks running, or none left."""
    aside = [each for each in pool if each.harm]
    found = [*of_running(case), *(failing if serious(case) else [])]
    if not serious(case):
        aside = [*failing, *aside]
    if never := never_ends(case):
        found, aside = (found, [never, *aside]) if found else ([never], aside)
    return Explained((*found,), (*aside,))


def _of_itself(case: JobCase) -> Clue | None:
    """What stops a job whatever its tasks and its pool are like."""
    job, about = case.job, case.about
    since = job.state_transition_time
    run = job.execution_info
    if job.state.lower() in ("disabled", "disabling"):
        counts = case.counts
        waits = Evidence(f"{plural(counts.active, 'task')} waiting", case.at) if counts and counts.active else None
        state = Evidence(f"state {word(job.state)}", since)
        return clue("job.disabled", about, since=since, evidence=[state, waits, case.ended], names=case.names)
    if run and run.scheduling_error:
        return _cannot_run(case, run)
    pool = pool_of(job)
    counts = case.counts
    idle = counts is not None and not counts.active and not counts.running
    if idle:
        return None
    if case.pool_gone or (case.pool and not is_active(case.pool.pool.state)):
        gone = "does not exist" if case.pool_gone else f"is {word(case.pool.pool.state) if case.pool else ''}"
        said = Evidence(f"pool {pool} {gone}", case.at)
        return clue("job.pool_gone", about, since=since, evidence=[said, tasks_waiting(case)], names=case.names)
    if not pool and not is_over(job.state):
        return on_its_way(
            "job.no_automatic_pool", about, NO_AUTOMATIC_POOL, since=since, evidence=[tasks_waiting(case)]
        )
    return None


def _cannot_run(case: JobCase, run: JobExecution) -> Clue:
    """Why the service cannot run it."""
    error = run.scheduling_error or FailureInfo()
    words = "; ".join([error.message, *(f"{each.name}: {each.value}" for each in error.details)])
    row = knowledge.find("job", code=error.code, message=words, category=error.category)
    since = run.start_time or case.job.state_transition_time
    if row is None:
        return unknown("unknown.job", case.about, error.code, words, since=since, at=case.at)
    return clue(row, case.about, since=since, evidence=[Evidence(f"{error.code}: {words}", case.at)], names=case.names)


def _ending(case: JobCase) -> Clue:
    job = case.job
    since = job.state_transition_time
    lasts = case.at - since if since else timedelta()
    state = Evidence(f"{word(job.state)} for {duration(lasts)}", case.at)
    if lasts >= ENDING_LONG:
        return clue("job.ending_long", case.about, since=since, evidence=[state, case.ended], names=case.names)
    return on_its_way(
        "job.ending", case.about, f"the job is {word(job.state)}", since=since, evidence=[state, case.ended]
    )


def _of_end(case: JobCase, failing: list[Clue]) -> list[Clue]:
    """Why a job that is over did not do its work; nothing for one that did."""
    run, about = case.job.execution_info, case.about
    if run and run.scheduling_error:
        return [_cannot_run(case, run), *failing]
    reason = run.terminate_reason if run else ""
    since = run.end_time if run else case.job.state_transition_time
    ended = Evidence(f"ended because {ended_because(reason)}", since) if reason else None
    counts = case.counts
    done = None
    if counts:
        every = plural(total(counts), "task")
        done = Evidence(f"{number(counts.succeeded)} of {every} succeeded", case.at)
    left = bool(counts and (counts.active or counts.running))
    row = {
        "maxwallclocktimeexpiry": "job.ran_too_long",
        "taskfailed": "job.ended_by_task",
        "jmcomplete": "job.manager_ended" if left or _ended_with_it(case) else "",
        "alltaskscomplete": "job.ended_empty" if counts and not counts.completed and not left else "",
    }.get(reason.lower().replace(" ", ""), "")
    found = [clue(row, about, since=since, evidence=[ended, _limit(case, row), done], names=case.names)] if row else []
    if row in ("", "job.ended_by_task"):
        return [*failing, *found] or _stopped(case, left=left)
    return [*found, *failing]


def _ended_with_it(case: JobCase) -> bool:
    """Whether tasks of it were ended rather than that they failed."""
    runs = [each.execution_info for each in case.failures]
    return any(run and run.failure_info and run.failure_info.code.lower() == "taskended" for run in runs)


def _limit(case: JobCase, row: str) -> Evidence | None:
    limits = case.job.constraints
    if row != "job.ran_too_long" or limits is None:
        return None
    return Evidence(
        f"its maxWallClockTime is {limits.max_wall_clock_time}, counted from its creation", case.job.creation_time
    )


def _stopped(case: JobCase, *, left: bool) -> list[Clue]:
    """A job that was ended before its tasks were done."""
    if not left:
        return []
    run = case.job.execution_info
    since = run.end_time if run else None
    reason = run.terminate_reason if run else ""
    why = Evidence(f"ended because {ended_because(reason)}", since) if reason else None
    return [
        clue(
            "job.terminated", case.about, since=since, evidence=[why, tasks_waiting(case), case.ended], names=case.names
        )
    ]
