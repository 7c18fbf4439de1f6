"""The form of a report's subscription: when it comes, on what condition, and what its first line would be now."""

from __future__ import annotations

from typing import cast
from zoneinfo import ZoneInfo

from bot.alerting.routing import key_of
from bot.reports.calendar import Cadence, Kind, following
from bot.reports.subscriptions import ReportSubscription
from bot.reports.subscriptions import subscriptions as kept
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option, plain
from handlers.alert import parts as alert_parts
from handlers.alert.form_parts import TO, attempt
from handlers.report import parts

_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_AGAIN = ["cost", "subscribe"]
_WHEN = {"daily": "every day", "weekly": "", "monthly": "on the 2nd of the month"}


@form_of(
    "cost subscribe",
    Field(
        "kind",
        "Report of",
        "choice",
        options=(Option("Every day", "daily"), Option("Every week", "weekly"), Option("Every month", "monthly")),
        refresh=True,
    ),
    Field("at", "At", "time", refresh=True),
    Field(
        "day",
        "On",
        "choice",
        hint="Of a weekly report; a monthly one comes on the 2nd.",
        options=tuple(Option(name, day) for name, day in zip(_NAMES, parts.DAYS, strict=True)),
        refresh=True,
    ),
    Field("zone", "Time zone", hint="Such as Europe/Berlin.", refresh=True),
    Field("rose", "Only if it rose by", hint="Such as 10%, against the period before.", refresh=True),
    Field("least", "Only if it cost at least", "number", refresh=True),
    TO,
    Field("account", "Account", "name", names="account", more=True, refresh=True),
)
async def subscribe_form(ctx: Context, values: Values) -> FormChanges:
    """Filled from what comes here already; says at its foot when the next one comes and what it would say now."""
    here = alert_parts.here(ctx)
    kind = cast("Kind", values.get("kind") or "weekly")
    account, zone = values.get("account", ""), values.get("zone", "")
    errors = {
        "account": attempt(lambda: ctx.account(account)) if account else "",
        "zone": attempt(lambda: alert_parts.a_zone(zone, _AGAIN)) if zone else "",
        "at": attempt(lambda: parts.a_clock(values.get("at") or "09:00", _AGAIN)),
        "rose": attempt(lambda: parts.a_share(values["rose"], _AGAIN)) if values.get("rose") else "",
        "least": "A cost is not less than 0." if values.get("least", "").startswith("-") else "",
        "to": "" if values.get("to") == "me" or _may(ctx) else "For a whole channel it needs the role operator.",
    }
    known = None
    notes: tuple[Note, ...] = ()
    if not errors["account"]:
        source = ctx.account(account or None).name
        every = {(each.cadence.kind, each.account): each for each in await kept(ctx.store, key_of(here))}
        known = every.get((kind, source))
    if not any(errors.values()):
        wanted = _wanted(ctx, values, kind)
        notes = await _foreseen(ctx, wanted)
        if known and values.get("to") != "me":
            words = known.describe(await parts.currency_of(ctx, known.account))
            notes = (*notes, Note(text(f"It takes the place of the {words}."), Mark.WARNING))
    own = parts.zone_of(ctx, here)
    return FormChanges(
        prefill={
            **(_filled(known) if known else {"kind": kind, "at": "09:00", "day": "mon", "zone": own}),
            **({} if _may(ctx) else {"to": "me"}),
        },
        errors={name: error for name, error in errors.items() if error},
        hints={"day": f"It comes {_WHEN[kind]}." if _WHEN[kind] else "A week is Monday to Sunday."},
        defaults={"zone": own},
        notes=notes,
        submit="Change" if known and values.get("to") != "me" else "Subscribe",
    )


def _may(ctx: Context) -> bool:
    """Whether something may be posted in the whole channel."""
    return ctx.allows("cost subscribe")


def _filled(known: ReportSubscription) -> dict[str, str]:
    cadence = known.cadence
    found = {
        "kind": cadence.kind,
        "at": f"{cadence.minutes // 60:02}:{cadence.minutes % 60:02}",
        "day": parts.DAYS[cadence.weekday],
        "zone": cadence.zone,
        "rose": f"{known.rose * 100:g}%" if known.rose is not None else "",
        "least": f"{known.least:g}" if known.least is not None else "",
    }
    return {name: value for name, value in found.items() if value}


def _wanted(ctx: Context, values: Values, kind: Kind) -> ReportSubscription:
    """The subscription as the command would make it."""
    here = alert_parts.here(ctx)
    rose, least = values.get("rose"), values.get("least")
    return ReportSubscription(
        id="",
        conversation=here,
        account=ctx.account(values.get("account") or None).name,
        cadence=Cadence(
            kind,
            alert_parts.a_zone(values.get("zone") or parts.zone_of(ctx, here), _AGAIN),
            parts.a_clock(values.get("at") or "09:00", _AGAIN),
            parts.a_day(values.get("day") or "mon", _AGAIN),
        ),
        rose=parts.a_share(rose, _AGAIN) if rose else None,
        least=float(least) if least else None,
        at=parts.service(ctx).now(),
    )


async def _foreseen(ctx: Context, wanted: ReportSubscription) -> tuple[Note, ...]:
    """When the next one comes, and its first line as it would be now."""
    coming = following(wanted.cadence, wanted.at).due.astimezone(ZoneInfo(wanted.cadence.zone))
    when = Note(text(f"The next one comes on {coming:%a} {coming.day} {coming:%b at %H:%M} {wanted.cadence.zone}."))
    card, holds = await parts.service(ctx).foreseen(wanted)
    line = plain(card.title)
    if holds:
        return when, Note(text(f"Now it would say: {line}"), card.mark)
    return when, Note(text(f"Now nothing would be posted, for it does not hold: {line}"), Mark.IDLE)
