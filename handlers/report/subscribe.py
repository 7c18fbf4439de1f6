"""Who gets which report, when, and on what condition."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from bot.alerting.routing import key_of
from bot.chat.request import Author, Conversation
from bot.reports.calendar import Cadence, Kind, following
from bot.reports.service import Reports
from bot.reports.subscriptions import ReportSubscription
from bot.reports.subscriptions import subscribe as keep
from bot.reports.subscriptions import subscriptions as kept
from bot.reports.subscriptions import unsubscribe as forget
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, facts, muted, refusal, text
from cards.card import Block, Bullets, Button, Card, Mark, Menu, Option, Time, Words
from cards.command_line import join
from cards.formatting import number
from handlers.alert import parts as alert_parts
from handlers.report import parts
from handlers.shared.common import line, nearest, section, titled
from handlers.shared.listing import backwards
from handlers.shared.own_list import OwnList

_ALL = Button("Subscriptions", "cost subscriptions")


@command(
    "cost subscribe",
    effect="change",
    shared="operator",
    alone="to:me",
    check="cost subscriptions",
    examples=[
        "cost subscribe",
        "cost subscribe weekly at:09:00 day:mon",
        "cost subscribe daily to:me rose:20%",
        "cost subscribe monthly least:100",
    ],
)
async def subscribe(
    ctx: Context,
    kind: Kind = "weekly",
    *,
    at: str = "09:00",
    day: str = "mon",
    zone: str | None = None,
    least: float | None = None,
    rose: str | None = None,
    account: str | None = None,
    to: Literal["here", "me"] = "here",
) -> Card:
    """Have a report of what an account cost posted here by the calendar, or sent to you.

    :param kind: of every day, week (Monday to Sunday) or month
    :param at: the local time at which it comes
    :param day: the day on which a weekly one comes; a monthly one comes on the 2nd, when the last day is in
    :param zone: the time zone of these, such as Europe/Berlin; the conversation's own if left out
    :param least: only if it cost so much or more
    :param rose: only if it rose by so much or more against the period before, such as 10%
    :param account: the account, by its name in the settings
    :param to: here, or me for a direct message
    """
    reports = parts.service(ctx)
    source = ctx.account(account)
    again = ["cost", "subscribe", kind]
    conversation = await _alone(ctx) if to == "me" else alert_parts.here(ctx)
    if least is not None and least < 0:
        raise CommandError("A cost is not less than 0.", [join([*again, "least:1"])], at="least")
    made = ReportSubscription(
        id=secrets.token_hex(3),
        conversation=conversation,
        account=source.name,
        cadence=Cadence(
            kind,
            alert_parts.a_zone(zone, again) if zone else parts.zone_of(ctx, conversation),
            parts.a_clock(at, again),
            parts.a_day(day, again),
        ),
        least=least,
        rose=parts.a_share(rose, again) if rose else None,
        by=Author.of(ctx.request),
        at=reports.now(),
    )
    before = {each.report: each for each in await kept(ctx.store, conversation.key)}.get(made.report)
    if before:
        made = replace(made, id=before.id)
    await keep(ctx.store, made)
    reports.nudge()
    coming = following(made.cadence, made.at)
    currency = await parts.currency_of(ctx, source.name)
    here = conversation.key == ctx.request.conversation.key
    return Card(
        title=titled(
            _sentence(made.describe()), alert_parts.where(ctx) if here else "to you in a direct message",
            "changed" if before else "from now on",
        ),
        mark=Mark.DONE,
        as_of=made.at,
        blocks=blocks(
            facts(
                ("First", text(Time(coming.due))),
                ("Was", before.describe(currency) if before and before.describe() != made.describe() else ""),
            ),
            Words(text(muted("It waits some hours for data that is late, and says so where it goes out without."))),
            build.actions(
                Button("Preview", line(ctx, source, "cost preview", kind)),
                Button("Remove", f"cost unsubscribe {made.id}", how="edit"),
                _ALL,
            ),
        ),
    )  # fmt: skip


ReportSort = Literal["oldest", "newest", "report"]
_LIST: OwnList[ReportSubscription] = OwnList(
    "Reports",
    {
        "oldest": None,
        "newest": lambda each: backwards(each.at),
        "report": lambda each: each.describe(),
    },
    {
        "subscription": lambda each: each.id,
        "conversation": lambda each: alert_parts.named(each.conversation),
        "report": lambda each: each.describe(),
        "by": lambda each: each.by.name if each.by else "",
        "since": lambda each: each.at,
    },
)


@command("cost subscriptions", effect="read", examples=["cost subscriptions", "cost subscriptions sort:newest"])
async def subscriptions(ctx: Context, *, sort: ReportSort = "oldest", csv: bool = False) -> Card:
    """List the reports that are posted here, and those that are sent to you.

    :param sort: in which order
    :param csv: all of them as a CSV file
    """
    if csv:
        here, mine = await _visible(ctx)
        rows = _LIST.ordered([*here, *mine], sort)
        again = _LIST.again("cost subscriptions", sort)
        return await _LIST.as_file(ctx, again, rows, parts.service(ctx).now(), "this conversation")
    return await _listed(ctx, "", sort)


async def _subscribed_by(ctx: Context, subscription: str) -> str:
    """Whoever made a subscription of this conversation; empty where there is none."""
    found = next(
        (each for each in await kept(ctx.store, key_of(ctx.request.conversation)) if each.id == subscription), None
    )
    return (found.by.id if found.by else "unknown") if found else ""


@command(
    "cost unsubscribe",
    effect="change",
    others="operator",
    owner=_subscribed_by,
    check="cost subscriptions",
    examples=["cost unsubscribe 1a2b3c"],
)
async def unsubscribe(ctx: Context, subscription: str) -> Card:
    """Take a report back; what was posted stays.

    :param subscription: its id, from the list of subscriptions
    """
    reports = parts.service(ctx)
    here, mine = await _visible(ctx)
    found = next((each for each in (*here, *mine) if each.id == subscription), None)
    if found is None:
        near = nearest(subscription, [each.id for each in (*here, *mine)])
        return refusal(
            f"There is no report “{subscription[:60]}” of this conversation or of yours.",
            "Did you mean one of these?" if near else "The list shows what there is.",
            [*(Button(each, f"cost unsubscribe {each}") for each in near), _ALL],
        )
    await forget(ctx.store, found)
    reports.nudge()
    return await _listed(ctx, f"{subscription} is removed")


async def _alone(ctx: Context) -> Conversation:
    """The conversation with whoever asks, alone. Raises CommandError where the bot cannot begin one."""
    if ctx.request.conversation.kind == "personal":
        return alert_parts.here(ctx)
    if ctx.direct is None:
        raise CommandError("I cannot write to you from here: ask for it in our personal chat, without “to:me”.")
    conversation = await ctx.direct(ctx.request.person, ctx.request.conversation)
    return replace(conversation, thread=None, name=conversation.name or ctx.request.person.name)


async def _visible(ctx: Context) -> tuple[list[ReportSubscription], list[ReportSubscription]]:
    """Those of this conversation, and those that are sent to the asker alone, elsewhere than here."""
    key, me = key_of(ctx.request.conversation), Author.of(ctx.request).id
    every = await kept(ctx.store)
    here = [each for each in every if each.conversation.key == key]
    mine = [
        each
        for each in every
        if each.conversation.kind == "personal" and each.conversation.key != key and each.by and each.by.id == me
    ]
    return here, mine


async def _listed(ctx: Context, news: str, sort: ReportSort = "oldest") -> Card:
    reports = parts.service(ctx)
    here, mine = (_LIST.ordered(each, sort) for each in await _visible(ctx))
    every = [*here, *mine]
    personal = ctx.request.conversation.kind == "personal"
    return Card(
        title=titled("Reports", number(len(every)), news),
        as_of=reports.now(),
        blocks=blocks(
            *await _section(ctx, "Sent to you" if personal else "Posted here", here),
            *await _section(ctx, "Sent to you in direct messages", mine),
            *_not_made(reports, every),
            None if every else Words(text("No reports are posted here. For example: ", code("cost subscribe weekly"))),
            build.actions(
                Button("Subscribe…", "cost subscribe", how="form"),
                Menu(
                    "Remove",
                    "cost unsubscribe {}",
                    tuple(Option(each.describe()[:75], each.id) for each in every),
                    how="edit",
                )
                if every
                else None,
                Button("Preview", "cost preview"),
                Button("Budgets", "cost budgets"),
                *(_LIST.controls("cost subscriptions", sort) if every else ()),
            ),
        ),
    )


def _not_made(reports: Reports, every: Sequence[ReportSubscription]) -> list[Block]:
    """The reports that were due and could not be made, and why."""
    lines = [text(code(each.id), f": {why}") for each in every if (why := reports.not_made(each))]
    return section("Could not be made", Bullets(tuple(lines))) if lines else []


async def _section(ctx: Context, name: str, every: Sequence[ReportSubscription]) -> list[Block]:
    now = parts.service(ctx).now()
    lines = [
        text(
            code(each.id),
            f"  {each.describe(await parts.currency_of(ctx, each.account))} · next ",
            Time(following(each.cadence, now).due),
            f" · by {each.by.shown_to(ctx.request)}" if each.by else "",
        )
        for each in every
    ]
    return section(name, Bullets(tuple(lines))) if lines else []


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
