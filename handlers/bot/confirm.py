"""The answer to "really?" and to "why?": what destroys something, or needs others to agree, waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from bot.operations.confirm import NO, YES, Answer
from bot.requests.command import command
from bot.requests.context import Context
from bot.requests.forms import FormChanges, Values, form_of
from cards.build import text
from cards.card import Card, Field, Mark, Note
from storage.port.confirmations import Confirmation


@command("confirm", effect="read", examples=["confirm 1a2b3c4d5e6f7a8b", "confirm 1a2b3c4d5e6f7a8b no"])
async def confirm(ctx: Context, change: str, answer: str = "yes") -> AsyncIterator[Card]:
    """Carry out, or drop, a change that you were asked about.

    It holds for five minutes, once, for whoever was asked, and where they were asked.

    :param change: the change's id, which the question's buttons carry
    :param answer: yes, or no, n or cancel; the name of what goes, where the question asks for it
    """
    async for card in ctx.confirm(change, Answer(answer)):
        yield card


@command("request", effect="read", examples=["request 1a2b3c4d5e6f7a8b 'the release is late'"])
async def request(ctx: Context, change: str, reason: str) -> AsyncIterator[Card]:
    """Say why a change should be made that others must agree to, and ask them.

    It holds for five minutes, once, for whoever was asked, and where they were asked.

    :param change: the change's id, which the question's button carries
    :param reason: why it should be done, for those who must agree
    """
    async for card in ctx.confirm(change, Answer(reason=reason)):
        yield card


@form_of("confirm", Field("answer", "Its name", required=True), without=("change",))
async def confirm_form(ctx: Context, values: Values) -> FormChanges:
    """Says what has to be typed, and whether that is what was typed."""
    waiting = await _waiting(ctx, values)
    if waiting is None or not waiting.name:
        return _gone() if waiting is None else FormChanges(hints={"answer": "yes or no"})
    typed = values.get("answer", "").strip()
    typed = "" if typed.lower() == YES else typed  # what the field holds before anybody types
    wrong = typed and typed.casefold() not in {waiting.name.casefold(), *NO}
    return FormChanges(
        values={} if typed else {"answer": ""},
        hints={"answer": f"Type {waiting.name}"},
        errors={"answer": f"This is not its name: type {waiting.name}."} if wrong else {},
        notes=(Note(text(f"“{waiting.command}” cannot be undone."), Mark.WARNING),),
        submit="Do it",
    )


@form_of("request", Field("reason", "Why", lines=True, required=True), without=("change",))
async def request_form(ctx: Context, values: Values) -> FormChanges:
    """Says what the reason is for."""
    waiting = await _waiting(ctx, values)
    if waiting is None:
        return _gone()
    return FormChanges(
        notes=(Note(text(f"Those who must agree to “{waiting.command}” are shown it.")),), submit="Ask them"
    )


async def _waiting(ctx: Context, values: Values) -> Confirmation | None:
    """The change that a form is about, where it still waits for the asker."""
    found = await ctx.store.confirmation(values.get("change", ""))
    mine = found is not None and found.person == ctx.request.person.key
    return found if found and mine and not found.used and datetime.now(UTC) < found.expires else None


def _gone() -> FormChanges:
    return FormChanges(notes=(Note(text("It does not wait for you any more: ask for it again."), Mark.WARNING),))
