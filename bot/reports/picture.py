"""The picture of a report: a bar for each day, by what its cores did, or what was billed of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.domain.money.report import Report
from bot.domain.money.shares import rounded_parts
from bot.domain.money.spend import Spend
from bot.reports.words import cents, span_of
from cards.card import Picture
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from cards.formatting import core_hours, decimals, money, percent
from storage.port.core_use import CoreUse

_WHOLE_FROM = 100
"""Amounts are shown without decimals from here on."""


def picture(report: Report) -> Picture | None:
    """Money by day where it is known, else core-hours; None for a single day, which is no picture."""
    if len(report.days) < 2:
        return None
    chart = _billed(report) if report.billed else _used(report, in_money=bool(report.currency) and report.whole)
    key = f"report-{report.kind}-{report.account}-{report.first}"
    return Picture(key, alt(chart), chart, f"Cost of {report.account}")


def busy(report: Report) -> str:
    """``58 %``: the share of the core-hours that tasks took."""
    return percent(report.used.core_hours.busy, report.used.core_hours.total)


def amount_of(value: float, report: Report) -> str:
    """Money of a report."""
    return money(cents(value), report.currency)


def unbilled_words(report: Report) -> str:
    """``about $89.79 not billed yet``."""
    return f"about {amount_of(report.unbilled, report)} not billed yet"


def _used(report: Report, *, in_money: bool) -> BarChart:
    def both(spend: Spend) -> tuple[CoreUse, CoreUse]:
        return (spend.money, spend.spot_money) if in_money else (spend.hours, spend.spot_hours)

    spot = any(spend and both(spend)[1].busy for _, spend in report.days)
    series = [BarSeries("busy", "busy"), BarSeries("idle", "idle")]
    if spot:
        series.insert(1, BarSeries("busy, spot", "spot"))
    bars = []
    for day, spend in report.days:
        values: tuple[float | None, ...] = (None,) * len(series)
        if spend is not None:
            kept, lent = both(spend)
            idle = kept.idle + lent.idle
            values = (kept.busy, lent.busy, idle) if spot else (kept.busy + lent.busy, idle)
        bars.append(Bar(_label(day, report), values))
    before = report.before if in_money and report.kind == "weekly" else None
    idle_words = amount_of(report.now.cost.idle, report) if in_money else _hours(report.used.core_hours.idle)
    return BarChart(
        headline=f"{busy(report)} busy, {idle_words} idle",
        subtitle=_subtitle(report),
        series=tuple(series),
        bars=tuple(bars),
        unit=report.currency if in_money else "h",
        level=before.cost.total / len(report.days) if before else None,
        level_label="a day the week before" if before else "",
    )


def _billed(report: Report) -> BarChart:
    """What was billed each day, of which nobody knows what the nodes did; and on it what is not billed yet."""
    series = [BarSeries("billed", "billed")]
    if report.by_own:
        series.append(BarSeries("not billed yet", "spot", apart=True))
    bars = []
    for (day, _), value in zip(report.days, _adding_up([spend for _, spend in report.days], report), strict=True):
        waits = min(round(report.by_own.get(day, 0.0), decimals(report.currency)), value or 0.0)
        values = (None, None) if value is None else (value - waits, waits)
        bars.append(Bar(_label(day, report), values[: len(series)], day in report.filling))
    waiting = f" + {unbilled_words(report)}" if report.by_own else ""
    return BarChart(
        headline=f"{amount_of(report.amount - report.unbilled, report)} billed{waiting}",
        subtitle=_subtitle(report),
        series=tuple(series),
        bars=tuple(bars),
        unit=report.currency,
    )


def _adding_up(days: Sequence[Spend | None], report: Report) -> list[float | None]:
    """What each day came to, rounded so that labels add up to what the headline says; None stays None."""
    digits = 0 if abs(report.amount) >= _WHOLE_FROM else decimals(report.currency)
    rounded = iter(rounded_parts([spend.cost.total for spend in days if spend], digits))
    return [float(next(rounded)) if spend else None for spend in days]


def _subtitle(report: Report) -> str:
    return f"{report.account} · {span_of(report.first, report.last)} · UTC days"


def _hours(hours: float) -> str:
    return core_hours(hours)


def _label(day: date, report: Report) -> str:
    return f"{day:%a} {day.day}" if len(report.days) <= 14 else str(day.day)
