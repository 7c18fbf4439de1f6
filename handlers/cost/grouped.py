"""What an account cost, listed by pool, day, VM size or the keys of tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from bot.azure.account import Account
from bot.domain.money.ledger import totals
from bot.domain.money.shares import digits_of, parts, share_of
from bot.domain.money.spend import Spend, total
from bot.domain.money.statement import Statement
from bot.requests.context import Context
from cards.build import actions, blocks, bold, table, text
from cards.card import Button, Card, Column, Mark, Row, Table, Words
from cards.formatting import day_words, money, number, plural
from handlers.cost.parts import apart, column, cost_of, headline, idle_of, notes, own_cost, window_buttons
from handlers.shared.common import line, titled

_MOST = 31
By = Literal["pool", "day", "size", "tag"]
_NAMES: dict[By, str] = {"pool": "Pool", "day": "Day", "size": "VM size", "tag": "Tag"}


def card(ctx: Context, source: Account, statement: Statement, window: str, by: By) -> Card:
    """The whole list, with its sum at the foot."""
    if by == "tag":
        return _tags(ctx, source, statement, window)
    lines = _lines(statement, by)
    return Card(
        title=titled(
            _headline(statement, by), source.name, statement.days.words if by == "size" else statement.words, f"by {by}"
        ),
        mark=Mark.RUNNING if lines else Mark.IDLE,
        as_of=statement.now,
        blocks=blocks(
            spend_table(_NAMES[by], lines, statement) if lines else Words(text("Nothing was used or billed.")),
            window_buttons(ctx, source, window, "cost", by=by),
            actions(
                Button("Summary", line(ctx, source, "cost", window=window)),
                *(
                    Button(f"By {each}", line(ctx, source, "cost", window=window, by=each))
                    for each in ("pool", "day", "size", "tag")
                    if each != by
                ),
                Button("Export", line(ctx, source, "cost export", window=window)),
            ),
            notes(ctx, statement),
        ),
    )


def _headline(statement: Statement, by: By) -> str:
    """The bill tells no VM sizes: there it is own usage."""
    own = statement.ledger.of_pools
    return f"{own_cost(own)} own usage" if by == "size" and cost_of(own) is not None else headline(statement)


def _lines(statement: Statement, by: By) -> list[tuple[str, Spend, float | None]]:
    """Names with own usage and what was billed."""
    if by == "pool":
        return [(each.pool or "of no pool", each.own, each.billed) for each in statement.pool_lines()]
    if by == "day":
        days = statement.day_lines()
        week = "week of " if statement.by_week else ""
        return [(f"{week}{day_words(each.day)}", each.own, each.billed) for each in reversed(days)]
    sizes = sorted(used(totals(statement.ledger.watched_rows, "size")), key=lambda each: -each[1].cost.total)
    return [(size or "unknown size", spend, None) for size, spend in sizes]


def spend_table(
    name: str, lines: Sequence[tuple[str, Spend, float | None]], statement: Statement, whole: Spend | None = None
) -> Table:
    """Names with what they were billed, own usage, and what was idle of it; the sum stands below."""
    billed = any(each[2] is not None for each in lines)
    if rest := lines[_MOST - 1 :] if len(lines) > _MOST else ():
        known = [each[2] for each in rest if each[2] is not None]
        others = (plural(len(rest), "other"), total(each[1] for each in rest), sum(known) if known else None)
        lines = [*lines[: _MOST - 1], others]
    columns = [Column(name, width=3)]
    if billed:
        columns.append(Column("Cost", "right", width=2))
    columns += [
        Column("Own usage", "right", width=2),
        Column("Idle", "right", rank=1, width=2),
        Column("Core-hours", "right", rank=2, width=2),
        Column("Busy", "right", rank=3),
    ]
    own, bill = statement.ledger.currency, statement.currency if statement.main else ""
    money_columns = [([each[2] for each in lines], bill)] if billed else []
    money_columns += [([cost_of(each[1]) for each in lines], own), ([idle_of(each[1]) for each in lines], own)]
    cells = [column(values, currency) for values, currency in money_columns]
    rows = [[shown[0], *(each[place] for each in cells), *_hours(shown[1])] for place, shown in enumerate(lines)]
    whole = whole or statement.ledger.of_pools
    foot = [text(bold("all")), *(text(bold(_sum(values, currency))) for values, currency in money_columns)]
    foot += [text(bold(cell)) for cell in _hours(whole)]
    made = table(columns, rows)
    return Table(made.columns, (*made.rows, Row(tuple(foot)), *(apart(statement, columns) if billed else ())))


def used(spends: Mapping[str, Spend]) -> list[tuple[str, Spend]]:
    """Those of which anything was used: names alone would be rows of dashes."""
    return [(name, spend) for name, spend in spends.items() if spend.core_hours.total or spend.cost.total]


def _sum(values: Sequence[float | None], currency: str) -> str:
    known = [value for value in values if value is not None]
    return parts(known, currency)[1] if known and currency else "–"


def _hours(spend: Spend) -> tuple[str, str]:
    use = spend.core_hours
    return number(round(use.total)) if use.total else "–", share_of(use.busy, use.total)


def _tags(ctx: Context, source: Account, statement: Statement, window: str) -> Card:
    """The keys of tags that pools have, each with the money of the pools that have it."""
    found: dict[str, float] = {}
    for row in statement.ledger.watched_rows:
        for key in row.tags:
            found[key] = found.get(key, 0.0) + row.spend.cost.total
    keys = sorted(found, key=lambda key: (-found[key], key))
    currency = statement.ledger.currency
    digits = digits_of(max(found.values(), default=0.0), currency)
    told = [[key, money(found[key], currency, digits) if currency else "–"] for key in keys[:_MOST]]
    own = cost_of(statement.ledger.of_pools)
    whole = [bold("all pools"), bold("–" if own is None else money(own, currency, digits))]
    return Card(
        title=titled(plural(len(keys), "tag") if keys else "No pool has tags", source.name, statement.days.words),
        mark=Mark.RUNNING if keys else Mark.IDLE,
        as_of=statement.now,
        blocks=blocks(
            table((Column("Tag", width=3), Column("Own usage of pools that have it", "right", width=3)), [*told, whole])
            if keys
            else Words(text("Tags are the metadata of pools: “owner”, “team” or “cost centre” make good keys.")),
            actions(*(Button(key, line(ctx, source, "cost tag", key, window=window)) for key in keys[:4])),
            actions(Button("Summary", line(ctx, source, "cost", window=window))),
        ),
    )
