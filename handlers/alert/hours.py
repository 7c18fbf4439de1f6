"""When a conversation wants to be left alone: quiet hours, working days, and its time zone."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.alerting.model import Hours
from bot.alerting.quiet_hours import next_quiet, quiet_until
from bot.alerting.routing import key_of
from bot.alerting.service import AlertService
from bot.chat.request import Author
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, facts, muted, text
from cards.card import Button, Card, Mark, Text, Time, Words
from cards.command_line import join
from cards.formatting import number
from handlers.alert import parts
from handlers.shared.common import nearest, titled

OFF = "off"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EVERY = tuple(range(7))
_DAY = 24 * 60
_ALL = ("all", "daily", "every")
_HOURS = re.compile(r"(\d{1,2})(?:[:.]?(\d{2}))?\s*-+\s*(\d{1,2})(?:[:.]?(\d{2}))?")
_AGAIN = ["alert", "hours"]


@command(
    "alert hours",
    effect="change",
    shared="operator",
    changes_with=("hours", "days", "zone"),
    check="alert hours",
    examples=["alert hours", "alert hours 22:00-07:00 days:mon-fri zone:Europe/Berlin", "alert hours off"],
)
async def hours(ctx: Context, hours: str | None = None, *, days: str | None = None, zone: str | None = None) -> Card:
    """Show or set this channel's quiet hours: only critical alerts are posted then, the rest afterwards.

    :param hours: from when to when it is quiet, such as 22:00-07:00; off takes all of it back
    :param days: with hours the days on which they begin, such as mon-fri; without, the days that are not quiet all day
    :param zone: the conversation's time zone, such as Europe/Berlin; yours if it has none yet
    """
    alerts = parts.service(ctx)
    here = key_of(ctx.request.conversation)
    known = alerts.incidents.hours(here)
    if hours is None and days is None and zone is None:
        return _card(ctx, alerts, known, "")
    if hours is not None and hours.lower() == OFF:
        await alerts.set_hours(here, None)
        return _card(ctx, alerts, None, "taken back")
    begin, end = _hours(hours) if hours else (known.begin if known else None, known.end if known else None)
    usual = known.zone if known else ctx.request.person.zone or ctx.zone
    named = _days(days, hours) if days else None
    wanted = Hours(
        zone=parts.a_zone(zone, [*_AGAIN, *([hours] if hours else [])]) if zone else usual,
        begin=begin,
        end=end,
        days=(_EVERY if hours else named) if named else known.days if known else _EVERY,
        nights=named if named and hours else known.nights if known else _EVERY,
        by=Author.of(ctx.request),
    )
    await alerts.set_hours(here, wanted)
    return _card(ctx, alerts, wanted, "from now on")


def _hours(typed: str) -> tuple[int, int]:
    """``22:00-07:00`` as minutes since midnight. Raises CommandError."""
    found = _HOURS.fullmatch(typed.strip())
    if not found:
        raise CommandError(
            f"“{typed[:60]}” are no hours: write from when to when it is quiet, such as 22:00-07:00.",
            [join([*_AGAIN, "22:00-07:00"])],
        )
    times = [(int(hour), int(minute or 0)) for hour, minute in (found.group(1, 2), found.group(3, 4))]
    for hour, minute in times:
        if hour * 60 + minute > _DAY or minute > 59:
            fixed = "-".join(_clock(min(hour, 23) * 60 + min(minute, 59)) for hour, minute in times)
            raise CommandError(
                f"“{hour}:{minute:02}” is not a time of day: they go from 00:00 to 24:00.", [join([*_AGAIN, fixed])]
            )
    begin, end = ((hour * 60 + minute) % _DAY for hour, minute in times)
    if begin == end:
        raise CommandError(
            "They begin and end at the same time. For whole days write the days that are not quiet, such as mon-fri.",
            [join([*_AGAIN, "days:mon-fri"])],
        )
    return begin, end


def _days(typed: str, hours: str | None) -> tuple[int, ...]:
    """``mon-fri``, ``mon,wed``, ``fri-mon``, ``all`` as numbers, 0 is Monday. Raises CommandError with the nearest."""
    low = typed.strip().lower()
    if low in _ALL:
        return _EVERY
    found: set[int] = set()
    for part in filter(None, re.split(r"[,\s]+", low)):
        first, dash, last = part.partition("-")
        ends = [_weekday(each, typed, hours) for each in ([first, last.lstrip("-")] if dash else [first])]
        found |= {day % 7 for day in range(ends[0], ends[-1] + (7 if ends[-1] < ends[0] else 0) + 1)}
    if not found:
        raise CommandError("Which days? Write such as mon-fri, or all.", [join([*_AGAIN, "days:mon-fri"])])
    return tuple(sorted(found))


def _weekday(word: str, typed: str, hours: str | None) -> int:
    if word[:3] in _DAYS:
        return _DAYS.index(word[:3])
    near = nearest(word, _DAYS)[:2]
    before = [*_AGAIN, *([hours] if hours else [])]
    raise CommandError(
        f"“{word[:60]}” is not a day: write mon, tue, wed, thu, fri, sat, sun, mon-fri or all.",
        [join([*before, f"days:{typed.lower().replace(word, each)}"]) for each in near if word]
        or [join([*before, "days:mon-fri"])],
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _card(ctx: Context, alerts: AlertService, hours: Hours | None, news: str) -> Card:
    here = key_of(ctx.request.conversation)
    now = alerts.now()
    until = quiet_until(hours, now) if hours else None
    held = sum(each.held == "quiet" for each in alerts.incidents.waiting(here))
    span = _span(hours) if hours else ""
    coming = next_quiet(hours, now) if hours and not until else None
    free = [day for day in _EVERY if hours and day not in hours.days]
    return Card(
        title=titled(
            "Quiet hours" if hours is None else f"Quiet {span or 'on free days'}",
            news or ("none here" if hours is None else None),
            text("quiet now, until ", Time(until, "clock")) if until else None,
        ),
        mark=Mark.STOPPED if until else Mark.NEUTRAL,
        as_of=now,
        blocks=blocks(
            facts(
                ("Quiet hours", span or "none"),
                ("Next", _between(*coming, ZoneInfo(hours.zone)) if coming else ""),
                ("Quiet all day", ", ".join(_DAYS[day].capitalize() for day in free) or "none"),
                ("Time zone", f"{hours.zone}, {now.astimezone(ZoneInfo(hours.zone)):%H:%M} there now"),
                ("Set by", hours.by.shown_to(ctx.request) if hours.by else ""),
                ("Waiting", _waiting(held)),
            )
            if hours
            else Words(text("Alerts come at any time. For example: ", code("alert hours 22:00-07:00 days:mon-fri"))),
            Words(text(muted("Only critical alerts are posted in quiet hours; the rest when they are over.")))
            if hours
            else None,
            build.actions(
                Button("Change…" if hours else "Set…", "alert hours", how="form"),
                Button("Take them back", f"alert hours {OFF}", how="edit") if hours else None,
                Button("Mutes", "alert mutes"),
                Button("Subscriptions", "alert subscriptions"),
                Button("Open alerts", "alert list"),
            ),
        ),
    )


def _span(hours: Hours) -> str:
    """``22:00 to 07:00``; empty where no hours are set."""
    if hours.begin is None or hours.end is None:
        return ""
    span = f"{_clock(hours.begin)} to {_clock(hours.end)}"
    return span if len(hours.nights) == len(_EVERY) else f"{span}, {_named(hours.nights)}"


def _named(days: tuple[int, ...]) -> str:
    """``Mon to Fri``, ``Mon, Wed``."""
    words = [_DAYS[day].capitalize() for day in days]
    in_a_row = len(days) > 2 and days == tuple(range(days[0], days[-1] + 1))
    return f"{words[0]} to {words[-1]}" if in_a_row else ", ".join(words)


def _between(begin: datetime, end: datetime, zone: ZoneInfo) -> str:
    """``Mon 22:00 to Tue 07:00`` on the clock of the conversation."""
    return f"{begin.astimezone(zone):%a %H:%M} to {end.astimezone(zone):%a %H:%M}"


def _waiting(held: int) -> Text:
    return text(f"{number(held)} held back until then") if held else ()
