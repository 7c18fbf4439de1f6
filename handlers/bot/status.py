"""How the bot itself stands: what it watches, what that takes, and what it could not bring out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import version

from bot.monitor.background import HISTORY, BackgroundStatus
from bot.monitor.intake import IntakeStatus
from bot.monitor.monitor_status import BEHIND, AccountStatus, Outbox, jump
from bot.outbox.destination_queue import DestinationStatus
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, chip, code, facts, muted, text
from cards.card import Block, Bullets, Button, Card, Column, Mark, Piece, Text, Time, Words
from cards.formatting import duration, file_size, number, plural
from handlers.alert import parts
from handlers.shared.common import section, titled
from storage.port.replicas import Replica

_ACCOUNTS = (
    Column("Account", width=2),
    Column("State", width=3),
    Column("Last poll", width=2),
    Column("Next", rank=1, width=2),
    Column("Calls a minute", "right", rank=2),
    Column("Read a minute", "right", rank=3),
)
_SHOWN = 15
_FEW = 5
"""Accounts of a replica that are named; of more it is said how many."""
_SILENT = 30.0
"""Seconds without a sign of life after which a replica has ended or hangs."""


@command("status", effect="read", examples=["status"], menu=85)
async def show_status(ctx: Context) -> Card:
    """Show monitoring and delivery status: last polls, throttling, messages waiting to be sent, and lost channels."""
    if ctx.status is None:
        raise CommandError("Nothing is watched from here: that needs the bot that “batchbot run” starts.")
    accounts, outbox = list(ctx.status.accounts()), ctx.status.outbox()
    conversations = await parts.names(ctx)
    blind = sum(each.blind is not None for each in accounts)
    gone = [each for each in outbox.conversations if each.gone_since]
    waiting = sum(each.waiting for each in outbox.conversations)
    beside, notes = ctx.status.background(), [text(each) for each in ctx.status.notes]
    late = gone or notes or _slow(accounts) or any(each.doubt for each in accounts)
    late = late or any(each.error and not each.refused for each in beside)
    late = late or any(each.events and each.events.failing(ctx.now()) for each in accounts)
    stored = ctx.status.stored()
    late = (
        late
        or bool(stored)
        or any(each.gone_since for each in outbox.webhooks)
        or any(each.behind for each in accounts)
    )
    worst = Mark.FAILED if blind or outbox.down else Mark.WARNING if late else Mark.RUNNING
    return Card(
        title=titled(
            f"{plural(len(accounts), 'account')} watched",
            f"{number(blind)} cannot be read" if blind else None,
            f"{plural(len(gone), 'channel')} cannot be reached" if gone else None,
            f"{plural(waiting, 'message')} waiting" if waiting else "nothing waits to be sent",
        ),
        mark=worst,
        as_of=ctx.alerts.now() if ctx.alerts else ctx.now(),
        blocks=blocks(
            build.table(_ACCOUNTS, [_account(each) for each in accounts]),
            *section("Database", Bullets(tuple(map(text, stored))) if stored else None),
            *_replicas(ctx.status.replicas()),
            *_blind(accounts),
            *_behind(accounts),
            *_clocks(accounts),
            *_events(accounts, ctx.now()),
            *_history(accounts),
            *_background(beside, ctx.now()),
            *_lost(gone, conversations),
            *_down(outbox),
            *_webhooks(outbox),
            *(section("To be mended", Bullets(tuple(notes))) if notes else ()),
            *_waiting(ctx, outbox, conversations),
            *section(
                "Since the start",
                facts(
                    ("Running since", text(Time(ctx.status.began))),
                    ("Sent", number(outbox.totals.sent)),
                    ("Edited", number(outbox.totals.edited)),
                    ("Perhaps repeated", number(outbox.totals.repeated) if outbox.totals.repeated else None),
                    ("Without details", number(outbox.totals.shortened) if outbox.totals.shortened else None),
                    ("Refused for good", number(outbox.totals.refused) if outbox.totals.refused else None),
                    ("Open alerts", number(len(ctx.alerts.incidents.open())) if ctx.alerts else None),
                    ("Version", version("batchbot")),
                ),
            ),
            build.actions(
                Button("Open alerts", "alert list", style="primary"),
                Button("Subscriptions", "alert subscriptions"),
                Button("Accounts", "account list"),
                Button("Refresh", "status", how="edit"),
            ),
        ),
    )


def _replicas(replicas: Sequence[Replica]) -> list[Block]:
    """Which replicas of the bot there are, and what each does."""
    if not replicas:
        return []
    lines = [
        text(
            code(each.name),
            f"{' (this one)' if each.mine else ''}: {_does(each)}; begun ",
            Time(each.since),
            muted(f", version {each.version}"),
        )
        for each in replicas
    ]
    if sum(each.age <= _SILENT for each in replicas) == 1:
        lines.append(text(muted("There is one replica alone: when it ends, nobody watches until it is started again.")))
    return section("Replicas of the bot", Bullets(tuple(lines)))


def _does(replica: Replica) -> str:
    """What it does, and of a few accounts which it watches."""
    if replica.age > _SILENT:
        return f"has given no sign of life for {duration(timedelta(seconds=round(replica.age)))}"
    watches = "watches nothing"
    if replica.watches:
        few = len(replica.watches) <= _FEW
        watches = f"watches {', '.join(replica.watches) if few else plural(len(replica.watches), 'account')}"
    return f"{watches}, {'decides, posts' if replica.holds else 'takes questions in'}"


def _slow(accounts: list[AccountStatus]) -> bool:
    return any(each.throttled for each in accounts)


def _account(status: AccountStatus) -> list[Text]:
    if status.blind:
        state = text(chip(Mark.FAILED, status.blind.code), " since ", Time(status.blind.since, "clock"))
    elif status.throttled:
        state = text(chip(Mark.WARNING, "throttled"), " since ", Time(status.throttled, "clock"))
    elif status.polled is None:
        state = text(chip(Mark.CHANGING, "not polled yet"))
    else:
        state = text(chip(Mark.RUNNING, "watched"))
    return [
        text(code(status.name)),
        state,
        text(Time(status.polled)) if status.polled else text(muted("–")),
        text(f"every {duration(timedelta(seconds=status.wait))}") if status.wait else text(muted("–")),
        text(number(round(status.calls, 1))),
        text(file_size(round(status.received))),
    ]


def _blind(accounts: list[AccountStatus]) -> list[Block]:
    """Why accounts cannot be read, in the service's words."""
    lines = [
        text(code(each.name), f": {each.blind.message}", muted(f" (tried {plural(each.blind.times, 'time')})"))
        for each in accounts
        if each.blind
    ]
    return section("Cannot be read", Bullets(tuple(lines))) if lines else []


def _behind(accounts: list[AccountStatus]) -> list[Block]:
    """What is read late, because the calls a minute do not suffice."""
    words = {
        **BEHIND,
        "counts": "last counts of jobs that ended",
        "starts": "starts and ends of tasks, on request",
        "states": "states of nodes, on request",
    }
    lines = [
        text(code(each.name), f": {words[stream]}, by {duration(timedelta(seconds=max(1.0, seconds)))}")
        for each in accounts
        for stream, seconds in sorted(each.behind.items())
    ]
    note = Words(text(muted("More happens than may be read: watch.requests_per_minute in the settings bounds it.")))
    return section("Read late", Bullets(tuple(lines)), note) if lines else []


def _clocks(accounts: list[AccountStatus]) -> list[Block]:
    """Times of the service that are not believed."""
    lines = [
        text(code(each.name), f": it jumped {jump(each.doubt.ahead)} at ", Time(each.doubt.at), " by the clock before")
        for each in accounts
        if each.doubt
    ]
    note = Words(text(muted("That is not believed unless it stays so: time is counted on from before.")))
    return section("Azure's clock", Bullets(tuple(lines)), note) if lines else []


def _events(accounts: list[AccountStatus], now: datetime) -> list[Block]:
    """What event hubs tell of accounts, and where they cannot be read."""
    lines = [text(code(each.name), ": ", *_intake(each.events, now)) for each in accounts if each.events]
    return section("Diagnostic events", Bullets(tuple(lines))) if lines else []


def _intake(events: IntakeStatus, now: datetime) -> list[str | Piece]:
    if events.error:
        state = Mark.FAILED if events.failing(now) else Mark.CHANGING
        return [chip(state, "cannot be read"), " since ", Time(events.since or now, "clock"), f": {events.error}"]
    if events.last is None and not events.open:
        return [chip(Mark.CHANGING, "connecting")]
    if events.last is None:
        return [chip(Mark.RUNNING, "read"), ", none has come yet"]
    told = f", {number(events.told)} told first" if events.told else ""
    odd = f", {plural(events.malformed, 'record')} not understood" if events.malformed else ""
    late = f" came {duration(timedelta(seconds=max(1.0, round(events.late))))} later"
    return [f"{number(events.heard)} heard{told}{odd}; the newest, of ", Time(events.last), ",", late]


def _history(accounts: list[AccountStatus]) -> list[Block]:
    """Why nothing is known of accounts before the bot came, where that could be mended."""
    lines = [
        text(code(each.name), f": {each.history.words}") for each in accounts if each.history and each.history.words
    ]
    return section("History from Azure Monitor", Bullets(tuple(lines))) if lines else []


def _background(beside: Sequence[BackgroundStatus], now: datetime) -> list[Block]:
    """What runs beside the watching and fails, why, and what of it is therefore how old."""
    lines = [
        text(
            f"{each.name[:1].upper()}{each.name[1:]}",
            *(((" of "), code(each.account)) if each.account else ()),
            f": {each.error}",
            " (since ",
            Time(each.since or each.last_ok or now),
            *((", last well ", Time(each.last_ok)) if each.last_ok else (", never well",)),
            ")",
        )
        for each in beside
        if each.error and each.name != HISTORY  # which has its own section
    ]
    if not lines:
        return []
    more = len(lines) - _SHOWN
    return section(
        "In the background",
        Bullets(tuple(lines[:_SHOWN])),
        *([Words(text(muted(f"… and {more} more")))] if more > 0 else []),
    )


def _lost(gone: list[DestinationStatus], conversations: dict[str, str]) -> list[Block]:
    """Places that the bot cannot write to any more, and what to do."""
    lines = [
        text(
            f"{conversations.get(each.where) or parts.unnamed(each.where)} since ",
            *((Time(each.gone_since),) if each.gone_since else ()),
            f": {each.error or 'it does not answer'}",
            f", {plural(each.waiting, 'message')} waiting" if each.waiting else "",
        )
        for each in gone[:_SHOWN]
    ]
    if not lines:
        return []
    return section(
        "Cannot be reached",
        Bullets(tuple(lines)),
        Words(text("Invite me there again, and what waits is sent; or take its subscriptions back.")),
    )


def _down(outbox: Outbox) -> list[Block]:
    lines = [text(f"{name} does not answer: {error}") for name, error in sorted(outbox.down.items())]
    return section("Platforms", Bullets(tuple(lines))) if lines else []


def _webhooks(outbox: Outbox) -> list[Block]:
    """Webhooks for which events wait, and which take none."""
    lines = [
        text(
            code(each.where.partition(":")[2]),
            f": {plural(each.waiting, 'event')} {'waits' if each.waiting == 1 else 'wait'}",
            *((" and takes none since ", Time(each.gone_since)) if each.gone_since else ()),
            f": {each.error}" if each.error else "",
        )
        for each in outbox.webhooks
        if each.waiting or each.gone_since
    ]
    return section("Webhooks", Bullets(tuple(lines[:_SHOWN]))) if lines else []


def _waiting(ctx: Context, outbox: Outbox, conversations: dict[str, str]) -> list[Block]:
    """Places with something on its way, the most first."""
    busy = sorted(
        (each for each in outbox.conversations if (each.waiting or each.in_doubt) and not each.gone_since),
        key=lambda each: (-each.waiting, each.where),
    )
    if not busy:
        return []
    rows: list[list[Text]] = [
        [
            text(parts.conversation_name(ctx, each.where, conversations)),
            text(number(each.waiting)),
            text(number(each.in_doubt) if each.in_doubt else muted("–")),
            text(each.error or muted("–")),
        ]
        for each in busy[:_SHOWN]
    ]
    columns = (
        Column("Channel", width=3),
        Column("Waiting", "right"),
        Column("In doubt", "right", rank=2),
        Column("Last error", width=3, beneath=True),
    )
    return section("On their way", build.table(columns, rows))
