"""What the commands around reports share: the service, and times that people type."""

from __future__ import annotations

import re

from bot.chat.request import Conversation
from bot.reports.service import Reports
from bot.requests.command import CommandError
from bot.requests.context import Context
from cards.command_line import join
from handlers.shared.common import nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?(?:\s*([ap])\.?m\.?)?", re.IGNORECASE)
_MOST_SHARE = 10.0
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%?")


def service(ctx: Context) -> Reports:
    """The reports. Raises CommandError where there are none."""
    if ctx.reports is None:
        raise CommandError(
            "Reports do not run here: they need the bot that watches, which “batchbot run” and “batchbot demo” start."
        )
    return ctx.reports


async def currency_of(ctx: Context, account: str) -> str:
    """The currency of an account's prices; empty where none is known, or the settings know the account no more."""
    try:
        return (await service(ctx).composer.accounting.rates(account)).currency
    except KeyError:
        return ""


def zone_of(ctx: Context, conversation: Conversation) -> str:
    """A conversation's own time zone; the asker's where it has none."""
    hours = ctx.alerts.incidents.hours(conversation.key) if ctx.alerts else None
    return hours.zone if hours else ctx.request.person.zone or ctx.zone


def a_clock(typed: str, again: list[str]) -> int:
    """``9``, ``09:00``, ``17.30``, ``9am`` as minutes after midnight. Raises CommandError."""
    found = _CLOCK.fullmatch(typed.strip())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (24, 0)
    if found and found[3]:
        hour = hour % 12 + (12 if found[3].lower() == "p" else 0) if 1 <= hour <= 12 else 24
    if hour > 23 or minute > 59:
        message = f"“{typed[:60]}” is not a time of day: write one like 09:00."
        raise CommandError(message, [join([*again, "at:09:00"])], at="at")
    return hour * 60 + minute


def a_day(typed: str, again: list[str]) -> int:
    """``mon``, ``Monday`` as a number, 0 is Monday. Raises CommandError with the nearest."""
    low = typed.strip().lower()
    if low[:3] in DAYS:
        return DAYS.index(low[:3])
    near = nearest(low, DAYS)[:2] or ["mon"]
    raise CommandError(
        f"“{typed[:60]}” is not a day: write mon, tue, wed, thu, fri, sat or sun.",
        [join([*again, f"day:{each}"]) for each in near],
        at="day",
    )


def a_share(typed: str, again: list[str]) -> float:
    """``10%``, ``10`` as 0.1. Raises CommandError."""
    found = _SHARE.fullmatch(typed.strip())
    if not found:
        raise CommandError(
            f"“{typed[:60]}” is not a share: write one like 10%.", [join([*again, "rose:10%"])], at="rose"
        )
    if (share := float(found[1]) / 100) > _MOST_SHARE:
        raise CommandError(
            f"“{typed[:60]}” is too much: write 1000% at most.", [join([*again, "rose:100%"])], at="rose"
        )
    return share
