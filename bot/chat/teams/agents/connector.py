"""How the bot calls Teams back: the Bot Connector's conversations, over the Agents SDK's client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import aiohttp
from microsoft_agents.activity import Activity, ChannelId, Channels, ConversationParameters
from microsoft_agents.hosting.core.connector.client.connector_client import ConversationsOperations
from microsoft_agents.hosting.core.connector.get_product_info import get_product_info

from bot.chat.teams.activity import Account
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.wire import TIMEOUT, Tokens, no_answer, personal_chat, refusal

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

T = TypeVar("T")

_LONGEST_ID = 4000
"""Characters of a conversation's id: left to itself the library cuts one after 150, and so names another."""


class AgentsConnector:
    """See :class:`bot.chat.teams.sdk.Connector`. One client is kept per service URL."""

    def __init__(self, session: aiohttp.ClientSession, credential: AsyncTokenCredential, *, app_id: str, scope: str):
        self._session = session
        self._tokens = Tokens(credential, scope)
        self._app_id = app_id
        self._clients: dict[str, ConversationsOperations] = {}

    async def ready(self) -> None:
        """Have a token, so that the first answer does not wait for it."""
        await self._tokens.get()

    async def post(
        self, service_url: str, conversation: str, activity: dict[str, object], *, targeted: bool = False
    ) -> str:
        """Send a new message; returns its id."""
        written = _Written(activity, targeted=targeted)
        answer = await _sound(self._conversations(service_url).send_to_conversation(_part(conversation), written))
        return answer.id or ""

    async def update(self, service_url: str, conversation: str, message: str, activity: dict[str, object]) -> None:
        """Replace a message."""
        written = _Written({**activity, "id": message})
        try:
            await _sound(self._conversations(service_url).update_activity(_part(conversation), _part(message), written))
        except TeamsError as error:
            if error.code != "BadAnswer":  # an answer of success, of which nothing is needed
                raise

    async def personal(self, service_url: str, person: str, tenant: str) -> str:
        """The id of the chat between the bot and a person, which is begun where there is none yet."""
        parameters = ConversationParameters.model_validate(personal_chat(self._app_id, person, tenant))
        answer = await _sound(self._conversations(service_url).create_conversation(parameters))
        if not answer.id:
            raise TeamsError(0, "BadAnswer", "a conversation without an id")
        return str(answer.id)

    async def member(self, service_url: str, conversation: str, person: str) -> Account:
        """What the roster of a conversation says of one of its members, by the directory's object id."""
        conversations = self._conversations(service_url)
        found = await _sound(conversations.get_conversation_member(_part(conversation), _part(person)))
        more = found.properties  # what the library's model of an account has no field for
        role, login = (more.get(name) for name in ("userRole", "userPrincipalName"))
        return Account(found.id, found.name, found.aad_object_id or person, None, found.tenant_id, role, login)

    async def look(self, service_url: str, conversation: str) -> None:
        """Ask who is in a conversation, which says nothing there: it answers where the bot is in it."""
        try:
            await _sound(self._conversations(service_url).get_conversation_paged_members(_part(conversation), 50))
        except TeamsError as error:
            if error.code != "BadAnswer":
                raise

    def _conversations(self, service_url: str) -> ConversationsOperations:
        key = service_url.rstrip("/") + "/"
        if key not in self._clients:
            session = aiohttp.ClientSession(
                base_url=key,
                connector=self._session.connector,
                connector_owner=False,  # it is closed with the session that is given
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "User-Agent": get_product_info()},
                middlewares=(self._guarded,),
                timeout=TIMEOUT,
            )
            self._clients[key] = ConversationsOperations(session, max_conversation_id_length=_LONGEST_ID)
        return self._clients[key]

    async def _guarded(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Sign a request without blocking; whatever is no success ends here, so that no redirect is followed.

        The library logs a refusal's address and forgets its code.
        """
        request.headers["Authorization"] = f"Bearer {await self._tokens.get()}"
        answer = await handler(request)
        if answer.status < 300:
            return answer
        if answer.status == 401:
            self._tokens.drop()
        raise refusal(answer.status, await answer.read(), answer.headers.get("Retry-After"))


async def _sound(call: Awaitable[T]) -> T:
    """The answer of a call; whatever goes wrong becomes a TeamsError. What cannot be read came with success."""
    try:
        return await call
    except (aiohttp.ContentTypeError, ValueError) as error:  # pydantic's errors and those of JSON are ValueErrors
        raise TeamsError(0, "BadAnswer", str(error)[:200]) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise no_answer(error) from error


def _part(name: str) -> str:
    """A name as a part of a path: the library puts it in as it is."""
    return quote(name, safe=":@;")


class _Written(Activity):
    """An activity that goes on the wire as it was written: the library needs 10 ms to come out with the same."""

    _written: dict[str, object]
    _targeted: bool

    def __init__(self, activity: dict[str, object], *, targeted: bool = False) -> None:
        super().__init__(type=str(activity["type"]), channel_id=ChannelId(Channels.ms_teams))
        self._written, self._targeted = activity, targeted

    def is_targeted_activity(self) -> bool:
        """Whether one person alone is to see it: the recipient."""
        return self._targeted

    def model_dump(self, **_: object) -> dict[str, object]:
        """The object that goes on the wire."""
        return self._written
