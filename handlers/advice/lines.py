"""A recommendation in words: what is so, what it costs, whose it is, what people said, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.advising.look import Known
from bot.advising.trail import Owner
from bot.domain.recommendations.decisions import is_set_aside
from bot.domain.recommendations.model import Recommendation
from bot.requests.context import Context
from cards.build import bold, code, text
from cards.card import Mark, Text, Time
from cards.formatting import money, plural
from cards.text_fit import elide
from storage.port.recommendations import RecommendationRow

_LONG = timedelta(days=1)
"""From then on it is said for how long something was advised."""


def open_line(ctx: Context, each: Known, owners: Sequence[Owner], at: datetime) -> Text:
    """``▲ $123.40 in the last 7 days: what is so, since …; what it leads to · made by somebody · 1a2b3c4d``."""
    what, row = each.what, each.row
    parts: list[object] = [f"{symbol} "] if (symbol := symbol_of(what)) else []
    if what.week:
        amount = money(what.week, what.currency)
        parts += [bold(amount), " in the last 7 days: " if what.measured else " a week as it stands: "]
    parts.append(what.words)
    if what.since:
        parts += [", since ", Time(what.since)]
    if what.harm:
        parts.append(f"; {what.harm}")
    parts += [f" · {words}" for words in dict.fromkeys(_whose(ctx, each) for each in owners)]
    if at - row.first >= _LONG:
        parts.append(f" · advised for {plural((at - row.first).days, 'day')}")
    if at - row.last >= _LONG:
        parts += [" · not looked at since ", Time(row.last)]
    if row.state == "accepted" or is_set_aside(row, at):
        parts += [" · ", *_answered(row)]
    parts += [" · ", code(row.id)]
    return text(*parts)  # type: ignore[arg-type]


def symbol_of(what: Recommendation) -> str:
    """How bad it is; empty for what is only untidy."""
    return (Mark.FAILED if what.risk == 5 else Mark.WARNING if what.week or what.risk >= 3 else Mark.NEUTRAL).symbol


def name_of(ctx: Context, person: str) -> str:
    """A person by name. Nobody is notified by a list that somebody reads."""
    me = ctx.request.person
    return (me.name if person == me.key and me.name else ctx.services.policy.people.name(person)) or "the bot"


def _whose(ctx: Context, owner: Owner) -> str:
    if not owner.job:
        return f"{owner.how} by {name_of(ctx, owner.person)}"
    of = f", of {name_of(ctx, owner.person)}" if owner.person else ""
    return f"{owner.how} by {owner.job}{of}"


def _answered(row: RecommendationRow) -> list[object]:
    words = {"accepted": "accepted", "snoozed": "snoozed", "dismissed": "not for us", "open": "open"}[row.state]
    until = [" until ", Time(row.until, "clock")] if row.until and row.state == "snoozed" else []
    return [words, *until, f" by {row.by}", f": {row.because}" if row.because else ""]


def past_line(ctx: Context, each: Known) -> Text:
    """What was advised, how it came to its end, and what that saves."""
    what, row = each.what, each.row
    if not row.over:
        measuring = "not so any more; what that saves is known once most of 7 days have passed since"
        return text(f"{Mark.CHANGING.symbol} {what.words} · last so ", Time(row.last), f", {measuring}")
    parts: list[object] = [f"{Mark.DONE.symbol} {what.words} · over "]
    if row.deed:
        parts += ["after ", code(elide(row.deed, 80)), f" by {name_of(ctx, row.done_by)}"]
    else:
        parts.append("by itself, or from outside this bot")
    parts += [", since ", Time(row.over), f" ({_after(row.over - row.first)})"]
    if row.saved and row.loss:
        parts += [
            " · it cost ", money(row.loss, what.currency), " a week, ", bold(f"{money(row.saved, what.currency)} less"),
            " since",
        ]  # fmt: skip
    elif row.loss:
        parts.append(f" · it cost {money(row.loss, what.currency)} a week")
    if row.state == "accepted":
        parts.append(f" · accepted by {row.by}")
    return text(*parts)  # type: ignore[arg-type]


def _after(span: timedelta) -> str:
    return f"{plural(span.days, 'day')} after it was advised" if span >= _LONG else "the day it was advised"
