"""Delete a pool with its nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta

from msgspec import Struct

from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, NodeRow, Pool
from bot.azure.plane import Written
from bot.azure.writes import pools
from bot.domain.entity import fold
from bot.domain.licence import pays_windows
from bot.domain.price import per_hour
from bot.operations.preflight import Preflight
from bot.operations.run import Run, Status
from bot.operations.workflow import Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.card import Button, Card, Field
from cards.formatting import money, plural
from handlers.pool import steps
from handlers.shared.common import line
from handlers.shared.missing import finding_pool
from handlers.shared.preflight import blocked, form_notes
from handlers.shared.saved_first import save_pool

_LONGEST = timedelta(hours=2)
"""How long nodes that wait for nothing have ever taken to go, by far."""

_GONE = ("PoolBeingDeleted", "PoolNotFound")
"""Codes of refusals that mean that it is as wanted already."""


class Delete(Struct, frozen=True):
    """Which pool; ``pools`` is the command that lists those that are left."""

    pool: str
    pools: str


class Doomed(Struct, frozen=True):
    """The pool as it was before: its ETag and since when there is one of that name, and how many nodes it had."""

    etag: str
    created: str
    nodes: str


async def preflight(ctx: Context, pool: str, *, account: str | None = None) -> Preflight:
    """Counts what goes with it: nodes, the tasks that run on them, and the jobs that are left without a pool."""
    source = ctx.account(account)
    if stopped := blocked(source):
        return stopped
    async with finding_pool(ctx, source, pool, "pool delete"):
        found = (await source.fetch(Pool, source.pool(pool), select=steps.SELECT)).value
    if found.state.lower() == "deleting":
        return Preflight(f"Pool {found.id} is being deleted already.")
    (nodes, _), jobs, prices = await asyncio.gather(
        source.every(NodeRow, source.nodes(found.id), select="id,runningTasksCount"),
        _jobs_of(source, found.id),
        source.prices(),
    )
    has = steps.has(found)
    running = sum(node.running_tasks_count for node in nodes)
    windows = pays_windows(found.virtual_machine_configuration)
    cost = per_hour(prices, found.vm_size, windows=windows, dedicated=has.dedicated, spot=has.spot)
    spares = f", which saves {money(cost.amount, cost.currency)}/h" if cost and cost.amount else ""
    effects = [f"{plural(has.nodes, 'node')} of {found.vm_size} and all files on them go{spares}."]
    if running:
        tasks = plural(running, "running task goes", "running tasks go")
        effects.append(f"{tasks} back into the queue and start anew wherever the job finds a pool.")
    if jobs:
        names = ", ".join(job.id for job in jobs[:3]) + (f" and {len(jobs) - 3} more" if len(jobs) > 3 else "")
        stay = plural(len(jobs), "job that is not completed stays", "jobs that are not completed stay")
        effects.append(f"{stay} without a pool, and no task of it runs: {names}.")
    return Preflight(
        effects=tuple(effects),
        state=f"{found.creation_time} {steps.Targets.of(found)}, {plural(running, 'task')}, {plural(len(jobs), 'job')}",
        cost_before=cost,
        cost_after=per_hour(prices, found.vm_size, windows=windows, dedicated=0, spot=0),
        nodes_before=has.nodes,
        nodes_after=0,
        name=found.id if running or jobs else "",
        question=f"Delete pool {found.id}",
    )


@command(
    "pool delete",
    effect="destroy",
    azure=True,
    check="pool show {pool}",
    preflight=preflight,
    examples=["pool delete gpu-old"],
)
async def delete(ctx: Context, pool: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Delete a pool: its nodes go, and tasks that run on them are queued again.

    :param pool: the pool's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    asked = Delete(pool, line(ctx, source, "pool list"))
    async for card in ctx.operate("pool delete", source, pool, asked):
        yield card


@workflow("pool delete", Delete, "Deleting pool {}")
async def deleting(run: Run, asked: Delete) -> Outcome:
    """Keep what its nodes have to tell, ask, and follow until there is no such pool any more."""

    async def as_it_is() -> Doomed:
        found = await steps.read(run, asked.pool)
        return Doomed(found.etag, str(found.creation_time), str(steps.has(found)))

    before = await run.once("before", Doomed, as_it_is)
    await save_pool(run, asked.pool)

    async def left() -> Pool | None:
        """What there is of it; None where it has gone, or another one has been made under its name."""
        try:
            found = await steps.read(run, asked.pool)
        except AzureError as error:
            if error.not_found:
                return None
            raise
        return found if str(found.creation_time) == before.created else None

    def send() -> Awaitable[Written]:
        return pools.delete(run.writer, asked.pool, etag=before.etag)

    async def landed() -> bool:
        found = await left()
        return found is None or found.state.lower() == "deleting"

    async def gone() -> Status:
        found = await left()
        return Status(found is None, plural(steps.has(found).nodes, "node") + " left" if found else "")

    await run.write("delete", "Ask Azure to delete it", send, landed=landed, done_if=_GONE)
    await run.until("gone", "Wait until its nodes have gone", gone, longest=_LONGEST)
    return Outcome(
        f"Pool {asked.pool} is deleted",
        (),
        (Button("All pools", asked.pools, style="primary"),),
        before=before.nodes,
        after="deleted",
    )


@form_of("pool delete", Field("pool", "Pool", "name", names="pool", refresh=True))
async def delete_form(ctx: Context, values: Values) -> FormChanges:
    """Says what goes with it."""
    if not (pool := values.get("pool")):
        return FormChanges(submit="Delete")
    return form_notes(await preflight(ctx, pool, account=values.get("account")), "pool", submit="Delete")


async def _jobs_of(source: Account, pool: str) -> list[Job]:
    """The jobs of a pool that are not completed."""
    jobs, _ = await source.every(Job, "/jobs", select="id,state,poolInfo", filter="state ne 'completed'")
    return [job for job in jobs if job.pool_info and fold(job.pool_info.pool_id) == fold(pool)]
