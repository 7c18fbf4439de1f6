"""What is known of a job's failures: how fresh they are, what the worst said, and where to continue."""

from __future__ import annotations

from collections.abc import Sequence

from bot.alerting.rules.common import button, cut, elapsed, ranked, summed
from bot.domain.causes import normalised
from bot.domain.failures import split_by_output, usual
from bot.domain.findings import CauseCount, SuggestedAction
from bot.domain.states import is_active
from bot.monitor.scene import JobView, Scene
from cards.formatting import number

CALM_FOR = 1800.0
"""Seconds without a new failure after which a job's failures are over: the time a long task takes to fail again."""

_SHOWN = 2
"""Causes of which an example is shown: the rest is behind the buttons."""


def fresh(scene: Scene, job: JobView) -> bool:
    """Whether a task of the job was seen to fail lately."""
    return job.failures > 0 and job.failed_at is not None and elapsed(scene, job.failed_at) < CALM_FOR


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
    means = usual(causes[0].cause)
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
    """Buttons: the failed tasks, and what the example of the greatest cause printed."""
    failed = button("Failed tasks", "task list", job.id, state="failed")
    known = next((each for each in causes if each.file and each.example), None)
    known = known or next((each for each in causes if each.example), None)
    if not known:
        return (failed,)
    return (
        button("Logs", "log", job.id, known.example, known.file or "stderr.txt"),
        failed,
        button("Task", "task show", job.id, known.example),
    )


def again(job: JobView) -> tuple[SuggestedAction, ...]:
    """The button that runs the failed tasks again, of a job that is not over."""
    return (button("Reactivate failed", "job reactivate-failed", job.id),) if is_active(job.state) else ()
