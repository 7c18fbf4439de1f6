"""From a request to its card: parse, permit, run, and turn whatever goes wrong into advice.

Nobody sees a traceback: an unexpected fault becomes a card with a correlation id, and the log has the rest.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import structlog
from msgspec.structs import replace

from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.azure.account import Accounts
from bot.azure.errors import AzureError
from bot.chat.port import Undelivered
from bot.monitor.status import Status
from bot.policy.roles import Access
from bot.requests import forms
from bot.requests.context import Context, Relaying
from bot.requests.live import LiveAnswer, LiveAnswers
from bot.requests.preferences import Chosen, default_account
from bot.requests.registry import NAMED, CommandError, Instead, Registry, join, words
from bot.requests.request import CommandRequest, Conversation, Person
from cards import build
from cards.card import Button, Card, Form, Option
from storage.port.store import Store

log = structlog.get_logger()

_IN_TIME = 0.45
"""Seconds after which somebody who types gets no suggestions at all."""
_NAME_LENGTH = 72
"""Of the longest name there is: a node's."""


class Finder(Protocol):
    """What is needed of :class:`bot.monitor.names.Names`."""

    async def find(self, kind: str, typed: str, within: Mapping[str, str], account: str, limit: int = 100) -> list[str]:
        """Names of a kind for what was typed, the likeliest first."""
        ...


class Dispatcher:
    """Runs commands. Holds no state of its own between two requests."""

    def __init__(
        self,
        registry: Registry,
        access: Access,
        accounts: Accounts,
        store: Store,
        *,
        zone: str,
        bot_name: str,
        names: Finder | None = None,
        relay: Relaying | None = None,
        alerts: AlertService | None = None,
        status: Status | None = None,
        jobs: WatchedJobs | None = None,
        direct: Callable[[Person, Conversation], Awaitable[Conversation]] | None = None,
    ) -> None:
        """``names`` completes the names of forms, which are typed out without it; ``relay`` lends out large files.

        ``alerts``, ``status`` and ``jobs`` are there where accounts are watched; ``direct`` finds the conversation with
        a person alone.
        """
        self._registry = registry
        self._access = access
        self._accounts = accounts
        self._store = store
        self._zone = zone
        self._bot_name = bot_name
        self._names = names
        self._relay = relay
        self._alerts = alerts
        self._status = status
        self._jobs = jobs
        self._direct = direct
        self.lives = LiveAnswers()

    def without_watch(self) -> None:
        """Nothing is watched, and the commands that need it say so: for a program that answers and no more."""
        self._alerts, self._status, self._jobs, self._direct = None, None, None, None

    async def card(self, request: CommandRequest) -> Card:
        """The answer to a request; the last card of a live one."""
        last: Card | None = None
        async for card in self.cards(request):
            last = card
        if last is None:
            raise RuntimeError("an answer has a card")
        return last

    async def cards(self, request: CommandRequest) -> AsyncGenerator[Card]:
        """The answer, and what replaces it where it is a live one. Never raises for a bad command or a refusal."""
        zone = request.person.zone or self._zone
        correlation = secrets.token_hex(4)
        with structlog.contextvars.bound_contextvars(correlation=correlation, key=request.key):
            try:
                async for card in self._run(request, zone):
                    yield build.stamped(card, zone=zone, as_of=datetime.now(UTC))
            except Instead as answer:
                failed = answer.card
            except CommandError as error:
                failed = self._advice(error)
            except AzureError as error:
                log.warning("azure.refused", code=error.code, status=error.status, request_id=error.request_id)
                failed = _refused_by_azure(error)
            except Exception:
                log.exception("command.failed", command=_first_words(request.text))
                failed = build.refusal(
                    "Something went wrong inside the bot.",
                    f"It is not your command's fault. The log has the cause under {correlation}.",
                    [Button("Try again", request.text or "home")],
                )
            else:
                return
            yield build.stamped(failed, zone=zone, as_of=datetime.now(UTC))

    async def form(
        self,
        command: str,
        request: CommandRequest,
        *,
        values: Mapping[str, str] | None = None,
        seconds: float = forms.OPENING,
    ) -> Form | Card:
        """The form of a command, or a card that says why there is none. Never raises, and takes ``seconds`` at most.

        ``values`` are what is filled in where it is open already: it is checked with them.
        """
        zone = request.person.zone or self._zone
        try:
            tokens = words(command)
            known = self._registry.find(tokens)
            if known and not self._access.allows(request.person, known.role):
                return self._forbidden(known.path, known.role, request)
            form = forms.make_form(self._registry, tokens, values)
            if not form.live:
                return form
            ctx = await self._context(request, zone, LiveAnswer())
            return await forms.checked(self._registry, form, ctx, opening=values is None, seconds=seconds)
        except CommandError as error:
            return build.stamped(self._advice(error), zone=zone, as_of=datetime.now(UTC))

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        """Names to choose from while somebody types, and what they typed as it is; never raises, never late.

        ``what`` is one of :data:`bot.requests.registry.NAMED`, ``within`` the form's other values.
        """
        if what not in NAMED or not self._access.allows(request.person, "viewer"):
            return []
        found: list[str] = []
        try:
            async with asyncio.timeout(_IN_TIME):
                account = within.get("account", "").strip() or await self._default(request)
                found = await self._names.find(what, typed, within, account) if self._names else []
        except TimeoutError:
            log.info("suggestions.late", what=what)
        except Exception:
            log.exception("suggestions.failed", what=what)
        options = [Option(name, name) for name in found]
        typed = typed.strip()
        if typed and typed not in found and len(typed) <= _NAME_LENGTH and typed.isprintable():
            options.append(Option(f"{typed} (as typed)", typed))  # what cannot be listed can still be named
        return options

    async def _default(self, request: CommandRequest) -> str:
        chosen = await self._chosen(request)
        return chosen.default.account if chosen else self._accounts.get().name

    async def _chosen(self, request: CommandRequest) -> Chosen | None:
        """The default account of the conversation; not looked for where there is one account only."""
        known = self._accounts.names
        return await default_account(self._store, request, known) if len(known) > 1 else None

    async def _run(self, request: CommandRequest, zone: str) -> AsyncGenerator[Card]:
        live = LiveAnswer()
        self.lives.begin(live)
        last: Card | None = None
        try:
            async for card in self._perform(request, zone, live):
                last = card
                yield card
        finally:
            self.lives.end(live, last)

    async def _perform(self, request: CommandRequest, zone: str, live: LiveAnswer) -> AsyncGenerator[Card]:
        tokens = words(request.text)
        if tokens and tokens[0].lower() == self._bot_name:  # "@bot batch pool list" and "/batch batch pool list"
            tokens = tokens[1:]
        if request.values:
            tokens = forms.with_values(self._registry, tokens, request.values)
        call = self._registry.parse(tokens or ["home"])
        if not self._access.allows(request.person, call.command.role):
            yield self._forbidden(call.command.path, call.command.role, request)
            return
        ctx = await self._context(request, zone, live)
        async for card in call.cards(ctx):
            yield card

    async def _context(self, request: CommandRequest, zone: str, live: LiveAnswer) -> Context:
        return Context(
            request=request,
            accounts=self._accounts,
            store=self._store,
            registry=self._registry,
            zone=zone,
            role=self._access.role(request.person),
            live=live,
            lives=self.lives,
            bot_name=self._bot_name,
            chosen=await self._chosen(request),
            relay=self._relay,
            alerts=self._alerts,
            status=self._status,
            jobs=self._jobs,
            direct=self._alone if self._direct else None,
            perform=lambda command: self._perform(replace(request, text=command, values={}), zone, live),
        )

    async def _alone(self, person: Person, conversation: Conversation) -> Conversation:
        """The conversation with a person alone. Raises CommandError where it cannot be begun."""
        if self._direct is None:
            raise RuntimeError("nothing finds it")
        try:
            return await self._direct(person, conversation)
        except Undelivered as error:
            log.warning("direct.refused", why=error.why, code=error.code)
            raise CommandError(
                f"I cannot begin a personal chat with you ({error.code}): write to me there first, then ask again."
            ) from None

    def _advice(self, error: CommandError) -> Card:
        typed = [Button(command, command) for command in error.nearest[:4] if not command.startswith("help")]
        helped = [Button("Help", command) for command in error.nearest if command.startswith("help")][:1]
        advice = "Did you mean one of these?" if typed else "The help tells what there is."
        return build.refusal(error.message, advice, [*typed, *helped] or [Button("Help", "help")])

    def _forbidden(self, path: str, role: str, request: CommandRequest) -> Card:
        log.info("command.forbidden", command=path, person=f"{request.person.platform}:{request.person.id}")
        return build.refusal(
            f"“{path}” needs the role {role}; yours is {self._access.role(request.person)}.",
            "Somebody who runs the bot can add your id to [access] in its settings: "
            f"{request.person.platform}:{request.person.id}",
            [Button("What I may do", "help")],
        )


def _refused_by_azure(error: AzureError) -> Card:
    details = [f"{key}: {value}" for key, value in error.values.items()]
    return build.refusal(
        f"Azure answered {error.code}.", "\n".join([error.message, *details]), [Button("Home", "home")]
    )


def _first_words(text: str) -> str:
    """The command without its arguments, which may hold anything."""
    return join(text.split()[:2])
