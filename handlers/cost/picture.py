"""Costs by day, drawn: the bill as busy, idle and unwatched machines and the rest, and what is not billed yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.azure.account import Account
from bot.domain.money.statement import DayLine, Statement
from cards.card import Picture
from cards.charts.alt import alt
from cards.charts.bars import Bar, BarChart, BarSeries
from handlers.cost.parts import headline, unbilled_words

_SERIES = (
    BarSeries("busy", "busy"),
    BarSeries("idle", "idle"),
    BarSeries("not watched", "billed"),
    BarSeries("disks, network, other", "other"),
    BarSeries("not billed yet", "spot", apart=True),
)
_DUST = 0.005


def picture(source: Account, statement: Statement, where: str, lines: Sequence[DayLine]) -> Picture | None:
    """The bill by day as busy and idle machines and the rest; own usage where there is none. None: nothing to draw."""
    ledger = statement.ledger
    priced = ledger.of_pools.cost.total > 0
    billed = any(each.billed is not None for each in lines)
    if not priced and not billed:
        return None
    unit = statement.currency if billed else ledger.currency
    estimated = priced and unit == ledger.currency
    values = [_values(each, billed=billed, estimated=estimated) for each in lines]
    there = [any(abs(row[place] or 0.0) > _DUST for row in values) for place in range(len(_SERIES))]
    if not any(there):
        return None
    bars = tuple(
        Bar(_label(each, statement), tuple(value for value, keep in zip(row, there, strict=True) if keep), each.partial)
        for each, row in zip(lines, values, strict=True)
    )
    what = "bill" if billed else "own usage"
    chart = BarChart(
        headline=f"{headline(statement)} {statement.words}{_waiting(statement)}",
        subtitle=f"{source.name} · {where} · {what} by {'week' if statement.by_week else 'day'}, UTC",
        series=tuple(each for each, keep in zip(_SERIES, there, strict=True) if keep),
        bars=bars,
        unit=unit,
        note=_picture_note(lines),
    )
    return Picture(key=f"cost-{source.name}", alt=alt(chart), chart=chart, title=f"Costs of {source.name}")


def _waiting(statement: Statement) -> str:
    """`` + about $35 not billed yet``."""
    words = unbilled_words(statement)
    return f" + {words} not billed yet" if words else ""


def _values(each: DayLine, *, billed: bool, estimated: bool) -> tuple[float | None, ...]:
    """Busy, idle, not watched, other; and what is not billed yet, which is in no sum of the bill."""
    if billed:
        return (*(each.split() or (None,) * 4), _waits(each, estimated=estimated))
    cost = each.own.cost
    return (cost.busy, cost.idle, None, None, None) if each.own.core_hours.total else (None,) * len(_SERIES)


def _waits(each: DayLine, *, estimated: bool) -> float | None:
    """What is not billed yet: nothing of a day that is on the bill, None where nobody knows how much it is."""
    if not each.unbilled.core_hours.total:
        return None if each.billed is None else 0.0
    return (each.unbilled.cost.total or None) if estimated else None


def _picture_note(lines: Iterable[DayLine]) -> str:
    return "pale: may still change" if any(each.partial for each in lines) else ""


def _label(each: DayLine, statement: Statement) -> str:
    return (
        f"{each.day.day} {each.day:%b}"
        if statement.by_week or statement.days.count < 10 or each.day.day == 1
        else str(each.day.day)
    )
