"""What is reported of money: budgets, and days that cost unusually much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from bot.alerting.rules import rule
from bot.alerting.rules.common import button, pool_entity
from bot.domain.entity import fold
from bot.domain.findings import Entity, Finding, Severity
from bot.domain.money.anomalies import anomaly_id
from bot.domain.money.budgets import BudgetState, Level
from bot.monitor.scene import Scene
from bot.reports.words import cause_words, cents, end_words
from cards.formatting import day_words, money, percent

_SEVERITIES: dict[Level, Severity] = {
    "near": Severity.INFO,
    "will be over": Severity.WARNING,
    "over": Severity.CRITICAL,
}


@rule("account.budget", severity=Severity.WARNING, reads=("money",))
def budget(scene: Scene) -> Iterator[Finding]:
    """A budget's month is used to 80 per cent, will be over by the forecast, or is over.

    One for each budget, edited as its level changes. What a level is: :func:`bot.domain.money.budgets.state_of`.
    """
    for state in scene.money.budgets:
        if not state.level:
            continue
        used, limit = percent(state.spent, state.budget.amount), money(state.budget.amount, state.currency)
        yield Finding(
            entity=Entity("account", scene.account, f"budget {state.budget.name}"),
            headline=f"budget {state.budget.name} {_verdict(state)}: {used} of {limit}",
            since=_begin(state.reached),
            severity=_SEVERITIES[state.level],
            figures=tuple(_figures(state)),
            cause="some of its core-hours have no known price and are not in it" if state.unpriced else "",
            actions=(
                button("Report", "cost preview weekly"),
                button("Budgets", "cost budgets"),
                button("Pools", "pool list"),
            ),
        )


@rule("pool.unusual_cost", severity=Severity.WARNING, reads=("money",))
def unusual(scene: Scene) -> Iterator[Finding]:
    """A day of a pool cost far more than such days do, and what drove it is known.

    Told once, on the day after or as soon as its bill is final; it is over when somebody answers, and after a week.
    Which days are unusual, and of which pools that can be said at all: :mod:`bot.domain.money.anomalies`.
    """
    newest = {fold(view.anomaly.pool): view for view in sorted(scene.money.unusual, key=lambda view: view.found)}
    for view in newest.values():
        found, currency = view.anomaly, scene.money.currency
        day = found.unusual
        paid, usual = (money(round(each, 2), currency) for each in (day.amount, day.usual))
        yield Finding(
            entity=pool_entity(found.pool),
            headline=f"pool {found.pool} cost {paid} on {day_words(day.day)}, usually {usual}",
            since=_begin(day.day),
            figures=(("More than usual", money(round(day.excess, 2), currency)),),
            cause=cause_words(found.cause),
            actions=(
                button("It was planned", "cost unusual", anomaly_id(found), "planned"),
                button("Ignore", "cost unusual", anomaly_id(found), "ignore"),
                button("Open", "pool show", found.pool),
            ),
        )


def _verdict(state: BudgetState) -> str:
    match state.level:
        case "over":
            return f"is over since {day_words(state.reached)}"
        case "will be over" if state.over_on:
            return f"will be over on {day_words(state.over_on)}"
    return "is nearly used"


def _figures(state: BudgetState) -> Iterator[tuple[str, str]]:
    """Month to date, rate and month end; whole days only change them, so the message is not edited all the time."""
    month = state.month
    yield "For", f"{state.budget.what}, a month"
    if month.rate is not None:
        yield "At present", f"{money(cents(month.rate), state.currency)} a day"
    if month.state != "too few days":
        yield "Month end", end_words(month, state.currency)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
