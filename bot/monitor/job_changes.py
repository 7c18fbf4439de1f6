"""What a poll shows of jobs, tasks and schedules, entered into the pending state."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from msgspec.structs import replace

from bot.azure.models import Counts, FailureInfo, duration
from bot.azure.models.base import told
from bot.azure.models.watched import JobState, ScheduleState, TaskState
from bot.domain.causes import EXIT, MOST, OTHER, cause_of
from bot.domain.entity import schedule_of
from bot.domain.findings import CauseCount
from bot.domain.job_health import FEW
from bot.domain.retries import Retried
from bot.monitor import black_box
from bot.monitor.account_state import LATELY, OVERLAP
from bot.monitor.evidence import note
from bot.monitor.node_changes import missing_of
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView

OVER = "completed"
"""The state of a job in which nothing more happens to it."""
QUIET = timedelta(hours=1)
"""After so long without a failure, the next one begins a new spell of them; rates reach as far back."""
LAST_WORD = timedelta(minutes=30)
"""How long after its end was reported the last counts and failures of a job may come: while alerts remember it."""
_APART = timedelta(minutes=2)
_LONGEST = 300
_RETRIED = 50
"""Tasks of a job that are remembered as run again, those that were most often."""
_AT_ONCE = 200
"""Tasks that are drawn in one turn of the event loop: a few milliseconds."""


def fold_jobs(pending: PendingState, rows: Iterable[JobState]) -> None:
    """Jobs that changed lately (or all that are not over): news of those that are really new."""
    for row in rows:
        view = pending.jobs.get(row.id)
        if not row.state and view is None:
            continue  # how it is was not told: it is looked at again when that is
        # What is not told is what it was: it is unknown, not over.
        state = row.state.lower() or (view.state if view else "")
        since = row.state_transition_time or (view.since if view else None) or row.creation_time or pending.at
        if view is not None and view.created and row.creation_time and view.created < row.creation_time:
            lose_job(pending, row.id, row.creation_time)
            view = None
        if _is_over(pending, view, row, state, since):
            continue
        if view is None:
            _begin(pending, row, state, since)
            pending.job(row.id).past = pending.baseline is None
        elif view.since and since < view.since:
            continue  # the list lags behind what was seen already
        elif (view.state, view.since) != (state, since):
            pending.note("job", row.id, state, since, before=view.state, details=_details(row))
        _draw_job(pending.job(row.id), row, state, since)


def _is_over(pending: PendingState, view: JobView | None, row: JobState, state: str, since: datetime) -> bool:
    """Whether nothing about the job is news: its end was reported or is old, even if it is being deleted now."""
    if view is not None:
        return view.state == OVER and state == "deleting"
    if state == "deleting":
        return row.previous_state.lower() == OVER
    return state == OVER and (not pending.is_news(since) or pending.was_noted("job", row.id, state, since))


def _begin(pending: PendingState, row: JobState, state: str, since: datetime) -> None:
    """A job that was not known: its creation is news, and what became of it since."""
    made = row.creation_time
    if made and (state, since) != ("active", made) and pending.is_unseen("jobs", made):
        pending.note("job", row.id, "active", made, details={"pool": row.execution_info.pool_id})
    before = row.previous_state.lower() or ("active" if made and since > made else "")
    pending.note("job", row.id, state, since, before=before, details=_details(row))
    if pending.baseline:
        pending.tasks[row.id] = max(made or pending.baseline, pending.baseline)
    else:
        pending.tasks[row.id] = pending.at


def _details(row: JobState) -> dict[str, object]:
    run = row.execution_info
    return {
        "pool": run.pool_id,
        "reason": run.terminate_reason[:_LONGEST],
        "error": run.scheduling_error.code if run.scheduling_error else "",
    }


def _draw_job(view: JobView, row: JobState, state: str, since: datetime) -> None:
    run = row.execution_info
    if view.state and view.state != state:
        view.before = view.state
    elif not view.state:
        view.before = row.previous_state.lower()
    view.state, view.since, view.created = state, since, row.creation_time or view.created
    view.started, view.ended, view.pool = run.start_time or view.started, run.end_time, run.pool_id or view.pool
    view.priority, view.reason = told(row.priority, view.priority), run.terminate_reason[:_LONGEST]
    view.scheduling_error = _failure(run.scheduling_error) if run.scheduling_error else None
    view.schedule = schedule_of(view.id)


@lru_cache(maxsize=1024)  # a thousand tasks of one cause have the same details
def _failure(info: FailureInfo) -> tuple[str, str]:
    """Code and message, with the details behind it where there are any."""
    details = "; ".join(each.value for each in info.details if each.value)
    words = f"{info.message} ({details})" if details and info.message else info.message or details
    return info.code, words[:_LONGEST]


def lose_job(pending: PendingState, name: str, at: datetime) -> None:
    """A job that does not exist any more. One that was over had its end reported: that it is deleted is no news."""
    view = pending.jobs[name]
    if view.state != OVER:
        pending.note("job", name, "deleted", at, before=view.state, details={"pool": view.pool})
    if name not in pending.reported:
        pending.ended.append(view)
    pending.forget_job(name)


def fold_swept(pending: PendingState, rows: Sequence[JobState], aside: Collection[str] = ()) -> set[str]:
    """All jobs that are not over. Returns those that are known but were not among them: over or deleted since.

    Of those put ``aside`` nothing is known; they are not missing.
    """
    fold_jobs(pending, rows)
    going = [name for name, view in pending.jobs.items() if view.state != OVER]
    return set(missing_of(going, rows, aside))


async def fold_tasks(pending: PendingState, job: str, rows: Iterable[TaskState]) -> None:
    """A job's tasks that began or ended lately, failed ones among them: news, and causes.

    Of a storm of thousands some hundred are drawn in each turn of the event loop.
    """
    ordered = sorted(rows, key=lambda row: row.state_transition_time or pending.at)
    if await draw_failures(pending, job, ordered):
        pending.failed_in.add(job)
    if job not in pending.jobs:
        return
    pending.tasks[job] = pending.at
    owed = pending.owed.get(job)
    if owed is not None:
        pending.owed[job] = replace(owed, read=pending.at)
    if owed is not None and pending.at >= owed.since + OVERLAP:
        del pending.owed[job]  # nothing shows late any more
        view = pending.jobs[job]
        if view.failed - view.failures != view.unseen:
            pending.job(job).unseen = view.failed - view.failures


async def draw_failures(pending: PendingState, job: str, rows: Sequence[TaskState]) -> int:
    """Failed tasks of a job that nobody has seen yet; how many these are."""
    found = 0
    for start in range(0, len(rows), _AT_ONCE):
        if start:
            await asyncio.sleep(0)
        found += _fold_tasks(pending, job, rows[start : start + _AT_ONCE])
    return found


def _fold_tasks(pending: PendingState, job: str, rows: Iterable[TaskState]) -> int:
    """Returns how many of them failed, which was not known."""
    found = 0
    for row in rows:
        run, at, state = row.execution_info, row.state_transition_time, row.state.lower()
        if at is not None and state == "running":
            again = {"retries": run.retry_count or None}
            pending.note("task", row.id, state, at, parent=job, before=row.previous_state.lower(), details=again)
        if at is None or state != "completed":
            continue
        failed = run.result.lower() == "failure"
        if pending.was_noted("task", row.id, "failed" if failed else "completed", at, job, run.retry_count):
            continue
        if not failed:
            ended = {"exitCode": run.exit_code, "retries": run.retry_count or None}
            pending.note("task", row.id, "completed", at, parent=job, details=ended)
            continue
        info = run.failure_info or FailureInfo()
        code, said = _failure(info)
        details = {
            "exitCode": run.exit_code,
            "code": code,
            "category": info.category,
            "message": said,
            "pool": row.node_info.pool_id,
            "node": row.node_info.node_id,
            "retries": run.retry_count or None,
        }
        known = job in pending.jobs
        if pending.note("task", row.id, "failed", at, parent=job, details=details) and known:
            view = pending.job(job)
            cause = _count_failure(view, row, at)
            black_box.note_failure(pending, view, row, cause, at)
            if pending.at - at > LATELY:
                view.learned = pending.at  # nobody looked when it failed: it is news all the same
            found += 1
    return found


async def fold_past(pending: PendingState, job: str, rows: Iterable[TaskState]) -> None:
    """A job's failed tasks from before the first look: no news each, but what they failed of is known from now on.

    Where they are more than a few of those that are over, the job is said to fail.
    """
    if job not in pending.jobs:
        return
    view, found = pending.job(job), 0
    for row in sorted(rows, key=lambda row: row.state_transition_time or pending.at):
        at = row.state_transition_time
        if at is None or pending.is_news(at) or pending.was_noted("task", row.id, "failed", at, job):
            continue
        _count_failure(view, row, at)
        found += 1
        if found % _AT_ONCE == 0:
            await asyncio.sleep(0)
    view.past = False
    if found and view.failed * FEW > view.succeeded + view.failed:
        view.learned = pending.at


def _count_failure(view: JobView, row: TaskState, at: datetime) -> str:
    """Returns the cause that it is counted under."""
    run = row.execution_info
    info = run.failure_info or FailureInfo()
    code, said = _failure(info)
    cause = cause_of(run.exit_code, code, info.message)
    most = row.constraints.max_task_retry_count
    cause = _blame(view, row.id, at, cause, said, exhausted=0 < most <= run.retry_count)
    if row.node_info.node_id:
        note(view, cause, row.id)
    return cause


def fold_retries(pending: PendingState, job: str, rows: Iterable[TaskState]) -> None:
    """Tasks of a job that moved lately and are not over: those that were run again."""
    pending.read[f"retries {job}"] = pending.at
    again, settled = [], []
    for row in rows:
        run = row.execution_info
        if row.state.lower() == "completed" or run.retry_count <= 0:
            settled.append(row.id)
        else:
            again.append(Retried(row.id, run.retry_count, run.last_retry_time or row.state_transition_time))
    keep_retried(pending, job, again, settled)


def keep_retried(pending: PendingState, job: str, again: Sequence[Retried], settled: Iterable[str]) -> None:
    """Tasks of a job that were run ``again``, and those of which that is over."""
    if job not in pending.jobs:
        return
    before, over = pending.jobs[job].retried, frozenset(settled)
    after = {name: each for name, each in before.items() if name not in over}
    after |= {each.task: each for each in again}
    if len(after) > _RETRIED:
        most = sorted(after.values(), key=lambda each: (-each.times, each.task))[:_RETRIED]
        after = {each.task: each for each in most}
    if after != before:
        view = pending.job(job)
        view.retried = after
        for name in after.keys() - before.keys():
            black_box.note_retried(pending, view, after[name])


def _blame(view: JobView, task: str, at: datetime, cause: str, said: str, *, exhausted: bool) -> str:
    """Count a failure; returns the cause that it is counted under."""
    view.failures += 1
    view.exhausted += exhausted
    if view.failing_since is None or view.failed_at is None or at - view.failed_at > QUIET:
        view.failing_since = at
        view.examples, view.boxed = {}, {}  # what it fails of now need not be what it failed of then
    view.failing_since = min(view.failing_since, at)
    view.failed_at = max(view.failed_at or at, at)
    view.progressed = max(view.progressed or at, at)
    if cause not in view.causes and len(view.causes) >= MOST:
        cause, said = OTHER, ""
    if cause.startswith(EXIT):
        said = ""  # the service only says that there is an exit code; the program may have said more
    so_far = view.causes.get(cause)
    if so_far is None:
        view.causes[cause] = CauseCount(cause, 1, task, said)
    else:
        view.causes[cause] = CauseCount(cause, so_far.count + 1, so_far.example, so_far.said)
    return cause


def fold_task_counts(pending: PendingState, job: str, counts: Counts, slots: int = 0) -> None:
    """A job's tasks by state, now, and the task slots that running ones take."""
    if job not in pending.jobs:
        return
    view, at = pending.job(job), pending.at
    ended, begun = (counts.succeeded, counts.failed), counts.running
    fewer = view.active is not None and counts.active < view.active
    first = not view.active and counts.active > 0  # what it has to wait for begins now
    if view.active is None or fewer or first or (ended, begun) != ((view.succeeded, view.failed), view.running):
        view.progressed = at
    view.active, view.running, view.succeeded, view.failed = counts.active, begun, *ended
    view.past = view.past and counts.failed > 0
    if not counts.active and not begun:
        view.retried.clear()
    if not view.past and counts.failed - view.failures > view.unseen:
        pending.owe({job}, view.exact or view.created)  # on no node, or on one that has forgotten it
    view.counted, view.exact, view.running_slots = at, at, max(slots, begun)
    view.final = view.state == OVER and (not (counts.active or begun) or may_not_lag(view, at))
    keep_rate(view, at, exact=True)
    view.unseen = min(view.unseen, counts.failed - view.failures)
    pending.recounted.discard(job)
    pending.counts_in.add(job)


def keep_rate(view: JobView, at: datetime, *, exact: bool = False) -> None:
    """How many tasks of a job are over now: an hour's worth, a few minutes apart where that is not ``exact``."""
    if view.rate and not exact and at - view.rate[-1][0] < _APART:
        return
    view.rate = [*(each for each in view.rate if each[0] > at - QUIET and each[0] != at)]
    view.rate.append((at, view.succeeded + view.failed, view.failed))


def close_jobs(pending: PendingState) -> None:
    """Report every job that is over in the look that sees it, with what is known; and again until no more can come.

    It is forgotten once its last counts were read and no failure can show late any more; where they cannot be read,
    :data:`LAST_WORD` after it was reported first, and what was reported stays.
    """
    for name, view in list(pending.jobs.items()):
        if view.state != OVER or view.since is None:
            continue
        reported = pending.reported.setdefault(name, pending.at)
        if pending.at - reported >= LAST_WORD:
            pending.forget_job(name)
            continue
        pending.ended.append(view)
        if view.final and name not in pending.owed and may_not_lag(view, pending.at):
            pending.forget_job(name)


def may_not_lag(view: JobView, now: datetime) -> bool:
    """Whether a job has been over for so long that nothing of it can show late any more."""
    return view.since is not None and now >= view.since + OVERLAP


def fold_schedules(pending: PendingState, rows: Sequence[ScheduleState]) -> None:
    """Schedules that changed, or all of them."""
    for row in rows:
        view = pending.schedules.get(row.id)
        if not row.state and view is None:
            continue
        state = row.state.lower() or (view.state if view else "")
        since = row.state_transition_time or (view.since if view else None) or row.creation_time or pending.at
        if view is not None and view.created and row.creation_time and view.created < row.creation_time:
            pending.note("schedule", row.id, "deleted", row.creation_time, before=view.state)
            del pending.schedules[row.id]
            view = None
        if view is None:
            made = row.creation_time
            if made and (state, since) != ("active", made) and pending.is_unseen("schedules", made):
                pending.note("schedule", row.id, "active", made)
            pending.note("schedule", row.id, state, since, before=row.previous_state.lower())
        elif view.since and since < view.since:
            continue
        elif (view.state, view.since) != (state, since):
            pending.note("schedule", row.id, state, since, before=view.state)
        _draw_schedule(pending, row, state, since)


def lose_schedule(pending: PendingState, name: str) -> None:
    """A schedule is there no longer."""
    pending.note("schedule", name, "deleted", pending.at, before=pending.schedules[name].state)
    del pending.schedules[name]


def _draw_schedule(pending: PendingState, row: ScheduleState, state: str, since: datetime) -> None:
    view = pending.schedule(row.id)
    job = row.execution_info.recent_job.id if row.execution_info.recent_job else ""
    due = row.execution_info.next_run_time
    if job != view.job:
        view.missed = None
    elif view.due and view.due + OVERLAP <= pending.at and state == "active":
        view.missed = view.missed or view.due  # it passed, and the last job is the one there was before
    span = duration(row.schedule.recurrence_interval)
    view.state, view.since, view.created = state, since, row.creation_time or view.created
    view.interval, view.due, view.job = span.total_seconds() if span else None, due, job
    if state != "active":
        view.missed = None
