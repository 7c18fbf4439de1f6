"""Subscriptions of a channel and of a person."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Literal

from msgspec.structs import replace

from bot.alerting.model import Incident, Subscription
from bot.alerting.routing import key_of, overlaps, wanted
from bot.alerting.service import AlertService
from bot.chat.request import Author, Conversation
from bot.domain.findings import Severity
from bot.requests.command import CommandError, Instead, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, muted, refusal, text
from cards.card import Block, Bullets, Button, Card, Column, Mark, Menu, Option, Text, Time, Words
from cards.command_line import join
from cards.formatting import number, plural
from handlers.alert import parts
from handlers.shared.common import nearest, section, titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import OwnList

MOST = 50
"""Subscriptions that one conversation can have."""
_INVITE = "I cannot write there: nobody is told anything until I can. Invite me, and what is open is posted at once."
_SHOWN = 5
_COLUMNS = (
    Column("Id", width=1),
    Column("Alerts", width=5),
    Column("By", rank=2, width=2),
    Column("When", rank=1, width=2),
)
_OPTIONS = ("severity", "entity", "account", "to")


@command(
    "alert subscribe",
    effect="change",
    shared="operator",
    alone="to:me",
    check="alert subscriptions",
    examples=[
        "alert subscribe",
        "alert subscribe job.* severity:info entity:render-*",
        "alert subscribe node.unusable entity:pool:gpu-*",
        "alert subscribe job.completed to:me",
    ],
)
async def subscribe(
    ctx: Context,
    *kinds: str,
    severity: Literal["info", "warning", "critical"] | None = None,
    entity: str | None = None,
    account: str | None = None,
    to: Literal["here", "me"] = "here",
) -> Card:
    """Subscribe this channel to alerts, or yourself in direct messages. What is open already is posted at once.

    :param kinds: kinds or patterns of kinds, such as job.failed node.*; all but those on request if left out, where
        anything else is said
    :param severity: this bad or worse; warning if left out, and anything of kinds that are named in full
    :param entity: only about these: a pattern of names such as render-*, or pool:gpu-* for pools and what is in them
    :param account: only of this account, or of all that fit a pattern such as render-*
    :param to: here, or me for a direct message
    """
    alerts = parts.service(ctx)
    if not (kinds or severity or entity or account or to == "me" or ctx.request.values):
        return _which(ctx)
    again = ["alert", "subscribe"]
    chosen = parts.checked_kinds(ctx, kinds, again, _OPTIONS)
    pattern = parts.a_pattern(entity, [*again, *chosen], "entity") if entity else "*"
    accounts = account if account and "*" in account else ctx.account(account).name if account else "*"
    conversation = await _alone(ctx) if to == "me" else parts.here(ctx)
    subscription = Subscription(
        id=secrets.token_hex(3),
        conversation=conversation,
        accounts=accounts,
        entity=pattern,
        kinds=chosen,
        severity=Severity(severity) if severity else least(chosen),
        by=Author.of(ctx.request),
        at=alerts.now(),
    )
    same = alerts.incidents.subscriptions(key_of(conversation))
    mute = key_of(conversation) in await parts.unreached(ctx)
    if known := next((each for each in same if _alike(each, subscription)), None):
        mark = Mark.WARNING if mute else Mark.NEUTRAL
        return _subscribed(ctx, alerts, known, [], "is subscribed to already", mark, mute=mute)
    if len(same) >= MOST:
        raise Instead(refusal(f"{MOST} subscriptions are the most that a conversation can have.", "", [_ALL]))
    coming = _coming(alerts, subscription)
    await alerts.subscribe(subscription)
    how, mark = ("once I can write there", Mark.WARNING) if mute else ("from now on", Mark.DONE)
    return _subscribed(ctx, alerts, subscription, coming, how, mark, mute=mute)


def _which(ctx: Context) -> Card:
    """Nobody wants all of them by accident."""
    return Card(
        title=titled("Which alerts", parts.where(ctx)),
        blocks=blocks(
            Words(text("Nothing is subscribed yet. What is open already and fits is posted at once.")),
            build.actions(
                Button("Warnings and worse", "alert subscribe severity:warning", style="primary"),
                Button("Critical only", "alert subscribe severity:critical"),
                Button("Failed tasks", "alert subscribe job.failed"),
                Button("Choose…", "alert subscribe", how="form"),
                Button("Kinds", "alert kinds"),
            ),
        ),
    )


_ALL = Button("Subscriptions", "alert subscriptions")


def least(kinds: tuple[str, ...]) -> Severity:
    """Who names kinds in full wants them, however little they are; patterns and all of them are for trouble."""
    return Severity.INFO if kinds and not any("*" in each for each in kinds) else Severity.WARNING


async def _alone(ctx: Context) -> Conversation:
    """The conversation with whoever asks, alone. Raises CommandError where the bot cannot begin one."""
    if ctx.request.conversation.kind == "personal":
        return parts.here(ctx)
    if ctx.direct is None:
        raise CommandError("I cannot write to you from here: ask for it in our personal chat, without “to:me”.")
    conversation = await ctx.direct(ctx.request.person, ctx.request.conversation)
    return replace(conversation, thread=None, name=conversation.name or ctx.request.person.name)


def _alike(one: Subscription, other: Subscription) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("accounts", "entity", "kinds", "severity"))


def _coming(alerts: AlertService, subscription: Subscription) -> list[Incident]:
    """What is open, asked for, and not known there yet."""
    there = key_of(subscription.conversation)
    return [
        each
        for each in alerts.incidents.open()
        if wanted(subscription, each, alerts.kinds) and alerts.incidents.notification(each.id, there) is None
    ]


def _overlap(subscription: Subscription) -> Text:
    """``a1b2c3  job.failed in every account``; those of the settings have no id that people need."""
    if subscription.id.startswith("settings:"):
        return text(subscription.describe(), muted(" (the settings)"))
    return text(code(subscription.id), f"  {subscription.describe()}")


def _subscribed(
    ctx: Context,
    alerts: AlertService,
    made: Subscription,
    coming: list[Incident],
    how: str,
    mark: Mark,
    *,
    mute: bool,
) -> Card:
    """What is subscribed to; ``mute`` where the bot cannot write there, so that nobody waits for what does not come."""
    others = [*alerts.incidents.subscriptions(), *alerts.incidents.defaults()]
    twice = list(overlaps(made, (each for each in others if not _alike(each, made))))
    here = key_of(made.conversation) == key_of(ctx.request.conversation)
    whom = parts.where(ctx) if here else "to you in a direct message"
    quiet = sorted(each.name for each in alerts.kinds.values() if each.quiet)
    return Card(
        title=titled(made.describe(), f"{whom} {how}" if how.startswith(("from", "once")) else f"{how} {whom}"),
        mark=mark,
        as_of=alerts.now(),
        blocks=blocks(
            Words(text(_INVITE)) if mute else None,
            *(parts.called_nothing(ctx, made.entity, "alert subscribe entity:{}") if made.entity != "*" else ()),
            *section(
                f"{plural(len(coming), 'alert')} open already, "
                f"which {'comes' if len(coming) == 1 else 'come'} {'then' if mute else 'at once'}",
                Bullets(tuple(text(parts.state_of(each), f"  {each.headline}") for each in coming[:_SHOWN]))
                if coming
                else None,
                Words(text(muted(f"and {number(len(coming) - _SHOWN)} more"))) if len(coming) > _SHOWN else None,
            ),
            *section(
                "It overlaps; each alert is posted once",
                Bullets(tuple(_overlap(each) for each in twice[:_SHOWN])) if twice else None,
            ),
            None
            if made.kinds or not quiet
            else Words(text(muted("Only if asked for by name: "), code(", ".join(quiet[:4])), muted(" and the like."))),
            build.actions(
                Button("Remove", f"alert unsubscribe {made.id}", how="edit"),
                Button("Test", join(["alert", "test", *_plain(made)])) if here else None,
                _ALL,
                Button("Quiet hours", "alert hours"),
                Button("Kinds", "alert kinds"),
            ),
        ),
    )


def _plain(subscription: Subscription) -> list[str]:
    """The first of its kinds that is no pattern."""
    return [each for each in subscription.kinds if "*" not in each][:1]


SubscriptionSort = Literal["oldest", "newest", "alerts"]
_LIST: OwnList[Subscription] = OwnList(
    "Subscriptions",
    {
        "oldest": None,
        "newest": lambda each: backwards(each.at),
        "alerts": lambda each: each.describe(),
    },
    {
        "subscription": lambda each: each.id,
        "conversation": lambda each: parts.named(each.conversation),
        "alerts": lambda each: each.describe(),
        "kinds": lambda each: " ".join(each.kinds),
        "severity": lambda each: each.severity.value,
        "entity": lambda each: each.entity,
        "accounts": lambda each: each.accounts,
        "by": lambda each: each.by.name if each.by else "the settings",
        "since": lambda each: each.at,
    },
)


@command(
    "alert subscriptions",
    effect="read",
    examples=["alert subscriptions", "alert subscriptions sort:newest"],
)
async def list_subscriptions(ctx: Context, *, sort: SubscriptionSort = "oldest", csv: bool = False) -> Card:
    """List the subscriptions of this conversation, your own in direct messages, and those of the settings.

    :param sort: in which order
    :param csv: all of them as a CSV file
    """
    alerts = parts.service(ctx)
    if csv:
        rows = _LIST.ordered([*_here(ctx, alerts), *_mine(ctx, alerts), *_of_settings(ctx, alerts)], sort)
        return await _LIST.as_file(
            ctx, _LIST.again("alert subscriptions", sort), rows, alerts.now(), "this conversation"
        )
    return await _listed(ctx, alerts, "", sort)


async def _subscribed_by(ctx: Context, subscription: str) -> str:
    """Whoever made a subscription of this conversation; empty where there is none."""
    found = ctx.alerts.incidents.subscription(subscription) if ctx.alerts else None
    if found is None or key_of(found.conversation) != key_of(ctx.request.conversation):
        return ""  # what is sent elsewhere is not seen from here
    return found.by.id if found.by else "unknown"


@command(
    "alert unsubscribe",
    effect="change",
    others="operator",
    owner=_subscribed_by,
    check="alert subscriptions",
    examples=["alert unsubscribe 1a2b3c"],
)
async def unsubscribe(ctx: Context, subscription: str) -> Card:
    """Remove a subscription; messages that are there already stay and are still edited.

    :param subscription: its id, from the list of subscriptions
    """
    alerts = parts.service(ctx)
    found = alerts.incidents.subscription(subscription)
    mine = found is not None and found.by is not None and found.by.id == Author.of(ctx.request).id
    visible = found is not None and (mine or key_of(found.conversation) == key_of(ctx.request.conversation))
    if found is None or not visible:
        return _unknown(ctx, alerts, subscription)
    await alerts.unsubscribe(subscription)
    return await _listed(ctx, alerts, f"{subscription} is removed")


def _unknown(ctx: Context, alerts: AlertService, name: str) -> Card:
    if name.startswith("settings:"):
        return refusal(
            "The settings subscribe that: it cannot be removed here.",
            "Somebody who runs the bot can take the conversation out of alerts.channels. Muting holds it back.",
            [Button("Mutes", "alert mutes"), _ALL],
        )
    near = nearest(name, [each.id for each in (*_here(ctx, alerts), *_mine(ctx, alerts))])
    return refusal(
        f"There is no subscription “{name[:60]}” of this conversation or of yours.",
        "Did you mean one of these?" if near else "The list shows what there is.",
        [*(Button(each, f"alert unsubscribe {each}") for each in near), _ALL],
    )


def _here(ctx: Context, alerts: AlertService) -> list[Subscription]:
    return alerts.incidents.subscriptions(key_of(ctx.request.conversation))


def _mine(ctx: Context, alerts: AlertService) -> list[Subscription]:
    """What is sent to the asker alone, elsewhere than here."""
    me, key = Author.of(ctx.request).id, key_of(ctx.request.conversation)
    return [
        each
        for each in alerts.incidents.subscriptions()
        if each.by and each.by.id == me and each.conversation.kind == "personal" and key_of(each.conversation) != key
    ]


def _of_settings(ctx: Context, alerts: AlertService) -> list[Subscription]:
    key = key_of(ctx.request.conversation)
    return [each for each in alerts.incidents.defaults() if key_of(each.conversation) == key]


def _elsewhere(ctx: Context, alerts: AlertService, shown: set[str], known: dict[str, str]) -> list[Text]:
    """Where else something is posted, each place with what of it: who is told is asked wherever one happens to be.

    Other people's own chats are left out: whose they are, and what of, is their business.
    """
    here, places = key_of(ctx.request.conversation), dict[str, dict[str, None]]()
    for each in (*alerts.incidents.defaults(), *alerts.incidents.subscriptions()):
        key = key_of(each.conversation)
        if key != here and each.id not in shown and each.conversation.kind != "personal":
            places.setdefault(parts.conversation_name(ctx, key, known), {})[each.describe()] = None
    lines = [text(f"{place}: {'; '.join(what)}") for place, what in sorted(places.items())]
    more = [text(muted(f"and {plural(len(lines) - _SHOWN, 'place')} more"))] if len(lines) > _SHOWN else []
    return [*lines[:_SHOWN], *more]


async def _listed(ctx: Context, alerts: AlertService, news: str, sort: SubscriptionSort = "oldest") -> Card:
    here, mine = _LIST.ordered(_here(ctx, alerts), sort), _LIST.ordered(_mine(ctx, alerts), sort)
    settings = _LIST.ordered(_of_settings(ctx, alerts), sort)
    removable = [*here, *mine]
    elsewhere = _elsewhere(ctx, alerts, {each.id for each in removable}, await parts.names(ctx))
    return Card(
        title=titled("Subscriptions", number(len(removable) + len(settings)), news),
        as_of=alerts.now(),
        blocks=blocks(
            *_section(ctx, "Sent to you" if ctx.request.conversation.kind == "personal" else "Posted here", here),
            *_section(ctx, "Sent to you in direct messages", mine),
            *section(
                "Posted here by the settings",
                Bullets(tuple(text(each.describe()) for each in settings)) if settings else None,
            ),
            None
            if removable or settings
            else Words(text("No alerts are posted here. For example: ", code("alert subscribe"))),
            *section("Posted elsewhere", Bullets(tuple(elsewhere)) if elsewhere else None),
            build.actions(
                Button("Subscribe…", "alert subscribe", how="form"),
                Menu(
                    "Remove",
                    "alert unsubscribe {}",
                    tuple(Option(each.describe()[:75], each.id) for each in removable),
                    how="edit",
                )
                if removable
                else None,
                Button("Mutes", "alert mutes"),
                Button("Quiet hours", "alert hours"),
                Button("Open alerts", "alert list"),
                *(_LIST.controls("alert subscriptions", sort) if removable or settings else ()),
            ),
        ),
    )


def _section(ctx: Context, name: str, every: Iterable[Subscription]) -> list[Block]:
    rows: list[list[Text]] = [
        [
            text(code(each.id)),
            text(each.describe()),
            text(each.by.shown_to(ctx.request) if each.by else ""),
            text(Time(each.at)) if each.at else (),
        ]
        for each in every
    ]
    return section(name, build.table(_COLUMNS, rows)) if rows else []
