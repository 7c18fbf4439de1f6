"""What is reported of tasks: together for each job while they fail, and one by one to who asks for that."""

from __future__ import annotations

from collections.abc import Iterator

from bot.alerting.rules import rule
from bot.alerting.rules.common import (
    around,
    button,
    elapsed,
    job_entity,
    newest,
    news,
    schedule_entity,
)
from bot.alerting.rules.failures import again, causes_of, examined, example_actions, examples, fresh, in_words
from bot.domain.entity import Entity, schedule_of
from bot.domain.findings import Finding, Severity
from bot.domain.states import is_over
from bot.monitor.scene import JobView, Scene
from cards.formatting import number, plural
from storage.port.monitoring import Transition

MOST_SHARE = 0.5
"""Of the tasks that are over: more failures than successes mean that what runs on is most likely wasted."""
MOST_LEAST = 10
"""Failures below which such a share says nothing yet, unless they are all the job has."""
ALL_CLEAR_FOR = 7200.0
"""Seconds after the last failure for which its end is put in words: long enough for polls that were missed."""
COUNTED_AFTER = 120.0
"""Seconds after a failure from which on counts are believed that do not know it: lists were seen to lag by 45."""


@rule(
    "task.failed",
    severity=Severity.WARNING,
    reads=("jobs", "tasks"),
    inhibits=("job.failure_rate", "task.retries_exhausted"),
)
def failed(scene: Scene) -> Iterator[Finding]:
    """Tasks of a job fail: how many, of what, with an example.

    One for each job, from the first failure that is seen until the job is over or none was seen for half an hour.
    Critical where all of its tasks or more than half of those that are over have failed.
    """
    for job in scene.jobs.values():
        if job.failures <= 0:
            continue
        if fresh(scene, job) and not is_over(job.state) and not _run_again(job):
            yield _failing(scene, job)
        elif elapsed(scene, job.failed_at) < ALL_CLEAR_FOR:
            yield _calm(scene, job)
    for job in scene.ended:
        if job.failures > 0 and job.id not in scene.jobs:
            yield _calm(scene, job)


@rule("task.retries_exhausted", severity=Severity.WARNING, reads=("jobs", "tasks"))
def retries_exhausted(scene: Scene) -> Iterator[Finding]:
    """Tasks of a job have failed after all the retries they may have."""
    for job in scene.jobs.values():
        if job.exhausted <= 0 or not fresh(scene, job) or is_over(job.state) or _run_again(job):
            continue
        causes = causes_of(job)
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id}: {plural(job.exhausted, 'task')} failed after all retries",
            since=newest(scene, job.failing_since),
            figures=(*_pool(job), *examined(job)),
            cause=in_words(causes),
            evidence=examples(causes),
            actions=(*example_actions(job, causes)[:2], *again(job), button("Open", "job show", job.id)),
            related=around(job),
            count=job.exhausted,
            causes=causes,
        )


@rule("task.started", severity=Severity.INFO, reads=("tasks",), quiet=True)
def started(scene: Scene) -> Iterator[Finding]:
    """A task runs, where every task is watched."""
    for each in news(scene, "task", "running"):
        yield _event(scene, each, f"task {each.id} of {each.parent} has started")


@rule("task.completed", severity=Severity.INFO, reads=("tasks",), quiet=True)
def completed(scene: Scene) -> Iterator[Finding]:
    """A task has succeeded, where every task is watched."""
    for each in news(scene, "task", "completed"):
        yield _event(scene, each, f"task {each.id} of {each.parent} has completed")


def _run_again(job: JobView) -> bool:
    """Whether all that failed was run again: long enough after the last failure none counts as failed."""
    if job.active is None or job.failed or job.counted is None or job.failed_at is None:
        return False
    return (job.counted - job.failed_at).total_seconds() > COUNTED_AFTER


def _failing(scene: Scene, job: JobView) -> Finding:
    causes = causes_of(job)
    # Counts come a little later than the failures that were seen: until then these are all there is to say.
    counted = job.active is not None and job.failed > 0
    many = job.failed if counted else job.failures
    all_of_it = counted and many >= job.total
    most = counted and many >= MOST_LEAST and many > MOST_SHARE * (many + job.succeeded)
    words = f"{number(many)} of {plural(job.total, 'task')}" if counted else plural(many, "task")
    return Finding(
        entity=job_entity(job.id),
        headline=f"job {job.id}: {words} failed",
        since=newest(scene, job.failing_since),
        severity=Severity.CRITICAL if all_of_it or most else Severity.WARNING,
        figures=(
            *_pool(job),
            *((("Succeeded", number(job.succeeded)),) if counted else ()),
            *((("After all retries", number(job.exhausted)),) if job.exhausted else ()),
            *examined(job),
        ),
        cause=in_words(causes),
        evidence=examples(causes),
        actions=(*example_actions(job, causes)[:2], *again(job), button("Open", "job show", job.id)),
        related=around(job),
        count=many,
        causes=causes,
    )


def _calm(scene: Scene, job: JobView) -> Finding:
    """No task fails any more. What was seen to fail and does not count as failed any more was run again."""
    causes = causes_of(job)
    many = job.failed if job.active is not None else job.failures
    again = max(0, job.failures - many)
    words = f"{number(many)} of {plural(max(job.total, many), 'task')} failed"
    if again:
        words = f"{number(again)} re-run, {f'{number(many)} still failed' if many else 'none failed any more'}"
    return Finding(
        entity=job_entity(job.id),
        headline=f"job {job.id}: {words}",
        since=newest(scene, job.failing_since),
        state="resolved",
        figures=(*_pool(job), ("It is over because", _ending(scene, job)), *examined(job)),
        cause=in_words(causes),
        actions=(button("Failed tasks", "task list", job.id, state="failed"), button("Open", "job show", job.id)),
        related=around(job),
        count=many,
        causes=causes,
    )


def _ending(scene: Scene, job: JobView) -> str:
    if is_over(job.state):
        return "the job has ended"
    if any(each.id == job.id for each in scene.ended):
        return "the job was deleted"
    return "all that failed was run again" if _run_again(job) else "no task has failed for half an hour"


def _pool(job: JobView) -> tuple[tuple[str, str], ...]:
    return (("Pool", job.pool),) if job.pool else ()


def _event(scene: Scene, change: Transition, headline: str) -> Finding:
    """News of a task."""
    job, schedule = scene.job(change.parent), schedule_of(change.parent)
    of_schedule = (schedule_entity(schedule),) if schedule else ()
    return Finding(
        entity=Entity("task", change.id, change.parent),
        headline=headline,
        since=change.at,
        state="event",
        actions=(
            button("Open", "task show", change.parent, change.id),
            button("Logs", "log", change.parent, change.id),
            button("Job", "job show", change.parent),
        ),
        related=(job_entity(change.parent), *(around(job) if job else of_schedule)),
    )
