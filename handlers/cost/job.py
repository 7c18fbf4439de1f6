"""What one job came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bot.receipts.reader import MOST_TASKS, ReceiptReader
from bot.receipts.receipt_card import receipt_card
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import blocks, text
from cards.card import Card, Mark, Progress, Words
from cards.formatting import number
from handlers.history.forgotten import or_forgotten
from handlers.shared.common import line, titled
from handlers.shared.missing import finding_job

_PATIENCE = 1.5
"""Seconds after which a card says how far the reading is."""
_EVERY = 3.0


@command("cost job", effect="read", examples=["cost job nightly:job-12"])
async def cost_of_job(ctx: Context, job: str, *, account: str | None = None) -> AsyncIterator[Card]:
    """Show what a job took and cost: its receipt, so far or for good, against the runs before it.

    Its tasks' core-hours, its share of idle nodes, what retries lost and what spot nodes saved.

    :param job: the job's id
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    far = (0, 0)

    def heard(read: int, counted: int) -> None:
        nonlocal far
        far = read, counted

    async with or_forgotten(ctx, source, "job", job), finding_job(ctx, source, job, "cost job"):
        reading = asyncio.create_task(
            ReceiptReader(ctx.store, ctx.accounting).read(source, job, reading=heard, partial=True)
        )
        try:
            wait = _PATIENCE
            while not (await asyncio.wait({reading}, timeout=wait))[0]:
                wait = _EVERY
                yield _reading(job, *far)
            receipt = reading.result()
        finally:
            reading.cancel()

    def written(path: str, *names: str, **options: object) -> str:
        return line(ctx, source, path, *names, **options)

    yield receipt_card(receipt, written, zone=ctx.zone, several=len(ctx.accounts) > 1, whole=True)


def _reading(job: str, read: int, counted: int) -> Card:
    """How far the reading of its tasks is."""
    most = min(counted, MOST_TASKS)
    return Card(
        title=titled(f"Receipt of job {job}", "being read"),
        mark=Mark.CHANGING,
        blocks=blocks(
            Progress("Tasks", read, most, "tasks", Mark.CHANGING) if most else None,
            Words(text(f"No more than {number(MOST_TASKS)} of its tasks are read.")) if counted > MOST_TASKS else None,
        ),
    )
