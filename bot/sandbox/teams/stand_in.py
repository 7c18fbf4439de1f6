"""The stand-in as one object: a server for the bot, methods for the people, events for whoever watches."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp import web

from bot.sandbox.teams import pictures
from bot.sandbox.teams.activities import Envelope
from bot.sandbox.teams.bot_client import BotClient
from bot.sandbox.teams.connector import REGION, Connector, Verify
from bot.sandbox.teams.errors import StandInError
from bot.sandbox.teams.extension import Extension
from bot.sandbox.teams.faults import Faults
from bot.sandbox.teams.graph import Graph
from bot.sandbox.teams.keys import ChannelKeys
from bot.sandbox.teams.people import BOT, Conversation, Message, Tenant, split
from bot.sandbox.teams.record import entry

Json: TypeAlias = dict[str, Any]


class TeamsStandIn(Extension):
    """Microsoft Teams with one tenant, four people, one team, one group chat and one bot.

    A *user* is given by role ("viewer", "operator", "admin", "second admin") or by Teams id ("29:…"). A *conversation*
    is given by id or by name: the role of a person for that person's chat with the bot, "general" for the channel
    "Batch Ops / General", "group" for the group chat. A channel id may carry ``;messageid=<root>`` for one thread.
    Everything returned is JSON-able. Wrong use raises :class:`StandInError`.

    ``verify(token, audience)`` returns the claims of the bearer token a bot brings, or raises; its ``appid`` must be
    ``app_id``. ``clock`` (seconds since 1970) times messages, throttling and the record; tokens live on the wall clock.
    ``time_scale`` multiplies the waits of the stand-in itself (those of :attr:`faults`), for a clock that runs faster.
    """

    def __init__(
        self,
        *,
        app_id: str,
        verify: Verify,
        bot_url: str = "",
        bot_name: str = "Batch Bot",
        tenant_id: str = "",
        zone: str = "America/Chicago",
        clock: Callable[[], float] = time.time,
        time_scale: float = 1.0,
    ) -> None:
        self.faults = Faults(time_scale)
        """Mishaps on request; see :class:`~bot.sandbox.teams.faults.Faults`."""
        self._keys = ChannelKeys(app_id)
        tenant = Tenant(app_id=app_id, bot_name=bot_name, tenant_id=tenant_id, clock=clock)
        super().__init__(tenant, Envelope(tenant, zone=zone), BotClient(tenant, self._keys, self.faults))
        self._connector = Connector(tenant, verify, self._keys, self.faults)
        self.graph = Graph(tenant, verify)
        """Microsoft Graph, as far as it says who is in which group."""
        self.graph_url = ""
        """Its address with the version."""
        self._runner: web.AppRunner | None = None
        self.service_url = ""
        """The connector's address, ending in a slash; it stands in every activity as ``serviceUrl``."""
        self.openid_url = ""
        """``…/.well-known/openidconfiguration``: where the bot learns the keys that sign what it is sent."""
        self.bot_url = bot_url

    @property
    def bot_url(self) -> str:
        """Where activities are sent: ``<bot>/api/messages``. May be set at any time."""
        return self._bot_client.bot_url

    @bot_url.setter
    def bot_url(self, url: str) -> None:
        self._bot_client.bot_url = url

    @property
    def tenant_id(self) -> str:
        """The Microsoft Entra tenant."""
        return self._tenant.id

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; :attr:`service_url` and :attr:`openid_url` are known afterwards."""
        self._runner = web.AppRunner(
            self._connector.app([*self._shared.routes(), *self.graph.routes()]), access_log=None
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        base = f"http://{host}:{bound}"
        self.service_url = f"{base}/{REGION}/{self._tenant.id}/"
        self.openid_url = f"{base}/.well-known/openidconfiguration"
        self._connector.service_url = self._bot_client.service_url = self._envelope.service_url = self.service_url
        self.graph_url = f"{base}/graph/v1.0"
        self._connector.jwks_url = f"{base}/keys"
        self._shared.url = base
        await self._bot_client.open()

    async def close(self) -> None:
        """Stop listening and end every subscription (its last event is ``closed``)."""
        self._tenant.unwatch_all()
        await self._bot_client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def token(self, **claims: Any) -> str:
        """A bearer token of the channel as it goes with every activity, for tests of what a bot must refuse.

        ``claims`` replace the usual ones, None leaves one out; ``lifetime`` is in seconds.
        """
        return self._keys.token(self.service_url, **claims)

    # -- who and where ---------------------------------------------------------------------------------------------

    @property
    def zone(self) -> str:
        """The people's time zone, an IANA name."""
        return self._envelope.zone

    @property
    def people(self) -> dict[str, Json]:
        """By role: ``{"id": "29:…", "aadObjectId", "name", "role"}``."""
        return {
            role: {"id": person.id, "aadObjectId": person.aad_object_id, "name": person.name, "role": role}
            for role, person in self._tenant.people.items()
        }

    @property
    def groups(self) -> dict[str, str]:
        """The groups of the directory: object id by name."""
        return {group.name: group.id for group in self._tenant.groups.values()}

    @property
    def conversations(self) -> dict[str, Json]:
        """By name: ``{"id", "name", "kind", "title", "members": [role], "installed"}``.

        ``kind`` is ``personal``, ``channel`` or ``groupChat``.
        """
        return {
            chat.name: {
                "id": chat.id,
                "name": chat.name,
                "kind": chat.kind,
                "title": chat.title,
                "members": list(chat.members),
                "installed": chat.installed,
            }
            for chat in self._tenant.conversations.values()
            if not chat.deleted
        }

    def messages(self, conversation: str, user: str = "") -> list[Json]:
        """The history, oldest first, as ``user`` sees it (a card replaced for one person differs from the others').

        ``{"id", "conversation", "thread": root id or "", "from": role or "bot", "at": ISO, "text", "textFormat",
        "summary", "layout", "attachments": [{"contentType", "content", "instead"?}], "edited", "deleted",
        "only": role or "", "problems": [str]}``. ``only`` is the one person who sees it, ``problems`` what Teams
        would not draw; an attachment with ``instead`` is not drawn at all, but as that text. A deleted message has no
        content.
        """
        role = self._tenant.person(user).role if user else ""
        chat = self._tenant.chat(conversation, role)
        return [_view(chat, message, role) for message in chat.seen_by(role, self._tenant.clock())]

    def message(self, conversation: str, activity_id: str, user: str = "") -> Json:
        """One message as :meth:`messages` has it. Raises ``MessageNotFound``."""
        role = self._tenant.person(user).role if user else ""
        chat = self._tenant.chat(conversation, role)
        if activity_id not in chat.messages:
            raise StandInError("MessageNotFound", activity_id)
        return _view(chat, chat.messages[activity_id], role)

    # -- counting --------------------------------------------------------------------------------------------------

    @property
    def writes(self) -> deque[Json]:
        """Every attempt of the bot to write, oldest first: ``{"at", "act", "conversation", "id", "outcome"}``.

        ``at`` is in seconds by the stand-in's clock; ``act`` is ``create``, ``send``, ``reply``, ``update`` or
        ``delete``; ``conversation`` the base id, "" where the request names none that exists; ``id`` the message, ""
        where there is none (typing, refusals). ``outcome`` is ``ok``, the code of the refusal (``Throttled``,
        ``MessageWritesBlocked`` …), ``cut`` (not carried out, no answer) or ``lost`` (carried out, no answer).
        """
        return self._connector.writes.log

    def history_of(self, conversation: str, user: str = "") -> list[Json]:
        """Every message that was ever posted (by ``user``: role, id or "bot"), also those that are gone.

        ``{"id", "thread": id of the root or "", "from": role or "bot", "text", "summary", "posted", "edits": [time of
        each], "deleted": time or None}``, oldest first; times are seconds by the stand-in's clock. Text and summary are
        the latest. A deleted channel is found by its id.
        """
        chat = self._tenant.conversations.get(split(conversation)[0]) or self._tenant.chat(conversation)
        sender = BOT if user == BOT else self._tenant.person(user).role if user else ""
        return [entry(message) for message in chat.messages.values() if sender in ("", message.sender)]

    # -- watching --------------------------------------------------------------------------------------------------

    @property
    def refused(self) -> list[Json]:
        """The last thousand refusals: ``{"at", "what", "code", "reason", …}``.

        ``what`` is ``connector``, ``invoke``, ``card`` or ``picture``.
        """
        return list(self._tenant.refused)

    def subscribe(self) -> asyncio.Queue[Json]:
        """Events from now on, each ``{"event": …}``:

        ``posted``, ``updated``, ``deleted`` (``conversation``, ``message``), ``typing`` (``conversation``),
        ``replaced`` (a card replaced for ``user``: ``conversation``, ``message``), ``dialog`` (opened or changed) and
        ``dialog_closed`` (``user``, ``dialog``), ``notice`` and ``error`` (a line of text for one ``user``: ``text``,
        ``conversation``), ``refused`` (a record of :attr:`refused`), ``installed``, ``removed`` (``conversation``),
        ``channelCreated``, ``channelRenamed``, ``channelDeleted`` (``conversation``), ``closed``.
        """
        return self._tenant.watch()

    def unsubscribe(self, queue: asyncio.Queue[Json]) -> None:
        """End a subscription."""
        self._tenant.unwatch(queue)

    async def picture(self, url: str) -> Json:
        """Fetch a card's image as Teams does: ``{"content": bytes, "type", "width", "height"}``.

        Raises ``PictureRefused``.
        """
        try:
            return await pictures.fetch(url)
        except StandInError as error:
            self._tenant.refuse("picture", error.code, error.message, url=url)
            raise


def _view(chat: Conversation, message: Message, role: str) -> Json:
    view: Json = {
        "id": message.id,
        "conversation": chat.id,
        "thread": message.thread,
        "from": message.sender,
        "at": message.at,
        "text": "",
        "textFormat": message.text_format,
        "summary": "",
        "layout": message.layout,
        "attachments": [],
        "edited": message.edited,
        "only": message.only,
        "deleted": message.deleted,
        "problems": [],
    }
    if message.deleted:
        return view
    view |= {"text": message.text, "summary": message.summary}
    for index, drawing in enumerate(message.cards(role)):
        attachment = dict(message.attachments[index])
        if (role, index) in message.views:
            attachment["content"] = message.views[role, index]
        if drawing is not None:
            view["problems"] += [str(problem) for problem in drawing.problems]
            if drawing.instead is not None:
                attachment["instead"] = drawing.instead
        view["attachments"].append(attachment)
    return view
