"""Receipts of jobs that end: whether this conversation gets them."""

from __future__ import annotations

from typing import Literal

from bot.chat.request import Author
from bot.receipts.asked import Asked, ask, ask_no_more, asked_here
from bot.requests.command import CommandError, command
from bot.requests.context import Context
from cards import build
from cards.build import blocks, code, text
from cards.card import Button, Card, Mark, Words
from cards.formatting import number
from handlers.alert import parts
from handlers.shared.common import titled


@command(
    "cost receipts",
    effect="change",
    shared="operator",
    changes_with=("state", "over", "job", "account"),
    check="cost receipts",
    examples=["cost receipts on", "cost receipts over:50", "cost receipts on job:nightly:*", "cost receipts off"],
)
async def receipts(
    ctx: Context,
    state: Literal["on", "off"] | None = None,
    *,
    over: float | None = None,
    job: str | None = None,
    account: str | None = None,
) -> Card:
    """Post the receipt of each job that ends here, or of those that cost more than an amount.

    Without anything it says what is asked for here.

    :param state: on or off
    :param over: only of jobs that cost at least so much, in the currency of their account
    :param job: only of jobs whose id fits a pattern such as nightly:*
    :param account: only of this account
    """
    conversation = parts.here(ctx)
    options = [over, job, account]
    if state == "off":
        if any(each is not None for each in options):
            raise CommandError("“off” takes nothing else: no more receipts are posted here.", ["cost receipts off"])
        gone = await ask_no_more(ctx.store, conversation)
        return _card(ctx, None, "no more are posted" if gone else "none were asked for")
    if state is None and all(each is None for each in options):
        return _card(ctx, await asked_here(ctx.store, conversation), "")
    if over is not None and over < 0:
        raise CommandError("over: takes an amount of money, such as over:50.", ["cost receipts over:50"], at="over")
    asked = Asked(
        conversation=conversation,
        accounts=ctx.account(account).name if account else "*",
        jobs=parts.a_pattern(job, ["cost", "receipts", "on"]) if job else "*",
        over=over or None,
        by=Author.of(ctx.request),
        at=ctx.now(),
    )
    await ask(ctx.store, asked, ctx.now())
    return _card(ctx, asked, "")


def _card(ctx: Context, asked: Asked | None, news: str) -> Card:
    where = parts.where(ctx)
    if asked is None:
        return Card(
            title=titled("Receipts", news or f"none are posted {where}"),
            mark=Mark.STOPPED,
            blocks=blocks(
                Words(text("Of any job: ", code("cost job JOB"))),
                build.actions(
                    Button("Of every job", "cost receipts on", how="edit"),
                    Button("Over an amount…", "cost receipts", how="form"),
                ),
            ),
        )
    return Card(
        title=titled("Receipts", f"posted {where} {in_words(asked)}", news),
        mark=Mark.RUNNING,
        blocks=blocks(
            Words(text("They come about three minutes after a job's end, below its alert where there is one.")),
            Words(text("A job whose price is unknown is over no amount.")) if asked.over else None,
            build.actions(
                Button("Change…", "cost receipts", how="form"),
                Button("No more", "cost receipts off", how="edit"),
            ),
            build.note(text("asked for by ", asked.by.shown_to(ctx.request)) if asked.by else None),
        ),
    )


def in_words(asked: Asked) -> str:
    """``of jobs nightly:* in render that cost 50 or more``."""
    jobs = "of every job" if asked.jobs == "*" else f"of jobs {asked.jobs}"
    account = "" if asked.accounts == "*" else f" in {asked.accounts}"
    return f"{jobs}{account}" + (f" that cost {number(asked.over)} or more" if asked.over else "")
