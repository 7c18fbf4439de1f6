"""What a person gave to be added as tasks, read and held against the job: for the preflight and for the form."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, Pool, Task
from bot.content.clear_text import clear
from bot.domain.job_health import pool_of
from bot.domain.licence import pays_windows
from bot.domain.price import per_hour
from bot.domain.task_input.collections import cut
from bot.domain.task_input.model import NewTask, TaskInput, problem_lines
from bot.domain.task_input.read import read_tasks
from bot.requests.command import Instead
from cards.build import actions, blocks, bold, text
from cards.card import Bullets, Button, Card, Mark
from cards.formatting import duration, file_size, money, number, plural
from cards.text_fit import elide

_LISTED = 20_000
"""Tasks of a job whose ids are read to find those that are taken: twenty requests."""
_RECENT = 50
"""Completed tasks whose run time is averaged."""
_SHOWN = 10
_COMMAND = 200
_POOL = "id,state,taskSlotsPerNode,vmSize,virtualMachineConfiguration,currentDedicatedNodes,currentLowPriorityNodes"


async def read(content: bytes | str, template: str, job: Job | None) -> TaskInput:
    """Read it off the event loop: ten thousand tasks take a third of a second."""
    uses = job.uses_task_dependencies if job else None
    return await asyncio.to_thread(read_tasks, content, template=template, uses_dependencies=uses)


def refuse_problems(found: TaskInput, name: str, again: str = "") -> None:
    """Raises Instead with everything that is wrong, where something is; ``name`` is the file's, empty for pasted.

    ``again`` is the command whose form holds what was given, so that it can be mended there; empty for none.
    """
    if not found.problems:
        return
    lines = Bullets(tuple(text(each) for each in problem_lines(found.problems)))
    raise Instead(
        Card(
            title=text(bold(f"{name or 'What you pasted'} cannot be added as it is. Nothing was done.")),
            mark=Mark.WARNING,
            blocks=blocks(
                lines,
                actions(
                    Button("Back to the form", again, how="form", style="primary") if again else None,
                    Button("How it is written", "help task add"),
                ),
            ),
            refused=True,
        )
    )


def digest(found: TaskInput) -> str:
    """What a confirmation of these tasks holds for."""
    total = hashlib.sha256()
    for task in found.tasks:
        total.update(task.body)
    return total.hexdigest()


def preview(found: TaskInput, name: str = "") -> Iterator[str]:
    """How many, how large, and the first three and the last by what they run."""
    requests = len(cut(found.tasks))
    of = f" of {name}" if name else ""
    yield f"{plural(len(found.tasks), 'task')}{of}, {file_size(found.bytes)} in {plural(requests, 'request')}."
    yield from found.notes
    shown = found.preview
    for position, task in enumerate(shown):
        if position == len(shown) - 1 < len(found.tasks) - 1:
            yield f"… {number(len(found.tasks) - len(shown))} more …"
        yield f"{task.id}: {elide(clear(task.command), _COMMAND)}"


async def taken(source: Account, job: str, tasks: tuple[NewTask, ...]) -> list[str] | None:
    """Ids that the job has already; None where it has too many tasks to look. Raises AzureError."""
    counts = (await source.task_counts(job)).value.task_counts
    total = counts.active + counts.running + counts.completed
    if not total:
        return []
    if total > _LISTED:
        return None
    known, _ = await source.every(Task, source.tasks(job), select="id")
    ids = {task.id.lower() for task in known}
    return [task.id for task in tasks if task.id.lower() in ids]


def some_ids(ids: list[str]) -> str:
    """The first ids, and how many more."""
    rest = len(ids) - _SHOWN
    return ", ".join(ids[:_SHOWN]) + (f" and {number(rest)} more" if rest > 0 else "")


async def estimate(source: Account, job: Job, found: TaskInput) -> list[str]:
    """How many run at a time, and how long all will take by the job's own tasks; nothing where that is unknown.

    Raises AzureError PoolNotFound where the job's pool is gone.
    """
    pool_id = pool_of(job)
    if not pool_id:
        return []
    pool = (await source.fetch(Pool, source.pool(pool_id), select=_POOL)).value
    nodes = pool.current_dedicated_nodes + pool.current_low_priority_nodes
    each = pool.task_slots_per_node or 1
    if not nodes:
        return [f"Pool {pool_id} has no nodes now: the tasks wait until it has."]
    at_once = max(1, nodes * each)
    if job.max_parallel_tasks > 0:
        at_once = min(at_once, job.max_parallel_tasks)
    said = f"Pool {pool_id}: {plural(nodes, 'node')} × {plural(each, 'slot')}, so {number(at_once)} run at a time"
    mean = await _mean_run(source, job.id)
    if mean is None:
        return [f"{said}."]
    whole = mean * ceil(found.slots / at_once)
    lines = [f"{said}; at {duration(mean)} each (mean of this job's last) about {duration(whole)}."]
    cost = per_hour(
        await source.prices(),
        pool.vm_size,
        windows=pays_windows(pool.virtual_machine_configuration),
        dedicated=pool.current_dedicated_nodes,
        spot=pool.current_low_priority_nodes,
    )
    if cost:
        price = money(cost.amount * whole.total_seconds() / 3600, cost.currency)
        lines.append(f"The pool as it is costs about {price} in that time, at list price.")
    return lines


async def _mean_run(source: Account, job: str) -> timedelta | None:
    """The mean run time of completed tasks; None where there are none, or Azure does not say."""
    try:
        window = await source.window(
            Task,
            source.tasks(job),
            offset=0,
            limit=_RECENT,
            select="id,executionInfo",
            filter="state eq 'completed'",
            page_size=_RECENT,
        )
    except AzureError:
        return None
    runs = [
        run.end_time - run.start_time
        for task in window.items
        if (run := task.execution_info) and run.start_time and run.end_time
    ]
    return sum(runs, timedelta()) / len(runs) if runs else None
