"""The form of quiet hours: times to pick, the zone checked, and what the hours would have held back last week."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.alerting.model import Hours
from bot.alerting.quiet_hours import quiet_until
from bot.alerting.routing import key_of
from bot.domain.findings import Severity
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option
from cards.form_values import several
from cards.formatting import plural
from handlers.alert import parts
from handlers.alert.form_parts import attempt, recent

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = timedelta(days=7)


def gathered(values: Values) -> Values:
    """The command's parameters: both times make its hours."""
    begin, end = values.get("begin"), values.get("end")
    rest = {name: value for name, value in values.items() if name not in ("begin", "end")}
    return rest | ({"hours": f"{begin}-{end}"} if begin and end else {})


@form_of(
    "alert hours",
    Field("begin", "Quiet from", "time", hint="Only critical alerts are posted then.", refresh=True),
    Field("end", "Quiet until", "time", hint="The next morning, where it is before the beginning.", refresh=True),
    Field(
        "days",
        "Days",
        "choices",
        hint="On which days these hours begin; without times, the days that are not quiet as a whole.",
        options=tuple(Option(name, day) for name, day in zip(_NAMES, _DAYS, strict=True)),
        refresh=True,
    ),
    Field("zone", "Time zone", hint="Such as Europe/Berlin.", refresh=True),
    gather=gathered,
    without=("hours",),
)
async def hours_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from what holds here; says what would have waited in the last week."""
    alerts = parts.service(ctx)
    known = alerts.incidents.hours(key_of(ctx.request.conversation))
    begin, end, zone = values.get("begin", ""), values.get("end", ""), values.get("zone", "")
    errors = {
        "begin": "When does it begin?" if end and not begin else "",
        "end": "When does it end?"
        if begin and not end
        else "Begin and end are the same."
        if begin and begin == end
        else "",
        "zone": attempt(lambda: parts.a_zone(zone, ["alert", "hours"])) if zone else "",
    }
    notes: list[Note] = []
    if not any(errors.values()):
        notes = await _preview(ctx, _hours(values, known, ctx.zone))
    return FormChanges(
        prefill=_filled(known) if known else {"zone": ctx.zone, "days": ",".join(_DAYS)},
        errors={name: error for name, error in errors.items() if error},
        defaults={"zone": known.zone if known else ctx.zone},
        notes=tuple(notes),
        submit="Set",
    )


def _filled(known: Hours) -> dict[str, str]:
    times = {"begin": known.begin, "end": known.end}
    return {
        **{name: f"{at // 60:02}:{at % 60:02}" for name, at in times.items() if at is not None},
        "days": ",".join(_DAYS[day] for day in (known.nights if known.begin is not None else known.days)),
        "zone": known.zone,
    }


def _hours(values: Values, known: Hours | None, zone: str) -> Hours:
    """The hours as they would be, which the command makes of them: what is left empty stays as it is."""
    begin, end = _minutes(values.get("begin", "")), _minutes(values.get("end", ""))
    if begin is None and known:
        begin, end = known.begin, known.end
    days = tuple(sorted(_DAYS.index(day) for day in several(values.get("days", "")) if day in _DAYS))
    every = tuple(range(7))
    timed = bool(values.get("begin"))
    return Hours(
        zone=parts.a_zone(values.get("zone") or (known.zone if known else zone), ["alert", "hours"]),
        begin=begin,
        end=end,
        days=(every if timed else days) if days else known.days if known else every,
        nights=days if days and timed else known.nights if known else every,
    )


def _minutes(clock: str) -> int | None:
    hour, colon, minute = clock.partition(":")
    return int(hour) * 60 + int(minute) if colon else None


async def _preview(ctx: Context, hours: Hours) -> list[Note]:
    alerts = parts.service(ctx)
    now = alerts.now()
    until = quiet_until(hours, now)
    zone = ZoneInfo(hours.zone)
    clock = f"It is {now.astimezone(zone):%H:%M} in {hours.zone} now"
    there = Note(text(f"{clock}: quiet until {until.astimezone(zone):%a %H:%M}." if until else f"{clock}, not quiet."))
    if hours.begin is None and len(hours.days) == len(_DAYS):
        return [there, Note(text("Without times, or days that are quiet, alerts come at any time."), Mark.WARNING)]
    inside = [each for each in await recent(ctx, alerts, _WEEK) if quiet_until(hours, each.opened)]
    aloud = sum(each.severity is Severity.CRITICAL for each in inside)
    waited = len(inside) - aloud
    if not inside:
        return [there, Note(text("No alert of the last 7 days came in these hours."), Mark.DONE)]
    words = f"{plural(len(inside), 'alert')} of the last 7 days came in these hours: {waited} would have waited"
    return [there, Note(text(f"{words}, {aloud} critical not." if aloud else f"{words}."))]
