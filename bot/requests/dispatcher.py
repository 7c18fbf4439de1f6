"""Answers requests: each goes through the :mod:`bot.requests.pipeline`, and whatever goes wrong becomes advice.

Nobody sees a traceback: an unexpected fault becomes a card with a correlation id, and the log has the rest.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from datetime import UTC, datetime

import structlog
from msgspec.structs import replace

from bot import tracing
from bot.azure import gaps
from bot.chat.port import Match
from bot.chat.request import CommandRequest
from bot.operations import reconcile
from bot.operations.approve import Approvals
from bot.operations.audit import Audit
from bot.operations.confirm import Confirmations
from bot.operations.reconcile import Begun
from bot.operations.run_once import RunOnce, Unnoted
from bot.requests import binding, finder, form_checks, forms, in_sight, link_cards, refusals, suggestions
from bot.requests.changes import Changes
from bot.requests.command import CommandError
from bot.requests.grammar import words
from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.pipeline import Operations, Pipeline
from bot.requests.services import Services
from bot.requests.used import Used, asked_in
from cards import build
from cards.card import Card, Form, Option

log = structlog.get_logger()


class Dispatcher:
    """Runs commands. Holds no state of its own between two requests but the live answers, and what was used lately."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.lives = LiveAnswers()
        self.used = Used()
        self.approved: Callable[[], None] | None = None
        """Called when a change was approved: whoever runs it need not wait."""

    @property
    def operations(self) -> Operations:
        """What changes go through, made of the services as they are now."""
        services, audit = self.services, Audit(self.services.store)
        confirmations = Confirmations(services.store)
        approvals = Approvals(
            services.store,
            services.policy,
            zone=self.zone_of,
            posted=services.chatting.posted,
            approved=self.approved,
        )
        return Operations(audit, confirmations, approvals, Changes(audit, confirmations, approvals))

    def without_watch(self) -> None:
        """Nothing is watched, and the commands that need it say so: for a program that answers and no more."""
        chatting = changed(self.services.chatting, direct=None)
        self.services = changed(self.services, watching=None, chatting=chatting)

    async def card(self, request: CommandRequest, once: RunOnce | None = None) -> Card:
        """The answer to a request; the last card of a live one."""
        last: Card | None = None
        async for card in self.cards(request, once):
            last = card
        if last is None:
            raise RuntimeError("an answer has a card")
        return last

    async def cards(
        self, request: CommandRequest, once: RunOnce | None = None, *, asks: bool = False
    ) -> AsyncGenerator[Card]:
        """The answer, and what replaces it where it is a live one. Never raises for a bad command or a refusal.

        ``once`` is the request's right to make a change, where it is journalled. With ``asks`` no change is made: the
        answer to one is the question whether it should be.
        """
        await self._learn_zone(request)
        with self._pipeline(request, once, asks=asks) as pipeline:
            try:
                async for card in self._live(pipeline):
                    yield self._stamped(card, request)
            except Exception as error:
                failed = self._refused(error, request.text, pipeline.correlation)
                if isinstance(error, CommandError):
                    failed = refusals.quietly(failed, request)
            else:
                return
            yield self._stamped(failed, request)

    def reads(self, command: str) -> bool:
        """Whether a command changes nothing, neither here nor in Azure."""
        return in_sight.only_reads(self.services.registry, command)

    async def read(self, request: CommandRequest) -> Card | None:
        """The answer to a request that only reads, as it is now; None for one that changes, or may. Never raises.

        It is shown outside of conversations, so nobody is answered who may be a guest.
        """
        if not self.reads(request.text):
            return None
        if in_sight.may_be_guest(self.services, request):
            return self._stamped(refusals.unread(), request)
        cards = self.cards(request, Unnoted())
        try:
            return await anext(cards)
        finally:
            await cards.aclose()

    async def link_cards(self, request: CommandRequest, urls: Sequence[str]) -> dict[str, Card]:
        """Cards for links that somebody posted: see :mod:`bot.requests.link_cards`. Never raises."""
        return await link_cards.link_cards(self.services, request, urls, self._unexplained)

    async def find(self, request: CommandRequest, typed: str, most: int) -> list[Match]:
        """What is called like what was typed: see :func:`bot.requests.finder.matches`. Never raises."""
        return await finder.matches(self.services, request, typed, most)

    async def _unexplained(self, request: CommandRequest) -> AsyncGenerator[Card]:
        """The answer; raises what keeps it."""
        with self._pipeline(request) as pipeline:
            async for card in self._live(pipeline):
                yield self._stamped(card, request)

    def _refused(self, error: Exception, typed: str, correlation: str) -> Card:
        return refusals.of_error(error, typed, correlation, self.services.reading.accounts)

    async def reconciled(self, request: CommandRequest, command: str, at: datetime) -> Card:
        """The answer to a change that was begun ``at`` a moment and never ended: how far it came. Runs nothing.

        ``command`` is what was begun, which need not be what was typed. Never raises.
        """
        with self._pipeline(replace(request, text=command, values={})) as pipeline:
            try:
                card = await pipeline.reconciled(at)
            except Exception:  # whatever keeps it from being checked, whoever asked learns that it was begun
                log.exception("change.not_reconciled")
                card = reconcile.unknown_card(Begun(command, {}, at))
            return self._stamped(card, request)

    async def followed(self, request: CommandRequest) -> AsyncGenerator[Card] | None:
        """The cards of the operation that a request began, until it is over; None where it began none."""
        operations = self.services.operations
        if operations is None or (id_ := await operations.of_request(request.key)) is None:
            return None
        return self._each_stamped(operations.follow(id_), request)

    async def _each_stamped(self, cards: AsyncGenerator[Card], request: CommandRequest) -> AsyncGenerator[Card]:
        async for card in cards:
            yield self._stamped(card, request)

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = forms.OPENING,
    ) -> Form | Card:
        """The form of a command, or a card that says why there is none. Never raises, and takes ``seconds`` at most.

        ``values`` are what is filled in where it is open already: it is checked with them. It opens where anything
        that can be filled in would be allowed; what is filled in is judged when it comes.
        """
        try:
            tokens = words(command)
            if known := self.services.registry.find(tokens):
                filled = forms.filled_in(known, tokens[len(known.path.split()) :])
                question = binding.draft(known, filled | dict(values or {}), request)
                decision = self.services.policy.decide(changed(question, alone=bool(known.mark.alone)))
                if not decision.allowed:
                    return self._stamped(refusals.forbidden(decision, request.person, self.services.policy), request)
            registry = self.services.registry
            form = forms.make_form(registry, tokens, values)
            known = registry.command(words(form.command))
            sent = replace(request, text=form.command, values=dict(values or {}))
            with self._pipeline(sent, alone=True) as pipeline:
                try:
                    async with asyncio.timeout(seconds):
                        ctx = await pipeline.context()
                        form = await form_checks.with_names(form, known, ctx)
                except Exception:  # a store that is out for a moment: the form can be filled in all the same
                    log.exception("form.not_checked", command=form.command)
                    return form
                form = await forms.checked(registry, form, ctx, opening=values is None, seconds=seconds)
                if values is None or form.errors:
                    return form
                return await form_checks.checked(pipeline, form, known, values, seconds)
        except CommandError as error:
            return self._stamped(refusals.of_error(error, command, ""), request)

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names to choose from while somebody types; see :func:`bot.requests.suggestions.suggest`."""
        return await suggestions.suggest(self.services, request, what, typed, within)

    async def _live(self, pipeline: Pipeline) -> AsyncGenerator[Card]:
        """The cards, which can be stopped for as long as they go on."""
        last: Card | None = None
        found = gaps.Gaps()
        self.lives.begin(pipeline.live)
        try:
            cards = pipeline.cards()
            while True:
                # In each step, which may be taken in another context.
                with gaps.listening(found), asked_in(self.used, pipeline.request.conversation.key):
                    try:
                        card = await anext(cards)
                    except StopAsyncIteration:
                        break
                last = build.with_unknown(card, found.lines)
                yield last
        finally:
            self.lives.end(pipeline.live, last)

    @contextmanager
    def _pipeline(
        self, request: CommandRequest, once: RunOnce | None = None, *, alone: bool = False, asks: bool = False
    ) -> Iterator[Pipeline]:
        """The pipeline for a request, under whose correlation id everything is logged.

        ``alone`` says that the asker alone sees what comes of it, as of a form.
        """
        correlation = secrets.token_hex(4)
        with (
            structlog.contextvars.bound_contextvars(correlation=correlation, key=request.key),
            tracing.span("request", batchbot__correlation=correlation, chat__platform=request.conversation.platform),
        ):
            yield Pipeline(
                self.services,
                self.operations,
                request,
                self.zone(request, alone=alone),
                correlation,
                LiveAnswer(),
                self.lives,
                once,
                asks=asks,
            )

    def _stamped(self, card: Card, request: CommandRequest) -> Card:
        zone = self.zone(request, alone=card.private)
        # A refusal was found in what the service says; a question of ours tells its end by the program's own clock.
        as_of = self.services.reading.accounts.now() if card.refused else datetime.now(UTC)
        return build.stamped(card, zone=zone, as_of=as_of)

    def zone(self, request: CommandRequest, *, alone: bool = False) -> str:
        """IANA name of the zone in which an answer gives times.

        The asker's own where nobody else reads it: in a personal chat, or where it is shown to them ``alone``. A
        channel has one zone for everybody: that of its quiet hours, or else the bot's.
        """
        if request.person.zone and (alone or request.conversation.kind == "personal"):
            return request.person.zone
        return self.zone_of(request.conversation.key)

    def zone_of(self, conversation: str) -> str:
        """IANA name of the zone of a conversation, for what is posted there without being asked."""
        watching = self.services.watching
        return watching.alerts.zone_of(conversation) if watching else self.services.chatting.zone

    async def _learn_zone(self, request: CommandRequest) -> None:
        """Whoever asks in a personal chat gets alerts, approvals and reports there by their own clock, too."""
        watching, zone = self.services.watching, request.person.zone
        if watching and zone and request.conversation.kind == "personal":
            await watching.alerts.learn_zone(request.conversation.key, zone)
