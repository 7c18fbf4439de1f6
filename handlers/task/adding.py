"""The workflow that adds tasks: in collections, several on their way at once, each added once whatever happens."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain, islice

from msgspec import Struct

from bot.azure.errors import AzureError
from bot.azure.writes import tasks as writes
from bot.domain.refused_writes import advice
from bot.domain.task_input.collections import cut
from bot.domain.task_input.model import NewTask
from bot.domain.task_input.read import one_task, read_tasks
from bot.operations.run import Run
from bot.operations.task_collections import Collections, Refused
from bot.operations.workflow import Failure, Outcome, workflow
from cards.build import code, muted, text
from cards.card import Attachment, Block, Bullets, Button, Mark, Progress, Words
from cards.formatting import number, plural

AT_ONCE = 6
"""Collections on their way at the same time."""
_NOTED, _GROUPS = 5, 3
"""Collections that are noted together, and how many such groups are begun at the same time."""
_SHOWN = 10
_STEP = "tasks"


class One(Struct, frozen=True):
    """A single task that was typed."""

    id: str
    command: str
    slots: int | None = None
    retries: int | None = None


class AddTasks(Struct, frozen=True):
    """What was asked for: ``one`` task, or those of an upload. ``skip`` leaves out tasks that are there already.

    ``job_command`` and ``list_command`` show what came of it, and ``again`` asks for the same with what is there left
    out.
    """

    job: str
    upload: str
    template: str
    one: One | None
    skip: bool
    job_command: str
    list_command: str
    again: str


class _CutShort(Exception):
    """A group was not sent as a whole."""


class _Answered(Struct, frozen=True):
    """What a group of collections came to."""

    refused: tuple[Refused, ...] = ()


@workflow("task add", AddTasks, "Adding tasks to job {}")
async def adding(run: Run, asked: AddTasks) -> Outcome:
    """Add them, and say what became of each that the service refused."""
    tasks = await _tasks(run, asked)

    async def plan() -> list[int]:
        return [len(collection) for collection in cut(tasks)]

    sizes = await run.once("collections", list[int], plan)
    if sum(sizes) != len(tasks):
        raise Failure("The bot was renewed since, and reads what was attached otherwise. Attach it again.")
    added = _Adding(run, asked, _in_parts(tasks, sizes), len(tasks))
    await added.everything()
    return added.outcome()


async def _tasks(run: Run, asked: AddTasks) -> tuple[NewTask, ...]:
    if asked.one:
        single = asked.one
        found = one_task(
            single.id, single.command, requiredSlots=single.slots, constraints=constraints_of(single.retries)
        )
    else:
        content = await run.upload(asked.upload)
        found = await asyncio.to_thread(read_tasks, content, template=asked.template)
    if found.problems:
        raise Failure(f"What was attached cannot be read: {found.problems[0]}")
    return found.tasks


def constraints_of(retries: int | None) -> dict[str, int] | None:
    """The constraints of a task that was typed."""
    return None if retries is None else {"maxTaskRetryCount": retries}


def _in_parts(tasks: Sequence[NewTask], sizes: Sequence[int]) -> list[tuple[NewTask, ...]]:
    left = iter(tasks)
    return [tuple(islice(left, size)) for size in sizes]


class _Adding:
    """Collections on their way, and what has come of them.

    They are noted a few together, before the first of them is sent and after the last was answered, since each note is
    a commit. What a crash leaves noted as sent and not as answered is sent again, and what is there by then is ours.
    """

    def __init__(self, run: Run, asked: AddTasks, collections: Sequence[Sequence[NewTask]], total: int) -> None:
        self._run = run
        self._asked = asked
        self._groups = [collections[start : start + _NOTED] for start in range(0, len(collections), _NOTED)]
        self._left = iter(enumerate(self._groups))
        self._total = total
        self._began = run.clock.now()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._ended = 0
        self._fresh = 0
        self._unsent = 0
        self._refusals: dict[int, tuple[Refused, ...]] = {}
        self._fatal: AzureError | None = None
        self._sender = Collections(lambda body: writes.create_many(run.writer, asked.job, body), run.clock.sleep)

    async def everything(self) -> None:
        """Work every collection off. Raises Lost, and what the store raises."""
        self._run.view.stoppable = True
        workers = [asyncio.create_task(self._work()) for _ in range(_GROUPS)]
        try:
            await asyncio.gather(*workers)
        finally:
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        self._run.view.stoppable = False
        self._run.view.progress = self._run.view.eta = None

    async def _work(self) -> None:
        for index, group in self._left:
            if self._run.stopping or self._fatal:
                self._unsent += sum(map(len, group))
            else:
                await self._group(index, group)

    @property
    def _refused(self) -> list[Refused]:
        """Every task that was refused, in the order in which they were given."""
        return [each for _, refused in sorted(self._refusals.items()) for each in refused]

    async def _group(self, index: int, group: Sequence[Sequence[NewTask]]) -> None:
        first = answered = False

        async def begin() -> bool:
            nonlocal first
            first = True
            return True

        async def add() -> _Answered:
            nonlocal answered
            answered = True
            sent = not first or self._asked.skip
            found = await asyncio.gather(*(self._collection(each, sent=sent) for each in group))
            kept = [each for each in found if each is not None]
            self._refusals[index] = tuple(chain.from_iterable(kept))
            if len(kept) < len(found):
                raise _CutShort
            return _Answered(self._refusals[index])

        await self._run.once(f"sent/{index}", bool, begin)
        with suppress(_CutShort):
            known = await self._run.once(f"added/{index}", _Answered, add)
            if not answered:  # by an earlier run of the program
                self._ended += sum(map(len, group))
                self._refusals[index] = known.refused
                self._show()

    async def _collection(self, collection: Sequence[NewTask], *, sent: bool) -> list[Refused] | None:
        """Add a collection: what was refused; None where it was not sent, or Azure takes no more at all."""
        async with self._places:
            if self._run.stopping or self._fatal:
                self._unsent += len(collection)
                return None
            try:
                refused = await self._sender.add(collection, sent=sent)
            except AzureError as error:
                self._fatal = self._fatal or error
                self._unsent += len(collection)
                return None
        self._fresh += len(collection)
        self._ended += len(collection)
        self._show()
        return refused

    def _show(self) -> None:
        view, now = self._run.view, self._run.clock.now()
        view.progress = Progress("Tasks", self._ended, self._total)
        if self._fresh:
            left = (self._total - self._ended) / self._fresh
            view.eta = now + timedelta(seconds=left * (now - self._began).total_seconds())
        wrong = f", {number(len(self._refused))} refused" if self._refused else ""
        self._run.say(_STEP, "Add tasks", Mark.CHANGING, f"{number(self._ended)} of {number(self._total)}{wrong}")

    def outcome(self) -> Outcome:
        """What it came to."""
        asked, refused = self._asked, self._refused
        added = self._ended - len(refused)
        whole = added == self._total
        mark = Mark.DONE if whole else Mark.WARNING if added else Mark.FAILED
        self._run.say(_STEP, "Add tasks", mark, f"{number(added)} of {number(self._total)}")
        share = "" if whole else f"{number(added)} of "
        done = ("is in", "are in") if asked.skip else ("was added to", "were added to")
        headline = f"{share}{plural(self._total, f'task {done[0]}', f'tasks {done[1]}')} job {asked.job}"
        return Outcome(
            headline,
            tuple(self._told()),
            (
                Button("Open job", asked.job_command, style="primary"),
                Button("Tasks", asked.list_command),
                *([Button("Add the rest", asked.again)] if self._unsent and not asked.one else []),
            ),
            after=f"{share}{plural(self._total, 'task')}",
            failed=not added,
            mark=mark,
        )

    def _told(self) -> Iterator[Block]:
        """Why something is missing: what stopped it, and the refusals, the first ones here and all in a file."""
        if error := self._fatal:
            words = f"{error.message} {advice(error.code)}".strip()
            yield Words(text(f"Azure answered {error.code}, so it ended there: {words}"))
        elif self._unsent:
            yield Words(text(f"It was stopped: {plural(self._unsent, 'task was', 'tasks were')} not sent."))
        if not (refused := self._refused):
            return
        more = len(refused) - _SHOWN
        lines = [text(code(each.id), f" {each.code}: ", each.message) for each in refused[:_SHOWN]]
        if more > 0:
            lines.append(text(muted(f"and {number(more)} more, all in the file")))
        yield Bullets(tuple(lines))
        yield Attachment("refused-tasks.csv", _table(refused), "text/csv; charset=utf-8", "Every task that was refused")


def _table(refused: Sequence[Refused]) -> bytes:
    """The refusals as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "code", "message"])
    writer.writerows([each.id, each.code, each.message] for each in refused)
    return out.getvalue().encode("utf-8", "replace")
