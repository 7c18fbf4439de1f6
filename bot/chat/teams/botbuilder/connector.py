"""How the bot calls Teams back: the Bot Connector's conversations, over botbuilder's client."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import aiohttp
from botframework.connector.aio import ConnectorClient
from botframework.connector.aio.operations_async import ConversationsOperations
from msrest import Serializer
from msrest.authentication import Authentication
from msrest.exceptions import ClientException
from msrest.pipeline import Request, Response
from msrest.pipeline.async_abc import AsyncHTTPPolicy, AsyncHTTPSender, AsyncPipeline
from msrest.pipeline.universal import RawDeserializer
from msrest.universal_http.async_abc import AsyncClientResponse
from yarl import URL

from bot.chat.teams.activity import Account
from bot.chat.teams.errors import TeamsError
from bot.chat.teams.wire import TIMEOUT, Tokens, no_answer, personal_chat, refusal

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


class BotbuilderConnector:
    """See :class:`bot.chat.teams.sdk.Connector`. One client is kept per service URL."""

    def __init__(self, session: aiohttp.ClientSession, credential: AsyncTokenCredential, *, app_id: str, scope: str):
        self._session = session
        self._tokens = Tokens(credential, scope)
        self._app_id = app_id
        self._clients: dict[str, _Client] = {}

    async def ready(self) -> None:
        """Have a token, so that the first answer does not wait for it."""
        await self._tokens.get()

    async def post(
        self, service_url: str, conversation: str, activity: dict[str, object], *, targeted: bool = False
    ) -> str:
        """Send a new message; returns its id."""
        if targeted:  # the library has no call for that; the settings do not let anybody ask for one
            raise TeamsError(0, "NotOffered", "botbuilder has no targeted messages", sent=False)
        answer = await _sound(self._conversations(service_url).send_to_conversation, conversation, activity)
        return (answer.id if answer else "") or ""

    async def update(self, service_url: str, conversation: str, message: str, activity: dict[str, object]) -> None:
        """Replace a message."""
        written = {**activity, "id": message}
        await _sound(self._conversations(service_url).update_activity, conversation, message, written)

    async def personal(self, service_url: str, person: str, tenant: str) -> str:
        """The id of the chat between the bot and a person, which is begun where there is none yet."""
        parameters = personal_chat(self._app_id, person, tenant)
        answer = await _sound(self._conversations(service_url).create_conversation, parameters)
        if not answer or not answer.id:
            raise TeamsError(0, "BadAnswer", "a conversation without an id")
        return str(answer.id)

    async def member(self, service_url: str, conversation: str, person: str) -> Account:
        """What the roster of a conversation says of one of its members, by the directory's object id."""
        answer = await _sound(self._conversations(service_url).get_conversation_member, conversation, person)
        more = answer.additional_properties  # what the library's model of an account has no field for
        tenant, role, login = (more.get(name) for name in ("tenantId", "userRole", "userPrincipalName"))
        return Account(answer.id, answer.name, answer.aad_object_id or person, None, tenant, role, login)

    async def look(self, service_url: str, conversation: str) -> None:
        """Ask who is in a conversation, which says nothing there: it answers where the bot is in it."""
        await _sound(self._conversations(service_url).get_conversation_paged_members, conversation, 50)

    def _conversations(self, service_url: str) -> ConversationsOperations:
        key = service_url.rstrip("/")
        if key not in self._clients:
            self._clients[key] = _Client(key, self._pipeline)
        return self._clients[key].conversations

    def _pipeline(self, config: Any) -> AsyncPipeline[Any, Any]:
        policies = [config.user_agent_policy, _Bearer(self._tokens), RawDeserializer(), config.http_logger_policy]
        return AsyncPipeline(policies, _Sender(self._session))


async def _sound(call: Callable[..., Coroutine[Any, Any, Any]], *arguments: object) -> Any:
    """The answer of a call; what msrest cannot read becomes a TeamsError like every other failure."""
    try:
        return await call(*arguments)
    except ClientException as error:
        raise TeamsError(0, "BadAnswer", str(error)[:200]) from error


class _Client(ConnectorClient):
    """A connector client that takes activities as they go on the wire."""

    def __init__(self, base_url: str, pipeline: Any) -> None:
        # The credentials are the pipeline's business; the client's own would be linked into the default pipeline.
        super().__init__(Authentication(), base_url, pipeline_type=pipeline)
        self.conversations = ConversationsOperations(self._client, self.config, _Written(), self._deserialize)  # type: ignore[no-untyped-call]


class _Written(Serializer):
    """A serialiser for bodies that are JSON-able already."""

    def body(self, data: object, data_type: str, **kwargs: object) -> object:
        return data


class _Bearer(AsyncHTTPPolicy[Any, Any]):
    """Signs a request without blocking; a refused token is not used again."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__()
        self._tokens = tokens

    async def send(self, request: Request[Any], **kwargs: Any) -> Response[Any, Any]:
        request.http_request.headers["Authorization"] = f"Bearer {await self._tokens.get()}"
        try:
            return await self.next.send(request, **kwargs)  # type: ignore[union-attr]
        except TeamsError as error:
            if error.status == 401:
                self._tokens.drop()
            raise


class _Sender(AsyncHTTPSender[Any, Any]):
    """Sends over aiohttp (msrest's own aiohttp sender leaves headers and body behind), no redirects followed."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def __aexit__(self, *_exc: object) -> None:
        """The session is closed by whoever opened it."""

    async def send(self, request: Request[Any], **_config: Any) -> Response[Any, Any]:
        http = request.http_request
        headers = {name: value for name, value in http.headers.items() if name.lower() != "content-length"}
        try:
            async with self._session.request(
                http.method,
                URL(http.url, encoded=True),
                headers=headers,
                data=http.data,
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as answer:
                body = await answer.read()
                status, retry_after = answer.status, answer.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise no_answer(error) from error
        if status >= 300:
            raise refusal(status, body, retry_after)
        return Response(request, _Answer(http, status, body))


class _Answer(AsyncClientResponse):
    """A successful answer as msrest reads it."""

    def __init__(self, request: Any, status: int, body: bytes) -> None:
        super().__init__(request, None)
        self.status_code = status
        self.headers = {"content-type": "application/json"}
        self._body = body

    def body(self) -> bytes:
        return self._body
