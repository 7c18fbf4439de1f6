"""A change on its way, once the policy has allowed it: preflight, confirm, approve, run, record.

Each step either goes on or answers; whatever happens is a line of the audit trail. What a change came to is recorded
before it is answered, so that a crash in between loses the answer's delivery and not the answer.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from bot.chat.request import CommandRequest
from bot.operations import approval_cards, confirm
from bot.operations.approve import ApprovalRefused, Approvals, Wanted
from bot.operations.audit import Act, Audit, Result, logged
from bot.operations.confirm import Asked, Confirmations
from bot.operations.engine import Undoing
from bot.operations.preflight import NOTHING_TO_CHECK, Preflight
from bot.operations.run_once import RunOnce
from bot.operations.shown import Figures, altered, digest, size_of
from bot.policy.approvals import ApprovalNeed
from bot.policy.people import People
from bot.policy.rules import Decision
from bot.requests import refusals
from bot.requests.binding import Bound
from bot.requests.command import Barred, CommandError, Instead
from bot.requests.context import Context
from bot.requests.preferences import place_of
from bot.requests.universal import NOTHING, Given
from cards import build
from cards.build import muted, text
from cards.card import Button, Card, Footer, Text, plain
from cards.form_values import FILE
from storage.port.approvals import Approval
from storage.port.confirmations import Confirmation
from storage.port.errors import StoreError

log = structlog.get_logger()

_UNRECORDED = "The bot could not record this: whoever runs it finds the cause in its log."


def act(
    request: CommandRequest, bound: Bound, decision: Decision, correlation: str, people: People, given: Given
) -> Act:
    """What the audit trail says of a bound command that was decided on."""
    person, conversation = request.person, request.conversation
    how = "form" if request.values else "click" if request.message else "typed"
    if request.through:
        how = f"through {request.through}" if how == "typed" else f"{how}, asked through {request.through}"
    return Act(
        correlation=correlation,
        request=request.key,
        person=person.key,
        home=person.home,
        conversation=conversation.key,
        account=bound.account,
        command=bound.call.shown,
        target=str(bound.about),
        effect=bound.effect,
        rule=decision.rule,
        also=" ".join(each for each in people.ids(person.key) if each != person.key),
        how=how,
        reason=given.emergency or given.reason,
        typed=bound.call.typed,
        name=people.named(person.key) or person.name,
    )


@dataclass(frozen=True)
class Change:
    """One change that the policy allowed.

    ``once`` is the right to run it; None where no journal holds the request, as at the command line. ``given`` are the
    options that every change takes. ``taken`` is the confirmation with which the asker has said yes, and ``approved``
    the approval by which it is run. ``undoing`` is the operation that it takes back. With ``asks`` it is asked about,
    and never run.
    """

    bound: Bound
    act: Act
    once: RunOnce | None = None
    given: Given = NOTHING
    taken: Confirmation | None = None
    approved: Approval | None = None
    undoing: Undoing | None = None
    asks: bool = False


class _Answered(Exception):
    """A step ends the change here: nothing is run. ``result`` and ``rule`` are for the audit trail."""

    def __init__(self, result: Result, card: Card, rule: str, approval: str = "") -> None:
        super().__init__(rule)
        self.result = result
        self.card = card
        self.rule = rule
        self.approval = approval


class Changes:
    """Takes changes through their steps."""

    def __init__(self, audit: Audit, confirmations: Confirmations, approvals: Approvals) -> None:
        self._audit = audit
        self._confirmations = confirmations
        self._approvals = approvals

    async def cards(self, change: Change, ctx: Context) -> AsyncGenerator[Card]:
        """The answer to a change, and what replaces it. Never raises for what a step or the handler refuses."""
        try:
            change = await self._before(change, ctx)
        except _Answered as end:
            noted = changed(change.act, approval=end.approval or change.act.approval)
            await self._audit.append(noted.entry(datetime.now(UTC), end.result, plain(end.card.title), end.rule))
            yield end.card
            return
        except Exception as error:  # nothing has happened yet: whatever was refused is the answer
            yield await self._came_to(change, ctx, *_refusal(error, change, ctx))
            return
        if change.asks:
            raise RuntimeError("what is only asked about was on its way to be run")
        if change.once and not await change.once.begin(change.bound.call.typed, datetime.now(UTC)):
            yield build.refusal("This was begun before.", "Its answer comes from there.", [Button("Home", "home")])
            return
        cards = change.bound.call.cards(changed(ctx, act=change.act))
        failed, rule = False, ""
        try:
            card = await anext(aiter(cards))
            result: Result = "rejected" if card.refused else "done"
        except Exception as error:
            failed = True
            result, card, rule = _refusal(error, change, ctx)
        operations = ctx.services.operations
        if operations and operations.began(ctx.request.key):
            result = "started"  # the operation records its end itself
        yield await self._ran(change, ctx, result, card, rule)
        if not failed:
            async for card in cards:
                yield card

    async def _before(self, change: Change, ctx: Context) -> Change:
        """Preflight, confirmation and approval: the change as it is to be run. Raises _Answered where it is not."""
        call, mark = change.bound.call, change.bound.call.command.mark
        found = await mark.preflight(ctx, *call.args, **call.kwargs) if mark.preflight else NOTHING_TO_CHECK
        if found.refused:
            if change.approved:
                await self._approvals.void(change.approved.id, datetime.now(UTC))
            fixes = [Button(fix.label, fix.command) for fix in found.fixes]
            raise _Answered("rejected", build.refusal(found.refused, "", fixes), "preflight")
        await self._found(change, ctx, found)
        before, after = altered(found)
        left = {each.what: each.after for each in found.differences}
        change = changed(change, act=changed(change.act, before=before, after=after, left=left))
        shown = digest(call.exact, change.bound.account, found)
        if change.approved:
            return await self._approved(change, change.approved, ctx, found, shown)
        question = change.bound.question(ctx, found)
        needs = ctx.services.policy.approvals(question, size_of(found))
        if needs and change.given.emergency and not ctx.services.policy.may_break_glass(ctx.request.person):
            why = "“--emergency” is for those whom [break_glass] of the settings names."
            refused = build.refusal(why, "Nothing was done. Ask without it, and others can agree.")
            raise _Answered("refused", refused, "break_glass.people")
        overwritten = await self._overwritten(change, ctx, found)
        asks = change.asks or (found.confirm and not _shown_in_form(change, ctx))
        if change.bound.effect == "destroy" or asks or overwritten:
            await self._confirmed(change, ctx, found, shown, overwritten=overwritten)
        if not needs:
            return change
        wanted = Wanted(
            ctx.request,
            call.typed,
            question,
            found,
            shown,
            needs,
            change.given.emergency or change.given.reason,
            change.act.correlation,
            change.undoing.operation if change.undoing else "",
        )
        if change.given.emergency:
            return await self._emergency(change, wanted)
        stale = change.taken is not None and change.taken.digest != shown
        if any(need.reason for need in needs) and (stale or not change.given.reason):
            await self._confirmed(change, ctx, found, shown, needs)
        approval, elsewhere = await self._approvals.ask(wanted, datetime.now(UTC))
        card = approval_cards.asked_card(approval, elsewhere)
        raise _Answered("approval", card, needs[0].rule, approval.id)

    async def _found(self, change: Change, ctx: Context, found: Preflight) -> None:
        """Goes on where the policy allows it for what only the look has found too. Raises Barred where it does not."""
        if found.makes or found.uses:
            policy = ctx.services.policy
            decision = policy.decide(change.bound.question(ctx, found))
            if not decision.allowed:
                if change.approved:
                    await self._approvals.void(change.approved.id, datetime.now(UTC))
                raise Barred(refusals.forbidden(decision, ctx.request.person, policy), decision.rule)

    async def _overwritten(self, change: Change, ctx: Context, found: Preflight) -> list[Text]:
        """What was changed since by others than the operation that is taken back, a line each; nothing otherwise.

        That is found by what the operation left, where the look ahead says how that stands now; else by the audit
        trail, which knows the bot's own changes alone.
        """
        undoing = change.undoing
        if undoing is None:
            return []
        now = {each.what: each.before for each in found.differences if each.what in undoing.left}
        after = undoing.ended + timedelta(microseconds=1)  # its own line of the trail is no later change
        before = Confirmation(
            "", "", "", "", "", after, account=change.bound.account, target=str(change.bound.about),
            asked=after, shown=msgspec.json.encode(Figures({what: undoing.left[what] for what in now})),
        )  # fmt: skip
        if now and all(undoing.left[what] == value for what, value in now.items()):
            return []
        platform = ctx.request.conversation.platform
        return await confirm.changed_since(ctx.store, before, found, platform, surely=bool(now))

    async def _confirmed(
        self,
        change: Change,
        ctx: Context,
        found: Preflight,
        shown: str,
        needs: list[ApprovalNeed] | None = None,
        overwritten: Sequence[Text] = (),
    ) -> None:
        """Goes on where the asker has said yes to the change as it is now, and given a reason where ``needs`` want one.

        Raises _Answered with the question otherwise.
        """
        taken = change.taken
        if taken and taken.digest == shown and not needs:
            return
        stale = taken is not None and taken.digest != shown
        platform = ctx.request.conversation.platform
        since = await confirm.changed_since(ctx.store, taken, found, platform) if taken and stale else overwritten
        undo = f"undo {change.undoing.operation}" if change.undoing else ""
        asked = Asked(
            change.given.after(undo or change.bound.call.typed),
            change.bound.account,
            str(change.bound.about),
            found,
            shown,
            tuple(since),
            tuple(need.why for need in needs or ()),
            change.bound.effect == "destroy",
            question=_question(change, found),
            place=f" in {change.bound.account}" if change.bound.account and len(ctx.accounts) > 1 else "",
            through=ctx.request.through,
        )
        card = await self._confirmations.ask(
            asked, person=change.act.person, conversation=place_of(ctx.request), now=datetime.now(UTC)
        )
        rule = "confirm.changed" if stale else "confirm.reason" if needs else "confirm.asked"
        raise _Answered("confirmation", card, rule)

    async def _approved(self, change: Change, approval: Approval, ctx: Context, found: Preflight, shown: str) -> Change:
        """The change that others agreed to, where it is still the same. Raises _Answered where it is not."""
        now = datetime.now(UTC)
        try:
            await self._approvals.begin(approval.id, shown, ctx.request, now)
        except ApprovalRefused as error:
            if error.rule != "approval.void":
                raise _Answered("refused", build.refusal(error.why), error.rule, approval.id) from error
            await self._approvals.void(approval.id, now)
            before = Confirmation(
                "", "", "", "", "", now, account=approval.account, target=approval.target, asked=approval.asked,
                shown=approval.figures,
            )  # fmt: skip
            since = await confirm.changed_since(ctx.store, before, found, ctx.request.conversation.platform)
            raise _Answered("refused", approval_cards.void_card(approval, since), error.rule, approval.id) from error
        return changed(change, act=changed(change.act, approval=approval.id, reason=approval.reason))

    async def _emergency(self, change: Change, wanted: Wanted) -> Change:
        """Goes ahead without the approvals, once it is noted and on its way to those who have to know."""
        now = datetime.now(UTC)
        noted = await self._approvals.emergency(wanted, now)
        act = changed(change.act, approval=noted.id)
        await self._audit.append(act.entry(now, "emergency", rule="break_glass.people"))
        return changed(change, act=act)

    async def _ran(self, change: Change, ctx: Context, result: Result, card: Card, rule: str) -> Card:
        """What it came to; also where that cannot be recorded: what was done must not be answered as if it was not."""
        try:
            return await self._came_to(change, ctx, result, card, rule)
        except StoreError as error:
            log.error("change.not_recorded", command=change.bound.call.command.path, result=result, message=str(error))  # noqa: TRY400 - it says all
            return replace(card, blocks=(*card.blocks, Footer(text(muted(_UNRECORDED)))))

    async def _came_to(self, change: Change, ctx: Context, result: Result, card: Card, rule: str = "") -> Card:
        """Record what the change came to, for the audit trail and for a crash before it is answered."""
        now = datetime.now(UTC)
        card = build.stamped(card, zone=ctx.zone, as_of=now)
        entry = change.act.entry(now, result, "" if result == "done" else plain(card.title), rule)
        if change.once:
            await change.once.record(msgspec.json.encode(build.forget_shown_secrets(card)), entry)
            logged(entry)
        else:
            await self._audit.append(entry)
        return card


def _question(change: Change, found: Preflight) -> str:
    """What is asked, without a question mark: ``Reboot 1 node of gpu``."""
    asks = found.question or f"Run “{change.bound.call.readable}”"
    return f"{asks}, which undoes {change.undoing.operation}" if change.undoing else asks


def _shown_in_form(change: Change, ctx: Context) -> bool:
    """Whether a form was filled in whose foot says what the question would say; what destroys is asked all the same.

    What is in a file is not seen in a form.
    """
    values, path = ctx.request.values, change.bound.call.command.path
    files = any(value.startswith(FILE) for value in values.values())
    return bool(values) and not files and path in ctx.services.registry.live_forms


def _refusal(error: Exception, change: Change, ctx: Context) -> tuple[Result, Card, str]:
    """How a change that raised ends: Azure, or the program, failed in the middle; or it was refused before that."""
    card = refusals.of_error(error, change.bound.call.typed, change.act.correlation, ctx.accounts)
    if isinstance(error, Barred):
        return "refused", card, error.rule
    return ("rejected" if isinstance(error, CommandError | Instead) else "failed"), card, ""
