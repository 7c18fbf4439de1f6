"""The form of a subscription: kinds by what they are about, and what would have been posted in the last day."""

from __future__ import annotations

from datetime import timedelta

from bot.alerting.model import Subscription
from bot.alerting.routing import key_of, overlaps, wanted
from bot.alerting.service import AlertService
from bot.domain.findings import Severity
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Field, Mark, Note, Option
from cards.form_values import several
from cards.formatting import plural
from handlers.alert import parts
from handlers.alert.form_parts import TO, attempt, recent
from handlers.alert.subscribe import least

_DAY = timedelta(hours=24)
_AGAIN = ["alert", "subscribe"]
_SHOWN = 2


def gathered(values: Values) -> Values:
    """The command's parameters: without kinds, all those of what it is about."""
    rest = {name: value for name, value in values.items() if name != "about"}
    about = values.get("about", "")
    return rest | ({"kinds": f"{about}.*"} if about and not values.get("kinds") else {})


@form_of(
    "alert subscribe",
    Field(
        "about",
        "About",
        "choice",
        default="everything",
        options=tuple(Option(f"{each.capitalize()}s", each) for each in parts.ENTITIES),
        refresh=True,
    ),
    Field("kinds", "Kinds", "choices", hint="Which of them; all of them if left out.", refresh=True),
    Field("severity", "Severity", "choice", hint="This bad or worse.", refresh=True),
    Field(
        "entity", "Only names like", hint="Such as render-*, or pool:gpu-* for pools and what is in them.", refresh=True
    ),
    TO,
    Field("account", "Account", "name", names="account", default="every account", more=True, refresh=True),
    gather=gathered,
)
async def subscribe_form(ctx: Context, values: Values) -> FormChanges:
    """Kinds follow what it is about; the foot says what would have come, and what brings the same already."""
    alerts = parts.service(ctx)
    about = values.get("about", "")
    offered = tuple(
        Option(f"{kind.name}: {kind.says}"[:75], kind.name)
        for kind in alerts.kinds.values()
        if about in ("", kind.entity)
    )
    names = {option.value for option in offered}
    chosen = several(values.get("kinds", ""))
    staying = [each for each in chosen if "*" in each or each in names or each not in alerts.kinds]
    entity, account, to = values.get("entity", ""), values.get("account", ""), values.get("to", "")
    errors = {
        "kinds": attempt(lambda: parts.checked_kinds(ctx, staying, _AGAIN)),
        "entity": attempt(lambda: parts.a_pattern(entity, _AGAIN, "entity")) if entity else "",
        "account": attempt(lambda: ctx.account(account)) if account and "*" not in account else "",
        "to": "" if to == "me" or _may(ctx) else "For a whole channel it needs the role operator: choose yourself.",
    }
    notes: list[Note] = []
    if not any(errors[name] for name in ("kinds", "entity", "account")):
        kinds = tuple(staying) or ((f"{about}.*",) if about else ())
        notes = await _foreseen(ctx, alerts, {**values, "kinds": ",".join(kinds)})
    return FormChanges(
        prefill={} if _may(ctx) else {"to": "me"},
        values={"kinds": ",".join(staying)} if staying != chosen else {},
        options={"kinds": offered},
        errors={name: error for name, error in errors.items() if error},
        defaults={"severity": least(tuple(staying)).value},
        notes=tuple(notes),
        submit="Subscribe",
    )


def _may(ctx: Context) -> bool:
    """Whether the whole channel may be subscribed."""
    return ctx.allows("alert subscribe")


async def _foreseen(ctx: Context, alerts: AlertService, values: Values) -> list[Note]:
    """What the subscription would have sent in the last day, and what it overlaps with."""
    kinds = tuple(several(values["kinds"]))
    severity = values.get("severity")
    thought = Subscription(
        id="",
        conversation=parts.here(ctx),
        accounts=values.get("account") or "*",
        entity=values.get("entity") or "*",
        kinds=kinds,
        severity=Severity(severity) if severity else least(kinds),
    )
    fitting = [each for each in await recent(ctx, alerts, _DAY) if wanted(thought, each, alerts.kinds)]
    fitting.sort(key=lambda each: each.opened, reverse=True)
    notes = [Note(text("No alert of the last 24 h would have been posted."))]
    if fitting:
        shown = "; ".join(each.headline for each in fitting[:_SHOWN])
        more = f"; {len(fitting) - _SHOWN} more" if len(fitting) > _SHOWN else ""
        words = f"{plural(len(fitting), 'alert')} of the last 24 h would have been posted: {shown}{more}"
        notes = [Note(text(words), Mark.DONE)]
    if values.get("to") == "me" and ctx.request.conversation.kind != "personal":
        return notes
    there = key_of(thought.conversation)
    known = [*alerts.incidents.subscriptions(), *alerts.incidents.defaults()]
    twice = list(overlaps(thought, (each for each in known if key_of(each.conversation) == there)))
    if twice:
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        notes.append(Note(text(f"It overlaps with “{twice[0].describe()}”{more}; each is posted once."), Mark.WARNING))
    return notes
