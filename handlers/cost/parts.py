"""What the cards of costs share: windows, the picture, and sentences about the bill and own usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args
from zoneinfo import ZoneInfo

from bot.azure.account import Account
from bot.domain.core_use import IDLE_WORDS, WHOLE
from bot.domain.money.meters import MeterKind
from bot.domain.money.reconcile import Reconciled
from bot.domain.money.shares import parts, share_of
from bot.domain.money.spans import WINDOWS, DayPreset, Days, Window, days_of
from bot.domain.money.spend import Spend
from bot.domain.money.statement import Statement
from bot.domain.timeline import PRESET_LABELS
from bot.requests.command import CommandError
from bot.requests.context import Context
from cards.build import actions, bold, note, table, text
from cards.card import Actions, Button, Column, Footer, Piece, Row, Text, Time, Words
from cards.formatting import core_hours, money, number, percent, plural, short_day
from handlers.shared.common import line
from storage.port.bill import BillReading

LABELS: dict[Window, str] = {
    "month": "This month",
    "last-month": "Last month",
    **{each: PRESET_LABELS[each] for each in get_args(DayPreset)},
}
_KINDS: dict[MeterKind, str] = {"addresses": "IP addresses", "other": "other meters"}
_ZONE_MATTERS = 3 * 3600
_CORRECTIONS = 3


def asked(ctx: Context, source: Account, window: str, *tokens: str) -> tuple[str, Days]:
    """The window that was typed, as a word or ``window:7d``, and its days. Raises CommandError with what there is."""
    typed = window.strip().lower().removeprefix("window:")
    try:
        return typed, days_of(typed, source.now())
    except ValueError as error:
        nearest = [line(ctx, source, *tokens, window=each) for each in WINDOWS]
        raise CommandError(str(error), nearest, at="window") from None


def window_buttons(ctx: Context, source: Account, window: str, *tokens: str, **options: object) -> Actions | None:
    """The windows as buttons that redraw the same message."""
    return actions(
        *(
            Button(LABELS[each], line(ctx, source, *tokens, window=each, **options), how="edit", current=each == window)
            for each in WINDOWS
        )
    )


def billed(statement: Statement) -> str:
    """``$1,842``, ``€900 and $10.00``: the amortized bill, currency by currency; empty where there is none."""
    return " and ".join(money(each.amortized, each.currency) for each in statement.reconciled)


def headline(statement: Statement) -> str:
    """``Cost $1,842``, ``$1,790 own usage``, ``Price unknown of 40 core-hours``, ``Nothing used``.

    The cost is the amortized bill: what the invoice says is told beside it where that differs.
    """
    if statement.reconciled:
        return f"Cost {billed(statement)}"
    spend = statement.ledger.of_pools
    hours = spend.core_hours.total
    if not hours:
        return "Own usage not known" if statement.ledger.before.core_hours.total else "Nothing used"
    if (spend.priced or 0.0) <= 0:
        return f"Price unknown of {plural(round(hours), 'core-hour')}"
    return f"{money(spend.cost.total, spend.currency)} own usage"


def since_words(statement: Statement) -> str:
    """``since 29 Nov 03:30 UTC`` where the bot began to watch within the window, else nothing."""
    begin = statement.ledger.watched_from
    return f"since {begin:%d %b %H:%M} UTC" if begin and begin > statement.days.since else ""


def own_words(statement: Statement) -> Text:
    """``Own usage $1,790 since 29 Nov 03:30 UTC, spot saved $210``; what was not watched is not known, and not zero."""
    spend, since = statement.ledger.of_pools, since_words(statement)
    if not spend.core_hours.total and statement.ledger.before.core_hours.total:
        return text(bold("Own usage  "), "not known: the bot did not watch then, and Azure Monitor tells no pools")
    saved = spend.spot_saved
    spot = f", spot saved {money(saved, spend.currency)}" if saved and saved > 0 and spend.currency else ""
    return text(bold("Own usage  "), own_cost(spend), f" {since}" if since and cost_of(spend) is not None else "", spot)


def column(values: Sequence[float | None], currency: str) -> list[str]:
    """Money of one column, rounded so that it adds up; a dash where nothing is known."""
    rounded = iter(parts([value for value in values if value is not None], currency)[0])
    return ["–" if value is None or not currency else next(rounded) for value in values]


def apart(statement: Statement, columns: Sequence[Column]) -> tuple[Row, ...]:
    """The rows below a table of costs for what is billed in further currencies, which are never added to its sum."""
    gap = ["–"] * (len(columns) - 2)
    further = [[f"billed in {each.currency}", money(each.amortized, each.currency), *gap] for each in statement.further]
    return table(columns, further).rows if further else ()


def cost_of(spend: Spend) -> float | None:
    """All of it in money; None where no price is known."""
    return spend.cost.total if (spend.priced or 0.0) > 0 else None


def idle_of(spend: Spend) -> float | None:
    """What was idle of it in money; None where no price is known."""
    return spend.cost.idle if (spend.priced or 0.0) > 0 else None


def amount(value: float | None, currency: str) -> str:
    """Money, or that it is not known."""
    return "–" if value is None else money(round(value, 6), currency)


def own_cost(spend: Spend) -> str:
    """``$1,790``, ``$1,790 without 12 % of the core-hours``, ``price unknown``, ``nothing``."""
    if not spend.core_hours.total:
        return "nothing"
    priced = spend.priced
    if not spend.currency or priced is None or priced <= 0:
        return "price unknown"
    without = f", without {percent(1 - priced, 1)} of the core-hours, whose price is unknown" if priced < WHOLE else ""
    return f"{money(spend.cost.total, spend.currency)}{without}"


def idle_words(statement: Statement) -> Text:
    """``Idle $402 (22 % of own usage): $210 nothing to do · $90 starting; $380 of it on the bill, the rest not yet``.

    In core-hours where no price is known.
    """
    spend = statement.ledger.of_pools
    priced = bool(spend.currency and spend.cost.total)
    use = spend.cost if priced else spend.core_hours
    if not use.idle:
        return ()
    named = sorted(use.reasons().items(), key=lambda each: -each[1])
    if priced:
        amounts, idle = parts([value for _, value in named], spend.currency)
    else:
        amounts, idle = [f"{number(round(value))} h" for _, value in named], core_hours(use.idle)
    told = [(name, words) for (name, _), words in zip(named, amounts, strict=True) if _something(words)]
    whole = f"{idle} ({share_of(use.idle, use.total)} of own usage)"
    if len(told) == 1:
        return text(bold("Idle  "), f"{whole}, {IDLE_WORDS[told[0][0]]}", _idle_on_bill(statement))
    pieces = " · ".join(f"{words} {IDLE_WORDS[name]}" for name, words in told)
    return text(bold("Idle  "), f"{whole}: {pieces}", _idle_on_bill(statement))


def _idle_on_bill(statement: Statement) -> str:
    """How much of the bill is idle on the days that were watched: what the picture draws."""
    if not statement.main:
        return ""
    idle = sum(each.idle for each in statement.day_lines())
    return f"; the bill has {money(idle, statement.currency)} of it so far"


def _something(words: str) -> bool:
    """Whether a figure that is shown is not nothing."""
    return any(digit in "123456789" for digit in words)


def bill_words(statement: Statement) -> list[Words]:
    """What was billed, a line for each currency, with what the rest is for; or why nothing is known."""
    found: list[Words] = []
    for each in statement.reconciled:
        shown, whole = parts(list(each.kinds.values()), each.currency)
        kinds = [(kind, words) for kind, words in zip(each.kinds, shown, strict=True) if _something(words)]
        pieces = " · ".join(f"{words} {_KINDS.get(kind, kind)}" for kind, words in kinds)
        found.append(Words(text(bold("Cost  "), f"{whole}: {pieces}" if len(kinds) > 1 else pieces or whole)))
        if (spread := each.spread) is not None:
            more = "more" if spread > 0 else "less"
            found.append(
                Words(
                    text(
                        f"The invoice says {money(each.actual, each.currency)}, {percent(abs(spread), 1)} {more}: "
                        "it has reservations on the day they were bought, here they are spread over what they cover."
                    )
                )
            )
    if not statement.reconciled:
        found.append(Words(text(bold("Bill  "), unbilled(statement))))
    elif waiting := unbilled_words(statement):
        found.append(
            Words(text(bold("Not billed yet  "), waiting, " of own usage, which is in no other figure of the bill"))
        )
    if statement.reconciled and statement.reading and statement.reading.state not in ("ok", "no data"):
        found.append(Words(text("The bill may be old. ", statement.reading.message)))
    return found


def unbilled_words(statement: Statement) -> str:
    """``about $35``: own usage of days of which nothing is on the bill yet; empty where there is none, or no price."""
    spend = statement.unbilled()
    known = spend.currency and spend.cost.total > 0
    return f"about {money(spend.cost.total, spend.currency)}" if known else ""


def unbilled(statement: Statement) -> str:
    """Why there is no bill: not allowed, nothing known, or nothing billed yet are different answers."""
    reading: BillReading | None = statement.reading
    if reading is None:
        return "not read yet: the bill is asked for in the background, within the quota of Cost Management."
    if reading.state != "ok":
        return reading.message or "not known"
    if statement.days.last >= statement.now.date():
        return f"nothing billed yet {statement.days.words}: costs appear 8 to 24 hours after use."
    return f"nothing was billed {statement.days.words}."


def explained_words(statement: Statement) -> Text:
    """How much of the machines' part of the bill own usage explains, and where it does not."""
    main = statement.main
    if main is None or not main.kinds.get("machines"):
        return ()
    if not main.compared:
        return text(bold("Explained  "), "not known: no day was both watched throughout and billed in full yet")
    if not statement.comparable:
        own = statement.ledger.currency
        return text(
            bold("Explained  "),
            f"not known: prices are in {own}, the bill in {main.currency}" if own else "not known: prices are unknown",
        )
    share = main.explained
    if share is None:
        return ()
    days = plural(len(main.compared), "day")
    compared = (
        f"own usage {money(main.own or 0.0, main.currency)} of {money(main.billed, main.currency)} that machines "
        f"cost in {days}"
    )
    return text(bold("Explained  "), f"{round(share * 100)} %: {compared}{_worst(main)}")


def _worst(main: Reconciled) -> str:
    worst = main.worst
    if main.well_explained or worst is None:
        return ""
    if worst.own is None:
        return f"; nothing is known of {worst.meter} ({money(worst.billed, main.currency)})"
    billed, own = money(worst.billed, main.currency), money(worst.own, main.currency)
    missing = ": is a discount or a reservation missing in the settings?" if worst.own > worst.billed else ""
    return f"; most at {worst.meter} ({own} of {billed}){missing}"


def notes(ctx: Context, statement: Statement) -> Footer | None:
    """The small print: what may change, what was corrected, what was seen, whose days and prices they are."""
    ledger, main = statement.ledger, statement.main
    found: list[str | Piece] = []
    if main and main.not_final:
        found.append(f"Since {short_day(main.not_final[0])} the bill may still change: it settles after three days. ")
    for each in statement.restated[-_CORRECTIONS:]:
        before, after = money(each.before, each.currency), money(each.after, each.currency)
        found.append(f"{short_day(each.day)} was corrected afterwards from {before} to {after}. ")
    if ledger.before.core_hours.total:
        begin = f"before {ledger.watched_from:%d %b %H:%M} UTC" if ledger.watched_from else "in this window"
        hours = plural(round(ledger.before.core_hours.total), "core-hour")
        found.append(
            f"Not watched {begin}: Azure Monitor tells {hours} then, of no known pool and so without a price. "
        )
    elif ledger.first is None:
        found.append("There are no samples of own usage in this window. ")
    elif ledger.seen_since_first < WHOLE:
        share = percent(ledger.seen_since_first, 1)
        found.append(f"Of the time since {short_day(ledger.first)} {share} was sampled. ")
    elif ledger.first.date() > statement.days.first:
        found.append(f"Own usage is known since {short_day(ledger.first)}. ")
    if ledger.prices_as_of and ledger.total.cost.total:
        found += [f"Own usage is at {ledger.price_source}, read ", Time(ledger.prices_as_of), ". "]
    if statement.reading and statement.reading.first and statement.reading.first > statement.days.first:
        found.append(f"The bill is known since {short_day(statement.reading.first)}. ")
    if statement.reading and statement.reading.as_of:
        found += ["The bill was read ", Time(statement.reading.as_of), ". "]
    offset = ZoneInfo(ctx.zone).utcoffset(statement.now.replace(tzinfo=None))
    if offset is not None and abs(offset.total_seconds()) > _ZONE_MATTERS:
        found.append("Days are UTC days, as Azure bills.")
    return note(*found) if found else None
