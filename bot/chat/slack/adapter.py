"""The Slack adapter: Bolt receives, the intake works, the Web API answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp
import msgspec
import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.async_app import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.budget import Budget
from bot.chat.port import AttachedFile, Moved, Newest, Pictures, Reach, RequestIntake
from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack import files, home_tab, inbound, shortcuts, unfurling
from bot.chat.slack.answers import Answers
from bot.chat.slack.authorization import REFUSED, Installation, without_token_warning
from bot.chat.slack.channels import Channels
from bot.chat.slack.errors import SlackStartError, code_of, is_passing
from bot.chat.slack.following import Following
from bot.chat.slack.forms import Forms
from bot.chat.slack.home_tab import HomeTab
from bot.chat.slack.limits import LIMITS
from bot.chat.slack.messages import Messages
from bot.chat.slack.modern import ModernBlocks
from bot.chat.slack.owed import OwedPictures
from bot.chat.slack.people import SlackPeople
from bot.chat.slack.settings import SlackSettings
from bot.chat.slack.sharing import SharedSlack
from bot.chat.slack.signature import admitted
from bot.chat.slack.suggestions import Suggestions
from bot.chat.slack.unfurling import Unfurling
from bot.content.outgoing import Outgoing, outgoing
from bot.secrets import Secret, secret
from cards.card import Card
from cards.slack.form import decode_refresh
from storage.port.store import Store

log = structlog.get_logger()

_ANYTHING = re.compile("")
_DEAF_SECONDS = 600.0
_CONNECT_SECONDS = 5.0


class Slack(SharedSlack):
    """Implements :data:`bot.chat.port.Platform` for Slack."""

    name: str = "slack"

    def __init__(
        self,
        settings: SlackSettings,
        store: Store,
        pictures: Pictures,
        *,
        bot_token: Secret,
        signing_secret: Secret | None = None,
        app_token: Secret | None = None,
        deaf_seconds: float = _DEAF_SECONDS,
        connect_seconds: float = _CONNECT_SECONDS,
    ) -> None:
        """``deaf_seconds`` is how long a socket may be silent before a new connection is made.

        ``connect_seconds`` lie between two attempts where Slack does not answer at the start.
        """
        self._settings = settings
        self._bot_token = bot_token
        # No retries by the client: a post whose answer was lost would be made twice. See outbound.patiently.
        self._client = AsyncWebClient(token=bot_token.reveal(), base_url=settings.api_url, retry_handlers=[])
        without_token_warning(AsyncApp)
        self._installation = Installation(bot_token.reveal())
        self._app = AsyncApp(
            client=self._client,
            authorize=self._installation,  # type: ignore[arg-type]  # Bolt takes its own kind too
            user_facing_authorize_error_message=REFUSED,
            signing_secret=signing_secret.reveal() if signing_secret else "",
            request_verification_enabled=False,  # it would parse first: see bot.chat.slack.signature
            process_before_response=True,  # else Bolt acknowledges events before anything of them is journalled
        )
        self._verifier = SignatureVerifier(signing_secret.reveal()) if signing_secret else None
        self._app_token = app_token
        self._socket: AsyncSocketModeHandler | None = None
        self._watchdog: asyncio.Task[None] | None = None
        self._deaf_seconds, self._connect_seconds = deaf_seconds, connect_seconds
        self._received = time.monotonic()
        self._people = SlackPeople(self._client)
        budget, channels, owed = Budget(LIMITS), Channels(store), OwedPictures(store)
        following = Following(self._client, pictures, budget, self._add, owed, channels.id_of)
        modern = ModernBlocks(store, wanted=settings.blocks == "modern")
        super().__init__(budget, channels, Messages(self._client, budget, following, channels, modern), following)
        self._answers = Answers(self._messages, self._following, self._channels)
        self._unfurling = Unfurling(self._client, self._people)
        self._home = HomeTab(self._client, self._people, self._following)
        self._suggestions = Suggestions(self._people)
        self._forms = Forms(self._client, self._people)
        self._intake: RequestIntake | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._listen()

    # Receiving

    @classmethod
    def from_settings(
        cls, chosen: SlackSettings, store: Store, pictures: Pictures, environment: Mapping[str, str]
    ) -> Slack:
        """Slack as the settings have it. Raises SettingsError for a secret that is missing."""
        socket = chosen.mode == "socket"
        return cls(
            chosen,
            store,
            pictures,
            bot_token=secret(chosen.bot_token_env, environment),
            signing_secret=None if socket else secret(chosen.signing_secret_env, environment),
            app_token=secret(chosen.app_token_env, environment) if socket else None,
        )

    def routes(self) -> list[web.RouteDef]:
        """The one address that Slack calls: events, commands and interactivity."""
        return [web.post("/slack/events", self._receive)] if self._settings.mode == "http" else []

    async def start(self, intake: RequestIntake) -> None:
        """Learn who the bot is, and connect in Socket Mode. Raises SlackStartError where Slack refuses the bot.

        Where Slack does not answer, or refuses, that is tried again until it is done: nothing else waits.
        """
        self._intake = intake
        await self._learn()
        self._following.later(self._people.groups.keep())
        connected = False
        try:
            connected = await self._connected()
        finally:
            if not connected:
                self._connecting = asyncio.create_task(self._connect())

    async def _connected(self) -> bool:
        """Learn who the bot is, and connect; False where Slack does not answer. Raises SlackStartError."""
        try:
            answer = await self._client.auth_test()
            told = answer.data if isinstance(answer.data, dict) else {}
            self._installation.accepted(told)
            self._people.installed(told)
            if self._settings.mode == "socket" and self._app_token and self._watchdog is None:
                self._socket = AsyncSocketModeHandler(self._app, self._app_token.reveal(), web_client=self._client)
                self._socket.client.message_listeners.append(self._hear)
                await self._socket.connect_async()  # type: ignore[no-untyped-call]
                self._watchdog = asyncio.create_task(self._watch())
        except SlackApiError as error:
            if not is_passing(error):
                raise self._installation.refuse(code_of(error)) from None
            log.warning("slack.unreachable", code=code_of(error))
            return False
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("slack.unreachable", error=type(error).__name__)
            return False
        return True

    async def _connect(self) -> None:
        """Try until Slack answers and takes the bot in: somebody may install it again, or mend its token."""
        connected, pause = False, self._connect_seconds
        while not connected:
            await asyncio.sleep(pause)
            try:
                connected = await self._connected()
            except SlackStartError as error:
                log.error("slack.bot_refused", message=str(error))  # noqa: TRY400 - it says all
                pause = 12 * self._connect_seconds

    async def stop(self) -> None:
        """Stop receiving and close connections."""
        if self._connecting:
            self._connecting.cancel()
        if self._watchdog:
            self._watchdog.cancel()
        if self._socket:
            await self._socket.close_async()  # type: ignore[no-untyped-call]
        self._following.close()

    async def unconnected(self) -> str:
        """See :meth:`bot.chat.port.ServedChat.unconnected`."""
        heard = self._settings.mode == "http" or (self._socket and await self._socket.client.is_connected())
        return self._installation.missing or ("" if heard else "its socket is not open")

    async def zone(self, person: Person) -> str | None:
        """The person's time zone from their Slack profile, remembered for an hour; None where it cannot be read."""
        return (await self._people.known(person)).zone

    async def known(self, person: Person, conversation: Conversation) -> Person:
        """See :meth:`bot.chat.port.KnowsPeople.known`."""
        return await self._people.known(person)

    def marked(self, person: Person) -> Person:
        """See :meth:`bot.chat.port.KnowsPeople.marked`."""
        return self._people.person(person)

    def name_groups(self, groups: frozenset[str]) -> None:
        """See :meth:`bot.chat.port.KnowsPeople.name_groups`."""
        self._people.groups.name(groups)

    def _listen(self) -> None:
        self._app.command(_ANYTHING)(self._on_command)
        self._app.event(_ANYTHING)(self._on_event)
        self._app.action({"action_id": _ANYTHING})(self._on_action)  # a bare pattern takes dialogs and workflows too
        self._app.shortcut(_ANYTHING)(self._on_shortcut)
        self._app.block_suggestion(_ANYTHING)(self._on_suggestion)
        self._app.view(_ANYTHING)(self._on_submission)
        self._app.view_closed(_ANYTHING)(self._on_closed)

    async def _receive(self, request: web.Request) -> web.Response:
        if self._verifier is None:
            raise web.HTTPNotFound
        return await admitted(self._app, self._verifier, request)

    async def _hear(self, client: AsyncBaseSocketModeClient, message: dict[str, Any], raw: str | None) -> None:
        self._received = time.monotonic()

    async def _watch(self) -> None:
        """Socket Mode can go deaf without an error: after a long silence a new connection is made, until one is."""
        while self._socket:
            await asyncio.sleep(self._deaf_seconds / 10)
            if time.monotonic() - self._received > self._deaf_seconds:
                log.warning("slack.socket_silent", seconds=self._deaf_seconds)
                try:
                    await self._socket.client.connect_to_new_endpoint(force=True)
                except Exception:  # whatever refuses it now, the watch goes on
                    log.exception("slack.reconnect_failed")
                else:
                    self._received = time.monotonic()

    async def _on_command(self, body: dict[str, Any], ack: AsyncAck) -> None:
        await self._accept(inbound.from_command(body))
        await ack()

    async def _on_event(self, body: dict[str, Any], ack: AsyncAck) -> None:
        if not self._installation.user and not await self._connected():
            raise ConnectionError("not known yet who the bot is: Slack sends the event again")
        if self._intake and (where := unfurling.posted_in(body)):
            self._following.later(self._unfurling.unfurl(self._intake, body, where))
            await ack()
            return
        if self._intake and home_tab.is_opened(body):
            self._following.later(self._home.opened(self._intake, body))
            await ack()
            return
        known, me = frozenset(self._channels.known), self._installation.user
        await self._channels.event(body, me)
        request = inbound.from_event(body, me) or inbound.from_arrival(body, me, known)
        if request:
            await self._accept(request)
            await self._channels.seen(request.conversation)
        await ack()

    async def _on_action(self, body: dict[str, Any], ack: AsyncAck) -> None:
        if (found := inbound.from_action(body)) is None:
            self._suggestions.chose(body)
            if self._intake and decode_refresh(body):
                self._following.later(self._forms.refresh(self._intake, body))
            await ack()
            return
        request, wants_form = unfurling.below(found[0], body), found[1]
        at_home = home_tab.within(request, body)
        if wants_form:
            self._following.later(self._open_form(at_home or request, body["trigger_id"]))
        elif at_home and self._intake:
            await self._clicked_at_home(self._intake, at_home)
        else:
            await self._accept(request)
        await ack()

    async def _clicked_at_home(self, intake: RequestIntake, request: CommandRequest) -> None:
        if intake.reads(request.text):
            self._following.later(self._home.show(intake, request))
        else:
            self._following.later(self._home.after(intake, request, await self._accept(request)))

    async def _on_shortcut(self, body: dict[str, Any], ack: AsyncAck) -> None:
        if request := shortcuts.from_message(body):
            await self._accept(request)
        elif request := shortcuts.from_anywhere(body):
            self._following.later(self._ask(request, body["trigger_id"]))
        await ack()

    async def _ask(self, request: CommandRequest, trigger: str) -> None:
        """Open the form of a question, whose answer goes to the asker's direct messages."""
        where = await self._messages.direct(request.person, request.conversation)
        await self._open_form(msgspec.structs.replace(request, conversation=where), trigger)

    async def _on_suggestion(self, body: dict[str, Any], ack: AsyncAck) -> None:
        if self._intake is None:
            raise RuntimeError("a request before start()")
        await ack(options=await self._suggestions.options(body, self._intake))

    async def _on_submission(self, body: dict[str, Any], ack: AsyncAck) -> None:
        try:
            request = inbound.from_submission(body)
        except ValueError:
            await ack()
            return
        if self._intake and (refusal := await self._forms.refused(self._intake, body, request)):
            await ack(**refusal)
            return
        await self._accept(request)
        await ack()

    async def _on_closed(self, ack: AsyncAck) -> None:
        await ack()

    async def _accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        if self._intake is None:
            raise RuntimeError("a request before start()")
        where = self._channels.current(request.conversation)  # a form may have been opened under another id
        return await self._intake.accept(self._people.marked(msgspec.structs.replace(request, conversation=where)))

    async def _open_form(self, request: CommandRequest, trigger: str) -> None:
        """Open the modal of a command, or say why there is none."""
        if self._intake is None:
            raise RuntimeError("a click before start()")
        card = await self._forms.open(self._intake, request, trigger)
        if card:
            await self.answer(request, outgoing(card))

    async def fetch(self, request: CommandRequest, reference: str, most: int) -> AttachedFile:
        """A file that whoever asked attached to a form or a message. Raises FetchError."""
        return await files.fetch(self._client, self._bot_token.reveal(), request.person, reference, most)

    # Sending

    async def answer(self, request: CommandRequest, card: Outgoing, key: str = "") -> str:
        """See :meth:`bot.chat.slack.answers.Answers.answer`."""
        return await self._answers.answer(request, card, key)

    async def _add(self, conversation: Conversation, card: Card) -> None:
        """Say something that nobody asked for, below a message."""
        await self._answers.post(conversation, card, "", Person("slack", ""))

    async def say(self, request: CommandRequest, words: str) -> None:
        """Show the asker one sentence that only they see. Raises Undelivered."""
        await self._answers.say(request, words)

    async def update_live(self, conversation: Conversation, message: str, newest: Newest) -> None:
        """Replace a message that goes on changing by its newest card. Raises Undelivered."""
        await self._messages.update_live(conversation, message, newest)

    def on_reach(self, callback: Reach) -> None:
        """Have ``callback`` called whenever the bot is let into a channel or put out of it."""
        self._channels.on_reach = callback

    def on_move(self, callback: Moved) -> None:
        """Have ``callback`` called whenever a channel has another id."""
        self._channels.on_move = callback

    async def post_once(
        self, conversation: Conversation, card: Outgoing, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        """Post a card once, its key in the metadata; returns its timestamp and channel. Raises Undelivered."""
        return await self._messages.post_once(conversation, card, key, loud=loud)

    async def update(self, conversation: Conversation, message: str, card: Outgoing) -> None:
        """Replace a message, pictures included. Raises Undelivered."""
        await self._messages.update(conversation, message, card)

    def update_delay(self, conversation: Conversation) -> float:
        """Seconds until the budget has room for an edit there."""
        return self._messages.update_delay(conversation)

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        """The message that carries this key. Raises Undelivered, or UnreadableError where a scope is missing."""
        return await self._messages.find_by_key(conversation, key, since)

    async def direct(self, person: Person, conversation: Conversation) -> Conversation:
        """The direct messages with a person. Raises Undelivered."""
        return await self._messages.direct(person, conversation)
