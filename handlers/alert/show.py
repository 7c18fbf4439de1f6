"""One alert with all that is known of it, and taking care of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as changed
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from bot.alerting.model import Incident, Notification
from bot.alerting.routing import key_of
from bot.alerting.sample_incident import TEST
from bot.alerting.service import AlertService
from bot.chat.request import Author
from bot.domain.entity import fold
from bot.domain.findings import Entity, Severity
from bot.requests import refusals
from bot.requests.command import Barred, Instead, command
from bot.requests.context import Context
from bot.requests.lacking import names_for
from cards import build
from cards.build import blocks, muted, text
from cards.card import Actions, Bullets, Button, Card, Footer, Menu, Option, Text, Time, Words
from cards.command_line import command as command_line
from cards.command_line import join
from cards.formatting import number, plural
from handlers.alert import parts
from handlers.shared.common import nearest, section

_OFFERED = 3
_FOR_ANYBODY = timedelta(days=1)
"""For which whoever may read may snooze what is not critical: as long as an alert's own menu offers."""
_LONGEST_SNOOZE = timedelta(days=30)


@command("alert show", effect="read", examples=["alert show 1a2b3c4d"])
async def show_alert(ctx: Context, alert: str) -> Card:
    """Show one alert: cause, figures, what happened when, where it was posted, and what holds it back.

    :param alert: the alert's id, shown in its message
    """
    alerts = parts.service(ctx)
    incident = await found_alert(ctx, alerts, alert, "alert show")
    notifications = (await parts.notices(ctx, alerts, [incident]))[incident.id]
    card = alerts.writer.incident(incident, key_of(ctx.request.conversation))
    body = [block for block in card.blocks if not isinstance(block, Actions | Footer)]
    buttons = [item for block in card.blocks if isinstance(block, Actions) for item in block.items]
    conversations = await parts.names(ctx)
    entity = incident.entity
    pattern = f"{entity.kind}:{entity.id}"
    mute = Menu(
        "Mute here",
        command_line("alert mute", pattern, kind=incident.kind) + " for:{}",
        (Option("2 hours", "2h"), Option("1 day", "1d"), Option("1 week", "7d")),
    )
    return replace(
        card,
        blocks=blocks(
            *body,
            *section("What happened", _history(incident)),
            *section(
                "Where it was posted",
                Bullets(tuple(_sent_line(ctx, alerts, each, conversations) for each in notifications))
                if notifications
                else None,
            ),
            None if notifications else Words(text(muted("No conversation subscribes to it: it was not posted."))),
            build.actions(
                *(item for item in buttons if not (isinstance(item, Button) and item.text == "More")),
                Button("History", alerts.writer.command(incident, history_of(entity))),
                mute if incident.open else None,
                Button("Open alerts", "alert list"),
            ),
            build.note(f"{incident.kind} {incident.id} in {incident.account}"),
        ),
    )


def history_of(entity: Entity) -> str:
    """The command that shows the history of something."""
    if entity.kind == "account":
        return "history"
    return command_line(f"{entity.kind} history", *entity.names)


def _history(incident: Incident) -> Bullets | None:
    events = [text(Time(event.at, "clock"), f"  {event.what}") for event in incident.history]
    return Bullets(tuple(events)) if events else None


def _sent_line(ctx: Context, alerts: AlertService, notification: Notification, conversations: dict[str, str]) -> Text:
    """One conversation: posted when, or held back why, and by which subscription."""
    where = parts.conversation_name(ctx, notification.conversation, conversations)
    known = alerts.incidents.subscription(notification.why)
    why = (
        muted(f" ({known.describe()})")
        if known
        else muted(" (by the settings)" if "settings:" in notification.why else "")
    )
    if notification.entry and notification.shown:
        again = f", repeated {plural(notification.repeats, 'time')}" if notification.repeats else ""
        return text(f"{where}: posted ", Time(notification.shown, "clock"), again, why)
    if notification.over or not notification.held:
        return text(f"{where}: not posted{', it was over before' if notification.over else ' yet'}", why)
    until = (" until ", Time(notification.due, "clock")) if notification.due else ()
    return text(f"{where}: held back, {parts.held_by(alerts, notification)}", *until, why)


@command(
    "alert ack",
    effect="change",
    check="alert show {alert}",
    examples=["alert ack 1a2b3c4d", "alert ack 1a2b3c4d remind:1d"],
)
async def acknowledge(ctx: Context, alert: str, *, remind: str | None = None) -> Card:
    """Acknowledge an alert: you take care of it, and are reminded while it is open.

    :param alert: the alert's id, shown in its message
    :param remind: after how long, such as 4h or 1d; what the settings say if left out, and a longer time is a snooze
    """
    alerts = parts.service(ctx)
    found = await found_alert(ctx, alerts, alert, "alert ack")
    span = parts.a_span(remind, ["alert", "ack", alert], longest=timedelta(days=7), option="remind") if remind else None
    if span and span > timedelta(seconds=alerts.settings.remind):
        _may_silence(ctx, found, span)
    incident = await alerts.acknowledge(alert, Author.of(ctx.request), span)
    return await shown_here(ctx, alerts, alert, incident)


@command(
    "alert snooze",
    effect="change",
    check="alert show {alert}",
    examples=["alert snooze 1a2b3c4d 2h", "alert snooze 1a2b3c4d 1d"],
)
async def snooze(ctx: Context, alert: str, span: str) -> Card:
    """Snooze an alert: nothing is said of it for a while, then again if it is still open.

    It holds for everybody: a critical one, or more than a day, needs the role operator.

    :param alert: the alert's id, shown in its message
    :param span: how long, such as 30m, 2h or 7d, or until when, such as 07:00; 30 days at most
    """
    alerts = parts.service(ctx)
    found = await found_alert(ctx, alerts, alert, "alert snooze", span)
    length = parts.a_span(span, ["alert", "snooze", alert], longest=_LONGEST_SNOOZE, until=parts.local(ctx))
    _may_silence(ctx, found, length)
    incident = await alerts.snooze(alert, Author.of(ctx.request), length)
    return await shown_here(ctx, alerts, alert, incident)


def _may_silence(ctx: Context, incident: Incident, span: timedelta) -> None:
    """Goes on for whoever may keep everybody from hearing of an alert for so long. Raises Barred for others."""
    if incident.severity is not Severity.CRITICAL and span <= _FOR_ANYBODY:
        return
    policy, person = ctx.services.policy, ctx.request.person
    asked = ctx.registry.commands["alert snooze"].question(ctx.request)
    decision = policy.decide(changed(asked, needs=changed(asked.needs, everybody="operator")))
    if not decision.allowed:
        raise Barred(refusals.forbidden(decision, person, policy), decision.rule)


async def shown_here(ctx: Context, alerts: AlertService, name: str, incident: Incident | None) -> Card:
    """The incident's message as it is here from now on: it takes the place of the one that was clicked."""
    if incident is None:  # it is over for so long that memory has let it go
        incident = await found_alert(ctx, alerts, name, "alert show")
    here = key_of(ctx.request.conversation)
    notification = alerts.incidents.notification(incident.id, here)
    entry = alerts.incidents.entry(notification.entry) if notification and not notification.gathered else None
    if entry:
        return msgspec.json.decode(entry.card, type=Card)
    return alerts.writer.incident(incident, here)


async def found_alert(ctx: Context, alerts: AlertService, name: str, path: str, *rest: str) -> Incident:
    """The incident of that id. Raises Instead with the nearest ones, or what is open."""
    if found := await alerts.find(name):
        return found
    opened = alerts.incidents.open()
    about = [each for each in opened if _is_about(each.entity, name)]
    if len(about) == 1 and path == "alert show":
        return about[0]
    if name.startswith(TEST):
        what, advice = "That was a test: nothing is open under it.", "A real alert's button opens the alert."
    elif about:
        what, advice = f"{plural(len(about), 'alert')} about {name[:60]} {'is' if len(about) == 1 else 'are'} open.", ""
    else:
        what, advice = f"There is no alert “{name[:60]}”.", "It may be forgotten by now."
    alike = nearest(name, [each.id for each in opened])
    near = about or [each for each in opened if each.id in alike] or opened
    shown = near[:_OFFERED]
    counted = f"{number(len(shown))} of {number(len(near))}" if len(near) > len(shown) else ""
    if not opened:
        advice = "Nothing is open."
    elif about:
        advice = f"Which one? These are {counted}:" if counted else "Which one?"
    elif near is opened:
        advice = f"{advice} Of those that are open, these are {counted}:" if counted else f"{advice} These are open:"
    else:
        advice = f"{advice} Did you mean one of these?"
    raise Instead(
        build.refusal(
            what,
            advice,
            [
                *(Button(each.headline[:60], join([*path.split(), each.id, *rest])) for each in shown),
                Button("Open alerts", "alert list"),
                Button("Past alerts", "alert list state:past"),
            ],
        )
    )


def _is_about(entity: Entity, name: str) -> bool:
    """Whether ``render-gpu``, ``pool:render-gpu`` or ``nightly/frame-1`` names it."""
    kind, colon, rest = name.partition(":")
    typed = rest if colon and fold(kind) == fold(entity.kind) else name
    whole = f"{entity.parent}/{entity.id}" if entity.parent else entity.id
    return fold(typed) in (fold(entity.id), fold(whole))


@names_for(
    "alert show", "alert ack", "alert snooze", "alert unack", "alert unsnooze", "alert ack-all", "alert unack-all"
)
async def open_names(ctx: Context, given: Mapping[str, str]) -> list[Option]:
    """The open alerts by their headlines, the most severe first."""
    return [Option(each.headline[:75], each.id) for each in ctx.alerts.incidents.open()] if ctx.alerts else []
