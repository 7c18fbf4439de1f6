"""What diagnostic events tell of an account, entered into the pending state: once, whoever told it first.

Events come minutes late, in any order, and more than once. A look draws what waits after its own lists, so most are
known by then and change nothing: a transition that a list told at about that time, after as many retries, is the same.
What no list told is told now: failures of tasks that were gone with their node or job before anybody looked, and pools,
resizes and failed runs of a formula between two looks. What a list tells later is known then
(:meth:`~bot.monitor.pending_state.PendingState.was_noted`).

A task counts as failed where it is over: by its complete event, which says how it ended, or by its fail event where no
retry is left. Where one is left, or a task begins again, its job is asked soon which of its tasks run again: an event
is too late to say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import structlog

from bot.azure.models import FailureInfo
from bot.azure.models.diagnostic import Diagnostic, PoolEvent, TaskEvent
from bot.azure.models.task import Place, Run
from bot.azure.models.watched import TaskState
from bot.content.clear_rows import clear_page
from bot.domain.entity import find, fold
from bot.monitor.account_state import BY_EVENT, WRITTEN, heard_key, moment_of
from bot.monitor.intake import Waiting
from bot.monitor.job_changes import draw_failures
from bot.monitor.pending_state import PendingState
from bot.monitor.plan import RETRIED
from bot.monitor.turns import REMEMBERED, Store
from storage.port.errors import StoreError

log = structlog.get_logger()

_LONGEST = 600
"""Characters of a text that are kept."""
_ENTITIES = {"task": ("task",), "pool": ("pool", "allocation", "autoscale")}


async def fold_events(pending: PendingState, waiting: Waiting, store: Store, *, every: bool = False) -> int | None:
    """What waits; how many transitions came of it, None where it has to wait on.

    ``every``: tasks that begin and end well are news too.
    """
    before = len(pending.news)
    events = [each for each in waiting.events if _can_be_news(pending, each)]
    if events:
        try:
            await _recall(pending, events, store)
        except StoreError as error:
            log.warning("monitor.events_not_recalled", account=pending.account, message=str(error))
            return None
        ordered = sorted(events, key=lambda each: each.at)
        await _tasks(pending, ordered, every=every)
        pools = [(each, each.of) for each in ordered if isinstance(each.of, PoolEvent)]
        for (each, _), pool in zip(pools, await clear_page([pool for _, pool in pools]), strict=True):
            await asyncio.sleep(0)  # thousands of them take seconds
            _fold_pool(pending, each.kind, pool, each.at)
        pending.listed.clear()
    for stream, at in waiting.positions.items():
        heard = min(at, pending.at)  # by another clock
        pending.cursors[stream] = max(heard, pending.cursors.get(stream, heard))
    return len(pending.news) - before


def _can_be_news(pending: PendingState, event: Diagnostic) -> bool:
    """Not what was before the account was first seen whole, nor what is still to come, which some clock made up."""
    latest = pending.at + WRITTEN
    return pending.is_news(_moment(event)) and all(at <= latest for at in (event.at, *event.of.times))


async def _recall(pending: PendingState, events: Iterable[Diagnostic], store: Store) -> None:
    """What lists told since the oldest of the events: further back than is remembered. Raises StoreError."""
    since = min(map(_moment, events)) - WRITTEN
    kinds = {"task" if isinstance(each.of, TaskEvent) else "pool" for each in events}
    told = list(pending.news)
    for kind in kinds:
        for entity in _ENTITIES[kind]:
            told += await store.transitions(pending.account, entity=entity, since=since, limit=REMEMBERED)
    for each in told:
        key, (moment, by_event) = heard_key(each.entity, each.parent, each.id, each.after), moment_of(each)
        if by_event:
            pending.hear(each)
        else:
            pending.listed.setdefault(key, []).append(moment)


def _moment(event: Diagnostic) -> datetime:
    """When what an event tells was."""
    of = event.of
    if isinstance(of, TaskEvent):
        return of.execution_info.end_time or event.at
    return of.end_time or of.timestamp or of.start_time or event.at


@contextmanager
def _told_by(pending: PendingState, *, written: bool) -> Iterator[None]:
    """All that is noted is told by an event; ``written``: by when that was written."""
    pending.source = {"source": BY_EVENT} | ({"written": True} if written else {})
    try:
        yield
    finally:
        pending.source = {}


# Tasks.


async def _tasks(pending: PendingState, events: Sequence[Diagnostic], *, every: bool) -> None:
    over: dict[bool, dict[str, list[TaskState]]] = {True: {}, False: {}}
    for event in events:
        task = event.of
        if not isinstance(task, TaskEvent):
            continue
        job = known.id if (known := find(pending.jobs, task.job_id)) else task.job_id
        run, most = task.execution_info, task.constraints.max_task_retry_count
        if event.kind == "taskstartevent":
            if run.retry_count > 0:
                _ask_for_retries(pending, job)
            if every:
                with _told_by(pending, written=True):
                    details = {"retries": run.retry_count or None}
                    pending.note("task", task.id, "running", event.at, parent=job, details=details)
        elif event.kind == "taskfailevent" and (most < 0 or run.retry_count < most):
            _ask_for_retries(pending, job)
        elif event.kind in ("taskfailevent", "taskcompleteevent"):
            failed = event.kind == "taskfailevent" or _failed(task)
            if failed or every:
                row = _row(task, event.at, failed=failed)
                over[run.end_time is None].setdefault(job, []).append(row)
    for written, jobs in over.items():
        for job, rows in jobs.items():
            cleared = await clear_page(rows)
            with _told_by(pending, written=written):
                found = await draw_failures(pending, job, cleared)
            if found:
                pending.failed_in.add(job)
                pending.job(job).vanished += found


def _ask_for_retries(pending: PendingState, job: str) -> None:
    if job in pending.jobs:
        pending.read[f"retries {job}"] = pending.at - RETRIED


def _failed(task: TaskEvent) -> bool:
    """Whether a task that is over failed. One that failed before its program began has no exit code."""
    run = task.execution_info
    return run.result.lower() == "failure" if run.result else run.exit_code != 0


def _row(task: TaskEvent, at: datetime, *, failed: bool) -> TaskState:
    """The task as a list of its job would have it."""
    run = task.execution_info
    error = run.scheduling_error if run.scheduling_error.code else task.scheduling_error
    info = FailureInfo(category=error.category, code=error.code, message=error.message) if failed else None
    ended = run.end_time or at
    return TaskState(
        task.id,
        "completed",
        ended,
        execution_info=Run(
            start_time=run.start_time,
            end_time=ended,
            exit_code=run.exit_code,
            failure_info=info,
            result="failure" if failed else "success",
            retry_count=run.retry_count,
            requeue_count=run.requeue_count,
        ),
        node_info=Place(task.node_info.pool_id.strip(), task.node_info.node_id.strip()),
        constraints=task.constraints,
    )


# Pools.


def _fold_pool(pending: PendingState, kind: str, pool: PoolEvent, at: datetime) -> None:
    known = find(pending.pools, pool.name)
    name = known.id if known else pool.name
    sizes = {
        "dedicated": pool.current_dedicated_nodes,
        "spot": pool.current_low_priority_nodes,
        "targetDedicated": pool.target_dedicated_nodes,
        "targetSpot": pool.target_low_priority_nodes,
    }
    failed = pool.result_code if pool.result_code.lower() not in ("", "success") else ""
    match kind:
        case "poolcreateevent" | "pooldeletestartevent" | "pooldeletecompleteevent":
            if known is None and not _was_listed(pending, name, at):
                _came_or_went(pending, kind, pool, name, at)
        case "poolresizestartevent":
            with _told_by(pending, written=True):
                pending.note("allocation", name, "resizing", at, details=sizes)
        case "poolresizecompleteevent":
            with _told_by(pending, written=pool.end_time is None):
                said = {**sizes, "errors": [failed] if failed else []}
                pending.note("allocation", name, "steady", pool.end_time or at, before="resizing", details=said)
        case "poolautoscaleevent" if pool.error.code:
            with _told_by(pending, written=pool.timestamp is None):
                words, results = pool.error.message[:_LONGEST], pool.results[:_LONGEST]
                run = {"results": results, "code": pool.error.code, "message": words}
                pending.note("autoscale", name, "failed", pool.timestamp or at, details=run)


def _came_or_went(pending: PendingState, kind: str, pool: PoolEvent, name: str, at: datetime) -> None:
    """A pool that no list has shown."""
    with _told_by(pending, written=kind == "poolcreateevent"):
        if kind == "poolcreateevent":
            pending.note("pool", name, "active", at, details={"vmSize": pool.vm_size.lower(), "created": True})
        elif kind == "pooldeletestartevent":
            pending.note("pool", name, "deleting", pool.start_time or at, before="active")
        else:
            pending.note("pool", name, "deleted", pool.end_time or at, before="deleting")


def _was_listed(pending: PendingState, name: str, at: datetime) -> bool:
    """Whether lists told of the pool from about then on: then they told of all that became of it.

    That it is gone they tell when they miss it, which may be much later.
    """
    return any(
        entity == "pool" and of == fold(name) and any(each.at >= at - WRITTEN for each in moments)
        for (entity, _, of, _), moments in pending.listed.items()
    )
