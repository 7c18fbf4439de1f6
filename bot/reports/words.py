"""Months, budgets, days and amounts in words, the same in reports and in commands."""

from __future__ import annotations

import math
from datetime import date, timedelta

from bot.domain.money.budgets import BudgetState
from bot.domain.money.forecast import Forecast
from bot.domain.money.movers import AMOUNT, Cause
from cards.formatting import day_words, money, percent, plural, short_day

_WORTH = 0.005
"""A part of so little is not told."""


def month_words(month: Forecast, currency: str) -> str:
    """``about $7,900 ($7,400 – $8,600); $3,931 so far``, or in words why there is no such number."""
    so_far = money(cents(month.so_far), currency) if month.so_far is not None else ""
    if month.amount is None:
        began = f"so far {so_far}" if so_far else "nothing seen yet"
        rate = f", at the current rate {money(cents(month.rate), currency)} a day" if month.rate is not None else ""
        return f"{end_words(month, currency)}: {began}{rate}"
    began = f"; {so_far} so far" if so_far else "; nothing seen yet"
    unbilled = month.unbilled if month.so_far is not None and month.unbilled >= _WORTH * month.so_far else 0.0
    if unbilled:  # today is in none of it
        began = f"; {so_far} up to {short_day(month.today - timedelta(days=1))}"
        began += f" ({money(cents(unbilled), currency)} of it not billed yet)"
    still = "fills" if month.filling == 1 else "fill"
    missing = f", {plural(month.filling, 'day')} still {still}" if month.filling else ""
    missing += f", {plural(month.missing, 'day')} unknown" if month.missing else ""
    return f"{end_words(month, currency)}{began}{missing}"


def end_words(month: Forecast, currency: str) -> str:
    """``about $7,900 ($7,400 – $8,600)``, ``too few days to forecast``."""
    if month.amount is None:
        return "too irregular to forecast" if month.state == "irregular" else "too few days to forecast"
    band = ""
    if month.low is not None and month.high is not None and month.high > month.low:
        band = f" ({about(month.low, currency)} – {about(month.high, currency)})"
    return f"about {about(month.amount, currency)}{band}"


def about(amount: float, currency: str) -> str:
    """Two figures, as a forecast has no more: ``$7,900``."""
    digits = 1 - math.floor(math.log10(abs(amount))) if abs(amount) >= 0.01 else 2
    return money(round(amount, min(digits, 2)), currency)


def budget_words(state: BudgetState) -> str:
    """``62 % of $8,000 used, over on 23 Nov by the forecast``."""
    used = f"{percent(state.spent, state.budget.amount)} of {money(state.budget.amount, state.currency)} used"
    match state.level:
        case "over":
            return f"{used}, over since {day_words(state.reached)}"
        case "will be over" if state.over_on:
            return f"{used}, over on {day_words(state.over_on)} by the forecast"
    return f"{used}, will do" if state.month.amount is not None else used


def cause_words(cause: Cause) -> str:
    """Why a pool cost something else, after the pool's name: ``job fit cost $41, $12 the week before``."""
    found = cause.words
    for amount in cause.amounts:
        found = found.replace(AMOUNT, money(amount, cause.currency), 1)
    return found


def cents(value: float | None) -> float:
    """Cents, so that nothing is shown with digits that mean nothing."""
    return round(value or 0.0, 2)


def span_of(first: date, last: date) -> str:
    """``16 – 22 Nov``, ``28 Sep – 4 Oct``, ``22 Nov``."""
    if first == last:
        return short_day(last)
    begin = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else short_day(first)
    return f"{begin} – {short_day(last)}"
