"""A change on its way, once the policy has allowed it: preflight, confirm or approve, run, record.

Each step either goes on or answers; whatever happens is a line of the audit trail. What a change came to is recorded
before it is answered, so that a crash in between loses the answer's delivery and not the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.request import CommandRequest
from bot.operations import approve, confirm
from bot.operations.audit import Act, Audit, Result, logged
from bot.operations.confirm import Confirmations
from bot.operations.preflight import NOTHING_TO_CHECK
from bot.operations.run_once import RunOnce
from bot.policy.rules import Decision
from bot.requests import refusals
from bot.requests.binding import Bound
from bot.requests.command import CommandError, Instead
from bot.requests.context import Context
from bot.requests.preferences import place_of
from cards import build
from cards.build import muted, text
from cards.card import Button, Card, Footer, plain
from storage.port.errors import StoreError

log = structlog.get_logger()

_UNRECORDED = "The bot could not record this: whoever runs it finds the cause in its log."


def act(request: CommandRequest, bound: Bound, decision: Decision, correlation: str) -> Act:
    """What the audit trail says of a bound command that was decided on."""
    person, conversation = request.person, request.conversation
    return Act(
        correlation=correlation,
        request=request.key,
        person=person.key,
        home=person.home,
        conversation=conversation.key,
        account=bound.account,
        command=bound.call.shown,
        target=str(bound.target),
        effect=bound.effect,
        rule=decision.rule,
    )


@dataclass(frozen=True)
class Change:
    """One change that the policy allowed. ``confirmed`` is the digest that the asker has said yes to; empty for none.

    ``once`` is the right to run it; None where no journal holds the request, as at the command line.
    """

    bound: Bound
    act: Act
    confirmed: str = ""
    once: RunOnce | None = None


class Changes:
    """Takes changes through their steps."""

    def __init__(self, audit: Audit, confirmations: Confirmations) -> None:
        self._audit = audit
        self._confirmations = confirmations

    async def cards(self, change: Change, ctx: Context) -> AsyncGenerator[Card]:
        """The answer to a change, and what replaces it. Never raises for what a step or the handler refuses."""
        try:
            if (stopped := await self._before(change, ctx)) is not None:
                yield stopped
                return
        except Exception as error:  # nothing has happened yet: whatever was refused is the answer
            yield await self._came_to(change, ctx, _result(error), _failed(error, change))
            return
        if change.once and not await change.once.begin(change.bound.call.typed, datetime.now(UTC)):
            yield build.refusal("This was begun before.", "Its answer comes from there.", [Button("Home", "home")])
            return
        cards = change.bound.call.cards(changed(ctx, act=change.act))
        try:
            card, failure = await anext(aiter(cards)), None
        except Exception as error:
            card, failure = _failed(error, change), error
        result = _result(failure) if failure else "rejected" if card.refused else "done"
        operations = ctx.services.operations
        if operations and operations.began(ctx.request.key):
            result = "started"  # the operation records its end itself
        yield await self._ran(change, ctx, result, card)
        if failure is None:
            async for card in cards:
                yield card

    async def _before(self, change: Change, ctx: Context) -> Card | None:
        """Preflight, confirmation and approval: the answer where the change is not to be run now."""
        call, mark = change.bound.call, change.bound.call.command.mark
        found = await mark.preflight(ctx, *call.args, **call.kwargs) if mark.preflight else NOTHING_TO_CHECK
        if found.refused:
            return await self._noted(
                change,
                "rejected",
                build.refusal(found.refused, "", [Button(fix.label, fix.command) for fix in found.fixes]),
                "preflight",
            )
        if mark.approval and (need := await mark.approval(ctx, *call.args, **call.kwargs)):
            return await self._noted(change, "approval", approve.needed_card(call.typed, need), need.rule)
        if change.bound.effect != "destroy":
            return None
        digest = confirm.digest(call.shown, change.bound.account, found)
        if change.confirmed == digest:
            return None
        asked = await self._confirmations.ask(
            call.typed,
            found,
            digest,
            person=change.act.person,
            conversation=place_of(ctx.request),
            now=datetime.now(UTC),
        )
        return await self._noted(
            change, "confirmation", asked, "confirm.changed" if change.confirmed else "confirm.asked"
        )

    async def _noted(self, change: Change, result: Result, card: Card, rule: str) -> Card:
        """Write down that nothing was done, by which rule; returns the card."""
        await self._audit.append(change.act.entry(datetime.now(UTC), result, plain(card.title), rule))
        return card

    async def _ran(self, change: Change, ctx: Context, result: Result, card: Card) -> Card:
        """What it came to; also where that cannot be recorded: what was done must not be answered as if it was not."""
        try:
            return await self._came_to(change, ctx, result, card)
        except StoreError:
            log.exception("change.not_recorded", command=change.bound.call.command.path, result=result)
            return replace(card, blocks=(*card.blocks, Footer(text(muted(_UNRECORDED)))))

    async def _came_to(self, change: Change, ctx: Context, result: Result, card: Card) -> Card:
        """Record what the change came to, for the audit trail and for a crash before it is answered."""
        now = datetime.now(UTC)
        card = build.stamped(card, zone=ctx.zone, as_of=now)
        entry = change.act.entry(now, result, "" if result == "done" else plain(card.title))
        if change.once:
            await change.once.record(msgspec.json.encode(card), entry)
            logged(entry)
        else:
            await self._audit.append(entry)
        return card


def _failed(error: Exception, change: Change) -> Card:
    return refusals.of_error(error, change.bound.call.typed, change.act.correlation)


def _result(error: Exception) -> Result:
    """Azure, or the program, failed in the middle; anything else was refused before it did anything."""
    return "rejected" if isinstance(error, CommandError | Instead) else "failed"
