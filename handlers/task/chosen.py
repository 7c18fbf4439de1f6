"""Which tasks of a job a verb is about: those that are named, or all that fit a filter."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, Run, Task, TaskRow
from bot.filter import TASK, Filter
from bot.filter.parse import conditional
from bot.requests.command import CommandError, Instead
from bot.requests.context import Context
from cards.command_line import join
from cards.formatting import number, plural
from handlers.shared import filtering
from handlers.shared.missing import finding_job, no_task

MOST = 10_000
"""Tasks that one operation is about at most: every one of them is noted in the store."""
EVERY = "id:*"
"""The filter that all tasks of a job fit."""
ALL = "all"
"""The word for it."""
_SELECT = "id,state,eTag,executionInfo,nodeInfo"
_AT_ONCE = 8
_SHOWN = 3
_ID = "id:"

Wanted: TypeAlias = Callable[[Task], bool]
"""Whether a verb can be done to a task."""


class Item(Struct, frozen=True):
    """A task, and the ETag that it has."""

    id: str
    etag: str


@dataclass(frozen=True)
class Chosen:
    """The tasks that are meant, and the job they are in.

    ``tasks`` are those that the verb can be done to, ``others`` how many more are meant. ``named`` says that they were
    named and not found by a filter. ``words`` are what was typed.
    """

    job: Job
    tasks: tuple[Task, ...]
    others: int
    named: bool
    words: tuple[str, ...]

    @property
    def items(self) -> list[Item]:
        """Them with their ETags, to be kept."""
        return [Item(task.id, task.etag) for task in self.tasks]

    @property
    def digest(self) -> str:
        """Differs when other tasks are meant, or one of them has changed."""
        tasks = "\0".join(f"{task.id} {task.etag} {task.state}" for task in self.tasks)
        return hashlib.sha256(tasks.encode()).hexdigest()[:16]

    @property
    def running(self) -> int:
        """How many of them run."""
        return sum(task.state.lower() in ("running", "preparing") for task in self.tasks)

    @property
    def examples(self) -> str:
        """The first three and the last: ``frame-1, frame-2, frame-3 … frame-412``."""
        ids = [task.id for task in self.tasks]
        if len(ids) <= _SHOWN + 1:
            return ", ".join(ids)
        return f"{', '.join(ids[:_SHOWN])} … {ids[-1]}"

    def goes(self, one: str, many: str) -> str:
        """``412 tasks go: frame-1, frame-2, frame-3 … frame-412.``"""
        return f"{plural(len(self.tasks), f'task {one}', f'tasks {many}')}: {self.examples}."


def failed(task: TaskRow) -> bool:
    """Whether a task has failed."""
    return over(task) and (task.execution_info or Run()).result.lower() == "failure"


def over(task: TaskRow) -> bool:
    """Whether a task is completed."""
    return task.state.lower() == "completed"


def names(words: Sequence[str]) -> list[str]:
    """The ids, each once, where nothing but ids was typed; none where it is a filter.

    A word that means a state (``failed``) is a filter: a task of that name is meant by ``id:failed``.
    """
    states = TASK.find("state")
    found: list[str] = []
    for word in words:
        if word.lower() == ALL:
            return []
        exact = word.startswith(_ID) and len(word) > len(_ID) and not set("*?,\\") & set(word)
        plain = not conditional(word, TASK) and not (states and word.lower() in states.words)
        if not (exact or plain):
            return []
        found.append(word.removeprefix(_ID) if exact else word)
    return list(dict.fromkeys(found))


def filter_of(words: Sequence[str]) -> list[str]:
    """The filter that was typed: ``all`` is every task."""
    return [EVERY if word.lower() == ALL else word for word in words]


def spelled(task: str) -> str:
    """A task's id as a verb's button carries it: never taken for a filter."""
    return f"{_ID}{task}"


async def choose(ctx: Context, source: Account, verb: str, job: str, words: Sequence[str], wanted: Wanted) -> Chosen:
    """The tasks that are meant by what was typed after a verb (``task delete``).

    Raises CommandError where nothing was typed, Instead where a name does not exist.
    """
    if not words:
        raise CommandError(
            "Which tasks? Give their ids, a filter as in task list, or the word all.",
            [join([*verb.split(), job, each]) for each in ("state:failed", ALL)],
        )
    async with finding_job(ctx, source, job, verb):
        found = (await source.fetch(Job, source.job(job), select="id,state,poolInfo,executionInfo")).value
        ids = names(words)
        if ids:
            tasks = await _named(ctx, source, found.id, ids)
        else:
            filter_ = filtering.understood(ctx, source, TASK, filter_of(words), *verb.split(), job)
            tasks = await fitting(source, found.id, filter_, wanted)
    fit = tuple(task for task in tasks if wanted(task))
    return Chosen(found, fit, len(tasks) - len(fit), bool(ids), tuple(words))


async def _named(ctx: Context, source: Account, job: str, ids: Sequence[str]) -> list[Task]:
    """Tasks by their ids, several read at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(task: str) -> Task:
        async with gate:
            try:
                return (await source.fetch(Task, source.task(job, task), select=_SELECT)).value
            except AzureError as error:
                if error.code.lower() != "tasknotfound":
                    raise
                raise Instead(await no_task(ctx, source, job, task)) from None

    return list(await asyncio.gather(*map(one, ids)))


async def fitting(source: Account, job: str, wanted: Filter, can: Wanted) -> list[Task]:
    """The tasks that fit a filter. Raises CommandError where more than :data:`MOST` of them ``can`` be changed."""
    bound = wanted.at(source.now())
    select = filtering.selected(_SELECT, wanted)
    found: list[Task] = []
    changed = 0
    async for page in source.pages(Task, source.tasks(job), select=select, filter=bound.odata):
        fit = [task for task in page.items if bound.row(task)]
        found += fit
        changed += sum(map(can, fit))
        if changed > MOST:
            raise CommandError(
                f"More than {number(MOST)} tasks fit, which is the most at a time: narrow the filter, such as "
                "with id:frame-1*, and do it in parts."
            )
    return found
