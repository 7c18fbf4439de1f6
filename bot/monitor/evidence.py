"""Reads what failed tasks printed: for the line that says most of each cause, and for the black box.

One read of the end of a task's files serves both. Of a thousand tasks that failed :data:`EXAMPLES` of each exit code
are examined for their line, the first two and the latest, those of exit codes first of which nothing is known. What is
known is kept in the job's view, what is gone too, so that nothing is asked for again. Causes that are the service's own
(a blob that does not exist) are not examined: nothing ran. What the black box is owed (:mod:`bot.monitor.black_box`)
comes after.

A poll reads of :data:`AT_MOST` tasks and nodes, within the calls that it may make. What is read late or not at all is
left out. No failure waits for it: a poll goes on after :data:`PATIENCE` seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.clock import in_time
from bot.content.output_text import last_lines
from bot.domain.causes import EXIT
from bot.domain.failures import Example
from bot.monitor import black_box, file_ends
from bot.monitor.account_state import BoxKey
from bot.monitor.error_line import key_line
from bot.monitor.pending_state import PendingState
from bot.monitor.scene import JobView
from storage.port.black_box import KeptFile

log = structlog.get_logger()

EXAMPLES = 3
"""Tasks of each exit code that are examined."""
MOST = 2 * EXAMPLES
"""Tasks of each exit code that are tried, where those that failed first have left nothing."""
AT_ONCE = 3
"""Examples that go before everything else in a poll."""
AT_MOST = 20
"""Tasks and nodes whose files are read in a poll."""
CALLS = 2 * file_ends.CALLS_A_FILE
"""Calls that a task takes at most."""
SHORT = 3
"""Calls that a task takes whose standard error is short, as most are."""
TRIES = 2
"""Attempts at a task that does not answer."""
PATIENCE = 3.0
"""Seconds."""
_WORKERS = 4
_LINES = 200


class Said(Struct, frozen=True):
    """The line that says most, and the file where it stands; both empty where nothing was printed or is left."""

    line: str = ""
    file: str = ""


class Reads(Protocol):
    """What is needed of :class:`bot.monitor.reader.Reader`."""

    @property
    def stopped(self) -> bool:
        """Whether nothing more is asked in this poll."""
        ...

    async def file_ends(
        self, key: tuple[str, str, str], wanted: Sequence[tuple[str, int]], called: Callable[[str], None]
    ) -> tuple[KeptFile, ...] | None:
        """The ends of files of a task of a job, or a node of a pool; None where they may be read another time."""
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


class _Look(Struct):
    """One task or node whose files are read: for an example's line, for boxes, or both.

    ``over`` says that its time did not run out; ``files`` None then that they cannot be had now.
    """

    key: tuple[str, str, str]
    wanted: Sequence[tuple[str, int]]
    boxes: list[BoxKey]
    example: Wanted | None = None
    over: bool = False
    files: tuple[KeptFile, ...] | None = None
    said: Said = Said()


async def gather(pending: PendingState, reads: Reads, left: int) -> None:
    """Read a few files, and keep what they say in the pending state. ``left`` are the calls that may be made.

    Never raises for it. One task is examined however little is left: else an account whose polls are always full would
    never have evidence.
    """
    black_box.give_up(pending)
    queue = deque(_looks(pending))
    if not queue:
        return
    begun: list[_Look] = []

    async def work() -> None:
        nonlocal left
        while queue and not reads.stopped and len(begun) < AT_MOST and (left >= CALLS or not begun):
            look = queue.popleft()
            begun.append(look)
            most = len(look.wanted) * file_ends.CALLS_A_FILE
            left -= most
            used: list[str] = []
            try:
                look.files = await reads.file_ends(look.key, look.wanted, used.append)
                look.said = said_in(look.files or ())
                look.over = True
            except Exception:
                look.files, look.over = None, True
                log.exception("monitor.evidence_failed", account=pending.account, of=look.key)
            finally:
                left += most - len(used)

    await in_time((work() for _ in range(min(_WORKERS, len(queue)))), PATIENCE)
    for look in begun:
        _keep(pending, look)


def _looks(pending: PendingState) -> list[_Look]:
    """What is to be read, each task or node once."""
    found: dict[tuple[str, str, str], _Look] = {}
    for example in wanted(pending.jobs.values(), AT_ONCE):
        key = ("task", example.job, example.task)
        found[key] = _Look(key, file_ends.TASK, [], example)
    for each in black_box.to_read(pending):
        key = each.key[:3]
        look = found.setdefault(key, _Look(key, each.files, []))
        look.boxes.append(each.key)
        look.wanted = max(look.wanted, each.files, key=len)
    return list(found.values())


def _keep(pending: PendingState, look: _Look) -> None:
    kind, job, task = look.key
    if kind == "task" and job in pending.jobs:
        _keep_line(pending, job, task, look)
    for key in look.boxes:
        if not look.over:
            black_box.put_off(pending, key)
        elif look.files is None:
            black_box.tried(pending, key)
        else:
            black_box.settle(pending, key, look.files, look.said.line, look.said.file)


def _keep_line(pending: PendingState, job: str, task: str, look: _Look) -> None:
    """What was read of a task, where it is an example of a cause."""

    def after(example: Example) -> Example:
        if example.task != task or example.line:
            return example
        if look.files is None:
            return replace(example, tries=example.tries + 1)
        return Example(task, look.said.line, look.said.file, TRIES)

    examples = pending.jobs[job].examples
    made = {cause: tuple(map(after, known)) for cause, known in examples.items()}
    if made != examples:
        pending.job(job).examples = made


def said_in(files: Iterable[KeptFile]) -> Said:
    """What a task said at last: in its standard error, or else in its output."""
    for file in files:
        if line := key_line(last_lines(file.text, file.encoding, _LINES).lines):
            return Said(line, file.name)
    return Said()
