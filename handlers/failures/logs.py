"""What failed tasks printed: the ends of a few logs, several read at once, within a bound of time and calls."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.files import Files, Tail
from bot.clock import in_time
from bot.content.output_text import printed
from bot.domain.clusters.grouping import printed_by_program
from bot.domain.clusters.model import Failed, Said, TaskKey
from bot.domain.clusters.samples import first_read, next_read
from bot.domain.entity import fold
from bot.monitor.error_line import key_line
from bot.monitor.file_ends import GONE
from handlers.shared.kept import of_run
from storage.port.black_box import BlackBoxStore

MOST = 48
"""Logs that are read for one answer: two calls for most."""
PATIENCE = 6.0
"""Seconds after which what was read so far is enough."""
_AT_ONCE = 8
_JOBS = 5
"""Jobs of which what was kept is looked for, those with most failures of programs: others print nothing."""
_KEPT = 200
_FIRST = 24
"""Of them so many in the first round; the second is for kinds that printed different things."""
_END = 16 * 1024
"""Bytes of the end of a file."""
_LINES = 400
_SHOWN = 3
"""Lines of an example: the one that says most and those before it."""
_WIDE = 240
"""Characters of each of them: five lines on a phone."""
_TALK = re.compile(r"\b(?:TRACE|DEBUG|INFO)\b")
_STREAMS = ("stderr.txt", "stdout.txt")


async def logs_of(store: BlackBoxStore, source: Account, failed: Sequence[Failed]) -> dict[TaskKey, Said]:
    """What some of the failed tasks printed; a Said without a line for those of which nothing is left.

    What was kept of their runs is not read again, and is there where Batch has lost it.
    """
    said = await _kept(store, source.name, failed)
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    # In threads: to fold what differs in thousands of messages takes seconds.
    await _read(source, await asyncio.to_thread(first_read, failed, said, _FIRST), said, until)
    await _read(source, await asyncio.to_thread(next_read, failed, said, MOST - _FIRST), said, until)
    return said


async def _kept(store: BlackBoxStore, account: str, failed: Sequence[Failed]) -> dict[TaskKey, Said]:
    """What was kept of the very runs that failed, of the jobs with most failures."""
    jobs = Counter(task.job for task in failed if printed_by_program(task))
    said: dict[TaskKey, Said] = {}
    for job, _ in jobs.most_common(_JOBS):
        ran = {fold(task.task): task for task in failed if task.job == job}
        for kept in await store.kept_tasks(account, job, limit=_KEPT):
            task = ran.get(fold(kept.task))
            if task is not None and kept.line and of_run(kept, task.ended):
                file = kept.file(kept.line_in)
                lines = file.text.split("\n") if file else []
                said[task.key] = Said(kept.line, kept.line_in, _around(lines, kept.line))
    return said


async def _read(source: Account, tasks: Sequence[Failed], said: dict[TaskKey, Said], until: float) -> None:
    left = until - asyncio.get_running_loop().time()

    async def one(task: Failed) -> None:
        found = await _said(source.files(source.task(task.job, task.task)))
        if found is not None:
            said[task.key] = found

    await in_time(map(one, tasks), left, _AT_ONCE)


async def _said(files: Files) -> Said | None:
    """What a task printed, of its standard error or else of its output; None where Azure did not say."""
    for name in _STREAMS:
        try:
            head = await files.head(name)
            start = max(0, head.length - _END) & ~1  # even, for encodings of two bytes
            content = await files.read(name, start, head.length) if head.length else b""
        except AzureError as error:
            if not (error.status in (404, 416) or error.code.lower() in GONE):
                gaps.note("logs of some tasks", gaps.reason(error))
                return None
            if error.code.lower() not in ("filenotfound", "invalidrange"):
                return Said()  # the task, its node or all of its files are gone
            continue
        found = await asyncio.to_thread(printed, Tail(content, start, head), _LINES) if content else None
        if found and (line := key_line(found.lines)):
            return Said(line, name, _around(found.lines, line))
    return Said()


def _cut(line: str) -> str:
    return line if len(line) <= _WIDE else line[: _WIDE - 1].rstrip() + "…"


def _around(lines: Sequence[str], line: str) -> tuple[str, ...]:
    """The line that says most as it was printed, and what was printed just before it."""
    for place in range(len(lines) - 1, -1, -1):
        if line[:80] in " ".join(lines[place].split()):
            before = [
                each for each in lines[max(0, place - _SHOWN + 1) : place] if each.strip() and not _TALK.search(each)
            ]
            return tuple(_cut(each.rstrip()) for each in (*before, lines[place]))
    return (_cut(line),)
