"""Take an operation back, stop one, and see what goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Literal, cast

from bot.operations.audit import Act
from bot.operations.engine import Operations
from bot.policy.rules import Effect, Needs, Question
from bot.requests import refusals
from bot.requests.binding import bind
from bot.requests.command import Barred, CommandError, command
from bot.requests.context import Context
from bot.requests.grammar import words
from bot.requests.universal import Given, taken
from cards import build
from cards.build import blocks, chip, code, muted, refusal, text
from cards.card import Bullets, Button, Card, Column, Mark, Menu, Option, Time, Words
from cards.formatting import number
from handlers.shared.common import titled
from handlers.shared.own_list import MOST, OwnList
from storage.port.decoding import decoded
from storage.port.operations import OperationRow, OperationState

_COLUMNS = (
    Column("Id", width=2),
    Column("What", width=4),
    Column("Who", width=2),
    Column("State", width=2),
    Column("Begun", rank=1, width=3),
)
_STATES: dict[OperationState, tuple[Mark, str]] = {
    "running": (Mark.CHANGING, "under way"),
    "done": (Mark.DONE, "done"),
    "failed": (Mark.FAILED, "failed"),
    "unknown": (Mark.WARNING, "not known"),
    "stopped": (Mark.STOPPED, "stopped"),
}
_SHOWN = 20
_OFFERED = 4
"""Operations that are offered to be taken back."""


@command("undo", effect="read", examples=["undo 1a2b3c4d5e6f", "undo 1a2b3c4d5e6f --reason 'it was too much'"])
async def undo(
    ctx: Context, operation: str | None = None, *, reason: str | None = None, emergency: str | None = None
) -> AsyncIterator[Card]:
    """Take back an operation, where Azure allows it, within 15 minutes of its end.

    What it does then is another change, which is checked, allowed or refused, and recorded like any other.

    :param operation: its id, which the button of its message carries; your last ones are shown if left out
    :param reason: why, where others must agree to it
    :param emergency: why it cannot wait for them, for whom the settings let go ahead without
    """
    if operation is None:
        yield await _undoable(ctx)
        return
    found = await _service(ctx).undo(operation)
    if found is None:
        yield refusal(
            f"“{operation[:60]}” cannot be taken back.",
            "It is not known, it has not ended, or nothing takes it back.",
            [Button("Operations", "operation list")],
        )
        return
    if ctx.now() > found.until:
        yield refusal(
            "That was more than fifteen minutes ago: others may rely on it by now.",
            f"This would take it back: {found.command}",
            [Button("Operations", "operation list")],
        )
        return
    async for card in ctx.run(Given(reason=reason or "", emergency=emergency or "").after(found.command), found):
        yield card


async def _undoable(ctx: Context) -> Card:
    """The asker's newest operations that can still be taken back."""
    service, now, me = _service(ctx), ctx.now(), ctx.services.policy.people.ids(ctx.request.person.key)
    found: list[tuple[OperationRow, datetime]] = []
    for row in await ctx.store.operations(limit=_SHOWN):
        act = decoded(row.act, Act) if row.act else None
        if act is None or act.person not in me or row.state == "running":
            continue
        back = await service.undo(row.id)
        if back and now <= back.until:
            found.append((row, back.until))
    if not found:
        return refusal(
            "You have changed nothing of late that can be taken back.",
            "Some changes can be taken back for 15 minutes after their end.",
            [Button("Operations", "operation list")],
        )
    shown = found[:_OFFERED]
    return Card(
        title=titled("What do you want to take back?"),
        as_of=now,
        blocks=blocks(
            Bullets(tuple(text(_what(row), ", until ", Time(until, "clock")) for row, until in shown)),
            build.actions(
                *(Button(f"Undo {_what(row)}", f"undo {row.id}") for row, _ in shown),
                Button("Operations", "operation list"),
            ),
        ),
    )


OperationSort = Literal["newest", "state", "what", "account"]
_LIST: OwnList[OperationRow] = OwnList(
    "Operations",
    {
        "newest": None,
        "state": lambda row: list(_STATES).index(row.state),
        "what": lambda row: f"{row.workflow} {row.target}",
        "account": lambda row: row.account.lower(),
    },
    {
        "operation": lambda row: row.id,
        "what": lambda row: row.workflow,
        "target": lambda row: row.target,
        "account": lambda row: row.account,
        "state": lambda row: _STATES[row.state][1],
        "begun": lambda row: row.started,
    },
)


@command("operation list", effect="read", examples=["operation list", "operation list sort:state"])
async def list_operations(ctx: Context, *, sort: OperationSort = "newest", page: int = 1, csv: bool = False) -> Card:
    """List the operations of the last 30 days: changes of Azure that take a while, and how far each is.

    :param sort: in which order
    :param page: which page of 20
    :param csv: all of them as a CSV file
    """
    every = _LIST.ordered(await ctx.store.operations(limit=MOST), sort)
    again = _LIST.again("operation list", sort)
    if csv:
        return await _LIST.as_file(ctx, again, every, ctx.now(), "this bot")
    page = build.within(page, len(every))
    rows = every[(page - 1) * build.PAGE : page * build.PAGE]
    running = sum(row.state == "running" for row in every)
    several = len(ctx.accounts) > 1
    shown = [
        [
            text(code(row.id)),
            text(_what(row), muted(f" in {row.account}") if several and row.account else None),
            text(_who(row, ctx)),
            text(chip(*_STATES[row.state])),
            text(Time(row.started)),
        ]
        for row in rows
    ]
    return Card(
        title=titled(
            "Operations",
            f"{number(running)} under way",
            build.shown(page, len(rows), len(every)) if len(every) > len(rows) else None,
        ),
        mark=Mark.CHANGING if running else Mark.NEUTRAL,
        as_of=ctx.now(),
        blocks=blocks(
            build.table(_COLUMNS, shown) if rows else Words(text("The bot has changed nothing in Azure yet.")),
            build.actions(
                Menu("Show", "operation show {}", tuple(Option(f"{_what(row)} · {row.id}", row.id) for row in rows))
                if rows
                else None,
                *build.pager(again, page, len(every)),
                Button("Refresh", f"{again} page:{page}" if page > 1 else again, how="edit"),
                Button("Home", "home"),
                *(_LIST.controls("operation list", sort) if every else ()),
            ),
        ),
    )


@command("operation show", effect="read", examples=["operation show 1a2b3c4d5e6f"])
async def show_operation(ctx: Context, operation: str) -> AsyncIterator[Card]:
    """Show one operation, and follow it for as long as it goes on.

    :param operation: its id
    """
    shown = False
    async for card in _service(ctx).follow(operation):
        shown = True
        yield card
    if not shown:
        yield refusal(
            f"There is no operation “{operation[:60]}”.",
            "Those that ended more than 30 days ago are forgotten.",
            [Button("Operations", "operation list")],
        )


@command(
    "operation stop", effect="change", check="operation show {operation}", examples=["operation stop 1a2b3c4d5e6f"]
)
async def stop_operation(ctx: Context, operation: str) -> Card:
    """Stop an operation where it can be stopped: between two of the things it does. What was done stays done.

    Whoever began it may, and whoever may run its command on what it is about.

    :param operation: its id
    """
    row = await ctx.store.operation(operation)
    if row:
        await _may_stop(ctx, row)
    if row is None or not await _service(ctx).stop(operation):
        return refusal(
            f"“{operation[:60]}” is not under way.",
            "It has ended, or never began.",
            [Button("Operations", "operation list")],
        )
    return Card(
        title=titled("Asked to stop", f"{row.workflow} {row.target}"),
        mark=Mark.STOPPED,
        as_of=ctx.now(),
        blocks=blocks(
            Words(text("It stops as soon as it can. Its message says what was done before.")),
            build.actions(Button("Show", f"operation show {operation}"), Button("Operations", "operation list")),
        ),
    )


async def _may_stop(ctx: Context, row: OperationRow) -> None:
    """Goes on for whoever began it, and for whoever may run its command anew. Raises Barred for others."""
    policy, person = ctx.services.policy, ctx.request.person
    act = decoded(row.act, Act) if row.act else None
    if act and policy.people.same(act.person, person.key):
        return
    decision = policy.decide(await _question(ctx, row, act))
    if not decision.allowed:
        raise Barred(refusals.forbidden(decision, person, policy), decision.rule)


async def _question(ctx: Context, row: OperationRow, act: Act | None) -> Question:
    """What the policy would be asked if the asker ran the operation's command; all of its kind where it is not known.

    Without the command, as for an operation of an older version, it is what destroys anything in the account.
    """
    asked = Question(ctx.request.person, ctx.request.conversation, row.workflow, "destroy", Needs(azure=True))
    if act:
        asked = replace(asked, effect="change" if act.effect == "read" else cast("Effect", act.effect))
        with suppress(CommandError):  # a command that is typed otherwise by now
            tokens, _ = taken(ctx.registry.find(words(act.typed)), words(act.typed))
            asked = (await bind(ctx.registry.parse(tokens), ctx)).question(ctx)
    return replace(asked, account=row.account)


def _who(row: OperationRow, ctx: Context) -> str:
    """Who began it, and what it takes back; empty where the bot began it by itself."""
    act = decoded(row.act, Act) if row.act else None
    if act is None:
        return ""
    who = act.name or ctx.services.policy.people.name(act.person)
    return f"{who}, undo of {act.undoes}" if act.undoes else who


def _what(row: OperationRow) -> str:
    return f"{row.workflow} {row.target}"


def _service(ctx: Context) -> Operations:
    operations = ctx.services.operations
    if operations is None:
        raise CommandError("Nothing can be changed from here.")
    return operations
