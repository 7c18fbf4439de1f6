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
from bot.alerting.rules.failures import (
    CALM_FOR,
    again,
    causes_of,
    examined,
    example_actions,
    examples,
    failing_jobs,
    goes_on,
    in_pool,
    in_words,
    most_failed,
    outcome,
)
from bot.domain.entity import Entity, schedule_of
from bot.domain.findings import Finding, Severity
from bot.domain.knowledge import row
from bot.domain.retries import retrying
from bot.domain.states import is_over
from bot.monitor.scene import JobView, Scene
from cards.formatting import number, plural
from storage.port.monitoring import Transition

ALL_CLEAR_FOR = 7200.0
"""Seconds after the last failure for which its end is put in words: long enough for polls that were missed."""


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
    for job in failing_jobs(scene):
        if goes_on(scene, job):
            yield _failing(scene, job)
        elif elapsed(scene, job.failure_heard) < ALL_CLEAR_FOR:
            yield outcome(scene, job)


@rule("task.retries_exhausted", severity=Severity.WARNING, reads=("jobs", "tasks"))
def retries_exhausted(scene: Scene) -> Iterator[Finding]:
    """Tasks of a job have failed after all the retries they may have."""
    for job in failing_jobs(scene):
        if job.exhausted <= 0:
            continue
        if not goes_on(scene, job):
            yield outcome(scene, job, Severity.WARNING)
            continue
        causes = causes_of(job)
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id}: {plural(job.exhausted, 'task')} failed after all retries",
            since=newest(scene, job.failing_since),
            figures=(*in_pool(job), *examined(job)),
            cause=in_words(causes),
            evidence=examples(causes),
            actions=(*example_actions(job, causes)[:2], *again(job), button("Open", "job show", job.id)),
            related=around(job),
            count=job.exhausted,
            causes=causes,
        )


@rule("task.retrying", severity=Severity.WARNING, reads=("jobs", "tasks"))
def retrying_on(scene: Scene) -> Iterator[Finding]:
    """Tasks of a job fail and are run again, and again: they never complete, so they never count as failed.

    From five retries of one task on, the last within half an hour. Critical where nothing of the job has succeeded.
    """
    for job in (*scene.jobs.values(), *(job for job in scene.ended if job.id not in scene.jobs)):
        some = retrying(job.retried.values())
        if not some.endless:
            continue
        over = is_over(job.state) or job.id not in scene.jobs
        if not over and elapsed(scene, some.last) >= CALM_FOR:
            continue
        tasks, example = plural(len(some.tasks), "task"), some.tasks[0]
        verb = "failed" if over else "fails" if len(some.tasks) == 1 else "fail"
        yield Finding(
            entity=job_entity(job.id),
            headline=f"job {job.id}{' ended' if over else ''}: {tasks} {verb} again and again, "
            f"{plural(some.times, 'retry', 'retries')}",
            since=newest(scene, job.started or job.created),
            state="resolved" if over else "open",
            mended=False,
            severity=Severity.WARNING if job.succeeded else Severity.CRITICAL,
            figures=(
                *in_pool(job),
                ("Succeeded", number(job.succeeded)),
                ("Most often", f"{example.task}, {plural(example.times, 'retry', 'retries')}"),
            ),
            cause=row("task.retried_endlessly").cause,
            actions=(
                button("Logs", "log", job.id, example.task, "stderr.txt"),
                button("Disable", "job disable", job.id),
                button("Task", "task show", job.id, example.task),
                button("Open", "job show", job.id),
            ),
            related=around(job),
            count=some.times,
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


def _failing(scene: Scene, job: JobView) -> Finding:
    causes = causes_of(job)
    # Counts come a little later than the failures that were seen: until then these are all there is to say.
    counted = job.active is not None and job.failed > 0
    lives = job.running > 0 or elapsed(scene, job.failed_at) < CALM_FOR
    many = job.failed if counted else job.failures
    words = f"{number(many)} of {plural(job.total, 'task')}" if counted else plural(many, "task")
    return Finding(
        entity=job_entity(job.id),
        headline=f"job {job.id}: {words} failed",
        since=newest(scene, job.failing_since),
        severity=Severity.CRITICAL if most_failed(job) and lives else Severity.WARNING,
        figures=(
            *in_pool(job),
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
