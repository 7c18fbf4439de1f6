"""What is known of a job's failures: how fresh they are, what the worst said, and where to continue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.alerting.rules.common import around, button, cut, elapsed, job_entity, newest, ranked, summed
from bot.domain.causes import normalised
from bot.domain.failures import began, split_by_output, usual
from bot.domain.findings import CauseCount, Finding, Severity, SuggestedAction
from bot.domain.job_health import bad_reason
from bot.domain.states import is_active, is_over
from bot.monitor.scene import JobView, Scene
from cards.formatting import number, plural

CALM_FOR = 1800.0
"""Seconds without a new failure after which a job's failures are over: the time a long task takes to fail again."""

MOST_SHARE = 0.5
"""Of the tasks that are over: more failures than successes mean that what runs on is most likely wasted."""
MOST_LEAST = 10
"""Failures below which such a share says nothing yet, unless they are all the job has."""
COUNTED_AFTER = 120.0
"""Seconds after a failure from which on counts are believed that do not know it: lists were seen to lag by 45."""
_SHOWN = 2
"""Causes of which an example is shown: the rest is behind the buttons."""


def fresh(scene: Scene, job: JobView) -> bool:
    """Whether a task of the job failed lately, or was lately learned to have failed before anybody looked."""
    heard = job.failure_heard
    return job.failures > 0 and heard is not None and elapsed(scene, heard) < CALM_FOR


def failing_jobs(scene: Scene) -> Iterator[JobView]:
    """The jobs in which tasks were seen to fail, those that ended or vanished in this poll among them."""
    gone = (job for job in scene.ended if job.id not in scene.jobs)
    return (job for job in (*scene.jobs.values(), *gone) if job.failures > 0)


def goes_on(scene: Scene, job: JobView) -> bool:
    """Whether it still fails: tasks of it failed lately, it is not over, and they were not all run again."""
    deleted = job.id not in scene.jobs
    return fresh(scene, job) and not is_over(job.state) and not deleted and not run_again(job)


def run_again(job: JobView) -> bool:
    """Whether everything that failed was run again: long enough after the last failure none counts as failed."""
    if job.active is None or job.failed or job.counted is None or job.failed_at is None:
        return False
    if job.failures <= job.vanished:
        return False
    return (job.counted - job.failed_at).total_seconds() > COUNTED_AFTER


def most_failed(job: JobView) -> bool:
    """Whether all of a job's tasks have failed, or of those that are over more than not."""
    if job.active is None or job.failed <= 0:
        return False
    most = job.failed >= MOST_LEAST and job.failed > MOST_SHARE * (job.failed + job.succeeded)
    return most or job.failed >= job.total


def outcome(scene: Scene, job: JobView, severity: Severity | None = None) -> Finding:
    """No task fails any more. That is good where all were run again; else it is over, and how it stands is said.

    What was seen to fail and does not count as failed any more was run again.
    """
    causes, ended = causes_of(job), is_over(job.state)
    many = failed_of(job) if ended or job.active is None else job.failed
    missing = max(0, job.failures - many)
    vanished = min(missing, job.vanished)  # of tasks that are gone no count tells
    many, rerun = many + vanished, missing - vanished
    words = f"{number(many)} of {plural(max(job.total, many), 'task')} failed{so_far(job) if ended else ''}"
    if rerun:
        words = f"{number(rerun)} re-run, {f'{number(many)} still failed' if many else 'none failed any more'}"
    return Finding(
        entity=job_entity(job.id),
        headline=f"job {job.id}{' ended' if ended else ''}: {words}",
        since=newest(scene, job.failing_since),
        state="resolved",
        mended=not many,
        severity=severity or (Severity.CRITICAL if most_failed(job) else Severity.WARNING),
        figures=(
            *in_pool(job),
            *((("Succeeded", number(job.succeeded)),) if job.active is not None else ()),
            ("It is over because", _ending(scene, job)),
            *examined(job),
        ),
        cause=in_words(causes),
        evidence=examples(causes) if many else "",
        actions=(
            *(example_actions(job, causes)[:2] if many else ()),
            *(again(job) if many else ()),
            *((button("Clone it", "job clone", job.id),) if many and ended else ()),
            button("Open", "job show", job.id),
        ),
        related=around(job),
        count=many,
        causes=causes,
        counted=job.counted if ended and not job.final else None,
    )


def failed_of(job: JobView) -> int:
    """How many tasks of a job that is over failed: as counted after its end; until then, as many as are known."""
    return job.failed if job.final else max(job.failed, job.failures)


def so_far(job: JobView) -> str:
    """Said behind a figure of a job that is over, where its last counts were not read yet."""
    return "" if job.final else " so far"


def _ending(scene: Scene, job: JobView) -> str:
    if is_over(job.state):
        why = bad_reason(job)
        return f"the job has ended: {why}" if why else "the job has ended"
    if job.id not in scene.jobs:
        return "the job was deleted"
    return "everything that failed was run again" if run_again(job) else "no task has failed for half an hour"


def in_pool(job: JobView) -> tuple[tuple[str, str], ...]:
    """The line of figures that names a job's pool."""
    return (("Pool", job.pool),) if job.pool else ()


def causes_of(job: JobView) -> tuple[CauseCount, ...]:
    """Why tasks of a job failed, the greatest cause first; split by what programs printed."""
    parts = (split_by_output(each, job.examples.get(each.cause, ())) for each in job.causes.values())
    return ranked(each for part in parts for each in part)


def examined(job: JobView) -> tuple[tuple[str, str], ...]:
    """Of how many tasks it is known what they printed, where that differs: ``3 of 1,000 with exit code 1``."""
    parts = []
    for tally in sorted(job.causes.values(), key=lambda each: (-each.count, each.cause)):
        known = [each for each in job.examples.get(tally.cause, ()) if each.line]
        if len(known) < tally.count and len({normalised(each.line) for each in known}) > 1:
            parts.append(f"{number(len(known))} of {number(tally.count)} with {tally.cause}")
    return (("Output read", ", ".join(parts)),) if parts else ()


def in_words(causes: Sequence[CauseCount]) -> str:
    """The causes and what the greatest usually means: ``exit code 137 ×9 · DiskFull ×2; most often killed …``."""
    if not causes:
        return ""
    means = usual(causes[0].cause, causes[0].said)
    if not means:
        return summed(causes)
    if len(causes) == 1:
        return f"{causes[0].cause.partition(':')[0]}: {means}"
    return f"{summed(causes)}; most often {means}"


def examples(causes: Sequence[CauseCount]) -> str:
    """What examples of the greatest causes that said something said, a line each.

    ``MemoryError: unable to allocate 3.1 GiB (stderr of frame-0021)``; where the service said it, without the file.
    """
    return "\n".join(_example(each) for each in [each for each in causes if each.said][:_SHOWN])


def _example(tally: CauseCount) -> str:
    stream = tally.file.removesuffix(".txt")
    whose = f"{stream} of {tally.example}" if stream and tally.example else tally.example
    return cut(f"{tally.said} ({whose})" if whose else tally.said)


def example_actions(job: JobView, causes: Sequence[CauseCount]) -> tuple[SuggestedAction, ...]:
    """Buttons: the failed tasks, and what the example of the greatest cause printed; itself where it never ran."""
    failed = button("Failed tasks", "task list", job.id, state="failed")
    known = next((each for each in causes if each.file and each.example), None)
    known = known or next((each for each in causes if each.example), None)
    if not known:
        return (failed,)
    task = button("Task", "task show", job.id, known.example)
    if not known.file and not began(known.cause):
        return (task, failed)
    return (button("Logs", "log", job.id, known.example, known.file or "stderr.txt"), failed, task)


def again(job: JobView) -> tuple[SuggestedAction, ...]:
    """The button that runs the failed tasks again, of a job that is not over."""
    return (button("Reactivate failed", "job reactivate-failed", job.id),) if is_active(job.state) else ()
