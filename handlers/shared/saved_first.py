"""Black box first: what a change is about to lose is kept before it is made.

Reactivating overwrites what a task printed; deleting a task, a job or a schedule deletes its files; removing, rebooting
or deallocating a node takes them along, and so does emptying or deleting its pool. What the bot has not kept yet is
kept then: of a few tasks or nodes all of it, of many a sample of each cause. No change is held up for long, or refused,
because a node does not answer: how a task failed is kept all the same.

What is kept is stored before the step that kept it is noted, and that before the change: a program that is killed in
between keeps it again, or goes on with what is kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, Task, select_of
from bot.azure.models.task import FAILED_TASKS, Place
from bot.azure.models.task import Run as TaskRun
from bot.azure.models.watched import LeavingNode
from bot.clock import in_time
from bot.domain.causes import cause_of
from bot.domain.entity import fold
from bot.monitor.black_box import A_NODE, SAMPLES, files_of, kept_node, kept_task, printed_something
from bot.monitor.evidence import said_in
from bot.monitor.file_ends import ends
from bot.operations.run import Run
from cards.card import Mark
from cards.formatting import number
from storage.port.black_box import KeptFile, KeptNode, KeptTask

MOST = 60
"""Tasks or nodes of which something is read before one change."""
PATIENCE = 20.0
"""Seconds for which a change waits for it at most."""
_AT_ONCE = 6
_TITLE = "Keep what they printed"
_FAILED = "id,executionInfo,nodeInfo"
_WHEN = "id,creationTime"
_JOBS = 6
"""Jobs of a schedule that are read before it goes: each is a call."""
T = TypeVar("T")


class Saved(Struct, frozen=True):
    """How many were to be changed, and of how many what they printed is kept by now."""

    meant: int
    kept: int


async def save_tasks(run: Run, job: str, tasks: Sequence[Task]) -> None:
    """Keep how these tasks of a job failed, and what they printed, where that is not kept yet."""

    async def save() -> Saved:
        boxes = await asyncio.to_thread(_boxes, run.account, job, tasks)
        return Saved(len(boxes), await _keep(run, boxes))

    if tasks:
        _say(run, await run.once("kept first", Saved, save))


async def save_job(run: Run, job: str) -> None:
    """Keep how tasks of a job failed, and what they printed, where that is not kept yet; of many those listed first."""

    async def save() -> Saved:
        found = await in_time([_first(run, Task, run.account.tasks(job), FAILED_TASKS, _FAILED)], PATIENCE)
        boxes = await asyncio.to_thread(_boxes, run.account, job, found[0] or ())
        return Saved(len(boxes), await _keep(run, boxes))

    _say(run, await run.once("kept first", Saved, save))


async def save_schedule(run: Run, schedule: str) -> None:
    """The same of the jobs of a schedule that were made last."""

    async def save() -> Saved:
        listed = _first(run, Job, run.account.schedule_jobs(schedule), "", _WHEN)
        jobs = sorted((await in_time([listed], PATIENCE))[0] or (), key=_made, reverse=True)[:_JOBS]
        reads = [_first(run, Task, run.account.tasks(each.id), FAILED_TASKS, _FAILED) for each in jobs]
        found = await in_time(reads, PATIENCE, _AT_ONCE)
        boxes = [
            box
            for job, tasks in zip(jobs, found, strict=True)
            for box in await asyncio.to_thread(_boxes, run.account, job.id, tasks or ())
        ]
        return Saved(len(boxes), await _keep(run, boxes))

    _say(run, await run.once("kept first", Saved, save))


async def save_nodes(run: Run, pool: str, nodes: Sequence[str]) -> None:
    """Keep how these nodes of a pool are where they are in trouble, and what failed on them lately."""

    async def save() -> Saved:
        async def read(node: str) -> LeavingNode | None:
            try:
                path = run.account.node(pool, node)
                return (await run.account.fetch(LeavingNode, path, select=select_of(LeavingNode))).value
            except AzureError:
                return None

        read_in_time = await in_time(map(read, nodes[:MOST]), PATIENCE, _AT_ONCE)
        return await _of_nodes(run, pool, [row for row in read_in_time if row])

    if nodes:
        _say(run, await run.once("kept first", Saved, save))


async def save_pool(run: Run, pool: str) -> None:
    """The same of the nodes of a pool, any of which may go."""

    async def save() -> Saved:
        reads = [_first(run, LeavingNode, run.account.nodes(pool), "", select_of(LeavingNode))]
        return await _of_nodes(run, pool, (await in_time(reads, PATIENCE))[0] or ())

    _say(run, await run.once("kept first", Saved, save))


def _made(job: Job) -> float:
    return job.creation_time.timestamp() if job.creation_time else 0.0


async def _first(run: Run, kind: type[T], path: str, which: str, select: str) -> Sequence[T]:
    """The first page of a list; nothing where it cannot be read: then the change is made without."""
    try:
        return (await anext(run.account.pages(kind, path, filter=which, select=select))).items
    except AzureError:
        return ()


async def _of_nodes(run: Run, pool: str, rows: Sequence[LeavingNode]) -> Saved:
    boxes, failed = await asyncio.to_thread(_boxes_of_nodes, run.account, pool, rows)
    return Saved(len(boxes) + len(failed), await _keep(run, failed, boxes))


def _say(run: Run, saved: Saved) -> None:
    """What was kept; nothing where there was nothing to keep."""
    if not saved.meant:
        return
    some = f"{number(saved.kept)} of {number(saved.meant)}" if saved.kept < saved.meant else number(saved.kept)
    run.say("kept first", _TITLE, Mark.DONE if saved.kept else Mark.WARNING, f"{some} kept")


def _boxes(account: Account, job: str, tasks: Sequence[Task]) -> list[KeptTask]:
    """How these failed. To be called in a thread: to clear what the service says of ten thousand takes seconds."""
    found = (
        _box(account, job, task.id, task.execution_info, task.node_info or Place())
        for task in tasks
        if task.execution_info
    )
    return [each for each in found if each]


def _boxes_of_nodes(account: Account, pool: str, rows: Sequence[LeavingNode]) -> tuple[list[KeptNode], list[KeptTask]]:
    """How nodes in trouble are, and how tasks failed on these lately; to be called in a thread too."""
    failed = (
        _box(account, each.job_id, each.task_id, each.execution_info, Place(pool, row.id))
        for row in rows
        for each in row.recent_tasks
        if each.task_state.lower() == "completed" and each.subtask_id is None
    )
    nodes = (_node_box(account, pool, row) for row in rows)
    return [each for each in nodes if each], [each for each in failed if each]


def _box(account: Account, job: str, task: str, ran: TaskRun | None, place: Place) -> KeptTask | None:
    """How a run of a task failed; None where it did not."""
    if ran is None or ran.result.lower() != "failure" or ran.end_time is None:
        return None
    box = kept_task(account.name, job, task, ran, place, ran.end_time, account.now())
    return replace(box, cause=cause_of(box.exit_code, box.code, box.message))


def _node_box(account: Account, pool: str, row: LeavingNode) -> KeptNode | None:
    """How a node is; None where nothing is wrong with it."""
    if row.state.lower() not in ("starttaskfailed", "unusable") and not row.errors:
        return None
    at = row.state_transition_time or account.now()
    return kept_node(account.name, pool, row, at, account.now())


async def _keep(run: Run, tasks: Sequence[KeptTask], nodes: Sequence[KeptNode] = ()) -> int:
    """Read and keep what is not kept yet; of how many something is kept by now."""
    known = await _known(run, tasks, nodes)
    chosen = _samples([box for box in tasks if _key(box) not in known])
    broken = [box for box in nodes if _key(box) not in known][:MOST]
    files: dict[tuple[str, str, str, datetime], tuple[KeptFile, ...]] = {}

    async def read(box: KeptTask | KeptNode) -> None:
        account = run.account
        path = account.task(box.job, box.task) if isinstance(box, KeptTask) else account.node(box.pool, box.node)
        try:
            files[_key(box)] = await ends(account.files(path), files_of(box), lambda _: None)
        except AzureError:
            files[_key(box)] = ()

    wanted: list[KeptTask | KeptNode] = [*broken, *(box for box in chosen if printed_something(box))]
    await in_time(map(read, wanted), PATIENCE, _AT_ONCE)
    kept_tasks = [_with(box, files.get(_key(box), ())) for box in chosen]
    kept_nodes = [replace(box, files=files.get(_key(box), ())) for box in broken]
    await run.store.keep(kept_tasks, kept_nodes)
    mine = {*map(_key, tasks), *map(_key, nodes)}
    return len(kept_tasks) + len(kept_nodes) + len(known & mine)


def _with(box: KeptTask, files: tuple[KeptFile, ...]) -> KeptTask:
    said = said_in(files)
    return replace(box, files=files, line=said.line, line_in=said.file)


async def _known(run: Run, tasks: Sequence[KeptTask], nodes: Sequence[KeptNode]) -> set[tuple[str, str, str, datetime]]:
    """Whose files are kept already."""
    account = run.account.name
    found: list[KeptTask | KeptNode] = []
    for job in {fold(box.job): box.job for box in tasks}.values():
        found += await run.store.kept_tasks(account, job, limit=1000)
    for pool in {fold(box.pool): box.pool for box in nodes}.values():
        found += await run.store.kept_nodes(account, pool, limit=1000)
    return {_key(box) for box in found if box.files}


def _samples(boxes: Sequence[KeptTask]) -> list[KeptTask]:
    """All of a few; of many a sample of each cause, few of a node."""
    if len(boxes) <= SAMPLES:
        return list(boxes)
    causes: Counter[tuple[str, str]] = Counter()
    hosts: Counter[tuple[str, str, str]] = Counter()
    chosen: list[KeptTask] = []
    for box in boxes:
        cause, host = (box.job, box.cause), (box.job, box.cause, box.node)
        if causes[cause] < SAMPLES and (not box.node or hosts[host] < A_NODE) and len(chosen) < MOST:
            causes[cause] += 1
            hosts[host] += 1
            chosen.append(box)
    return chosen


def _key(box: KeptTask | KeptNode) -> tuple[str, str, str, datetime]:
    if isinstance(box, KeptTask):
        return "task", fold(box.job), fold(box.task), box.at
    return "node", fold(box.pool), fold(box.node), box.at
