"""The forms of what is said of alerts: muted, snoozed, acknowledged. Lengths of time are picked."""

from __future__ import annotations

from bot.alerting.routing import concerns
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option, Words
from cards.formatting import plural
from handlers.alert import parts
from handlers.alert.form_parts import attempt
from handlers.alert.mute import ALL, EVER
from handlers.alert.show import open_names

_HOURS = (Option("30 minutes", "30m"), Option("2 hours", "2h"), Option("8 hours", "8h"), Option("1 day", "1d"))
_DAYS = (*_HOURS, Option("3 days", "3d"), Option("7 days", "7d"))
_ALERT = Field("alert", "Alert", "choice", refresh=True)


@form_of(
    "alert mute",
    Field("entity", "About", hint="Such as render-*, pool:gpu-* for pools and what is in them, or all.", refresh=True),
    Field("for", "For", "choice", options=(*_DAYS, Option("Until it is unmuted", EVER))),
    Field("kind", "Only this kind", "choice", default="every kind", refresh=True),
    Field("account", "Account", "name", names="account", default="every account", more=True, refresh=True),
)
async def mute_form(ctx: Context, values: Values) -> FormChanges:
    """Says which open alerts it holds back, and where nothing is called so."""
    alerts = parts.service(ctx)
    entity, kind, account = values.get("entity", ""), values.get("kind", ""), values.get("account", "")
    errors = {
        "entity": attempt(lambda: parts.a_pattern(entity, ["alert", "mute"])) if entity else "",
        "kind": attempt(lambda: parts.checked_kinds(ctx, [kind], ["alert", "mute"], option="kind")) if kind else "",
        "account": attempt(lambda: ctx.account(account)) if account else "",
    }
    notes: list[Note] = []
    if entity and not any(errors.values()):
        pattern = "*" if entity.lower() == ALL else entity
        kinds = parts.checked_kinds(ctx, [kind], []) if kind else ()
        held = [each for each in alerts.incidents.open() if concerns(each, account or "*", pattern, kinds)]
        notes = [Note(text(f"{plural(len(held), 'open alert')} would be held back."))]
        nothing = parts.called_nothing(ctx, pattern, "alert mute {}")
        notes += [Note(each.text, Mark.WARNING) for each in nothing if isinstance(each, Words)]
    return FormChanges(
        options={"kind": tuple(Option(f"{each.name}: {each.says}"[:75], each.name) for each in alerts.kinds.values())},
        errors={name: error for name, error in errors.items() if error},
        notes=tuple(notes),
        submit="Mute",
    )


@form_of("alert snooze", _ALERT, Field("span", "For", "choice", options=_DAYS, refresh=True))
async def snooze_form(ctx: Context, values: Values) -> FormChanges:
    """Offers the alerts that are open."""
    return await _answered(ctx, values, "Snooze")


@form_of("alert ack", _ALERT, Field("remind", "Remind me after", "choice", options=_HOURS, default="as usual"))
async def acknowledge_form(ctx: Context, values: Values) -> FormChanges:
    """Offers the alerts that are open."""
    return await _answered(ctx, values, "Acknowledge")


async def _answered(ctx: Context, values: Values, submit: str) -> FormChanges:
    named, opened = values.get("alert", ""), await open_names(ctx, {})
    unknown = (
        bool(named) and named not in {each.value for each in opened} and await parts.service(ctx).find(named) is None
    )
    error = {"alert": f"There is no alert “{named[:60]}”. It may be forgotten by now."} if unknown else {}
    return FormChanges(options={"alert": tuple(opened)}, errors=error, submit=submit)
