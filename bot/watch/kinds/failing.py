"""What is known of a job's failures: how fresh they are, what the worst said, and where to look."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.azure.advice import meant
from bot.azure.exits import meaning
from bot.watch.facts import Step, Tally
from bot.watch.kinds.common import button, cut, elapsed, summed
from bot.watch.scene import JobView, Scene

CALM_FOR = 1800.0
"""Seconds without a new failure after which a job's failures are over: the time a long task takes to fail again."""

_EXIT = re.compile(r"exit code (?P<code>-?\d{1,10})\b")
_CODE = re.compile(r"(?P<code>[A-Z][A-Za-z]+)(?:$|:)")
"""How causes of tasks begin (:func:`bot.watch.causes.cause_of`)."""


def fresh(scene: Scene, job: JobView) -> bool:
    """Whether a task of the job was seen to fail lately."""
    return job.failures > 0 and job.failed_at is not None and elapsed(scene, job.failed_at) < CALM_FOR


def in_words(causes: Sequence[Tally]) -> str:
    """The causes and what the greatest usually means: ``exit code 137 ×9 · DiskFull ×2; most often killed …``."""
    if not causes:
        return ""
    means = usual(causes[0].cause)
    if not means:
        return summed(causes)
    if len(causes) == 1:
        return f"{causes[0].cause.partition(':')[0]}: {means}"
    return f"{summed(causes)}; most often {means}"


def usual(cause: str) -> str:
    """What a cause usually means, empty where only the program knows: of an exit code, or of the service's code."""
    if found := _EXIT.match(cause):
        return meaning(int(found["code"]))
    found = _CODE.match(cause)
    return meant(found["code"]) if found else ""


def examples(causes: Sequence[Tally]) -> str:
    """What an example of the greatest cause that said something said: ``MemoryError … (frame-0021)``."""
    for each in causes:
        if each.said:
            return cut(f"{each.said} ({each.example})" if each.example else each.said)
    return ""


def example_steps(job: JobView, causes: Sequence[Tally]) -> tuple[Step, ...]:
    """Buttons: the failed tasks, and what the example of the greatest cause printed."""
    failed = button("Failed tasks", "task", "list", job.id, "state:failed")
    example = next((each.example for each in causes if each.example), "")
    if not example:
        return (failed,)
    return (
        button("Logs", "log", job.id, example, "stderr.txt"),
        failed,
        button("Task", "task", "show", job.id, example),
    )
