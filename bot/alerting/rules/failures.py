"""What is known of a job's failures: how fresh they are, what the worst said, and where to look."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace

from bot.alerting.rules.common import button, cut, elapsed, ranked, summed
from bot.domain.advice import meant
from bot.domain.causes import normalised
from bot.domain.exit_codes import meaning
from bot.domain.findings import CauseCount, SuggestedAction
from bot.monitor.scene import Example, JobView, Scene
from cards.formatting import number

CALM_FOR = 1800.0
"""Seconds without a new failure after which a job's failures are over: the time a long task takes to fail again."""

_TOLD = 2
"""Causes of which an example is told: the rest is behind the buttons."""
_EXIT = re.compile(r"exit code (?P<code>-?\d{1,10})")
_CODE = re.compile(r"(?P<code>[A-Z][A-Za-z]+)(?:$|:)")
"""How causes of tasks begin (:func:`bot.domain.causes.cause_of`)."""


def fresh(scene: Scene, job: JobView) -> bool:
    """Whether a task of the job was seen to fail lately."""
    return job.failures > 0 and job.failed_at is not None and elapsed(scene, job.failed_at) < CALM_FOR


def causes_of(job: JobView) -> tuple[CauseCount, ...]:
    """Why tasks of a job failed, the greatest cause first; see :func:`told_apart` for what programs printed."""
    parts = (told_apart(each, job.examples.get(each.cause, ())) for each in job.causes.values())
    return ranked(each for part in parts for each in part)


def told_apart(tally: CauseCount, examples: Sequence[Example]) -> list[CauseCount]:
    """An exit code as one cause with what its examples printed, or as several where they printed different things.

    Nothing is counted that was not looked at: of a thousand tasks of which three were looked at, at most three are told
    apart (``exit code 1: ValueError: no such frame`` ×2); the rest stays under the plain exit code.
    """
    looked = [each for each in examples if each.line]
    alike: dict[str, list[Example]] = {}
    for each in looked:
        alike.setdefault(normalised(each.line), []).append(each)
    if not alike:
        return [tally]
    if len(alike) == 1:
        return [_said(tally, tally.cause, tally.count, looked[0])]
    parts = [_said(tally, f"{tally.cause}: {line}", len(them), them[0]) for line, them in alike.items()]
    rest = tally.count - len(looked)
    return [replace(tally, count=rest), *parts] if rest > 0 else parts


def by_line(tallies: Sequence[CauseCount]) -> list[CauseCount]:
    """The causes of several jobs, one exit code told apart by what it printed where it printed different things.

    A job whose examples all printed the same counts whole: who shows that says that a few tasks of a job are known.
    """
    lines: dict[str, set[str]] = {}
    for each in tallies:
        if each.file:
            lines.setdefault(each.cause, set()).add(normalised(each.said))
    return [
        replace(each, cause=f"{each.cause}: {normalised(each.said)}")
        if each.file and len(lines[each.cause]) > 1
        else each
        for each in tallies
    ]


def _said(tally: CauseCount, cause: str, count: int, example: Example) -> CauseCount:
    return replace(tally, cause=cause, count=count, example=example.task, said=example.line, file=example.file)


def looked_at(job: JobView) -> tuple[tuple[str, str], ...]:
    """Of how many tasks it is known what they printed, where that differs: ``3 of 1,000 with exit code 1``."""
    told = []
    for tally in sorted(job.causes.values(), key=lambda each: (-each.count, each.cause)):
        looked = [each for each in job.examples.get(tally.cause, ()) if each.line]
        if len(looked) < tally.count and len({normalised(each.line) for each in looked}) > 1:
            told.append(f"{number(len(looked))} of {number(tally.count)} with {tally.cause}")
    return (("Looked at", ", ".join(told)),) if told else ()


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


def usual(cause: str) -> str:
    """What a cause usually means, empty where only the program knows: of an exit code, or of the service's code.

    An exit code with what was printed needs no more words.
    """
    if found := _EXIT.fullmatch(cause):
        return meaning(int(found["code"]))
    found = _CODE.match(cause)
    return meant(found["code"]) if found else ""


def examples(causes: Sequence[CauseCount]) -> str:
    """What examples of the greatest causes that said something said, a line each.

    ``MemoryError: unable to allocate 3.1 GiB (stderr of frame-0021)``; where the service said it, without the file.
    """
    return "\n".join(_example(each) for each in [each for each in causes if each.said][:_TOLD])


def _example(tally: CauseCount) -> str:
    stream = tally.file.removesuffix(".txt")
    whose = f"{stream} of {tally.example}" if stream and tally.example else tally.example
    return cut(f"{tally.said} ({whose})" if whose else tally.said)


def example_steps(job: JobView, causes: Sequence[CauseCount]) -> tuple[SuggestedAction, ...]:
    """Buttons: the failed tasks, and what the example of the greatest cause printed."""
    failed = button("Failed tasks", "task", "list", job.id, "state:failed")
    known = next((each for each in causes if each.file and each.example), None)
    known = known or next((each for each in causes if each.example), None)
    if not known:
        return (failed,)
    return (
        button("Logs", "log", job.id, known.example, known.file or "stderr.txt"),
        failed,
        button("Task", "task", "show", job.id, known.example),
    )
