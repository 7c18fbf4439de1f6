"""What is reported of a job: its life, that it failed, that it is stuck, that too much of it fails."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    WERE_DISABLED,
    around,
    button,
    cut,
    elapsed,
    job_entity,
    newest,
    news,
    said,
    schedule_entity,
    span,
    spoken,
)
from bot.alerting.rules.failures import (
    causes_of,
    examined,
    example_actions,
    examples,
    failed_of,
    failing_jobs,
    goes_on,
    in_pool,
    in_words,
    outcome,
    so_far,
)
from bot.alerting.rules.waiting import why
from bot.domain.advice import of_scheduling
from bot.domain.entity import schedule_of
from bot.domain.findings import Finding, Severity, SuggestedAction
from bot.domain.job_endings import ended_because
from bot.domain.job_health import bad_reason, ended_badly
from bot.domain.states import is_active, is_over
from bot.monitor.held_jobs import STUCK_FOR, at_work, still_since
from bot.monitor.scene import JobView, Scene
from cards.formatting import duration, number, percent, plural
from storage.port.monitoring import Transition

QUEUED_FOR = 7200.0
"""Seconds that a job waits for its turn before somebody might want to know."""
RATE_FAILURES = 10
"""Failures below which a share says nothing."""
RATE, RATE_HIGH = 0.05, 0.5
"""Of what was completed: one in twenty is no chance, one in two is wasted money."""
RATE_WITHIN = 3600.0
"""Seconds of completions that the rate is taken of."""


@rule("job.started", severity=Severity.INFO, reads=("jobs",), quiet=True)
def started(scene: Scene) -> Iterator[Finding]:
    """A job has started."""
    for each in news(scene, "job", "active"):
        if each.before:
            continue
        yield _event(each, f"{spoken(each.id)} has started", scene.job(each.id))


@rule("job.completed", severity=Severity.INFO, reads=("jobs",), quiet=True, told_by=("task.failed",))
def completed(scene: Scene) -> Iterator[Finding]:
    """A job has succeeded: no task failed, and it ended for an ordinary reason."""
    for job in _over(scene):
        if not _failed(job):
            yield Finding(
                entity=job_entity(job.id),
                headline=f"{spoken(job.id)} {_how_it_ended(job)}",
                since=newest(scene, job.ended or job.since),
                state="event",
                figures=(*in_pool(job), *((("Ended because", cut(ended_because(job.reason))),) if job.reason else ())),
                actions=_open(job.id),
                related=around(job),
                count=max(1, job.total),
                counted=None if job.final else job.counted,
            )


@rule("job.failed", severity=Severity.WARNING, reads=("jobs",), told_by=("task.failed",))
def failed(scene: Scene) -> Iterator[Finding]:
    """A job has failed: tasks failed, it could not run, or it was terminated because of an error.

    Critical where nothing succeeded. Where its failures were reported while it ran, their message says it too.
    """
    for job in _over(scene):
        if not _failed(job):
            continue
        causes = causes_of(job)
        reason = bad_reason(job)
        cannot = "the service could not run it" if job.scheduling_error else ""
        known = of_scheduling(job.scheduling_error)
        many = failed_of(job)
        failed_tasks = f"{number(many)} of {plural(max(job.total, many), 'task')} failed{so_far(job)}" if many else ""
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id} has failed: {failed_tasks or cannot or reason}",
            since=newest(scene, job.ended or job.since),
            state="event",
            severity=_how_bad(job),
            figures=(
                *in_pool(job),
                *((("Ended because", cut(ended_because(job.reason))),) if job.reason else ()),
                *examined(job),
            ),
            cause=(known.cause if known else cannot) or reason or in_words(causes),
            evidence=said(*job.scheduling_error) if job.scheduling_error else examples(causes),
            actions=(
                *(example_actions(job, causes)[:2] if many else ()),
                button("Clone it", "job clone", job.id),
                *_open(job.id),
            ),
            related=around(job),
            count=max(1, many),
            causes=causes,
            counted=None if job.final else job.counted,
        )


@rule("job.disabled", severity=Severity.INFO, reads=("jobs",), quiet=True)
def disabled(scene: Scene) -> Iterator[Finding]:
    """A job was disabled: its tasks wait until it is enabled."""
    for each in news(scene, "job", "disabled"):
        job = scene.job(each.id)
        waits = f", {plural(job.active, 'task')} {'waits' if job.active == 1 else 'wait'}" if job and job.active else ""
        enable = button("Enable", "job enable", each.id)
        yield _event(each, f"{spoken(each.id)} was disabled{waits}", job, (enable, *_open(each.id)))


@rule("job.enabled", severity=Severity.INFO, reads=("jobs",), quiet=True)
def enabled(scene: Scene) -> Iterator[Finding]:
    """A job that was disabled was enabled: its tasks run again."""
    for each in news(scene, "job", "active"):
        if each.before.lower() in WERE_DISABLED:
            yield _event(each, f"{spoken(each.id)} was enabled", scene.job(each.id))


@rule("job.deleted", severity=Severity.INFO, reads=("jobs",), quiet=True)
def deleted(scene: Scene) -> Iterator[Finding]:
    """A job was deleted, and its tasks with it."""
    for each in news(scene, "job", "deleted"):
        yield _event(each, f"{spoken(each.id)} was deleted", actions=(button("Jobs", "job list"),))


@rule("job.stuck", severity=Severity.WARNING, reads=("jobs", "pools"), inhibits=("pool.idle", "schedule.barren"))
def stuck(scene: Scene) -> Iterator[Finding]:
    """A job's tasks wait, none runs, and nothing has moved for a quarter of an hour.

    Waiting for a turn is not being stuck: a job whose pool works for jobs that come before it is reported after
    :data:`QUEUED_FOR` seconds only, and as information. What is new has its time: the job from when it was enabled, its
    pool's nodes from when its resize began.
    """
    workers = at_work(scene.jobs)
    for job in scene.jobs.values():
        moved = still_since(job)
        lasts = elapsed(scene, moved)
        if moved is None or not job.active or lasts < STUCK_FOR:
            continue
        wait = why(scene, job, workers)
        if (wait.queued and lasts < QUEUED_FOR) or (wait.settling and elapsed(scene, wait.settling) < STUCK_FOR):
            continue
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id}: {plural(job.active, 'task')} {'waits' if job.active == 1 else 'wait'}, "
            f"none has run for {span(lasts)}",
            since=moved,
            severity=Severity.INFO if wait.queued else Severity.WARNING,
            figures=(*in_pool(job), ("Done", f"{number(job.succeeded + job.failed)} of {number(job.total)}")),
            cause=wait.cause,
            evidence=wait.evidence,
            actions=(
                *((wait.step,) if wait.step else ()),
                *_open(job.id),
                button("Waiting tasks", "task list", job.id, state="active"),
            ),
            related=around(job),
            count=job.active,
        )


@rule("job.failure_rate", severity=Severity.WARNING, reads=("jobs",))
def failure_rate(scene: Scene) -> Iterator[Finding]:
    """Of what a job completed within the last hour one in twenty tasks or more failed, ten at least.

    Critical from one in two on. For those who do not want single failures: where these are sent, they say more.
    """
    for job in failing_jobs(scene):
        done, bad = _within(scene, job)
        if not goes_on(scene, job):
            yield outcome(scene, job)
            continue
        if not is_active(job.state) or bad < RATE_FAILURES or bad < RATE * done:
            continue
        causes = causes_of(job)
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id}: {percent(bad, done)} of the last hour's tasks failed, "
            f"{number(bad)} of {number(done)}",
            since=newest(scene, job.failing_since),
            severity=Severity.CRITICAL if bad >= RATE_HIGH * done else Severity.WARNING,
            figures=(*in_pool(job), *examined(job)),
            cause=in_words(causes),
            evidence=examples(causes),
            actions=(
                *example_actions(job, causes)[:2],
                button("Disable", "job disable", job.id),
                *_open(job.id),
            ),
            related=around(job),
            count=bad,
            causes=causes,
        )


def _over(scene: Scene) -> list[JobView]:
    """The jobs that came to their end, as far as it is known how; not those deleted on the way."""
    return [job for job in scene.ended if is_over(job.state)]


def _failed(job: JobView) -> bool:
    """Whether a job that is over has failed, by what is known: failures that were seen before its last counts, too."""
    return ended_badly(job) or failed_of(job) > 0


def _how_it_ended(job: JobView) -> str:
    """Of a job of which no failure is known: that it completed, once its last counts say so."""
    ran = f" in {duration(job.ended - job.started)}" if job.ended and job.started else ""
    if job.final:
        tasks = f": {plural(job.total, 'task')}" if job.total else ""
        return f"has completed{tasks}{ran}"
    if job.active is None:
        return f"has ended{ran}: its tasks were not counted"
    return f"has ended{ran}: {number(job.succeeded)} of {plural(job.total, 'task')} succeeded so far"


def _how_bad(job: JobView) -> Severity:
    """Critical where nothing succeeded: of a job that ran, its last counts must say so."""
    return Severity.CRITICAL if not job.succeeded and (job.final or job.scheduling_error) else Severity.WARNING


def _within(scene: Scene, job: JobView) -> tuple[int, int]:
    """How many tasks were completed and how many failed within the last hour, of counts that only grow.

    A job that is younger than that began with none; of an older one the oldest count is subtracted. Tasks that are run
    again count back.
    """
    samples = sorted(each for each in job.rate if elapsed(scene, each[0]) <= RATE_WITHIN)
    if not samples:
        return 0, 0
    young = job.created is not None and elapsed(scene, job.created) <= RATE_WITHIN
    _, done, bad = (scene.at, 0, 0) if young else samples[0]
    completed, failed_now = samples[-1][1] - done, samples[-1][2] - bad
    return max(0, completed, failed_now), max(0, failed_now)


def _open(job: str) -> tuple[SuggestedAction, ...]:
    return (button("Open", "job show", job),)


def _event(
    change: Transition, headline: str, job: JobView | None = None, actions: tuple[SuggestedAction, ...] = ()
) -> Finding:
    """News of a job, by the transition; ``job`` is its view where it is known."""
    schedule = schedule_of(change.id)
    of_schedule = (schedule_entity(schedule),) if schedule else ()
    return Finding(
        entity=job_entity(change.id),
        headline=headline,
        since=change.at,
        state="event",
        figures=in_pool(job) if job else (),
        actions=actions or _open(change.id),
        related=around(job) if job else of_schedule,
    )
