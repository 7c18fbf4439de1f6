"""Changes that wait for others to agree: what waits, and what is said to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Literal

from bot.operations.approval_cards import state_word, unknown_card
from bot.operations.approve import ApprovalRefused, Approvals
from bot.requests.command import Barred, CommandError, command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards import build
from cards.build import actions, blocks, bold, code, refusal, table, text
from cards.card import Button, Card, Column, Field, Mark, Mention, Note, Time, Words
from cards.formatting import number
from handlers.shared.common import titled
from handlers.shared.own_list import MOST, OwnList
from storage.port.approvals import Approval

_COLUMNS = (
    Column("Approval", width=2),
    Column("Asked by", rank=1, width=2),
    Column("Command", width=4),
    Column("Needs", rank=2, width=2),
    Column("Expires", width=2),
)


ApprovalSort = Literal["expires", "command", "person"]
_LIST: OwnList[Approval] = OwnList(
    "Approvals",
    {
        "expires": None,
        "command": lambda each: each.command.lower(),
        "person": lambda each: each.name.lower(),
    },
    {
        "approval": lambda each: each.id,
        "asked by": lambda each: each.name,
        "command": lambda each: each.command,
        "expires": lambda each: each.expires,
    },
)


@command("approvals", effect="read", examples=["approvals", "approvals sort:command"], menu=70)
async def approvals(ctx: Context, *, sort: ApprovalSort = "expires", page: int = 1, csv: bool = False) -> Card:
    """List the changes that wait for somebody to agree, the one that expires first first.

    :param sort: in which order
    :param page: which page of 20
    :param csv: all of them as a CSV file
    """
    waiting = _approvals(ctx)
    every, _ = await ctx.store.approvals(["pending"], limit=MOST)
    again = _LIST.again("approvals", sort)
    every = _LIST.ordered(every, sort)
    if csv:
        return await _LIST.as_file(ctx, again, every, ctx.now(), "this bot")
    total = len(every)
    page = build.within(page, total)
    found = every[(page - 1) * build.PAGE : page * build.PAGE]
    if not found:
        return Card(title=titled("Nothing waits for an approval."), mark=Mark.DONE)
    back, on = build.pager(again, page, total)
    return Card(
        title=titled("Approvals", f"{build.shown(page, len(found), total)} waiting"),
        mark=Mark.WARNING,
        blocks=blocks(
            table(
                _COLUMNS,
                [
                    (
                        code(each.id),
                        Mention(each.requester, each.name),
                        each.command,
                        _needs(waiting, each),
                        Time(each.expires),
                    )
                    for each in found
                ],
            ),
            actions(
                build.open_menu("Open one", "approval show {}", [each.id for each in found]),
                back,
                on,
                *_LIST.controls("approvals", sort),
            ),
        ),
    )


@command("approval show", effect="read", examples=["approval show 1a2b3c4d5e6f"])
async def approval_show(ctx: Context, approval: str) -> Card:
    """Show one change that waits for somebody to agree, or what became of it.

    :param approval: its id
    """
    waiting = _approvals(ctx)
    return waiting.card(await _allowed(waiting.find(approval), approval))


@command("approve", effect="change", check="approval show {approval}", examples=["approve 1a2b3c4d5e6f"])
async def approve(ctx: Context, approval: str) -> Card:
    """Agree to a change that somebody else asked for, which is run once enough people have.

    :param approval: its id
    """
    request, waiting = ctx.request, _approvals(ctx)
    agreed = waiting.approve(approval, request.person, request.conversation, ctx.now())
    found = await _allowed(agreed, approval)
    if found.state == "approved":
        return _said(found, "You agreed. It is run now, as the request of whoever asked for it.", Mark.DONE)
    more = sum(people for _, people in waiting.missing(found))
    return _said(found, f"You agreed. It still needs {number(more)} more.", Mark.CHANGING)


@command("deny", effect="change", check="approval show {approval}", examples=["deny 1a2b3c4d5e6f 'too dear'"])
async def deny(ctx: Context, approval: str, reason: str) -> Card:
    """Say no to a change that somebody else asked for: nothing is done.

    :param approval: its id
    :param reason: why not, which is shown to whoever asked
    """
    request, waiting = ctx.request, _approvals(ctx)
    denied = waiting.deny(approval, request.person, request.conversation, reason.strip(), ctx.now())
    return _said(await _allowed(denied, approval), "You denied it: nothing was done.", Mark.STOPPED)


@command("withdraw", effect="change", check="approval show {approval}", examples=["withdraw 1a2b3c4d5e6f"])
async def withdraw(ctx: Context, approval: str, reason: str = "") -> Card:
    """Take back your own request for a change that waits for others to agree.

    :param approval: its id
    :param reason: why, which is shown to those who were asked
    """
    waiting = _approvals(ctx)
    withdrawn = waiting.withdraw(approval, ctx.request.person, reason.strip(), ctx.now())
    return _said(await _allowed(withdrawn, approval), "You withdrew it: nothing was done.", Mark.STOPPED)


@command("approval run", effect="read", examples=["approval run 1a2b3c4d5e6f"])
async def approval_run(ctx: Context, approval: str) -> AsyncIterator[Card]:
    """Run a change of yours that others have agreed to. The bot does so by itself.

    It is looked at anew: where it would not do what they agreed to, nothing is done.

    :param approval: its id
    """
    async for card in ctx.run_approved(approval):
        yield card


@form_of("deny", Field("reason", "Why not", lines=True, required=True), without=("approval",))
async def deny_form(ctx: Context, values: Values) -> FormChanges:
    """Says what is denied, and whether that can still be."""
    return await _form(ctx, values, "Deny")


@form_of("withdraw", Field("reason", "Why", lines=True), without=("approval",))
async def withdraw_form(ctx: Context, values: Values) -> FormChanges:
    """Says what is withdrawn, and whether that can still be."""
    return await _form(ctx, values, "Withdraw")


async def _form(ctx: Context, values: Values, submit: str) -> FormChanges:
    found = await ctx.store.approval(values.get("approval", ""))
    if found is None:
        raise CommandError("That approval no longer exists.")
    over = found.state != "pending" or datetime.now(UTC) >= found.expires
    what = f"“{found.command}”"
    told = f"{what} {state_word(found.state)}: there is nothing to decide." if over else what
    return FormChanges(notes=(Note(text(told), Mark.WARNING if over else Mark.NEUTRAL),), submit=submit)


def _approvals(ctx: Context) -> Approvals:
    if ctx.approvals is None:
        raise CommandError("Nothing can be approved from here.")
    return ctx.approvals


async def _allowed(step: Awaitable[Approval], id_: str) -> Approval:
    """What a step came to. Raises Barred with the answer where it is refused."""
    try:
        return await step
    except ApprovalRefused as error:
        if error.rule == "approval.unknown":
            raise Barred(unknown_card(id_), error.rule) from None
        show = Button("Show it", f"approval show {id_}")
        raise Barred(refusal(error.why, "Nothing was changed.", [show]), error.rule) from None


def _needs(waiting: Approvals, approval: Approval) -> str:
    return ", ".join(f"{people} by {need.rule.partition('.')[2]}" for need, people in waiting.missing(approval))


def _said(approval: Approval, what: str, mark: Mark) -> Card:
    return Card(
        title=text(bold(what)),
        mark=mark,
        blocks=blocks(
            Words(text(code(approval.command), " was asked for by ", Mention(approval.requester, approval.name), ".")),
            actions(Button("Show it", f"approval show {approval.id}")),
        ),
    )
