"""What of home is somebody's own: pins, alerts that are theirs to look after, changes that wait for them.

A channel's home has the channel's pins; what is a person's own is shown to them alone, in their personal chat and on
their Home tab.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.alerting.card_parts import mark_of
from bot.alerting.model import Incident
from bot.alerting.once import shown_once
from bot.alerting.routing import Router
from bot.content.clear_text import clear
from bot.domain.findings import Severity
from bot.requests.context import Context
from bot.requests.preferences import place_of
from cards import build
from cards.build import chip, code, muted, text
from cards.card import Actions, Block, Bullets, Button, Mention, Text, Time
from cards.command_line import join
from cards.formatting import number
from cards.text_fit import elide
from handlers.bot.pins import pins_of
from handlers.shared.common import section
from storage.port.approvals import Approval

_SHOWN = 3
"""Alerts, and changes that wait, that are named; the rest is counted."""
_COMMAND = 60
_WAITING = 100


async def pinned(ctx: Context) -> list[Block]:
    """The pins of this conversation as buttons; nothing where nothing is pinned."""
    pins = await pins_of(ctx, place_of(ctx.request))
    return section("Pinned", Actions(tuple(each.button() for each in pins))) if pins else []


async def own_blocks(ctx: Context) -> list[Block]:
    """What is the asker's own, where nobody else reads it."""
    if ctx.request.conversation.kind != "personal":
        return []
    return [*await _approvals(ctx), *_alerts(ctx)]


def _alerts(ctx: Context) -> list[Block]:
    """Open alerts that are the asker's: acknowledged by them, theirs by duty, or subscribed to."""
    if ctx.alerts is None:
        return []
    own = list(_own_alerts(ctx))
    rows = [_alert(incident, why) for incident, why in own[:_SHOWN]]
    if not rows:
        return []
    buttons = [Button(elide(clear(f"Open: {each.headline}"), 40), f"alert show {each.id}") for each, _ in own[:_SHOWN]]
    return section(
        f"Your alerts: {number(len(own))}",
        Bullets((*rows, *_more(len(own))), dots=False),
        build.actions(*buttons, Button("All alerts", "alert list")),
    )


def _own_alerts(ctx: Context) -> Iterator[tuple[Incident, str]]:
    """Each with why it is theirs, the worst first."""
    if ctx.alerts is None:
        return
    me, here = ctx.request.person, ctx.request.conversation.key
    state, rules = ctx.alerts.incidents, ctx.alerts.kinds
    router = Router(state.subscriptions(), rules)
    mine = {me.key, *(f"{me.platform}:{group}" for group in me.groups)}
    duty = {where for where, who in ctx.alerts.settings.on_call.items() if who in mine}
    for shown in shown_once(state.open(""), rules):
        incident = shown.incident
        told = router.route(incident)
        if incident.acknowledged and incident.acknowledged.id == me.key:
            yield incident, "acknowledged by you"
        elif incident.severity is Severity.CRITICAL and not duty.isdisjoint(told):
            yield incident, "you are on call"
        elif here in told:
            yield incident, "you subscribed to it"


def _alert(incident: Incident, why: str) -> Text:
    shown = chip(mark_of(incident), incident.headline)
    return text(shown, muted(" · "), Time(incident.since, "age"), muted(f" · {why}"))


async def _approvals(ctx: Context) -> list[Block]:
    """Changes that wait for the asker to agree, and their own that wait for others."""
    if ctx.approvals is None:
        return []
    pending, _ = await ctx.store.approvals(["pending"], limit=_WAITING)
    request = ctx.request
    for_me = [each for each in pending if ctx.approvals.waits_for(each, request.person, request.conversation)]
    mine = [each for each in pending if each not in for_me and _asked(ctx, each)]
    waiting = [*for_me, *mine]
    if not waiting:
        return []
    buttons = [
        Button(f"Approve {_short(each)}", join(["approve", each.id]), style="primary") for each in for_me[:_SHOWN]
    ]
    shown = [Button(f"Show {_short(each)}", join(["approval", "show", each.id])) for each in waiting[:_SHOWN]]
    return section(
        f"Waiting for approval: {number(len(waiting))}",
        Bullets((*(_approval(each, for_me) for each in waiting[:_SHOWN]), *_more(len(waiting))), dots=False),
        build.actions(*buttons, *shown, Button("All approvals", "approvals")),
    )


def _approval(each: Approval, for_me: Sequence[Approval]) -> Text:
    whose = ("asked by ", Mention(each.requester, each.name)) if each in for_me else ("yours, waits for others",)
    return text(
        code(_short(each)),
        muted(" · "),
        code(elide(clear(each.command), _COMMAND)),
        muted(" · "),
        *whose,
        muted(" · expires "),
        Time(each.expires),
    )


def _short(approval: Approval) -> str:
    """By which a line and its buttons are known to be of one change."""
    return approval.id[:6]


def _asked(ctx: Context, approval: Approval) -> bool:
    return ctx.services.policy.people.same(approval.requester, ctx.request.person.key)


def _more(total: int) -> tuple[Text, ...]:
    return (text(muted(f"and {number(total - _SHOWN)} more")),) if total > _SHOWN else ()
