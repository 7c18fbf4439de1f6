"""How budgets stand this month."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.money.budgets import BudgetState
from bot.reports.words import budget_words, month_words
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, bold, muted, text
from cards.card import Bullets, Button, Card, Code, Mark, Progress, Text, Words
from handlers.report import parts
from handlers.shared.common import line, titled

_MARKS = {"over": Mark.FAILED, "will be over": Mark.WARNING, "near": Mark.WARNING, "": Mark.DONE}
_LISTED = timedelta(days=60)


@command("cost budgets", effect="read", examples=["cost budgets"])
async def budgets(ctx: Context, *, account: str | None = None) -> Card:
    """Show how the budgets of an account stand this month, and when they will be over.

    Budgets are written in the settings, one [[budgets]] each: for an account, for pools by a pattern, or for a tag.

    :param account: the account, by its name in the settings
    """
    source = ctx.account(account)
    reports = parts.service(ctx)
    composer, now = reports.composer, reports.now()
    past = await composer.past(source.name, now)
    states = composer.states(source.name, past)
    buttons = build.actions(
        Button("Report", line(ctx, source, "cost preview", "weekly")),
        Button("Pools", line(ctx, source, "pool list")),
    )
    if not states:
        example = f'[[budgets]]\naccount = "{source.name}"\namount = 8000'
        return Card(
            title=titled(f"No budget for {source.name}"),
            mark=Mark.NEUTRAL,
            as_of=now,
            blocks=blocks(
                Words(text("Whoever runs the bot sets budgets, in its settings file, with lines like these:")),
                Code(example),
                buttons,
            ),
        )
    worst = max(states, key=lambda each: (list(reversed(list(_MARKS))).index(each.level), each.share))
    return Card(
        title=titled(f"Budget {worst.budget.name}: {budget_words(worst)}", source.name),
        mark=_MARKS[worst.level],
        as_of=past.ledger.as_of or now,
        blocks=blocks(
            *(Progress(*_bar(each), mark=_MARKS[each.level]) for each in states),
            Bullets(tuple(_line(each) for each in states)),
            buttons,
            build.note(muted("By the bill where it was read, else by own usage at the account's prices, in UTC days.")),
        ),
    )


def _bar(state: BudgetState) -> tuple[str, float, float, str]:
    return state.budget.name, round(state.spent, 2), state.budget.amount, state.currency


def _line(state: BudgetState) -> Text:
    month = month_words(state.month, state.currency)
    return text(bold(state.budget.name), f" ({state.budget.what}): {budget_words(state)} · month end {month}")
