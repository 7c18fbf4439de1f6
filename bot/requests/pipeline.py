"""The request pipeline, from what a person typed to the card that answers it, in named steps:

1. understand: words become a call of a command (:mod:`bot.requests.grammar`, :mod:`bot.requests.registry`);
2. bind its account and target (:mod:`bot.requests.binding`);
3. policy: may this person do that, here (:mod:`bot.policy.rules`); then what was attached or pasted is taken in
   (:mod:`bot.requests.uploads`), and judged anew as the command that it makes;
4. preflight: can it be done, and what does it mean (:mod:`bot.operations.preflight`);
5. confirm (:mod:`bot.operations.confirm`) or approve (:mod:`bot.operations.approve`);
6. run, a change at most once (:mod:`bot.operations.run_once`);
7. record what it came to (:mod:`bot.operations.audit`).

What only reads goes from 3 to 6. The steps 4 to 7 of a change are in :mod:`bot.requests.changes`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime

from msgspec.structs import replace

from bot import tracing
from bot.chat.request import CommandRequest
from bot.operations import approval_cards, confirm, reconcile
from bot.operations.approve import ApprovalRefused, Approvals
from bot.operations.audit import Act, Audit
from bot.operations.confirm import Answer, Confirmations, Refused, dropped_card, refused_card
from bot.operations.engine import Undoing
from bot.operations.reconcile import Begun
from bot.operations.run_once import RunOnce
from bot.policy.rules import Decision
from bot.requests import forms, lacking, refusals, understanding, used
from bot.requests.binding import Bound, bind
from bot.requests.changes import Change, Changes, act
from bot.requests.command import Call, CommandError, Instead
from bot.requests.context import Context
from bot.requests.grammar import words
from bot.requests.kept import completed
from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.offered import offered
from bot.requests.preferences import default_account, place_of
from bot.requests.services import Services
from bot.requests.understanding import Heard
from bot.requests.universal import NOTHING, Given, taken
from cards.build import refusal
from cards.card import Button, Card
from cards.command_line import join, named
from storage.port.approvals import Approval
from storage.port.confirmations import Confirmation

_FILE_ALONE = "What is the file for? Write the command beside it, such as “task add JOB”."


@dataclass(frozen=True)
class Operations:
    """What changes go through, for every request alike."""

    audit: Audit
    confirmations: Confirmations
    approvals: Approvals
    changes: Changes


@dataclass(frozen=True)
class Pipeline:
    """One request on its way. Implements :class:`bot.requests.context.Running` for the commands that it runs."""

    services: Services
    operations: Operations
    request: CommandRequest
    zone: str
    correlation: str
    live: LiveAnswer
    lives: LiveAnswers
    once: RunOnce | None = None
    """The right to make a change, where the request is journalled."""
    taken: Confirmation | None = None
    """The confirmation with which the change was confirmed; None for none."""
    approved: Approval | None = None
    """The approval by which the change is run; None for none."""
    undoing: Undoing | None = None
    """The operation that the change takes back; None for none."""
    undoes: str = ""
    """Its id, where others have agreed to that and only the id was kept; empty for none."""
    asks: bool = False
    """No change is made: the answer to one is the question whether it should be."""

    async def cards(self) -> AsyncGenerator[Card]:
        """The answer, and what replaces it. Raises what a read raises; see :mod:`bot.requests.refusals`."""
        ctx = await self.context()
        heard = await understanding.heard(ctx)
        begun = False
        try:
            async for card in changed(self, request=heard.request)._called(heard):
                begun = True
                yield card
        except CommandError:
            again = None if begun or heard.understood or not understanding.is_typed(self.request) else ctx
            other = await understanding.otherwise(again, heard) if again else None
            if other is None:
                raise
            async for card in changed(self, request=other.request)._called(other):
                yield card

    async def _called(self, heard: Heard) -> AsyncGenerator[Card]:
        """The answer to a command."""
        if heard.card:
            yield heard.card
            return
        try:
            call, given = self.understand()
        except CommandError as error:
            if error.lacks and (card := await lacking.card(await self.context(), error)):
                yield refusals.quietly(heard.noted(card), self.request)
                return
            raise
        try:
            async for card in self._answered(call, given):
                yield heard.noted(card)
        except Instead as instead:
            if not heard.understood:
                raise
            yield heard.noted(instead.card)
        except CommandError as error:
            registry = self.services.registry
            raise registry.beside(call, completed(registry, call, error, given)) from None

    async def _answered(self, call: Call, given: Given) -> AsyncGenerator[Card]:
        """The answer to what was understood."""
        ctx = await self.context()
        bound = await bind(call, ctx)
        decision = self.decide(bound, ctx)
        act = self._act(bound, decision, given)
        if not decision.allowed:
            await self.operations.audit.append(act.entry(datetime.now(UTC), "refused", decision.reason))
            if self.approved:
                await self.operations.approvals.void(self.approved.id, datetime.now(UTC))
            refused = refusals.forbidden(decision, self.request.person, self.services.policy)
            yield refusals.quietly(refusals.aside(refused, self.request), self.request)
        elif (taken_in := await self._taken_in(call, ctx)) is not None:
            async for card in changed(self, request=taken_in).cards():
                yield card
        else:
            with tracing.span("handler", batchbot__command=call.command.path, batchbot__effect=bound.effect):
                if bound.effect == "read":
                    cards = call.cards(ctx)
                else:
                    change = Change(
                        bound, act, self.once, given, self.taken, self.approved, self.undoing, asks=self.asks
                    )
                    cards = self.operations.changes.cards(change, ctx)
                first = True
                async for card in cards:
                    if first:
                        first = False
                        used.note(_used(call))
                    yield offered(card, ctx)

    def understand(self) -> tuple[Call, Given]:
        """The call that was typed, and the options that every change takes. Raises CommandError."""
        registry = self.services.registry
        tokens = words(self.request.text)
        if tokens and tokens[0].lower() == self.services.chatting.bot_name:  # "@bot batch pool list"
            tokens = tokens[1:]
        tokens, given = taken(registry.find(tokens), tokens)
        if self.request.files and not tokens:
            raise CommandError(_FILE_ALONE, ["help task add"])
        if self.request.values:
            tokens = forms.with_values(registry, tokens, self.request.values)
        return registry.parse(tokens or ["home"]), given

    async def _taken_in(self, call: Call, ctx: Context) -> CommandRequest | None:
        """The request with references to what was attached or pasted; None where nothing was. Raises CommandError."""
        names = forms.file_fields(self.services.registry, call)
        if not names:
            return None
        values = forms.gathered(self.services.registry, call, self.request.values)
        taken = await ctx.uploads.taken_in(replace(self.request, values=dict(values)), names)
        return None if (taken.text, taken.values) == (self.request.text, values) else taken

    async def context(self) -> Context:
        """What the handler is given."""
        known = self.services.reading.accounts.names
        return Context(
            request=self.request,
            services=self.services,
            zone=self.zone,
            live=self.live,
            lives=self.lives,
            chosen=await default_account(self.services.store, self.request, known) if len(known) > 1 else None,
            running=self,
            approvals=self.operations.approvals,
            audit=self.operations.audit,
        )

    def decide(self, bound: Bound, ctx: Context) -> Decision:
        """What the policy says."""
        return self.services.policy.decide(bound.question(ctx))

    async def reconciled(self, at: datetime) -> Card:
        """How far the request's change came that was begun ``at`` a moment and never ended. Runs nothing."""
        call, given = self.understand()
        ctx = await self.context()
        bound = await bind(call, ctx)
        mark, arguments = call.command.mark, call.arguments
        begun = Begun(call.typed, arguments, at)
        card = await mark.reconcile(ctx, begun) if mark.reconcile else None
        act = self._act(bound, self.decide(bound, ctx), given)
        if card is None and mark.azure and mark.path in self.services.registry.workflows:
            # Its operation is what changes Azure, and would be followed if there were one.
            await self.operations.audit.append(act.entry(datetime.now(UTC), "failed", "nothing was begun"))
            return reconcile.not_begun_card(begun)
        await self.operations.audit.append(act.entry(datetime.now(UTC), "unknown"))
        return card or reconcile.unknown_card(begun, _checked_by(mark.check, arguments))

    def run(self, command: str, undoing: Undoing | None = None) -> AsyncGenerator[Card]:
        """The cards of another command, as if the asker had typed it; ``undoing`` is the operation it takes back."""
        return changed(self, request=replace(self.request, text=command, values={}), undoing=undoing).cards()

    async def confirm(self, confirmation: str, answer: Answer) -> AsyncGenerator[Card]:
        """The cards of a change that waits for its confirmation, which goes through every step anew."""
        self._answered_in_chat()
        person, now = self.request.person, datetime.now(UTC)
        found = await self.operations.confirmations.take(
            confirmation,
            self.request.key,
            answer,
            person=person.key,
            conversation=place_of(self.request),
            now=now,
        )
        if isinstance(found, Refused):
            await self._refused(found.rule, found.reason, f"confirm {confirmation}")
            yield refusals.aside(refused_card(found), self.request)
        elif answer.drops(found):
            yield dropped_card(found.command)
        else:
            command = Given(reason=answer.reason).after(found.command)
            through = confirm.asked_through(found) or self.request.through
            request = replace(self.request, text=command, values={}, through=through)
            async for card in changed(self, request=request, taken=found).cards():
                yield card

    async def run_approved(self, approval: str) -> AsyncGenerator[Card]:
        """The cards of a change that others agreed to, which goes through every step anew."""
        self._answered_in_chat()
        try:
            found = await self.operations.approvals.runnable(approval, self.request)
        except ApprovalRefused as error:
            await self._refused(error.rule, error.why, f"approval run {approval}")
            yield refusals.aside(refusal(error.why, "Nothing was done.", [Button("Home", "home")]), self.request)
            return
        request = replace(self.request, text=found.command, values={})
        undoes = approval_cards.undone_by(found)
        async for card in changed(self, request=request, approved=found, undoes=undoes).cards():
            yield card

    def _answered_in_chat(self) -> None:
        """Raises CommandError where a change is only asked about: it is a person who says yes to one."""
        if self.asks:
            raise CommandError("This is answered in the chat, by a person.", settled=True)

    async def _refused(self, rule: str, why: str, command: str) -> None:
        """A confirmation or an approval that does not hold is written down as the refusal it is."""
        call = self.services.registry.parse(words(command))
        bound = await bind(call, await self.context())
        ruled = Decision(False, rule, why, "")
        await self.operations.audit.append(self._act(bound, ruled, NOTHING).entry(datetime.now(UTC), "refused", why))

    def _act(self, bound: Bound, decision: Decision, given: Given) -> Act:
        noted = act(self.request, bound, decision, self.correlation, self.services.policy.people, given)
        return changed(noted, undoes=self.undoing.operation if self.undoing else self.undoes)


def _used(call: Call) -> list[str]:
    """A command's path, and the names that it was given."""
    return [call.command.path, *(str(given) for given in call.arguments.values() if isinstance(given, str))]


def _checked_by(command: str, given: dict[str, object]) -> str:
    """The command that shows where things stand, for what was typed; empty where something it needs was not."""
    try:
        return command.format_map({name: join([named(str(value))]) for name, value in given.items()})
    except KeyError:
        return ""
