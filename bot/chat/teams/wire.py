"""What the libraries share on the way to the Bot Connector: the bot's token, and what an answer means."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import aiohttp
import msgspec
from azure.core.exceptions import AzureError
from msgspec import Struct

from bot.chat.teams.errors import TeamsError
from bot.clock import asked_wait

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.credentials_async import AsyncTokenCredential

_RENEW_SECONDS = 300
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
"""Of a call."""


class Tokens:
    """The bot's own token, renewed five minutes before it ends, once for everybody who waits.

    Whoever stops waiting does not stop the renewal: a token that takes long is there for the next.
    """

    def __init__(self, credential: AsyncTokenCredential, scope: str) -> None:
        self._credential = credential
        self._scope = scope
        self._token: AccessToken | None = None
        self._renewing: asyncio.Task[AccessToken] | None = None

    async def get(self) -> str:
        """The token. Raises TeamsError."""
        token = self._token
        if token is None or token.expires_on - time.time() < _RENEW_SECONDS:
            if self._renewing is None or self._renewing.done():
                self._renewing = asyncio.create_task(self._renew(), name="token for Teams")
                self._renewing.add_done_callback(_heard)
            token = await asyncio.shield(self._renewing)
        return token.token

    async def _renew(self) -> AccessToken:
        try:
            self._token = await self._credential.get_token(self._scope)
        except AzureError as error:
            raise TeamsError(0, "NoToken", type(error).__name__) from error
        return self._token

    def drop(self) -> None:
        """It was refused: the next call gets a new one."""
        self._token = None


def _heard(task: asyncio.Task[AccessToken]) -> None:
    """A renewal that failed after everybody had gone is no news for the event loop."""
    if not task.cancelled():
        task.exception()


class _Error(Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Failure(Struct):
    error: _Error = _Error()
    message: str = ""


def refusal(status: int, body: bytes, retry_after: str | None) -> TeamsError:
    """What an answer that is none of success means; ``retry_after`` is the header of that name."""
    try:
        failure = msgspec.json.decode(body, type=_Failure)
    except msgspec.DecodeError:
        failure = _Failure()
    message = (failure.error.message or failure.message)[:300]
    return TeamsError(status, failure.error.code, message, retry_after=asked_wait(retry_after))


def no_answer(error: aiohttp.ClientError | TimeoutError) -> TeamsError:
    """What it means that no answer came, or half of one."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return TeamsError(0, "NoConnection", str(error), sent=False)
    return TeamsError(0, "NoAnswer", f"{type(error).__name__}: {error}")


def personal_chat(app_id: str, person: str, tenant: str) -> dict[str, object]:
    """What is asked to begin the chat between the bot and a person."""
    return {
        "bot": {"id": f"28:{app_id}"},
        "isGroup": False,
        "members": [{"id": person}],
        "tenantId": tenant,
        "channelData": {"tenant": {"id": tenant}},
    }
