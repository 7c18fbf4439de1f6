"""What failed tasks printed: the one line that says most, of a few tasks of each exit code.

Of a thousand tasks that failed :data:`EXAMPLES` of each exit code are examined, the first two and the latest, at most
:data:`AT_ONCE` in a poll, those of exit codes first of which nothing is known. What is known is kept in the job's view,
what is gone too, so that nothing is asked for again. Causes that are the service's own (a blob that does not exist) are
not examined: nothing ran.

What is read late or not at all is left out. No failure waits for it: a poll goes on after :data:`PATIENCE` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.azure.errors import AzureError
from bot.azure.files import Head, Tail
from bot.content.output_text import printed
from bot.domain.causes import EXIT
from bot.domain.failures import Example
from bot.monitor.error_line import key_line
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView

log = structlog.get_logger()

EXAMPLES = 3
"""Tasks of each exit code that are examined."""
MOST = 2 * EXAMPLES
"""Tasks of each exit code that are tried, where those that failed first have left nothing."""
AT_ONCE = 3
"""Tasks that are examined in one poll."""
CALLS = 4
"""Calls that a task takes at most: length and end of two files."""
TRIES = 2
"""Attempts at a task that does not answer."""
PATIENCE = 3.0
"""Seconds."""
_STREAMS = ("stderr.txt", "stdout.txt")
_END = 4096
"""Bytes of the end of a file."""
_LINES = 200
_GONE = frozenset({"taskfilescleanedup", "taskfilesunavailable"})


class Said(Struct, frozen=True):
    """The line that says most, and the file where it stands; both empty where nothing was printed or is left."""

    line: str = ""
    file: str = ""


class Files(Protocol):
    """What is needed of :class:`bot.azure.files.Files`."""

    async def head(self, name: str) -> Head:
        """How long a file is."""
        ...

    async def read(self, name: str, start: int, stop: int) -> bytes:
        """A part of a file."""
        ...


def note(view: JobView, cause: str, task: str) -> None:
    """Remember a task that failed as an example of its cause, where it ran and examples are wanted.

    The latest takes the place of the one before that was not examined yet: what fails first and what fails last need
    not fail of the same.
    """
    known = view.examples.get(cause, ())
    if not cause.startswith(EXIT) or any(each.task == task for each in known):
        return
    open_ones = [each for each in known if each.line or each.tries < TRIES]
    if len(open_ones) < EXAMPLES and len(known) < MOST:
        view.examples = {**view.examples, cause: (*known, Example(task))}
    elif known and known[-1].tries == 0:
        view.examples = {**view.examples, cause: (*known[:-1], Example(task))}


class Wanted(Struct, frozen=True):
    """A task that is to be examined, of a job and a cause."""

    job: str
    cause: str
    task: str


def wanted(views: Iterable[JobView], most: int) -> list[Wanted]:
    """What is examined next: examples of causes of which nothing is known first, of the greatest of these."""
    found: list[tuple[int, int, Wanted]] = []
    for view in views:
        for cause, examples in view.examples.items():
            left = [each for each in examples if not each.line and each.tries < TRIES]
            known = sum(bool(each.line) for each in examples)
            count = view.causes[cause].count if cause in view.causes else 0
            found += [(known + index, -count, Wanted(view.id, cause, each.task)) for index, each in enumerate(left)]
    found.sort(key=lambda each: (each[0], each[1], each[2].job, each[2].cause))
    return [each for _, _, each in found[: max(0, most)]]


async def gather(pending: PendingState, read: Callable[[str, str], Awaitable[Said | None]], left: int) -> None:
    """Examine a few examples, and keep what they printed in the pending state. ``left`` are the calls that may be made.

    ``read`` returns what a task (of a job) printed, or None where that is to be tried again. Never raises for it. One
    task is examined however little is left: else an account whose polls are always full would never have evidence.
    """
    chosen = wanted(pending.jobs.values(), max(1, min(AT_ONCE, left // CALLS)))
    if not chosen:
        return
    readings = [asyncio.ensure_future(read(each.job, each.task)) for each in chosen]
    try:
        await asyncio.wait(readings, timeout=PATIENCE)
    finally:
        for reading in readings:
            reading.cancel()
    outcomes = await asyncio.gather(*readings, return_exceptions=True)
    for each, outcome in zip(chosen, outcomes, strict=True):
        if isinstance(outcome, Exception):
            log.error("monitor.evidence_failed", account=pending.account, job=each.job, exc_info=outcome)
        said = outcome if isinstance(outcome, Said) else None
        _keep(pending.job(each.job), each, said)


def _keep(view: JobView, seen: Wanted, said: Said | None) -> None:
    def after(example: Example) -> Example:
        if example.task != seen.task:
            return example
        if said is None:
            return replace(example, tries=example.tries + 1)
        return Example(example.task, said.line, said.file, TRIES)

    view.examples = {**view.examples, seen.cause: tuple(map(after, view.examples[seen.cause]))}


async def said_in(files: Files, called: Callable[[], None]) -> Said:
    """What a task printed at last: of its standard error, or else of its output. ``called`` counts calls.

    Raises AzureError for what may be there another time; what is gone has said nothing.
    """
    for name in _STREAMS:
        try:
            line = key_line(await _end(files, name, called))
        except AzureError as error:
            if error.code.lower() in _GONE or (error.not_found and error.code.lower() != "filenotfound"):
                return Said()  # all of it is gone: the task, its node, its files
            if not error.not_found:
                raise
            line = ""
        if line:
            return Said(line, name)
    return Said()


async def _end(files: Files, name: str, called: Callable[[], None]) -> list[str]:
    """The last lines of a file, without secrets; none where it is empty or no text."""
    called()
    try:
        head = await files.head(name)
    except AzureError as error:
        if error.status in (404, 409):
            called()  # an answer to HEAD cannot say what is missing: it was asked for
        raise
    if not head.length:
        return []
    start = max(0, head.length - _END) & ~1  # even, for encodings of two bytes
    called()
    tail = Tail(await files.read(name, start, head.length), start, head)
    found = printed(tail, _LINES)
    return found.lines if found else []
