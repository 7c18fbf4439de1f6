"""The Teams adapter: an aiohttp route on one side, :class:`bot.chat.port.Chat` on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import aiohttp
import msgspec
import structlog
from aiohttp import web

import cards.teams.message
from bot.chat.body import body_of
from bot.chat.budget import Priority
from bot.chat.port import AttachedFile, FetchError, Newest, Pictures, Reach, RequestIntake, Undelivered, UnreadableError
from bot.chat.request import WELCOME, CommandRequest, Conversation, Person
from bot.chat.teams import aside, messages
from bot.chat.teams.activity import Activity
from bot.chat.teams.credentials import credential_of
from bot.chat.teams.errors import KeysUnavailableError, RefusedError, TeamsError
from bot.chat.teams.files import Files
from bot.chat.teams.groups import EntraGroups
from bot.chat.teams.invokes import Invokes, submitted
from bot.chat.teams.keys import Keys
from bot.chat.teams.library import load
from bot.chat.teams.outbound import Outbound, allowed
from bot.chat.teams.people import KnowingIntake, TeamsPeople
from bot.chat.teams.references import References
from bot.chat.teams.seals import Place, Seals
from bot.chat.teams.settings import TeamsSettings
from bot.chat.teams.token_check import Verifier, compare
from bot.content.outgoing import Outgoing
from bot.settings import SettingsError
from cards.card import Card, Rendered
from storage.port.store import Store

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

log = structlog.get_logger()

_READY_SECONDS = 3.0
"""For which the start waits for the bot's tokens, and goes on without them."""

PATH = "/api/messages"
_MOST_BYTES = 512 * 1024
"""Of a request's body. Teams' own limit on a message is 100 KB."""

_TEAM_GONE = frozenset({"teamDeleted", "teamHardDeleted", "teamArchived"})

_activities = msgspec.json.Decoder(Activity)


class Teams:
    """Microsoft Teams. ``credential`` gives the bot's own tokens, and is closed when the platform stops."""

    name: str = "teams"

    def __init__(
        self, settings: TeamsSettings, store: Store, pictures: Pictures, *, credential: AsyncTokenCredential
    ) -> None:
        if not settings.app_id.strip() or not settings.tenant_id.strip():
            raise SettingsError(["teams.app_id and teams.tenant_id: both are needed to verify who calls the bot"])
        self._settings = settings
        self._pictures = pictures
        self._credential = credential
        self._keys = Keys(settings.openid_url)
        self._sdk = load(settings.sdk)
        check = self._sdk.token_check(
            app_id=settings.app_id, issuer=settings.issuer, scope=settings.scope, keys=self._keys
        )
        self._verifier = Verifier(check, app_id=settings.app_id, issuer=settings.issuer)
        self._references = References(store)
        self._seals = Seals(store)
        self._files = Files(settings.file_hosts)
        self._people = TeamsPeople(EntraGroups(credential, settings.graph_url, settings.graph_scope))
        self._session: aiohttp.ClientSession | None = None
        self._running: tuple[RequestIntake, Outbound, Invokes] | None = None
        self._readying: set[asyncio.Task[None]] = set()
        self._may: Callable[[], bool] = lambda: True

    # -- bot.chat.port.Chat -----------------------------------------------------------------------------------------

    async def start(self, intake: RequestIntake) -> None:
        """Begin to receive."""
        self._session = aiohttp.ClientSession()
        self._keys.open(self._session)
        self._people.groups.open(self._session)
        self._verifier.open()
        await asyncio.gather(self._references.load(), self._seals.load())
        connector = self._sdk.connector(
            self._session, self._credential, app_id=self._settings.app_id, scope=self._settings.scope
        )
        outbound = Outbound(
            connector,
            self._references,
            self._pictures,
            self._settings.service_hosts,
            seals=self._seals,
            modern=self._settings.blocks == "modern",
        )
        outbound.budget.may = self._may
        knowing = KnowingIntake(intake, self._people, outbound, asides=self._settings.targeted_messages)
        self._running = knowing, outbound, Invokes(knowing, outbound)
        # A first token takes seconds on some machines: longer than an answer waits to learn who asks.
        self._readying = {asyncio.create_task(ready()) for ready in (connector.ready, self._people.groups.ready)}
        done, _ = await asyncio.wait(self._readying, timeout=_READY_SECONDS)
        for each in done:
            if error := each.exception():  # whoever needs one asks again, and says what is wrong
                log.warning("teams.no_token", error=f"{type(error).__name__}: {error}")

    def stand_by(self, may: Callable[[], bool]) -> None:
        """See :class:`bot.chat.port.Shared`."""
        self._may = may

    async def take_over(self) -> None:
        """See :class:`bot.chat.port.Shared`: nothing is left to be sent but what the outbox and the journal have."""

    async def refresh(self) -> None:
        """See :class:`bot.chat.port.Shared`."""
        await self._references.load()

    async def stop(self) -> None:
        """Stop receiving, finish what is under way and release connections."""
        running, self._running = self._running, None
        for task in self._readying:
            task.cancel()
        self._verifier.close()
        if running:
            await running[2].close()
        if self._session:
            await self._session.close()
        await self._credential.close()

    async def unconnected(self) -> str:
        """See :meth:`bot.chat.port.ServedChat.unconnected`: Teams calls whoever listens."""
        return "" if self._running else "it has not begun to receive"

    async def known(self, person: Person, conversation: Conversation) -> Person:
        """See :meth:`bot.chat.port.KnowsPeople.known`."""
        if self._running is None:
            return self.marked(person)
        return await self._people.known(self._running[1], person, conversation)

    def marked(self, person: Person) -> Person:
        """See :meth:`bot.chat.port.KnowsPeople.marked`."""
        return self._people.marked(person)

    def name_groups(self, groups: frozenset[str]) -> None:
        """See :meth:`bot.chat.port.KnowsPeople.name_groups`."""
        self._people.groups.name(groups)

    async def zone(self, person: Person) -> str | None:
        """The person's time zone: Teams sends it with every message."""
        return person.zone

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        """A file that was attached in a personal chat. Raises FetchError."""
        if self._session is None:
            raise FetchError("The bot is about to stop: attach the file again.")
        return await self._files.fetch(self._session, reference, most)

    async def answer(self, request: CommandRequest, card: Outgoing, key: str = "") -> str:
        """Deliver the answer: to whoever waits at a button, and as an edit or a new message for everybody.

        Nobody else sees a private card in a shared conversation: it goes to the presser of the button, or as
        :mod:`bot.chat.teams.aside` has it. Raises Undelivered.
        """
        outbound, invokes = self._outbound(), self._invokes()
        waiting = invokes.waiting(request.key)
        message = request.message if request.how == "edit" and request.message else None
        place = Place.of(request.conversation.id, message) if message else Place.new(request.conversation.id)
        rendered = await outbound.render(card, place)
        private = card.private and request.conversation.kind != "personal"
        if waiting:
            given = waiting.give(rendered)
            if waiting.alone or (private and given and request.how == "edit"):
                return ""
        if private:
            await aside.answer(outbound, request, card, targeted=self._settings.targeted_messages)
            return ""
        if message:
            return await self._replace(outbound, request, message, card, rendered)
        posted = await messages.post(outbound, request.conversation, rendered, Priority.ANSWER, _asker(request))
        await outbound.seals.posted(place, posted)
        return posted

    async def _replace(
        self, outbound: Outbound, request: CommandRequest, message: str, card: Card, rendered: Rendered
    ) -> str:
        """Edit a message, or post a new one where that one can no longer be edited; returns the one that shows it."""
        conversation, asker = request.conversation, _asker(request)
        try:
            await messages.update(outbound, conversation, message, rendered, Priority.ANSWER, asker)
        except Undelivered as error:
            if error.why not in {"missing", "refused"}:
                raise error.repeatable() from error
            log.info("teams.posted_anew", conversation=conversation.id, why=error.why, code=error.code)
            return await messages.post_card(outbound, conversation, card, Priority.ANSWER, asker)
        return message

    async def say(self, request: CommandRequest, words: str) -> None:
        """Show the asker one sentence without a card. Raises Undelivered."""
        await messages.say(self._outbound(), request.conversation, words)

    async def update_live(self, conversation: Conversation, message: str, newest: Newest) -> None:
        """Replace a message that goes on changing by its newest card. Raises Undelivered."""
        await messages.update_live(self._outbound(), conversation, message, newest)

    def on_reach(self, callback: Reach) -> None:
        """Have ``callback`` called whenever the bot is added to a conversation or removed from it."""
        self._references.on_reach = callback

    async def post_once(
        self, conversation: Conversation, card: Outgoing, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        """Post a card once. Teams neither hides a key nor shows a reply in the channel too. Raises Undelivered."""
        outbound = self._outbound()
        return await messages.post_card(outbound, conversation, card, Priority.ALERT), conversation.id

    async def update(self, conversation: Conversation, message: str, card: Outgoing) -> None:
        """Replace a message. Raises Undelivered."""
        outbound = self._outbound()
        rendered = await outbound.render(card, Place.of(conversation.id, message))
        await messages.update(outbound, conversation, message, rendered, Priority.ALERT)

    def update_delay(self, conversation: Conversation) -> float:
        """Seconds until the budget has room there."""
        return self._running[1].budget.delay(conversation.id, Priority.ALERT, "call") if self._running else 0.0

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """Raises UnreadableError: a bot cannot read what it said in Teams."""
        raise UnreadableError("Teams cannot be read back")

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The personal chat with somebody. Raises Undelivered."""
        return await messages.direct(self._outbound(), person, conversation, Priority.ALERT)

    # -- what comes in ----------------------------------------------------------------------------------------------

    @classmethod
    def from_settings(
        cls, chosen: TeamsSettings, store: Store, pictures: Pictures, environment: Mapping[str, str]
    ) -> Teams:
        """Teams as the settings have it. Raises SettingsError for a secret that is missing."""
        return cls(chosen, store, pictures, credential=credential_of(chosen, environment))

    def routes(self) -> list[web.RouteDef]:
        """The bot's messaging endpoint."""
        return [web.post(PATH, self._receive)]

    async def _receive(self, request: web.Request) -> web.Response:
        """Authenticate, de-duplicate, journal; the work goes on afterwards."""
        if self._running is None:
            return web.Response(status=503)
        try:
            activity = await self._admitted(request)
        except RefusedError as error:
            log.warning("teams.refused", status=error.status, reason=str(error)[:200], remote=request.remote)
            return web.Response(status=error.status)
        except KeysUnavailableError:
            return web.Response(status=503)  # logged where they could not be fetched
        try:
            return await self._dispatch(activity)
        except Exception:  # not journalled, so Teams shall come again
            log.exception("teams.failed", type=activity.type, name=activity.name)
            return web.Response(status=500)

    async def _admitted(self, request: web.Request) -> Activity:
        """The activity, when it comes from Teams, from our tenant, and by an address that may get our token."""
        signed = await self._verifier.check(request.headers.get("Authorization", ""))
        try:
            activity = _activities.decode(await body_of(request, _MOST_BYTES))
        except (web.HTTPRequestEntityTooLarge, web.HTTPRequestTimeout) as error:
            raise RefusedError("body too large or too slow", error.status) from error
        except (ValueError, RecursionError) as error:  # msgspec's own error is one, and so is text that is no UTF-8
            raise RefusedError(f"no activity: {error}", 400) from error
        compare(signed, activity.channel_id, activity.service_url)
        if activity.tenant != self._settings.tenant_id:
            raise RefusedError(f"tenant {activity.tenant or 'unknown'} is not teams.tenant_id", 403)
        if not allowed(activity.service_url or "", self._settings.service_hosts):
            raise RefusedError(f"service URL {activity.service_url} is not in teams.service_hosts", 403)
        if not activity.id or not activity.conversation.id:
            raise RefusedError("an activity without id or conversation", 400)
        return activity

    async def _dispatch(self, activity: Activity) -> web.Response:
        _, _, invokes = self._parts()
        if activity.type == "invoke":
            status, body = await invokes.answer(activity)
            return web.Response(status=status) if body is None else web.json_response(body, status=status)
        if activity.type == "message" and not activity.from_bot:
            await self._said(activity)
        elif activity.type == "installationUpdate":
            await self._installed(activity)
        elif activity.type == "conversationUpdate":
            await self._changed(activity)
        return web.Response(status=200)

    async def _said(self, activity: Activity) -> None:
        """Typed text, or a button of the kind that sends a message (Action.Submit)."""
        intake, _, invokes = self._parts()
        await self._references.seen(activity.origin(), activity.at)
        if not isinstance(activity.value, dict):
            files, words = self._files.attached(activity), activity.spoken()
            if words or files or not activity.has_card:  # a card that was put into a message asks nothing
                await intake.accept(activity.ask(words, files=files))
            return
        if click := cards.teams.message.decode_click(activity.value):
            request = await invokes.asked(activity, activity.value, click.command, click.how)
            if click.how == "form":
                invokes.present(request)
            else:
                await intake.accept(request)
        elif submission := submitted(activity.value):
            await invokes.filled(activity, submission)
        else:
            log.warning("teams.submit_unknown", conversation=activity.conversation.id)

    async def _installed(self, activity: Activity) -> None:
        """Added, removed or upgraded here; where it is added it says what can be tried."""
        intake, _, _ = self._parts()
        if activity.action == "remove":
            await self._references.left(activity.origin(), activity.at)
        elif activity.action in {"add", "add-upgrade"}:
            await self._references.joined(activity.origin(), activity.at)
            if activity.action == "add":
                await intake.accept(activity.ask(WELCOME))

    async def _changed(self, activity: Activity) -> None:
        """Members came or went, a channel was renamed, a team deleted; only what concerns the bot matters."""
        conversation, event = (
            activity.origin(),
            activity.channel_data.event_type if activity.channel_data else None,
        )
        channel = activity.channel_data.channel if activity.channel_data else None
        if event in {"channelDeleted", "channelRenamed", "channelRestored"}:
            if channel and channel.id:
                of_channel = msgspec.structs.replace(
                    conversation, id=channel.id, kind="channel", name=channel.name or ""
                )
                await self._channel(event, of_channel, activity.at)
        elif event in _TEAM_GONE or activity.concerns_bot(activity.members_removed):
            await self._references.left(conversation, activity.at)
        elif event == "teamRenamed":  # the id of a team is that of its first channel
            await self._references.renamed(conversation, activity.at)
        elif event in {"teamRestored", "teamUnarchived"} or activity.concerns_bot(activity.members_added):
            await self._references.joined(conversation, activity.at)

    async def _channel(self, event: str, conversation: Conversation, at: datetime) -> None:
        match event:
            case "channelDeleted":
                await self._references.left(conversation, at)
            case "channelRestored":
                await self._references.joined(conversation, at)
            case _:
                await self._references.renamed(conversation, at)

    def _outbound(self) -> Outbound:
        if self._running is None:
            raise Undelivered("later", "NotRunning", everywhere=True)
        return self._running[1]

    def _invokes(self) -> Invokes:
        if self._running is None:
            raise Undelivered("later", "NotRunning", everywhere=True)
        return self._running[2]

    def _parts(self) -> tuple[RequestIntake, Outbound, Invokes]:
        if self._running is None:
            raise TeamsError(0, "NotRunning", "the Teams adapter is not started", sent=False)
        return self._running


def _asker(request: CommandRequest) -> str:
    """Who waits for an answer; a request of nobody's has a turn of its own."""
    return request.person.key if request.person else ""
