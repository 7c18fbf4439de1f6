"""Costs as a file that finance programs load."""

from __future__ import annotations

import asyncio

from bot.domain.money.focus import COLUMNS, Cell, billed_rows, estimated_rows, sums
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, bold, note, text
from cards.card import Button, Card, Mark, Words
from cards.formatting import decimals, money, plural
from handlers.cost.parts import LABELS, asked, unbilled
from handlers.shared.common import line, titled
from handlers.shared.files import csv_of


@command("cost export", effect="read", examples=["cost export", "cost export last-month"])
async def cost_export(ctx: Context, window: str = "month", *, account: str | None = None) -> Card:
    """Export the bill and own usage as CSV with the columns of FOCUS 1.2, which finance programs load.

    :param window: the days, in UTC as Azure bills
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    window, days = asked(ctx, source, window, "cost export")
    statement, jobs = await asyncio.gather(
        ctx.accounting.statement(source.name, days), ctx.accounting.jobs(source.name, days.since, days.until)
    )
    settings = source.settings
    place = {"subscription": settings.subscription, "region": settings.location, "batch_name": settings.batch_name}

    def made() -> list[dict[str, Cell]]:
        billed = billed_rows(statement.rows, **place)
        estimated = estimated_rows(statement.ledger.rows, jobs, account_id=source.resource_id, **place)
        return [*billed, *estimated]

    rows = await asyncio.to_thread(made)
    title = titled(f"Costs of {source.name}", statement.days.words, plural(len(rows), "row"))
    back = actions(
        Button("Summary", line(ctx, source, "cost", window=window)),
        *(
            Button(LABELS[each], line(ctx, source, "cost export", window=each))
            for each in ("month", "last-month", "90d")
            if each != window
        ),
    )
    if not rows:
        words = Words(text("Nothing was used, and the bill: ", unbilled(statement)))
        return Card(title=title, mark=Mark.IDLE, as_of=statement.now, blocks=blocks(words, back))
    name = f"costs-{source.name}-{days.first:%Y%m%d}-{days.last:%Y%m%d}"
    file = await asyncio.to_thread(
        csv_of, name, COLUMNS, [[row[column] for column in COLUMNS] for row in rows], title=f"Costs of {source.name}"
    )
    columns = (
        ("Cost (EffectiveCost)", "EffectiveCost"),
        ("Invoice (BilledCost)", "BilledCost"),
        ("Own usage (x_EstimatedCost)", "x_EstimatedCost"),
    )
    told = [(label, sums(rows, column)) for label, column in columns]
    return Card(
        title=title,
        mark=Mark.DONE,
        as_of=statement.now,
        blocks=blocks(
            file,
            *(Words(text(bold(f"{label}  "), _amounts(amounts))) for label, amounts in told if amounts),
            None if statement.rows else Words(text(bold("Bill  "), unbilled(statement))),
            note("Rows whose x_Source is “estimate” are own usage at its rates and never have a BilledCost."),
            back,
        ),
    )


def _amounts(amounts: dict[str, float]) -> str:
    return " and ".join(money(amount, currency, decimals(currency)) for currency, amount in amounts.items())
