"""The small print of a report: what has to be known to read its figures rightly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.domain.core_use import WHOLE
from bot.domain.money.report import Report, Restated
from bot.domain.money.spans import BILL_BACK
from bot.reports.calendar import days_differ
from bot.reports.compose import period_before
from bot.reports.words import cents
from cards.build import muted, text
from cards.card import Footer
from cards.formatting import day_words, moment_words, money, percent


def small_print(report: Report, now: datetime, zone: str, said: str = "") -> Footer:
    """All of it, in the time zone ``zone``; ``said`` comes last."""
    words = " · ".join(filter(None, [*_notes(report, now, zone), said]))
    return Footer(text(muted(words[:1].upper() + words[1:])))


def _notes(report: Report, now: datetime, zone: str) -> Iterator[str]:
    """What has to be known to read the figures rightly."""
    if report.late:
        yield "posted without waiting longer for fresher data"
    if report.billed:
        yield "these are Azure's bills: the bot was not watching for all of the time"
        if report.by_own:
            days = ", ".join(f"{day:%a}" for day in report.by_own)
            yield f"{days} by the bot's own count of nodes, which is more than is billed so far"
    elif report.prices_source and report.now.priced:
        as_of = f" of {day_words(report.prices_as_of.date())}" if report.prices_as_of else ""
        yield f"own usage at {report.prices_source}{as_of}"
    if report.seen < WHOLE and not report.billed:
        yield f"{percent(report.seen, 1)} of the time was seen, the rest is unknown"
    if report.whole and not report.billed and (priced := report.now.priced) and priced < WHOLE:
        yield f"{percent(1 - priced, 1)} of the core-hours have no known price and are in no sum"
    if report.at_most:
        yield "busy is at most that: part of it is Azure Monitor's history"
    if report.restated:
        yield f"{period_before(report.kind)} was {_corrected(report.restated)}"
    if report.restated_bill:
        yield f"the bill of {period_before(report.kind)} was {_corrected(report.restated_bill)}"
    yield from _bill_notes(report, zone)
    if days_differ(zone, now):
        yield "days are UTC days"


def _bill_notes(report: Report, zone: str) -> Iterator[str]:
    """How the bill stands, in the card's zone: no permission, no data, and zero are three different answers."""
    bill = report.bill
    match bill.state:
        case None:
            yield "the bill has not been read yet"
        case "no permission":
            yield f"no bill: {bill.message or 'not allowed'}"
        case "no data":
            yield "nothing billed yet"
        case _ if bill.amount is not None and bill.as_of:
            as_of = moment_words(bill.as_of.astimezone(ZoneInfo(zone)))
            yield f"bill {money(cents(bill.amount), bill.currency)} as of {as_of}"
            if filling := bill.filling or report.filling:
                days = ", ".join(f"{day:%a}" for day in filling)
                yield f"{days} still {'fills' if len(filling) == 1 else 'fill'}"
            yield from _reading(report)
        case _:
            yield f"no bill: {bill.message or 'nothing billed yet'}"


def _reading(report: Report) -> Iterator[str]:
    """That the bill is still being read, where that is why there is nothing to compare with."""
    since = report.bill.since
    if report.before is None and since and report.bill.as_of and (report.bill.as_of.date() - since).days < BILL_BACK:
        yield f"the bill is still being read: it is known since {day_words(since)}"


def _corrected(restated: Restated) -> str:
    """``$1,842, now $1,861``."""
    was, now = (money(cents(each), restated.currency) for each in (restated.was, restated.now))
    return f"{was}, now {now}"
