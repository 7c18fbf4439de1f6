"""One change for many tasks: which they are is fixed when it begins, each is changed once, refusals are listed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Task
from bot.azure.plane import Written
from bot.filter import TASK, parse
from bot.operations.preflight import Fix, Preflight, Preflighting
from bot.operations.run import Result, Run
from bot.operations.workflow import Outcome
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values
from bot.requests.grammar import words
from cards.build import code, muted, text
from cards.card import Attachment, Block, Bullets, Button, Field, Mark
from cards.formatting import number, plural
from handlers.shared.common import line
from handlers.shared.files import csv_of
from handlers.shared.preflight import form_notes
from handlers.shared.verbs import unless_gone
from handlers.task.chosen import Chosen, Item, Wanted, filter_of, fitting, names

_SHOWN = 8
"""Refusals that the card lists; all of them are in its file."""
_AT_ONCE = 6
_READ_AT_ONCE = 8


class OnTasks(Struct, frozen=True):
    """Tasks of a job: the ``words`` that were typed, and the zone that their moments are meant in.

    ``show`` and ``tasks`` are the commands that show the job and list its tasks.
    """

    job: str
    words: tuple[str, ...]
    zone: str
    show: str
    tasks: str


_HINT = "Ids, or a filter as in task list: state:failed exit:137 id:frame-*, or the word all"
WHICH = (
    Field("job", "Job", "name", names="job", refresh=True),
    Field("tasks", "Tasks", hint=_HINT, refresh=True, required=True),
)
"""The fields of the forms of verbs of tasks."""


async def form_for(ctx: Context, values: Values, preflight: Preflighting, submit: str) -> FormChanges:
    """What the form of a verb says: how many tasks it is about, which, and what becomes of them."""
    if not (values.get("job") and values.get("tasks")):
        return FormChanges()
    found = await preflight(ctx, values["job"], *words(values["tasks"]), account=values.get("account"))
    return form_notes(found, "tasks", submit=submit)


def asked_of(ctx: Context, source: Account, job: str, words: Sequence[str]) -> OnTasks:
    """What was asked for, to be kept."""
    show, tasks = line(ctx, source, "job show", job), line(ctx, source, "task list", job)
    return OnTasks(job, tuple(words), ctx.zone, show, tasks)


def nothing(ctx: Context, source: Account, chosen: Chosen, verb: str, left: str) -> Preflight:
    """The refusal where the verb can be done to no task that is meant; ``left`` says what they are instead."""
    job = chosen.job.id
    tasks = Fix("Tasks", line(ctx, source, "task list", job))
    if chosen.named and chosen.others == 1:
        return Preflight(
            f"Task {names(chosen.words)[0]} of job {job} {left}: there is nothing to {verb}.", fixes=(tasks,)
        )
    if chosen.others:
        return Preflight(
            f"{plural(chosen.others, 'task fits', 'tasks fit')}, and none of them can be: each {left}.", fixes=(tasks,)
        )
    return Preflight(f"No task of job {job} fits “{' '.join(chosen.words)[:80]}”.", fixes=(tasks,))


async def each(
    run: Run,
    asked: OnTasks,
    title: str,
    can: Wanted,
    send: Callable[[str, str], Awaitable[Written]],
    took_effect: Callable[[Task | None, str], bool],
    *,
    done_if: Sequence[str] = (),
    first: Callable[[Sequence[Task]], Awaitable[None]] | None = None,
) -> list[Result]:
    """Send a write for every task that is meant and ``can`` be changed; ``first`` is given all of them before that.

    ``send`` is given a task's id and the ETag that it had in the beginning; ``took_effect`` finds out from a task as it
    is (None where it is gone) and that ETag, whether a write whose end is not known was done.
    """
    items = await run.once("tasks", list[Item], lambda: _items(run, asked, can, first))
    etags = {item.id: item.etag for item in items}

    async def landed(task: str) -> bool:
        async def read() -> Task:
            path = run.account.task(asked.job, task)
            return (await run.account.fetch(Task, path, select="id,state,eTag,executionInfo")).value

        return took_effect(await unless_gone(read), etags[task])

    return await run.each(
        "each",
        title,
        list(etags),
        lambda task: send(task, etags[task]),
        at_once=_AT_ONCE,
        landed=landed,
        done_if=done_if,
    )


async def _items(
    run: Run, asked: OnTasks, can: Wanted, first: Callable[[Sequence[Task]], Awaitable[None]] | None
) -> list[Item]:
    """The tasks that are meant, as they are now."""
    if ids := names(asked.words):
        gate = asyncio.Semaphore(_READ_AT_ONCE)

        async def one(task: str) -> Task | None:
            async def read() -> Task:
                path = run.account.task(asked.job, task)
                return (await run.account.fetch(Task, path, select="id,state,eTag,executionInfo,nodeInfo")).value

            async with gate:
                return await unless_gone(read)

        found = [task for task in await asyncio.gather(*map(one, ids)) if task]
    else:
        wanted = parse(filter_of(asked.words), TASK, zone=asked.zone)
        found = await fitting(run.account, asked.job, wanted, can)
    able = [task for task in found if can(task)]
    if first:
        await first(able)
    return [Item(task.id, task.etag) for task in able]


def outcome(asked: OnTasks, results: Sequence[Result], done: str, verb: str, buttons: Sequence[Button] = ()) -> Outcome:
    """What it came to: ``done`` as in ``deleted``, ``verb`` as in ``delete``; refusals in a list and as a file."""
    wrong = [each for each in results if each.error]
    right = len(results) - len(wrong)
    if len(results) == 1:
        task = results[0].item
        headline = f"Task {task} of job {asked.job} was {'not ' if wrong else ''}{done}"
    elif not results:
        headline = f"No task of job {asked.job} was left to {verb}"
    else:
        share = f"{number(right)} of " if wrong else ""
        headline = (
            f"{share}{plural(len(results), f'task of job {asked.job} was', f'tasks of job {asked.job} were')} {done}"
        )
    return Outcome(
        headline,
        tuple(_refusals(asked, wrong, done)),
        (Button("Tasks", asked.tasks, style="primary"), Button("Open job", asked.show), *buttons),
        after=f"{plural(right, 'task')} {done}",
        failed=bool(wrong) and not right,
        mark=Mark.WARNING if wrong else Mark.DONE,
    )


def _refusals(asked: OnTasks, wrong: Sequence[Result], done: str) -> list[Block]:
    if not wrong:
        return []
    lines = [text(code(each.item), f"  {each.error}") for each in wrong[:_SHOWN]]
    if len(wrong) == 1:
        return [Bullets(tuple(lines))]
    if len(wrong) > _SHOWN:
        lines.append(text(muted(f"and {number(len(wrong) - _SHOWN)} more, all in the file")))
    return [Bullets(tuple(lines)), _file(asked, wrong, done)]


def _file(asked: OnTasks, wrong: Sequence[Result], done: str) -> Attachment:
    rows = [(each.item, *_parted(each.error)) for each in wrong]
    return csv_of(f"not-{done}-{asked.job}", ("task", "code", "message"), rows, title="Every task that was refused")


def _parted(error: str) -> tuple[str, str]:
    """A refusal's code and words; what the bot says itself has no code."""
    code_, found, words = error.partition(": ")
    return (code_, words) if found and " " not in code_ else ("", error)
