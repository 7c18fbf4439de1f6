"""The HTTP client that posts activities to the bot: signed, with a time limit, and delivered twice on request."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, TypeAlias

import aiohttp
from msgspec import Struct

from bot.sandbox.teams.faults import Faults
from bot.sandbox.teams.keys import ChannelKeys
from bot.sandbox.teams.people import Conversation, Tenant

Json: TypeAlias = dict[str, Any]

_AGENT = "Microsoft-SkypeBotApi (Microsoft-BotFramework/3.0)"


class Answer(Struct):
    """What came back. ``status`` 0 means nothing did, and ``failure`` says why in a word and a sentence."""

    status: int
    body: object = None
    failure: tuple[str, str] | None = None


class BotClient:
    """Posts activities to the bot's one endpoint."""

    def __init__(self, tenant: Tenant, keys: ChannelKeys, faults: Faults) -> None:
        self._tenant = tenant
        self._keys = keys
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None
        self.bot_url = ""
        self.service_url = ""

    async def open(self) -> None:
        """Be ready to send."""
        self._session = aiohttp.ClientSession()

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()

    async def send(self, chat: Conversation, activity: Json, seconds: float) -> Answer:
        """Deliver an activity and wait ``seconds`` for the answer."""
        chat.told.append(str(activity["id"]))
        if not self._faults.repeated():
            return await self._send(activity, seconds)
        after = self._faults.repeat_after * self._faults.time_scale

        async def again() -> Answer:
            await asyncio.sleep(after)
            return await self._send(activity, seconds)

        first, second = await asyncio.gather(self._send(activity, seconds), again())
        return first if first.status in range(200, 300) else second

    async def _send(self, activity: Json, seconds: float) -> Answer:
        if self._session is None or not self.bot_url:
            return Answer(0, failure=("BotUnreachable", "there is no bot address"))
        headers = {
            "Authorization": f"Bearer {self._keys.token(self.service_url)}",
            "User-Agent": _AGENT,
            "x-ms-conversation-id": str(activity["conversation"]["id"]),
            "x-ms-tenant-id": self._tenant.id,
            "MS-CV": uuid.uuid4().hex,
        }
        try:
            async with self._session.post(
                self.bot_url, json=activity, headers=headers, timeout=aiohttp.ClientTimeout(total=seconds)
            ) as response:
                return _read(response.status, response.content_type, await response.read())
        except TimeoutError:
            return Answer(0, failure=("BotTimedOut", f"no answer within {seconds:g} s"))
        except aiohttp.ClientError as error:
            return Answer(0, failure=("BotUnreachable", f"{type(error).__name__}: {error}"))


def _read(status: int, content_type: str, raw: bytes) -> Answer:
    if not raw.strip():
        return Answer(status)
    if content_type != "application/json":
        return Answer(status, failure=("NotJson", f"the answer is {content_type}"))
    try:
        return Answer(status, json.loads(raw))
    except ValueError as error:
        return Answer(status, failure=("NotJson", str(error)))
