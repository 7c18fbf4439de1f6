"""Delete a Batch account with all that is in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta

from msgspec import Struct

from bot.azure import subscription
from bot.azure.account import Account
from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Pool
from bot.azure.plane import Written
from bot.azure.writes import managed
from bot.domain.licence import pays_windows
from bot.domain.price import HourlyCost, per_hour
from bot.operations.preflight import Preflight
from bot.operations.run import Run, Status
from bot.operations.workflow import Failure, Outcome, workflow
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import code, text
from cards.card import Button, Card, Words
from cards.formatting import money, plural
from handlers.account.owning import asking_owner, blocked_by_key

_POLL = 15.0
_LONGEST = timedelta(minutes=30)
_SELECT = "id,vmSize,virtualMachineConfiguration,currentDedicatedNodes,currentLowPriorityNodes"


class Deletion(Struct, frozen=True):
    """Which account, by its name in the settings."""

    account: str


async def preflight(ctx: Context, account: str) -> Preflight:
    """Counts all that goes with it."""
    source = ctx.account(account)
    if stopped := blocked_by_key(source):
        return stopped
    name = source.settings.batch_name
    there = await subscription.batch_account(source, source.settings.resource_group, name)
    if there is None:
        return Preflight(f"There is no Batch account {name} in {source.settings.resource_group} any more.")
    if there.properties.provisioning_state.lower() == "deleting":
        return Preflight(f"Account {name} is being deleted already.")
    (pools, _), (jobs, _), (schedules, _) = await asyncio.gather(
        source.every(Pool, "/pools", select=_SELECT),
        source.every(Job, "/jobs", select="id,state"),
        source.every(JobSchedule, "/jobschedules", select="id"),
    )
    nodes = sum(pool.current_dedicated_nodes + pool.current_low_priority_nodes for pool in pools)
    active = sum(job.state.lower() != "completed" for job in jobs)
    cost = await _cost(source, pools)
    spares = f", which saves {money(cost.amount, cost.currency)}/h" if cost and cost.amount else ""
    return Preflight(
        effects=(
            f"{plural(len(pools), 'pool')} with {plural(nodes, 'node')} and all files on them go{spares}.",
            f"{plural(len(jobs), 'job')} ({active} of them not completed) with their tasks and output, and "
            f"{plural(len(schedules), 'job schedule')} go.",
            "Applications, certificates and keys of the account go; packages stay in its storage account.",
        ),
        state=f"{there.id} {len(pools)} pools, {nodes} nodes, {len(jobs)} jobs, {len(schedules)} schedules",
        cost_before=cost,
        cost_after=HourlyCost(0, 0, cost.currency, cost.as_of) if cost else None,
        nodes_before=nodes,
        nodes_after=0,
        name=name,
        question=f"Delete account {name}",
    )


@command(
    "account delete",
    effect="destroy",
    azure=True,
    check="account show {account}",
    preflight=preflight,
    examples=["account delete sim-dev"],
)
async def delete(ctx: Context, account: str) -> AsyncIterator[Card]:
    """Delete a Batch account with its pools, nodes, jobs, tasks and schedules.

    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    async for card in ctx.operate("account delete", source, source.settings.batch_name, Deletion(source.name)):
        yield card


@workflow("account delete", Deletion, "Deleting Batch account {}")
async def deleting(run: Run, asked: Deletion) -> Outcome:
    """Ask for it, and follow until it is gone."""
    own = run.account.settings

    async def state() -> str:
        """Empty where it is gone."""
        found = await subscription.batch_account(run.account, own.resource_group, own.batch_name)
        return found.properties.provisioning_state.lower() or "there" if found else ""

    async def landed() -> bool:
        return await state() in ("", "deleting")

    def send() -> Awaitable[Written]:
        return managed.delete_account(run.writer)

    async def gone() -> Status:
        if location and (await _polled(run, location)):
            return Status(False, "Azure is at it")
        now = await state()
        if now == "failed":
            raise Failure(f"Azure could not delete account {own.batch_name}. Look in the portal.")
        return Status(not now, "Azure is at it" if now else "")

    async with asking_owner():
        location = await run.write("delete", "Ask Azure to delete it", send, landed=landed, done_if=["AccountNotFound"])
        await run.until("gone", "Wait until it is gone", gone, every=_POLL, longest=_LONGEST)
    return Outcome(
        f"Batch account {own.batch_name} is deleted",
        (
            Words(
                text(
                    "Take ",
                    code(f"[accounts.{asked.account}]"),
                    " out of the bot's settings: until then the bot goes on looking for it.",
                )
            ),
        ),
        (Button("All accounts", "account list", style="primary"),),
        before=own.batch_name,
        after="deleted",
    )


async def _polled(run: Run, location: str) -> bool:
    """Whether Azure says that it goes on. Raises AzureError with the reason where it failed."""
    try:
        return (await run.writer.poll(location)).status == 202
    except AzureError as error:
        if error.not_found:  # the address is good for a while only; the account itself is looked at then
            return False
        raise


async def _cost(source: Account, pools: list[Pool]) -> HourlyCost | None:
    """What the nodes cost an hour; None where a price is unknown."""
    prices = await source.prices()
    total: HourlyCost | None = None
    for pool in pools:
        one = per_hour(
            prices,
            pool.vm_size,
            windows=pays_windows(pool.virtual_machine_configuration),
            dedicated=pool.current_dedicated_nodes,
            spot=pool.current_low_priority_nodes,
        )
        if one is None:
            return None
        if total:
            one = HourlyCost(total.dedicated + one.dedicated, total.spot + one.spot, one.currency, one.as_of)
        total = one
    return total
