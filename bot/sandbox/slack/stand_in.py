"""The workspace as people use it: type, click, fill forms, look."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiohttp

from bot.sandbox.slack import chat, conversations, links, payloads, surfaces, usergroups
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.deliver import Acknowledged, Deliverer
from bot.sandbox.slack.errors import StandInError
from bot.sandbox.slack.manage import Managing
from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import Channel, Json, Person
from bot.sandbox.slack.server import Server
from bot.sandbox.slack.settings import Faults, SlackSettings
from bot.sandbox.slack.user_actions import UserActions
from bot.sandbox.slack.views import View


class SlackStandIn(Managing):
    """One workspace, one app, four people.

    Server side: ``api_url`` (``http://…/api/``, for ``WebClient(base_url=…)``), ``url`` (``http://host:port``), and
    ``settings`` with the tokens and the signing secret. ``app_url`` may be set at any time; it overrides the settings'.

    ``people`` and ``channels`` are JSON-able lists. People: ``{"id", "name", "role", "tz", "is_bot"}`` with roles
    ``viewer``, ``operator``, ``admin``, ``second admin`` and ``bot``. Channels: ``{"id", "name", "kind", "members",
    "bot", "person", "archived"}``, ``kind`` is ``channel`` or ``im``; an ``im`` has the id of its ``person``.
    Wherever a person is asked for, the id or the role will do; for a channel the id, ``batch-ops`` or ``#batch-ops``.

    ``faults`` tells what goes wrong; ``deliveries`` keeps the last things that were sent to the app, one dict per
    attempt: ``{"kind", "attempt", "outcome", "at", "payload"}``. ``writes`` and ``history_of`` are for counting.

    ``clock`` (seconds since 1970) decides about all times, rates and what expires; one that runs faster goes with
    ``settings.time_scale``.

    Methods that act as a person raise :class:`StandInError` where a person could not do that.
    """

    def __init__(self, settings: SlackSettings | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings or SlackSettings()
        self._core = Core(self.settings, clock)
        self._deliverer = Deliverer(self._core)
        self._actions = UserActions(self._core, self._deliverer)
        self._server = Server(
            self._core,
            {**conversations.METHODS, **usergroups.METHODS, **chat.METHODS, **links.METHODS, **surfaces.METHODS},
        )

    @property
    def url(self) -> str:
        """Where the stand-in listens: ``http://host:port``."""
        return self._core.url

    @property
    def api_url(self) -> str:
        """The ``base_url`` of a Web API client."""
        return f"{self._core.url}/api/"

    @property
    def app_url(self) -> str:
        """Where the app listens, when it is not in the settings."""
        return self._core.app_url

    @app_url.setter
    def app_url(self, url: str) -> None:
        self._core.app_url = url

    @property
    def faults(self) -> Faults:
        """What goes wrong; change it at any time."""
        return self._core.faults

    @property
    def hosts(self) -> dict[str, str]:
        """Names on the Internet -> the address (``http://host:port``) that plays them, for pictures; change it."""
        return self._core.hosts

    @property
    def people(self) -> list[Json]:
        """Everybody in the workspace."""
        return [person.summary() for person in self._core.workspace.people.values()]

    @property
    def channels(self) -> list[Json]:
        """Every channel and direct conversation."""
        return [channel.summary() for channel in self._core.workspace.channels.values() if not channel.deleted]

    @property
    def groups(self) -> dict[str, str]:
        """The user groups: id by handle."""
        return {group.handle: group.id for group in self._core.workspace.groups.values()}

    @property
    def deliveries(self) -> deque[Json]:
        """The last attempts to bring something to the app."""
        return self._deliverer.log

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; ``url`` and ``api_url`` are known afterwards."""
        self._core.listening(await self._server.start(host, port))
        self._deliverer.start()

    async def close(self) -> None:
        """Stop listening, close sockets, drop deliveries that are under way."""
        await self._deliverer.close()
        await self._core.files.close()
        await self._core.sockets.close()
        await self._server.close()

    # what people see -----------------------------------------------------------------------------------------------

    def subscribe(self) -> asyncio.Queue[Json]:
        """A queue of everything that changes from now on.

        ``{"type": "message" | "message_changed", "channel", "message"}`` (the dicts of :meth:`messages`),
        ``{"type": "message_deleted", "channel", "ts"}``,
        ``{"type": "ephemeral", "channel", "user", "message"}``: only ``user`` sees it (``message_changed`` and
        ``message_deleted`` of an ephemeral message carry ``user`` too),
        ``{"type": "view_opened" | "view_updated" | "view_closed", "user", "view"}``,
        ``{"type": "view_errors", "user", "view_id", "errors": {block_id: words}}``,
        ``{"type": "home", "user", "view"}``, ``{"type": "file_ready", "file"}``,
        ``{"type": "channel", "channel"}`` (a dict of ``channels`` whose members or state changed).
        """
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._core.workspace.queues.add(queue)
        return queue

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        """Stop filling ``queue``."""
        self._core.workspace.queues.discard(queue)

    def messages(self, channel: str, *, viewer: str | None = None) -> list[Json]:
        """The channel as it stands, oldest first, replies in place after ``thread_ts``.

        Each message is Slack's message object plus ``edits`` (how often it was changed) and ``name``. With ``viewer``
        the ephemeral messages of that person are among them (``"ephemeral": true``); without, everybody's are.
        """
        place = self._core.workspace.channel(channel)
        only = self._person(viewer).id if viewer else None
        shown = self._core.workspace.said[place.id].values()
        return [self._core.workspace.shown(m) for m in shown if only is None or m.only_for in ("", only)]

    def views(self, user: str) -> list[Json]:
        """The modals that ``user`` has open, the one on top last: Slack's view objects plus ``errors``."""
        stack = self._core.views.stacks.get(self._person(user).id, [])
        return [self._core.views.shown(view) for view in stack]

    def home(self, user: str) -> Json | None:
        """What the app published on ``user``'s Home tab."""
        view = self._core.views.homes.get(self._person(user).id)
        return self._core.views.shown(view) if view else None

    def file(self, file_id: str) -> Json:
        """Slack's file object, as ``files.info`` tells it now."""
        file = self._core.files.get(file_id)
        if file is None:
            raise StandInError("file_not_found", f"there is no file {file_id}")
        return self._core.files.wire(file)

    def file_bytes(self, file_id: str, *, viewer: str | None = None) -> tuple[str, bytes]:
        """Content type and bytes of a file. StandInError ``file_not_found`` where ``viewer`` may not see it (yet)."""
        file = self._core.files.get(file_id)
        if file is None or not file.ready or file.data is None:
            raise StandInError("file_not_found", f"there is no file {file_id}, or it is still processed")
        if viewer is not None and not self._may_see(self._person(viewer), file.channels):
            raise StandInError("file_not_found", f"no message shows {file_id} to {viewer}")
        return file.mimetype, file.data

    # what people do ------------------------------------------------------------------------------------------------

    async def say(
        self, user: str, channel: str, text: str, *, thread_ts: str | None = None, files: Sequence[str] = ()
    ) -> str:
        """Write a message (or a reply) and return its ts; ``@batchbot`` in the text becomes a mention.

        ``files`` are ids that :meth:`attach` returned.

        Events go out in the background, as on Slack: see :meth:`settle`.
        """
        person, place = self._at(user, channel)
        if thread_ts is not None:
            root = self._actions.message(person, place, thread_ts)
            thread_ts = root.thread_ts or root.ts
        said = self._core.workspace.say(person.id, place.id, text, thread_ts, self._shared(place, files))
        links.told(self._core, said)
        return said.ts

    def _shared(self, place: Channel, files: Sequence[str]) -> list[Json]:
        """Files as a message has them, which everybody in the channel may see from now on."""
        found = [self._core.files.get(each) for each in files]
        for file in found:
            if file is None:
                raise StandInError("file_not_found", f"{', '.join(files)} are not attached files")
            file.channels.add(place.id)
        return [self._core.files.wire(file) for file in found if file]

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Change one's own message."""
        person, message = self._own(user, channel, ts)
        words, blocks = self._core.workspace.typed(text)
        self._core.workspace.change(message, person.id, {"text": words, "blocks": blocks})

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message."""
        _, message = self._own(user, channel, ts)
        self._core.workspace.delete(message)

    async def command(self, user: str, channel: str, text: str, *, command: str = "/batch") -> Acknowledged:
        """Use a slash command; returns once the app acknowledged or the person was told that it failed."""
        person, place = self._at(user, channel)
        return await self._actions.command(person, place, command, text)

    async def shortcut(
        self, user: str, callback_id: str, *, channel: str | None = None, ts: str | None = None
    ) -> Acknowledged:
        """Use a shortcut: of the message ``ts`` in ``channel``, or without them a global one."""
        if channel is None or ts is None:
            return await self._actions.shortcut(self._person(user), callback_id)
        person, place = self._at(user, channel)
        return await self._actions.shortcut(person, callback_id, self._actions.message(person, place, ts))

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        action_id: str,
        block_id: str | None = None,
        *,
        value: str | None = None,
        option: str | list[str] | None = None,
    ) -> Acknowledged:
        """Use an element of a message: press a button, or choose.

        ``option`` is what is chosen: an option's value, a date, a person's id; a list for elements that take several.
        ``value`` tells buttons that share an ``action_id`` apart, or is what was typed into a dispatching input.
        """
        person, place = self._at(user, channel)
        message = self._actions.message(person, place, ts)
        return await self._actions.click_message(person, message, action_id, block_id, value, option)

    async def click_in_view(
        self,
        user: str,
        view_id: str,
        action_id: str,
        block_id: str | None = None,
        *,
        value: str | None = None,
        option: str | int | list[str] | None = None,
        state: Mapping[str, Mapping[str, Any]] = {},
    ) -> Acknowledged:
        """The same in a modal or on the Home tab (whose view id is ``home(user)["id"]``).

        ``state`` is what is filled in in the other inputs by now, as for :meth:`submit_view`.
        """
        person = self._person(user)
        view = self._core.views.of(person.id, view_id)
        return await self._actions.click_view(person, view, action_id, block_id, value, option, state)

    async def attach(self, user: str, name: str, content: bytes) -> str:
        """Upload a file as somebody does in a form's file input or beside a message; returns its id."""
        return self._core.files.attach(self._person(user).id, name, content).id

    async def suggest(
        self, user: str, where: str, action_id: str, block_id: str | None = None, *, typed: str, ts: str | None = None
    ) -> list[Json]:
        """The options an external select offers for ``typed``; ``where`` is a view id, or a channel (then with ``ts``).

        Empty when the app did not answer properly.
        """
        person = self._person(user)
        place: Message | View
        if ts is None:
            place = self._core.views.of(person.id, where)
        else:
            place = self._actions.message(person, self._core.workspace.channel(where), ts)
        return await self._actions.suggest(person, place, action_id, block_id, typed)

    async def submit_view(self, user: str, view_id: str, state: Mapping[str, Mapping[str, Any]]) -> Acknowledged:
        """Fill and submit the modal on top. ``state`` is ``{block_id: {action_id: value}}``.

        A value is a text, an option's value, a list of them, or a whole state element. What is not given keeps its
        initial value. Raises StandInError ``input_required`` and the like where Slack's form would not let go.
        """
        person = self._person(user)
        return await self._actions.submit(person, self._core.views.on_top(person.id, view_id), state)

    async def close_view(self, user: str, view_id: str, *, all_views: bool = False) -> None:
        """Close the modal on top (or, with ``all_views``, the whole stack)."""
        person = self._person(user)
        await self._actions.close(person, self._core.views.on_top(person.id, view_id), everything=all_views)

    async def open_home(self, user: str, *, tab: str = "home") -> None:
        """Look at the app's Home (or ``messages``) tab: the app hears ``app_home_opened``."""
        person = self._person(user)
        about = {"type": "app_home_opened", "user": person.id, "channel": self._core.workspace.direct(person.id).id}
        view = self._core.views.homes.get(person.id) if tab == "home" else None
        more = {"tab": tab, "event_ts": self._core.workspace.ts(), **({"view": view.wire()} if view else {})}
        self._core.workspace.hears("app_home_opened", {**about, **more})

    # how the wire behaves ------------------------------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until no delivery is under way (retries that are still due included)."""
        await self._deliverer.settle()

    async def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        """Ask the app's sockets to reconnect, as Slack does every few hours, then close them."""
        await self._core.sockets.refresh(reason)

    async def verify_url(self) -> bool:
        """Send the ``url_verification`` challenge to the events address; True when it was answered rightly."""
        challenge = self._core.workspace.id("", 40)
        payload = {"token": payloads.VERIFICATION, "challenge": challenge, "type": "url_verification"}
        try:
            async with asyncio.timeout(self.settings.acknowledge_within):
                status, _, text = await self._deliverer.post("event", payload, {})
        except (TimeoutError, aiohttp.ClientError):
            return False
        return status == 200 and challenge in text

    # helpers -------------------------------------------------------------------------------------------------------

    def _person(self, who: str) -> Person:
        person = self._core.workspace.person(who)
        if person.is_bot:
            raise StandInError("not_a_person", "the app acts for itself")
        return person

    def _at(self, user: str, channel: str) -> tuple[Person, Channel]:
        """Somebody in a channel where that person may act."""
        person, place = self._person(user), self._core.workspace.channel(channel)
        if person.id not in place.members:
            raise StandInError("not_in_channel", f"{person.role} is not in {place.name}")
        if place.archived:
            raise StandInError("is_archived", f"{place.name} is archived")
        return person, place

    def _own(self, user: str, channel: str, ts: str) -> tuple[Person, Message]:
        person, place = self._at(user, channel)
        message = self._actions.message(person, place, ts)
        if message.user != person.id:
            raise StandInError("not_yours", f"{ts} was not written by {person.role}")
        return person, message

    def _may_see(self, person: Person, channels: set[str]) -> bool:
        return any(person.id in self._core.workspace.channels[channel].members for channel in channels)
