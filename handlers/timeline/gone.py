"""The life of a node that Batch no longer knows, of what was kept: its boot, its troubles, and what failed on it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from bot.azure.account import Account
from bot.azure.models import Node
from bot.azure.models.node import RecentTask
from bot.azure.models.task import Execution
from bot.domain.diagnosis.gone import GONE
from bot.domain.entity import same_id
from bot.domain.states import word
from bot.domain.task_timeline.single import NodeLife, node_life
from bot.requests.context import Context
from cards.charts.timeline import Mark
from cards.formatting import duration
from handlers.shared.boot_time import kept_boot
from storage.port.monitoring import Transition

_SEEN = 50
_FAILED = 2_000
_TASKS = 10
"""Tasks that failed on it whose runs are looked up."""


class KeptLife(Struct, frozen=True):
    """What is drawn of it, ``until`` when anything was seen of it, what became of it in ``words``, and its marks."""

    node: Node
    life: NodeLife
    until: datetime
    words: str
    marks: tuple[Mark, ...] = ()


async def kept_life(ctx: Context, source: Account, pool: str, node: str) -> KeptLife | None:
    """What was kept of a node; None where that is nothing that can be drawn."""
    boot, seen = await asyncio.gather(
        kept_boot(ctx, source, pool, node),
        ctx.store.transitions(source.name, entity="node", parent=pool, id=node, limit=_SEEN),
    )
    moments = [each.at for each in seen] + ([boot.allocated + timedelta(seconds=boot.seconds)] if boot else [])
    if not moments:
        return None
    until, begin = max(moments), boot.allocated if boot else min(moments)
    tasks = await _failed(ctx, source, node, begin, until)
    found = Node(
        id=boot.node if boot else seen[0].id,
        allocation_time=boot.allocated if boot else None,
        last_boot_time=boot.allocated + timedelta(seconds=boot.seconds) if boot else None,
        recent_tasks=tasks,
        total_tasks_run=len(tasks),
    )
    life = node_life(found, until)
    if life is None:
        return None
    marks = tuple(
        Mark(each.at.timestamp() - life.begin, "gone" if each.after == GONE else word(each.after))
        for each in reversed(seen)
        if life.begin <= each.at.timestamp() <= life.end
    )
    return KeptLife(found, life, until, _words(seen, until - begin), marks)


def _words(seen: list[Transition], lived: timedelta) -> str:
    """``Preempted after 3 h 12 min``: its last state, or else that it is gone."""
    last = next((each for each in seen if each.after != GONE), None)
    what = word(last.after).capitalize() if last else "Gone"
    return f"{what} after {duration(lived)}"


async def _failed(ctx: Context, source: Account, node: str, since: datetime, until: datetime) -> tuple[RecentTask, ...]:
    """The tasks that failed on it, as far as how long they ran was kept."""
    rows = await ctx.store.transitions(
        source.name, entity="task", after="failed", since=since, until=until + timedelta(minutes=1), limit=_FAILED
    )
    there = [row for row in rows if same_id(str(_details(row).get("node", "")), node)][:_TASKS]
    boxes = await asyncio.gather(
        *(ctx.store.kept_tasks(source.name, row.parent, row.id, since=since, limit=_TASKS) for row in there)
    )
    return tuple(
        RecentTask(
            job_id=row.parent,
            task_id=row.id,
            task_state="completed",
            execution_info=Execution(start_time=box.started, end_time=box.at, result="failure"),
        )
        for row, kept in zip(there, boxes, strict=True)
        for box in kept
        if box.started and same_id(box.node, node)
    )


def _details(row: Transition) -> dict[str, object]:
    found = msgspec.json.decode(row.details) if row.details else {}
    return found if isinstance(found, dict) else {}
