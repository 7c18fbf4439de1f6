"""Mutes: alerts that a conversation does not want for a while."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Literal, NamedTuple

from bot.alerting.model import Mute
from bot.alerting.routing import concerns, key_of
from bot.alerting.service import AlertService
from bot.chat.request import Author
from bot.filter.values import spelled
from bot.requests.command import command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, muted, refusal, text
from cards.card import Bullets, Button, Card, Column, Mark, Menu, Option, Text, Time, Words
from cards.formatting import number, plural
from handlers.alert import parts
from handlers.shared.common import nearest, section, titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import OwnList

EVER = "ever"
ALL = "all"
"""Every alert, as people say it."""
MOST = 100
"""Mutes that one conversation can have."""
_LONGEST = timedelta(days=365)
_SHOWN = 5
_COLUMNS = (
    Column("Id", width=1),
    Column("Muted", width=4),
    Column("Until", width=2),
    Column("By", rank=2, width=2),
    Column("Holds back", "right", rank=1),
)


@command(
    "alert mute",
    effect="change",
    shared="operator",
    check="alert mutes",
    examples=["alert mute pool:gpu-*", "alert mute nightly:* for:8h kind:job.failed", "alert mute old-pool for:ever"],
)
async def mute(
    ctx: Context,
    entity: str,
    *,
    for_: str = "2h",
    kind: str | None = None,
    account: str | None = None,
) -> Card:
    """Mute matching alerts in this channel for a while. Those that are still open afterwards are posted then.

    Messages that are there already stay and are edited.

    :param entity: a pattern of names such as render-*, pool:gpu-* for pools and what is in them, or all
    :param for_: how long, such as 30m, 2h or 7d, or until when, such as 07:00; ever until it is taken back
    :param kind: only these kinds or patterns of kinds, parted by commas
    :param account: only of this account
    """
    alerts = parts.service(ctx)
    again = ["alert", "mute"]
    pattern = "*" if entity.lower() == ALL else parts.a_pattern(entity, again)
    forever = for_.lower() == EVER
    span = (
        None
        if forever
        else parts.a_span(for_, [*again, pattern], longest=_LONGEST, option="for", until=parts.local(ctx))
    )
    kinds = parts.checked_kinds(ctx, [kind], [*again, pattern], option="kind") if kind else ()
    here = key_of(ctx.request.conversation)
    if len(_lasting(alerts, here)) >= MOST:
        return refusal(f"{MOST} mutes are the most that a conversation can have.", "", [Button("Mutes", "alert mutes")])
    made = Mute(
        id=secrets.token_hex(3),
        accounts=ctx.account(account).name if account else "*",
        entity=pattern,
        kinds=kinds,
        until=alerts.now() + span if span else None,
        by=Author.of(ctx.request),
        at=alerts.now(),
    )
    await alerts.mute(here, made)
    held = [each for each in alerts.incidents.open() if concerns(each, made.accounts, made.entity, made.kinds)]
    return Card(
        title=titled(
            f"{_named(made)} is muted {_whom(ctx)}", f"for {spelled(_minutes(span))}" if span else "until it is unmuted"
        ),
        mark=Mark.STOPPED,
        as_of=alerts.now(),
        blocks=blocks(
            Words(text("Until ", Time(made.until))) if made.until else None,
            *parts.called_nothing(ctx, pattern, "alert mute {}"),
            *section(
                f"{plural(len(held), 'open alert')} it concerns",
                Bullets(tuple(text(parts.state_of(each), f"  {each.headline}") for each in held[:_SHOWN]))
                if held
                else None,
                Words(text(muted(f"and {number(len(held) - _SHOWN)} more"))) if len(held) > _SHOWN else None,
            ),
            build.actions(
                Button("Unmute", f"alert unmute {made.id}", how="edit"),
                Button("Mutes", "alert mutes"),
                Button("Open alerts", "alert list"),
            ),
        ),
    )


def _minutes(length: timedelta) -> timedelta:
    """In whole minutes: until a time of day it is seconds more."""
    return timedelta(minutes=round(length / timedelta(minutes=1)))


class Lasting(NamedTuple):
    """A mute, and how many alerts it holds back now."""

    mute: Mute
    held: int


MuteSort = Literal["until", "newest", "muted", "held"]
_LIST: OwnList[Lasting] = OwnList(
    "Mutes",
    {
        "until": None,
        "newest": lambda each: backwards(each.mute.at),
        "muted": lambda each: _named(each.mute),
        "held": lambda each: -each.held,
    },
    {
        "mute": lambda each: each.mute.id,
        "muted": lambda each: _named(each.mute),
        "until": lambda each: each.mute.until,
        "by": lambda each: each.mute.by.name if each.mute.by else "",
        "since": lambda each: each.mute.at,
        "holds back": lambda each: each.held,
    },
)


@command("alert mutes", effect="read", examples=["alert mutes", "alert mutes sort:held"])
async def list_mutes(ctx: Context, *, sort: MuteSort = "until", csv: bool = False) -> Card:
    """List the mutes of this conversation, until when they last, and how much each holds back.

    :param sort: in which order
    :param csv: all of them as a CSV file
    """
    alerts = parts.service(ctx)
    if csv:
        rows = _LIST.ordered(_counted(alerts, key_of(ctx.request.conversation)), sort)
        return await _LIST.as_file(ctx, _LIST.again("alert mutes", sort), rows, alerts.now(), "this conversation")
    return _listed(ctx, alerts, "", sort)


@command("alert unmute", effect="change", shared="operator", check="alert mutes", examples=["alert unmute 1a2b3c"])
async def unmute(ctx: Context, mute: str) -> Card:
    """Remove a mute: what it held back and is still open is posted.

    :param mute: its id, from the list of mutes
    """
    alerts = parts.service(ctx)
    here = key_of(ctx.request.conversation)
    known = {each.id: each for each in _lasting(alerts, here)}
    if mute not in known:
        near = nearest(mute, known)
        return refusal(
            f"There is no mute “{mute[:60]}” in this conversation.",
            "Did you mean one of these?" if near else "It may be over by now.",
            [*(Button(each, f"alert unmute {each}") for each in near), Button("Mutes", "alert mutes")],
        )
    await alerts.unmute(here, mute)
    return _listed(ctx, alerts, f"{_named(known[mute])} is unmuted")


def _lasting(alerts: AlertService, conversation: str) -> list[Mute]:
    """The mutes that are not over, the one that ends first first."""
    now = alerts.now()
    mutes = [each for each in alerts.incidents.mutes(conversation) if each.until is None or each.until > now]
    return sorted(mutes, key=lambda each: (each.until is None, each.until or now, each.id))


def _counted(alerts: AlertService, conversation: str) -> list[Lasting]:
    held = [each.by for each in alerts.incidents.waiting(conversation) if each.held == "muted"]
    return [Lasting(each, held.count(each.id)) for each in _lasting(alerts, conversation)]


def _listed(ctx: Context, alerts: AlertService, news: str, sort: MuteSort = "until") -> Card:
    mutes = _LIST.ordered(_counted(alerts, key_of(ctx.request.conversation)), sort)
    rows: list[list[Text]] = [
        [
            text(code(each.id)),
            text(_named(each)),
            text(Time(each.until)) if each.until else text("until it is unmuted"),
            text(each.by.shown_to(ctx.request) if each.by else ""),
            text(number(held)),
        ]
        for each, held in mutes
    ]
    return Card(
        title=titled("Mutes", number(len(mutes)), news),
        mark=Mark.STOPPED if mutes else Mark.NEUTRAL,
        as_of=alerts.now(),
        blocks=blocks(
            build.table(_COLUMNS, rows)
            if rows
            else Words(text("Nothing is muted here. For example: ", code("alert mute pool:gpu-* for:2h"))),
            build.actions(
                Menu(
                    "Unmute",
                    "alert unmute {}",
                    tuple(Option(_named(each)[:75], each.id) for each, _ in mutes[:25]),
                    how="edit",
                )
                if mutes
                else None,
                Button("Mute…", "alert mute", how="form"),
                Button("Quiet hours", "alert hours"),
                Button("Subscriptions", "alert subscriptions"),
                Button("Open alerts", "alert list"),
                *(_LIST.controls("alert mutes", sort) if mutes else ()),
            ),
        ),
    )


def _named(mute: Mute) -> str:
    """``job.failed about nightly:* in render-prod``."""
    about = "everything" if mute.entity == "*" else mute.entity
    what = f"{', '.join(mute.kinds)} about {about}" if mute.kinds else about
    return what if mute.accounts == "*" else f"{what} in {mute.accounts}"


def _whom(ctx: Context) -> str:
    return "for you" if ctx.request.conversation.kind == "personal" else "here"
