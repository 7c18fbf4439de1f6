"""Kinds of alerts: what there is, where one would go, and a test of the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Literal

from bot.alerting.held_reasons import held_words
from bot.alerting.model import Subscription
from bot.alerting.preview import Verdict
from bot.alerting.routing import key_of
from bot.alerting.rules import AlertRule
from bot.alerting.sample_incident import made_up
from bot.alerting.service import AlertService
from bot.alerting.suppression import Reason
from bot.domain.findings import Severity
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, muted, text
from cards.card import Block, Bullets, Button, Card, Mark, Text, Time, Words
from cards.command_line import join
from cards.formatting import plural
from handlers.alert import parts
from handlers.shared.common import section, titled
from handlers.shared.own_list import OwnList

_MARKS = {Severity.INFO: Mark.NEUTRAL, Severity.WARNING: Mark.WARNING, Severity.CRITICAL: Mark.FAILED}
_PATIENCE, _PAUSE = 15, 1.0
"""How often, and after how many seconds each, it is checked whether a test has arrived."""


KindSort = Literal["entity", "name", "severity"]
_KINDS: OwnList[AlertRule] = OwnList(
    "Kinds of alerts",
    {
        "entity": None,
        "name": lambda each: each.name,
        "severity": lambda each: (-each.severity.rank, each.name),
    },
    {
        "kind": lambda each: each.name,
        "entity": lambda each: each.entity,
        "severity": lambda each: each.severity.value,
        "means": lambda each: each.says,
        "only if asked for": lambda each: "yes" if each.quiet else "no",
    },
)


@command("alert kinds", effect="read", examples=["alert kinds", "alert kinds job", "alert kinds sort:severity"])
async def list_kinds(
    ctx: Context,
    entity: Literal["account", "pool", "node", "job", "task", "schedule"] | None = None,
    *,
    sort: KindSort = "entity",
    page: int = 1,
    csv: bool = False,
) -> Card:
    """List every kind of alert: its severity, what it means, and whether it must be subscribed to by name.

    :param entity: only those of one kind of thing
    :param sort: in which order
    :param page: which page of 20
    :param csv: all of them as a CSV file
    """
    kinds = [each for each in parts.service(ctx).kinds.values() if entity in (None, each.entity)]
    kinds = _KINDS.ordered(kinds, sort)
    plain = " ".join(filter(None, ["alert kinds", entity]))
    again = _KINDS.again(plain, sort)
    if csv:
        return await _KINDS.as_file(ctx, again, kinds, ctx.now(), "this bot", entity or "")
    page = build.within(page, len(kinds))
    rows = kinds[(page - 1) * build.PAGE : page * build.PAGE]
    return Card(
        title=titled("Kinds of alerts", entity, build.shown(page, len(rows), len(kinds))),
        blocks=blocks(
            Bullets(
                tuple(
                    text(
                        code(each.name),
                        "  ",
                        chip(_MARKS[each.severity], each.severity.value),
                        f" · {each.says}",
                        muted(" Only if asked for.") if each.quiet else None,
                    )
                    for each in rows
                )
            ),
            build.actions(
                *build.pager(again, page, len(kinds)),
                build.open_menu("Subscribe to", "alert subscribe {}", [each.name for each in rows]),
                build.open_menu("Test", "alert test {}", [each.name for each in rows]),
                build.open_menu("Where would it go", "alert route {}", [each.name for each in rows]),
                Button("Subscriptions", "alert subscriptions"),
                *_KINDS.controls(plain, sort),
            ),
            build.note("Kinds that come only if asked for are subscribed to by name: alert subscribe job.completed"),
        ),
    )


@command(
    "alert route",
    effect="read",
    examples=["alert route job.failed", "alert route node.unusable render-gpu/tvm-1 severity:critical"],
)
async def route_alert(
    ctx: Context,
    kind: str,
    entity: str | None = None,
    *,
    severity: Literal["info", "warning", "critical"] | None = None,
    account: str | None = None,
) -> Card:
    """Show which conversations would get an alert and why, and which would hold it back now. Nothing is sent.

    :param kind: the kind of alert, such as job.failed
    :param entity: what it would be about: a name; POOL/NODE for a node and JOB/TASK for a task
    :param severity: how bad it would be; as bad as the kind says if left out
    :param account: the account, by its name in the settings; if left out the default here
    """
    alerts = parts.service(ctx)
    source = ctx.account(account)
    found = _kind(alerts, kind, ["alert", "route"], [entity] if entity else [])
    least = Severity(severity) if severity else None
    again = ["alert", "route", found.name]
    named = entity.removeprefix(f"{found.entity}:").split("/") if entity else ["example"]
    name = "/".join(parts.a_pattern(each, again) for each in named)
    incident = made_up(found, source.name, alerts.now(), name=name, severity=least)
    verdicts, lost = alerts.preview(incident), await parts.unreached(ctx)
    would = [each for each in verdicts if each.held is None]
    now = [each for each in would if each.conversation not in lost]
    held = len(verdicts) - len(would)
    about = f"about {found.entity} {name}" if entity and found.entity != "account" else f"in {source.name}"
    return Card(
        title=titled(
            f"{found.name} {about}",
            f"{plural(len(now), 'channel')} would get it",
            f"{plural(len(would) - len(now), 'channel')} cannot be written to" if len(would) > len(now) else None,
            f"{plural(held, 'channel')} would hold it back" if held else None,
        ),
        mark=_MARKS[incident.severity] if now else Mark.STOPPED,
        as_of=alerts.now(),
        blocks=blocks(
            *_listed(ctx, verdicts, await parts.names(ctx), lost),
            None if verdicts else Words(text("Nobody asks for it. ", code(f"alert subscribe {found.name}"), " does.")),
            Words(text(muted("For a certain pool, job or node name it: patterns may fit that one alone.")))
            if not entity and found.entity != "account"
            else None,
            build.actions(
                Button(f"Subscribe {parts.where(ctx)}", f"alert subscribe {found.name}"),
                Button("Test here", f"alert test {found.name}"),
                Button("Subscriptions", "alert subscriptions"),
                Button("Kinds", "alert kinds"),
            ),
        ),
    )


@command(
    "alert test", effect="change", shared="operator", check="status", examples=["alert test", "alert test job.failed"]
)
async def test_alert(ctx: Context, kind: str | None = None) -> AsyncIterator[Card]:
    """Send a test alert to this conversation the way real ones go, and show how far it came.

    :param kind: the kind of alert; any if left out
    """
    alerts = parts.service(ctx)
    found = _kind(alerts, kind or _usual(alerts), ["alert", "test"])
    incident = made_up(found, ctx.account(None).name, alerts.now())
    entry = await alerts.test(parts.here(ctx), incident)
    verdicts = alerts.preview(incident)
    named, lost = await parts.names(ctx), await parts.unreached(ctx)

    def told(how: str, mark: Mark) -> Card:
        return _tested(ctx, found, how, mark, verdicts, named, lost)

    yield told("on its way", Mark.CHANGING)
    for _ in range(_PATIENCE):
        for delivery in await ctx.store.deliveries([entry]):
            if delivery.sent:
                yield told("has arrived", Mark.DONE)
                return
            if delivery.state in ("gone", "dead"):
                why = f"cannot be delivered ({delivery.error or delivery.state})"
                yield told(why, Mark.FAILED)
                return
        if await ctx.live.pause(_PAUSE):
            break
    yield told("still on its way: status shows what it waits for", Mark.WARNING)


def _tested(
    ctx: Context,
    kind: AlertRule,
    how: str,
    mark: Mark,
    verdicts: list[Verdict],
    conversations: dict[str, str],
    lost: set[str],
) -> Card:
    here = next((each for each in verdicts if each.conversation == key_of(ctx.request.conversation)), None)
    if here is None:
        real = "A real one would not be posted here: nobody subscribed to it in this conversation."
    elif here.held:
        real = "A real one would be held back here now."
    else:
        real = "A real one would come here too."
    return Card(
        title=titled(f"Test of {kind.name}", f"sent {parts.where(ctx)}", how),
        mark=mark,
        blocks=blocks(
            Words(text(real)),
            *section("A real one would go to", *_listed(ctx, verdicts, conversations, lost)),
            build.actions(
                Button("Subscribe", f"alert subscribe {kind.name}") if here is None else None,
                Button("Where would it go", f"alert route {kind.name}"),
                Button("Status", "status"),
                Button("Kinds", "alert kinds"),
            ),
        ),
    )


def _listed(ctx: Context, verdicts: Iterable[Verdict], conversations: dict[str, str], lost: set[str]) -> list[Block]:
    """``lost`` are places that the bot cannot write to."""
    rows = [
        text(
            parts.conversation_name(ctx, each.conversation, conversations),
            ": ",
            *(_LOST if each.held is None and each.conversation in lost else _held(each.held)),
            muted(f" · {'; '.join(_asked(one) for one in each.asked)}"),
        )
        for each in sorted(verdicts, key=lambda each: (each.held is not None, each.conversation))
    ]
    return [Bullets(tuple(rows))] if rows else []


def _asked(subscription: Subscription) -> str:
    by = "the settings" if subscription.id.startswith("settings:") else f"subscription {subscription.id}"
    return f"{subscription.describe()} ({by})"


_LOST = text(chip(Mark.FAILED, "cannot be posted: the bot is not there"))


def _held(reason: Reason | None) -> Text:
    if reason is None:
        return text(chip(Mark.DONE, "gets it"))
    until = (" until ", Time(reason.until, "clock")) if reason.until else ()
    return text(chip(Mark.STOPPED, f"held back: {held_words(reason.held)}"), *until)


def _kind(alerts: AlertService, typed: str, before: list[str], after: list[str] | None = None) -> AlertRule:
    """The kind of that name. Raises CommandError with the nearest."""
    if found := alerts.kinds.get(typed.lower()):
        return found
    near = parts.nearest_kinds(alerts, typed)
    raise CommandError(
        f"There is no kind of alert called “{typed[:60]}”.",
        [*(join([*before, each, *(after or [])]) for each in near), "alert kinds"],
    )


def _usual(alerts: AlertService) -> str:
    """A kind that most people get."""
    usual = (each.name for each in alerts.kinds.values() if not each.quiet and each.severity is Severity.WARNING)
    return next(usual, next(iter(alerts.kinds)))
