"""The bill beside own usage: what it was, what for, what of it is explained, and what stood idle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from bot.azure import gaps
from bot.azure.account import Account
from bot.azure.models import Pool
from bot.domain.money.spend import total
from bot.domain.money.statement import PoolLine, Statement
from bot.requests.command import command
from bot.requests.context import Context
from cards.build import actions, blocks, bold, table, text
from cards.card import Actions, Button, Card, Column, Mark, Table, Words
from cards.formatting import number, plural
from cards.text_fit import elide
from handlers.cost import grouped
from handlers.cost.parts import (
    apart,
    asked,
    bill_words,
    column,
    cost_of,
    explained_words,
    headline,
    idle_of,
    idle_words,
    notes,
    own_words,
    window_buttons,
)
from handlers.cost.picture import picture
from handlers.shared import node_counts, per_hour
from handlers.shared.common import line, titled

_TOP = 5
_BURNING = 3
"""Pools that are named of those that cost something now."""
_NAME = 40
_POOL = "id,state,vmSize,virtualMachineConfiguration,currentDedicatedNodes,currentLowPriorityNodes"
_COLUMNS = (
    Column("Pool", width=3),
    Column("Cost", "right", width=2),
    Column("Own usage", "right", width=2),
    Column("Idle", "right", rank=1, width=2),
)


@command("cost", effect="read", examples=["cost", "cost last-month", "cost 14d by:size"], menu=65)
async def cost(
    ctx: Context,
    window: str = "month",
    *,
    by: Literal["pool", "day", "size", "tag"] | None = None,
    account: str | None = None,
) -> Card:
    """Show what an account cost: the bill by day and pool beside own usage, and what stood idle.

    :param window: the days, in UTC as Azure bills: month, last-month, or a number of days such as 7d
    :param by: list it by pool, day, VM size or tag instead
    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    window, days = asked(ctx, source, window, "cost")
    statement = await ctx.accounting.statement(source.name, days)
    if by is not None:
        return grouped.card(ctx, source, statement, window, by)
    pools, burning = statement.pool_lines(), await _burning(source)
    explained, idle = explained_words(statement), idle_words(statement)
    return Card(
        title=titled(headline(statement), source.name, statement.words),
        mark=Mark.RUNNING if pools else Mark.IDLE,
        as_of=statement.now,
        blocks=blocks(
            burning,
            picture(source, statement, "all pools", statement.day_lines()),
            *bill_words(statement),
            Words(own_words(statement)),
            Words(explained) if explained else None,
            Words(idle) if idle else None,
            _table(pools, statement),
            window_buttons(ctx, source, window, "cost"),
            _more(ctx, source, window, pools),
            notes(ctx, statement),
        ),
    )


async def _burning(source: Account) -> Words | None:
    """What costs most at this moment, the dearest pools first; None where no price is known or nothing costs."""
    read, counts, prices = await asyncio.gather(
        gaps.maybe("pools", source.every(Pool, "/pools", select=_POOL)), node_counts.known(source), source.prices()
    )
    found = per_hour.each_hour(prices, read[0], node_counts.by_pool(counts)) if read else {}
    dear = sorted((each for each in found if found[each].amount), key=lambda each: (-found[each].amount, each))
    if not read or not dear:
        return None
    named = [f"{elide(each, _NAME)} {per_hour.an_hour(found[each])}" for each in dear[:_BURNING]]
    more = len(dear) - _BURNING
    rest = [f"{number(more)} more"] if more > 0 else []
    words = per_hour.now(prices, found, len(read[0]))
    return Words(text(bold("Burning  "), f"{words}: {' · '.join([*named, *rest])}"))


def _table(pools: Sequence[PoolLine], statement: Statement) -> Table | None:
    """The dearest pools and the rest of them, so that what is shown adds up."""
    if not pools:
        return None
    named, none = [each for each in pools if each.pool], [each for each in pools if not each.pool]
    cut = _TOP if len(named) > _TOP + 1 else len(named)
    shown = [(each.pool, each) for each in named[:cut]]
    if rest := named[cut:]:
        billed = [each.billed for each in rest if each.billed is not None]
        others = PoolLine("", total(each.own for each in rest), sum(billed) if billed else None)
        shown.append((plural(len(rest), "other pool"), others))
    shown += [("of no pool", each) for each in none]
    own = statement.ledger.currency
    cells = zip(
        [name for name, _ in shown],
        column([each.billed for _, each in shown], statement.currency if statement.main else ""),
        column([cost_of(each.own) for _, each in shown], own),
        column([idle_of(each.own) for _, each in shown], own),
        strict=True,
    )
    made = table(_COLUMNS, cells)
    return Table(made.columns, (*made.rows, *apart(statement, _COLUMNS)))


def _more(ctx: Context, source: Account, window: str, pools: Sequence[PoolLine]) -> Actions | None:
    dearest = next((each.pool for each in pools if each.pool), None)
    return actions(
        Button(f"Pool {dearest}", line(ctx, source, "cost pool", dearest, window=window)) if dearest else None,
        Button("Pools by price", line(ctx, source, "pool list", sort="price")),
        Button("By size", line(ctx, source, "cost", window=window, by="size")),
        Button("By tag", line(ctx, source, "cost", window=window, by="tag")),
        Button("Export", line(ctx, source, "cost export", window=window)),
        Button("Usage", line(ctx, source, "usage")),
        shown=5,
    )
