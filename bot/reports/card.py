"""How a report looks: verdict, picture, what moved and why, the month, what to do, what became of it, fine print.

In the order in which people ask: what was spent, did it change, what drove it, is the month on track, what now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.domain.entity import fold
from bot.domain.money.advice import Advice, Ended, Further
from bot.domain.money.anomalies import Anomaly, anomaly_id
from bot.domain.money.budgets import BudgetState
from bot.domain.money.movers import Mover
from bot.domain.money.report import Became, Report
from bot.domain.money.shares import parts
from bot.reports.compose import compared_period, period_before
from bot.reports.picture import amount_of, busy, picture, unbilled_words
from bot.reports.small_print import small_print
from bot.reports.words import budget_words, cause_words, month_words, span_of
from cards.build import actions, blocks, bold, code, facts, muted, text
from cards.card import (
    Action,
    Actions,
    Block,
    Bullets,
    Button,
    Card,
    Footer,
    Heading,
    Mark,
    Menu,
    Option,
    Text,
    Time,
    Words,
)
from cards.command_line import command, join
from cards.formatting import change, compared, core_hours, day_words, number, percent, plural
from cards.text_fit import elide

_COUNTS = 0.005
"""Core-hours that can be told."""
TOP = 3
"""Pools that are named; the rest is one sum."""
_ROSE = 0.25
"""A rise by so much is marked as a warning."""
_WORTH = 0.05
"""A sum of fewer of the core-hours than that says nothing of what a period cost."""
_BUTTONS = 3
_SHORT = 16
"""A pool's name of more letters stands in no button."""
_SYMBOLS = {"done": Mark.DONE.symbol, "gone": Mark.DONE.symbol, "not done": Mark.WARNING.symbol, "unknown": "?"}


class ReportWriter:
    """Writes reports in the time zone ``zone``. With ``several`` accounts every command names its own."""

    def __init__(self, zone: str, *, several: bool) -> None:
        self._zone = zone
        self._several = several

    def card(self, report: Report, now: datetime, said: str = "") -> Card:
        """The whole of it; ``now`` is the moment that ages are counted from, ``said`` goes into the small print."""
        quiet = not report.now.core_hours.total and not report.amount
        return Card(
            title=_title(report),
            mark=_mark(report),
            as_of=now,
            zone=self._zone,
            blocks=blocks(
                None if quiet else picture(report),
                Words(_line(report)) if not quiet else None,
                _pools(report),
                *_section("What moved", [_moved(each, report) for each in report.movers]),
                *_month(report),
                *_section("To do", [_todo(each, report, now) for each in report.todo]),
                *_section(f"What became of the advice of {period_before(report.kind)}", list(_became(report))),
                *_section("Unusual", [_unusual(each, report) for each in report.unusual]),
                self._actions(report),
                small_print(report, now, self._zone, said),
            ),
        )

    def _command(self, report: Report, path: str, *names: str, **options: object) -> str:
        return self._of_account(report, command(path, *names, **options))

    def _of_account(self, report: Report, line: str) -> str:
        return f"{line} {join([f'account:{report.account}'])}" if self._several else line

    def _actions(self, report: Report) -> Actions | None:
        doing: list[Action] = [
            Button(
                _label(each),
                self._of_account(report, each.command),
                how="form" if _opens_form(each) else "post",
                style="primary" if n == 0 else "default",
            )
            for n, each in enumerate(report.todo[:_BUTTONS])
        ]
        return actions(
            *doing,
            *self._answers(report),
            Button("All advice", self._command(report, "advice")) if report.todo or report.ended else None,
            Button("Usage", self._command(report, "usage 7d" if report.kind != "monthly" else "usage 30d")),
            Button("Subscriptions", "cost subscriptions"),
        )

    def _answers(self, report: Report) -> Iterator[Action]:
        """What can be said of unusual days: buttons where there is one, menus where there are several."""
        days = {anomaly_id(each): f"{each.pool}, {day_words(each.unusual.day)}" for each in report.unusual}
        for label, answer in (("It was planned", "planned"), ("Ignore", "ignore")):
            if len(days) == 1:
                (name,) = days
                yield Button(
                    label,
                    self._command(report, "cost unusual", name, answer),
                    how="edit" if answer == "planned" else "form",
                )
            elif days:
                options = tuple(Option(words, name) for name, words in days.items())
                yield Menu(label, self._command(report, f"cost unusual {{}} {answer}"), options)


def _title(report: Report) -> Text:
    when = {"daily": day_words(report.first), "weekly": "last week", "monthly": f"in {report.first:%B}"}[report.kind]
    if not report.now.core_hours.total and not report.amount:
        seen = report.as_of is not None and report.seen > 0
        words = f"No nodes in {report.account} {when}" if seen else f"Nothing was seen of {report.account} {when}"
        return text(bold(words), f" · {span_of(report.first, report.last)}")
    if (report.now.priced or 0.0) < _WORTH and not report.billed:
        words = f"{core_hours(report.now.core_hours.total)} in {report.account} {when}, price unknown"
        return text(bold(words), f" · {span_of(report.first, report.last)}")
    if not report.whole:
        unknown = percent(1 - (report.now.priced or 0.0), 1)
        words = f"At least {amount_of(report.amount, report)} on {report.account} {when}"
        return text(bold(f"{words}, {unknown} of its core-hours have no known price"), _span(report))
    return text(
        bold(f"{amount_of(report.amount, report)} {_spent(report)} {report.account} {when}, {_changed(report)}"),
        f" · {span_of(report.first, report.last)}" if report.kind != "daily" else None,
        *(f" · {words}" for words in _verdicts(report)),
    )


def _span(report: Report) -> str:
    return f" · {span_of(report.first, report.last)}"


def _spent(report: Report) -> str:
    return "billed for" if report.billed and not report.by_own else "on"


def _verdicts(report: Report) -> Iterator[str]:
    """The worst of the budgets, which belongs into the first line."""
    for level in ("over", "will be over"):
        if found := [each for each in report.budgets if each.level == level]:
            yield f"{'over' if level == 'over' else 'heading over'} {_its(found)}"
            return


def _its(found: Sequence[BudgetState]) -> str:
    return f"budget {found[0].budget.name}" if len(found) == 1 else plural(len(found), "budget")


def _mark(report: Report) -> Mark:
    levels = {each.level for each in report.budgets}
    if "over" in levels:
        return Mark.FAILED
    risen = (report.change or 0.0) >= _ROSE and not report.filling
    if "will be over" in levels or report.unusual or risen:
        return Mark.WARNING
    if report.filling:
        return Mark.CHANGING
    if not report.whole:
        return Mark.WARNING
    return Mark.DONE if report.now.core_hours.total or report.amount else Mark.IDLE


def _changed(report: Report) -> str:
    period = compared_period(report.kind)
    if report.filling:
        count = len(report.filling)
        return "not final: the day still fills" if report.kind == "daily" else f"not final: {_still(count)}"
    if report.before is None:
        return f"nothing to compare with {period}"
    if report.compared_days:
        period = f"the same {_days(len(report.compared_days))} of {period}"
        return f"{_held(report, period)} on the days that are known of both"
    return _held(report, period)


def _held(report: Report, period: str) -> str:
    """``3 % less than the week before``: what is compared, in words."""
    if report.before is None or not report.before.cost.total:
        return f"nothing {period}"
    return compared((report.compared or report.now).cost.total, report.before.cost.total, period)


def _final_days(report: Report) -> str:
    """``Mon – Thu $800, 3 % less than the same 4 days of the week before``: what of a week can be compared already."""
    if report.before is None or report.compared is None or not report.compared_days:
        return ""
    first, last = report.compared_days[0], report.compared_days[-1]
    days = len(report.compared_days)
    together = (last - first).days + 1 == days
    named = (
        day_words(first) if days == 1 else f"{first:%a} – {last:%a}" if together and days < 7 else f"{days} final days"
    )
    period = f"the same {_days(days)} of {compared_period(report.kind)}"
    return f"{named} {amount_of(report.compared.cost.total, report)}, {_held(report, period)}"


def _days(count: int) -> str:
    return "day" if count == 1 else f"{number(count)} days"


def _still(count: int) -> str:
    return f"{plural(count, 'day')} still {'fills' if count == 1 else 'fill'}"


def _line(report: Report) -> Text:
    """``Busy 58 % of 21,840 core-hours · idle $731 · spot saved $1,120 · bill explained 97 %``."""
    now, used = report.now, report.used
    pieces = []
    if report.filling and (final := _final_days(report)):
        pieces.append(final)
    if report.by_own:
        pieces.append(f"{unbilled_words(report)}, by the bot's own count")
    if used.core_hours.total >= _COUNTS:  # of less than can be told there is no share
        most = "at most " if report.at_most else ""
        pieces.append(f"{most}{busy(report)} busy of {core_hours(used.core_hours.total)}")
    if report.currency and now.priced and report.whole and not report.billed:
        pieces.append(f"idle {amount_of(now.cost.idle, report)}")
    if now.spot_saved and report.whole:
        pieces.append(f"spot saved {amount_of(now.spot_saved, report)}")
    if report.explained is not None:
        pieces.append(f"bill explained {percent(report.explained, 1)}")
    return text(" · ".join(pieces))


def _pools(report: Report) -> Words | None:
    """``Top pools  gpu-a $912 (+40 %) · cpu-b $488 · 5 more $228``: what is shown sums to what was spent."""
    if len(report.pools) < 2 or not report.currency or not report.whole:
        return None
    top, rest = report.pools[:TOP], report.pools[TOP:]
    values = [each.money for each in top] + ([sum(each.money for each in rest)] if rest else [])
    shown, _ = parts(values, report.currency)
    pieces = [
        f"{each.pool or 'no pool'} {amount}{_against(each.money, report.pools_before.get(fold(each.pool)))}"
        for each, amount in zip(top, shown, strict=False)
    ]
    if rest:
        pieces.append(f"{number(len(rest))} more {shown[-1]}")
    return Words(text(bold("Top pools  "), " · ".join(pieces)))


def _against(now: float, before: float | None) -> str:
    """`` (+40 %)``, nothing where it is the same or there was nothing."""
    words = change(now, before) if before else ""
    return "" if not words or words.endswith("the same") else f" ({words})"


def _moved(mover: Mover, report: Report) -> Text:
    sign = "+" if mover.change > 0 else "−"
    size = _against(mover.now, mover.before)
    why = cause_words(mover.cause) if mover.cause else "cause not known"
    return text(bold(mover.pool), f" {sign}{amount_of(abs(mover.change), report)}{size}: {why}")


def _month(report: Report) -> list[Block]:
    month = report.month
    if month is None or not report.currency or (month.amount is None and month.rate is None):
        return []
    rows = [("Month end", text(month_words(month, report.currency)))]
    rows += [(f"Budget {each.budget.name}", text(budget_words(each))) for each in report.budgets]
    shown = facts(*rows)
    basis = Footer(text(muted(f"Forecast {month.basis}."))) if month.basis else None
    return [each for each in (Heading(f"{month.today:%B}"), shown, basis) if each is not None]


def _label(each: Advice | Further) -> str:
    short = isinstance(each, Advice) and len(each.pool) <= _SHORT
    return f"{each.button} · {each.pool}" if short and isinstance(each, Advice) else each.button


def _opens_form(each: Advice | Further) -> bool:
    return each.kind == "formula" if isinstance(each, Advice) else each.form


def _todo(each: Advice | Further, report: Report, now: datetime) -> Text:
    if isinstance(each, Advice):
        since = text(" since ", Time(each.since, "clock")) if each.since else ()
        when = {"daily": "that day", "weekly": "last week"}.get(report.kind, f"in {report.first:%B}")
        return text(f"{Mark.WARNING.symbol} {each.words}", since, f" · {amount_of(each.loss, report)} {when}")
    since = text(", since ", Time(each.since, "clock")) if each.since else ()
    cost = f" · {amount_of(each.week, report)} a week" if each.week else ""
    days = (now - each.advised).days if each.advised else 0
    still = f" · advised for {plural(days, 'day')}" if days else ""
    symbol = (Mark.FAILED if each.urgent else Mark.WARNING).symbol
    return text(f"{symbol} {each.words}", since, f"; {each.harm}" if each.harm else "", cost, still)


def _became(report: Report) -> Iterator[Text]:
    for each in report.became:
        yield text(f"{_SYMBOLS[each.outcome.became]} {each.advice.words}: {_result(each, report)}")
    for one in report.ended:
        yield text(f"{Mark.DONE.symbol} {one.words}: ", _how_it_ended(one, report))
    if report.saved > 0:
        yield text(bold(f"{amount_of(report.saved, report)} saved, as measured."))


def _result(each: Became, report: Report) -> str:
    before, after = amount_of(each.outcome.before, report), each.outcome.after
    match each.outcome.became:
        case "done":
            return f"done, {before} became {amount_of(after or 0.0, report)}"
        case "gone":
            return f"pool {each.advice.pool} has no nodes any more, {before} saved"
        case "not done":
            return f"not done, it cost {amount_of(after or 0.0, report)} more since"
    return "what became of it cannot be measured"


def _how_it_ended(each: Ended, report: Report) -> Text:
    how = text("over by itself, or from outside this bot")
    if each.deed:
        how = text("over after ", code(elide(each.deed, 60)))
    if each.saved and each.loss:
        return text(how, f", {amount_of(each.saved, report)} of {amount_of(each.loss, report)} a week saved")
    return how


def _unusual(each: Anomaly, report: Report) -> Text:
    found = each.unusual
    usual = amount_of(found.usual, report)
    return text(
        bold(each.pool),
        f" on {day_words(found.day)}: {amount_of(found.amount, report)}, usually {usual}: {cause_words(each.cause)}",
    )


def _section(name: str, lines: Sequence[Text]) -> list[Block]:
    return [Heading(name), Bullets(tuple(lines))] if lines else []
