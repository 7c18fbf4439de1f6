"""A clock, a token check and a bot that answers as told: what the stand-in's tests need around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import AppCredentials

from bot.sandbox.teams import TeamsStandIn

APP = "11111111-2222-3333-4444-555555555555"
CARD = "application/vnd.microsoft.card.adaptive"


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_345_600.0

    def __call__(self) -> float:
        return self.now


def verify(token: str, audience: str) -> Mapping[str, Any]:
    """Three tokens: one of this app, one of another app, one that is not for the connector."""
    known = {
        "good": {"aud": "https://api.botframework.com", "appid": APP},
        "stranger": {"aud": "https://api.botframework.com", "appid": "somebody-else"},
        "graph": {"aud": "https://graph.microsoft.com", "appid": APP},
    }
    claims = known[token]
    if claims["aud"] != audience:
        raise PermissionError(f"audience {claims['aud']}")
    return claims


class Bot:
    """Keeps what it is sent and answers with ``answers[name]`` (invokes) or ``status``."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.status = 200
        app = web.Application()
        app.router.add_post("/api/messages", self._messages)
        app.router.add_get("/picture", self._picture)
        self.picture: tuple[bytes, str, int] = (b"", "image/png", 200)
        self.server = TestServer(app, host="127.0.0.1")

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        activity = await request.json()
        self.got.append(activity)
        self.headers.append(request.headers)
        answer = self.answers.get(activity.get("name", activity["type"]))
        if callable(answer):
            answer = await answer(activity)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is not None:
            return web.json_response(answer)
        return web.Response(status=self.status)

    async def _picture(self, _request: web.Request) -> web.Response:
        body, kind, status = self.picture
        return web.Response(body=body, content_type=kind, status=status, headers={"Location": "/elsewhere"})

    def last(self, kind: str) -> dict[str, Any]:
        return next(activity for activity in reversed(self.got) if activity["type"] == kind)


class Scene:
    """A stand-in, its bot, and an HTTP client with the bot's token."""

    def __init__(self, teams: TeamsStandIn, bot: Bot, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.teams = teams
        self.bot = bot
        self.clock = clock
        self.session = session

    def chat(self, name: str) -> str:
        return str(self.teams.conversations[name]["id"])

    async def call(
        self, method: str, path: str, body: Any = None, token: str = "good", **rest: Any
    ) -> tuple[int, Any, Mapping[str, str]]:
        """A call below ``/v3/conversations``: status, JSON body, headers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.teams.service_url}v3/conversations{path}"
        async with self.session.request(
            method, url, json=body, headers=headers | rest.pop("headers", {}), **rest
        ) as got:
            return got.status, await got.json() if (await got.read()) else None, got.headers

    async def post(self, name: str = "viewer", **activity: Any) -> str:
        """The bot posts a message; its id."""
        status, body, _ = await self.call("POST", f"/{self.chat(name)}/activities", {"type": "message", **activity})
        assert status == 201, body
        return str(body.get("id"))

    async def show(self, card: dict[str, Any], name: str = "viewer") -> str:
        """The bot posts a card; the message's id."""
        return await self.post(name, attachments=[{"contentType": CARD, "content": card}])

    def connector(self, token: str = "good") -> ConnectorClient:
        """Microsoft's client, as a bot would use it."""
        return ConnectorClient(_Credentials(token), base_url=self.teams.service_url)


class _Credentials(AppCredentials):
    def __init__(self, token: str) -> None:
        super().__init__(app_id=APP)
        self._token = token

    def get_access_token(self, force_refresh: bool = False) -> str:
        return self._token


@asynccontextmanager
async def scene(*installed: str) -> AsyncIterator[Scene]:
    """Everything running, the bot installed in the conversations named, nothing recorded yet."""
    bot, clock = Bot(), Clock()
    await bot.server.start_server()
    teams = TeamsStandIn(app_id=APP, verify=verify, clock=clock, bot_url=str(bot.server.make_url("/api/messages")))
    await teams.start()
    try:
        async with aiohttp.ClientSession() as session:
            for name in installed:
                await teams.install(name)
            bot.got.clear()
            bot.headers.clear()
            yield Scene(teams, bot, clock, session)
    finally:
        await teams.close()
        await bot.server.close()


def card(*body: dict[str, Any], version: str = "1.5", **rest: Any) -> dict[str, Any]:
    return {"type": "AdaptiveCard", "version": version, "body": list(body) or [text("hello")], **rest}


def text(words: str, **rest: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": words, **rest}
