"""What one pool cost, and whose work it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from bot.azure.account import Account
from bot.domain.entity import same_id
from bot.domain.money.ledger import JobSpend
from bot.domain.money.shares import parts
from bot.domain.money.spend import Spend, total
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, bold, refusal, table, text
from cards.card import Button, Card, Column, Mark, Row, Table, Words
from cards.formatting import number, plural
from handlers.cost.parts import (
    asked,
    bill_words,
    column,
    cost_of,
    explained_words,
    headline,
    idle_words,
    notes,
    own_words,
    window_buttons,
)
from handlers.cost.picture import picture
from handlers.shared.common import line, nearest, titled

_TOP = 8
NO_KNOWN_JOB = "no known job"
"""Tasks ran, and nobody knows whose."""
NOBODYS = "idle, nobody's"
"""Nothing ran at all."""
_COLUMNS = (
    Column("Job", width=3),
    Column("Own core-hours", "right", rank=2, width=2),
    Column("Own", "right", width=2),
    Column("Share of idle", "right", rank=1, width=2),
    Column("Together", "right", width=2),
)


@command("cost pool", effect="read", examples=["cost pool gpu-a", "cost pool gpu-a 30d"])
async def cost_of_pool(ctx: Context, pool: str, window: str = "month", *, account: str | None = None) -> Card:
    """Show what a pool cost, what stood idle in it, and which jobs spent it.

    :param pool: the pool's id; one that is gone is known too
    :param window: the days, in UTC as Azure bills
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    window, days = asked(ctx, source, window, "cost pool", pool)
    statement, jobs = await asyncio.gather(
        ctx.accounting.statement(source.name, days), ctx.accounting.jobs(source.name, days.since, days.until)
    )
    names = [each.pool for each in statement.pool_lines() if each.pool]
    known = next((name for name in names if same_id(name, pool)), None)
    if known is None:
        return _unknown(ctx, source, pool, window, names, days.words)
    mine = statement.of_pool(known)
    found = [each for each in jobs if same_id(each.pool, known)]
    explained, idle = explained_words(mine), idle_words(mine)
    return Card(
        title=titled(headline(mine), f"pool {known}", source.name, mine.words),
        mark=Mark.RUNNING,
        as_of=mine.now,
        blocks=blocks(
            picture(source, mine, f"pool {known}", mine.day_lines()),
            *bill_words(mine),
            Words(own_words(mine)),
            Words(explained) if explained else None,
            Words(idle) if idle else None,
            jobs_table(found, mine.ledger.currency),
            window_buttons(ctx, source, window, "cost pool", known),
            actions(
                Button("Open pool", line(ctx, source, "pool show", known)),
                Button("Usage", line(ctx, source, "usage", pool=known)),
                Button("All pools", line(ctx, source, "cost", window=window)),
            ),
            notes(ctx, mine),
        ),
    )


def _unknown(ctx: Context, source: Account, pool: str, window: str, names: Sequence[str], words: str) -> Card:
    """Nothing was used or billed of such a pool."""
    return refusal(
        f"Nothing was used or billed of a pool “{pool}” {words}.",
        "Pools that are gone are known as long as their samples or their bill are kept.",
        [
            *(Button(name, line(ctx, source, "cost pool", name, window=window)) for name in nearest(pool, names)),
            Button("All pools", line(ctx, source, "cost", window=window, by="pool")),
        ],
    )


def jobs_table(jobs: Sequence[JobSpend], currency: str) -> Table | None:
    """Whose work it was, the dearest first, with the idle time that is nobody's: together it is the pool."""
    if not jobs:
        return None
    lines = _lines(each for each in jobs if each.job)
    lines.sort(key=lambda each: (-(each[1] + each[2]).cost.total, -each[1].core_hours.total))
    cut = _TOP if len(lines) > _TOP + 1 else len(lines)
    shown = lines[:cut]
    if rest := lines[cut:]:
        shown.append((plural(len(rest), "other"), total(each[1] for each in rest), total(each[2] for each in rest)))
    none = [each for each in jobs if not each.job]
    shown += _lines(replace(each, job=NO_KNOWN_JOB) for each in none if each.own.core_hours.total)
    shown += _lines(replace(each, job=NOBODYS) for each in none if not each.own.core_hours.total)
    columns = [
        [_money(mine) for _, mine, _ in shown],
        [_money(idle) for _, _, idle in shown],
        [_money(mine + idle) for _, mine, idle in shown],
    ]
    hours = [number(round(mine.core_hours.total)) for _, mine, _ in shown]
    cells = [column(values, currency) for values in columns]
    made = table(_COLUMNS, zip([name for name, _, _ in shown], hours, *cells, strict=True))
    whole = total(mine for _, mine, _ in shown)
    known = [[value for value in values if value is not None] for values in columns]
    sums = [parts(values, currency)[1] if values and currency else "–" for values in known]
    foot = ["all", number(round(whole.core_hours.total)), *sums]
    return Table(made.columns, (*made.rows, Row(tuple(text(bold(cell)) for cell in foot))))


def _lines(jobs: Iterable[JobSpend]) -> list[tuple[str, Spend, Spend]]:
    """Each job with its own usage and its share of idle."""
    found: dict[str, list[JobSpend]] = {}
    for each in jobs:
        found.setdefault(each.job, []).append(each)
    return [
        (job, total(each.own for each in spent), total(each.idle_share for each in spent))
        for job, spent in found.items()
    ]


def _money(spend: Spend) -> float | None:
    """Money of it; nothing of no core-hours, None where no price is known."""
    return cost_of(spend) if spend.core_hours.total else 0.0
