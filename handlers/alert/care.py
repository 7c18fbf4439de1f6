"""Taking back who takes care of an alert, and taking care of all alerts of one message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from bot.alerting.model import Incident
from bot.alerting.routing import key_of
from bot.alerting.service import AlertService
from bot.chat.request import Author
from bot.requests.command import command
from bot.requests.context import Context
from cards.card import Card
from handlers.alert import parts
from handlers.alert.show import found_alert, shown_here


@command("alert unack", effect="change", check="alert show {alert}", examples=["alert unack 1a2b3c4d"])
async def unacknowledge(ctx: Context, alert: str) -> Card:
    """Take back that somebody takes care of an alert: it is repeated while it is open, as if nobody had.

    :param alert: the alert's id, shown in its message
    """
    alerts = parts.service(ctx)
    await found_alert(ctx, alerts, alert, "alert unack")
    return await shown_here(ctx, alerts, alert, await alerts.unacknowledge(alert, Author.of(ctx.request)))


@command("alert unsnooze", effect="change", check="alert show {alert}", examples=["alert unsnooze 1a2b3c4d"])
async def unsnooze(ctx: Context, alert: str) -> Card:
    """End the snooze of an alert: it is said again from now on, while it is open.

    :param alert: the alert's id, shown in its message
    """
    alerts = parts.service(ctx)
    await found_alert(ctx, alerts, alert, "alert unsnooze")
    return await shown_here(ctx, alerts, alert, await alerts.unsnooze(alert, Author.of(ctx.request)))


@command("alert ack-all", effect="change", check="alert show {alert}", examples=["alert ack-all 1a2b3c4d"])
async def acknowledge_all(ctx: Context, alert: str) -> Card:
    """Acknowledge all open alerts that stand in one message here: you take care of them.

    What somebody else takes care of already stays theirs. An alert that stands by itself is acknowledged alone.

    :param alert: the id of one of them
    """
    alerts = parts.service(ctx)
    first = await found_alert(ctx, alerts, alert, "alert ack-all")
    free = [each for each in _together(ctx, alerts, first) if each.acknowledged is None]
    return await _each(ctx, alerts, first, free, alerts.acknowledge)


@command("alert unack-all", effect="change", check="alert show {alert}", examples=["alert unack-all 1a2b3c4d"])
async def unacknowledge_all(ctx: Context, alert: str) -> Card:
    """Take back who takes care of the open alerts that stand in one message here.

    :param alert: the id of one of them
    """
    alerts = parts.service(ctx)
    first = await found_alert(ctx, alerts, alert, "alert unack-all")
    taken = [each for each in _together(ctx, alerts, first) if each.acknowledged is not None]
    return await _each(ctx, alerts, first, taken, alerts.unacknowledge)


def _together(ctx: Context, alerts: AlertService, first: Incident) -> list[Incident]:
    """What is open of the message that an alert stands in here; of one that stands nowhere here itself."""
    notification = alerts.incidents.notification(first.id, key_of(parts.here(ctx)))
    names = [each.incident for each in alerts.incidents.together(notification)] if notification else [first.id]
    found = (alerts.incidents.incident(name) for name in dict.fromkeys(names))
    return [each for each in found if each is not None and each.open]


async def _each(
    ctx: Context,
    alerts: AlertService,
    first: Incident,
    incidents: list[Incident],
    do: Callable[[str, Author], Awaitable[Incident | None]],
) -> Card:
    """Do it to each, and show the message that they stand in as it is now."""
    for name in [each.id for each in incidents]:
        await do(name, Author.of(ctx.request))
    notification = alerts.incidents.notification(first.id, key_of(parts.here(ctx)))
    entry = alerts.incidents.entry(notification.entry) if notification and notification.entry else None
    if entry:
        return msgspec.json.decode(entry.card, type=Card)
    if notification and notification.gathered:  # it is not posted yet, or is forgotten
        found = (alerts.incidents.incident(each.incident) for each in alerts.incidents.together(notification))
        return alerts.writer.digest([each for each in found if each], key_of(parts.here(ctx)))
    return await shown_here(ctx, alerts, first.id, alerts.incidents.incident(first.id))
