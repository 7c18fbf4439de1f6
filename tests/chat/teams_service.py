"""Teams' side on loopback, for the adapter's tests: signing keys, a connector that records, and small fakes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import jwt
import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.chat.request import CommandRequest
from bot.chat.teams.adapter import Teams
from bot.chat.teams.settings import TeamsSettings
from bot.requests.answer_delivery import AnswerDelivery
from cards.card import Attachment, Card, Form, Option, Span
from storage.port.conversations import ConversationReference
from tests.chat.fakes import LiveRows

SDKS = ("botbuilder", "agents")
"""The libraries that may stand between bot and Teams: what touches one of them is tested with each."""
APP = "11111111-2222-3333-4444-555555555555"
TENANT = "8f3e2f7e-1d2a-4b5c-9a61-000000000001"
ISSUER = "https://api.botframework.com"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def card(words: str = "pool list", **rest: Any) -> Card:
    return Card(title=(Span(words),), **rest)


class Service:
    """The Bot Framework service: publishes its keys, takes what the bot sends, fails on request."""

    def __init__(self) -> None:
        self.endorsements = ["msteams"]
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self.tokens: list[str] = []
        self.failures: list[web.Response | None] = []
        """What the next calls get instead of an answer; None cuts the connection."""
        self.key_fetches = 0
        app = web.Application()
        app.router.add_get("/openid", self._openid)
        app.router.add_get("/keys", self._keys)
        app.router.add_route("*", "/connector/{path:.*}", self._connector)
        self.server = TestServer(app, host="127.0.0.1")

    async def start(self) -> None:
        await self.server.start_server()
        self.url = f"http://127.0.0.1:{self.server.port}/connector/"
        self.openid = f"http://127.0.0.1:{self.server.port}/openid"

    def token(self, key: rsa.RSAPrivateKey = KEY, kid: str = "one", algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        usual = {"iss": ISSUER, "aud": APP, "serviceurl": self.url, "nbf": now - 10, "exp": now + 600}
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(payload, "" if algorithm == "none" else key, algorithm=algorithm, headers={"kid": kid})

    async def _openid(self, _: web.Request) -> web.Response:
        self.key_fetches += 1
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"http://127.0.0.1:{self.server.port}/keys"})

    async def _keys(self, _: web.Request) -> web.Response:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return web.json_response({"keys": [public | {"kid": "one", "endorsements": self.endorsements}]})

    async def _connector(self, request: web.Request) -> web.Response:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.failures:
            failure = self.failures.pop(0)
            if failure is None and request.transport:
                request.transport.abort()
            return failure or web.Response()
        self.sent.append((request.method, request.match_info["path"], await request.json()))
        return web.json_response({"id": f"message-{len(self.sent)}"}, status=201)


class Credential:
    """Counts how often a token is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.asked += scopes
        return AccessToken("the-bots-own-token", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Credential:
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Store:
    """The tables the adapter uses."""

    def __init__(self) -> None:
        self.kept: dict[str, ConversationReference] = {}
        self.history: list[ConversationReference] = []
        self.posted: dict[str, tuple[str, str]] = {}

    async def put_conversation(self, reference: ConversationReference) -> None:
        self.history.append(reference)
        self.kept[reference.id] = reference

    async def conversations(self, platform: str | None = None) -> list[ConversationReference]:
        return list(self.kept.values())

    async def secret(self, name: str) -> bytes:
        return name.encode().ljust(32)

    async def put_message(self, slot: str, conversation: str, message: str, at: datetime) -> None:
        self.posted.setdefault(slot, (conversation, message))

    async def message(self, slot: str) -> tuple[str, str] | None:
        return self.posted.get(slot)


class Pictures:
    """A chart drawer that can fail, be slow or draw too much."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []
        self.png_bytes = b"\x89PNG"
        self.error: Exception | None = None

    async def png(self, chart: object) -> bytes:
        self.drawn.append(chart)
        if self.error:
            raise self.error
        return self.png_bytes

    async def link(self, png: bytes) -> str:
        return "https://bot.example/pictures/abc.png"

    async def file_link(self, attachment: Attachment) -> str:
        if self.error:
            raise self.error
        return f"https://bot.example/files/abc?n={len(attachment.content)}"


@dataclass
class RequestIntake:
    """Remembers what was asked and answers it with ``card``."""

    chat: Teams | None = None
    reply: Card = field(default_factory=card)
    prepared: Form | Card = field(default_factory=card)
    hold: asyncio.Event | None = None
    came: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[CommandRequest] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[Card]] = field(default_factory=list)

    async def accept(self, request: CommandRequest) -> asyncio.Task[Card] | None:
        if any(request.key == known.key for known in self.asked):
            return None
        self.asked.append(request)
        self.came.set()
        self.tasks.append(asyncio.create_task(self._work(request)))
        return self.tasks[-1]

    async def form(self, command: str, request: CommandRequest, **more: Any) -> Form | Card:
        self.forms.append(command)
        return self.prepared

    async def suggest(self, request: CommandRequest, what: str, typed: str, within: Mapping[str, str]) -> list[Option]:
        return []

    async def _work(self, request: CommandRequest) -> Card:
        if self.hold:
            await self.hold.wait()
        assert self.chat
        await AnswerDelivery({"teams": self.chat}, LiveRows()).answer(request, self.reply)
        return self.reply

    async def done(self) -> None:
        await asyncio.gather(*self.tasks)


@dataclass
class World:
    """A running bot, and the service it talks to."""

    service: Service
    teams: Teams
    intake: RequestIntake
    store: Store
    pictures: Pictures
    credential: Credential
    bot: TestServer
    http: ClientSession

    async def post_once(
        self, activity: dict[str, Any] | bytes, *, token: str | None = "", scheme: str = "Bearer"
    ) -> tuple[int, Any]:
        """What Teams does: POST an activity; the default token is a good one, None sends none."""
        headers = {} if token is None else {"Authorization": f"{scheme} {token or self.service.token()}"}
        data = activity if isinstance(activity, bytes) else json.dumps(activity).encode()
        async with self.http.post(self.bot.make_url("/api/messages"), data=data, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if body and answer.status < 500 else None

    def activity(self, kind: str = "message", **rest: Any) -> dict[str, Any]:
        """A personal activity of one viewer."""
        return {
            "type": kind,
            "id": "1795345602889",
            "channelId": "msteams",
            "serviceUrl": self.service.url,
            "timestamp": "2026-11-22T11:08:49.908Z",
            "localTimezone": "Europe/Berlin",
            "from": {"id": "29:viewer", "name": "viewer", "aadObjectId": "8f3e2f7e-0000-4000-8000-0000000000a1"},
            "recipient": {"id": f"28:{APP}", "name": "Batch Bot"},
            "conversation": {"id": "a:personal", "conversationType": "personal", "tenantId": TENANT},
            "channelData": {"tenant": {"id": TENANT}},
        } | rest


async def build(
    *,
    settings: Callable[[TeamsSettings], TeamsSettings] = lambda settings: settings,
    start: bool = True,
    sdk: str = "botbuilder",
) -> World:
    service, store, pictures, credential, intake = Service(), Store(), Pictures(), Credential(), RequestIntake()
    await service.start()
    plain = TeamsSettings(
        app_id=APP,
        tenant_id=TENANT,
        sdk=sdk,  # type: ignore[arg-type]
        service_hosts=["127.0.0.1"],
        openid_url=service.openid,
        issuer=ISSUER,
    )
    teams = Teams(settings(plain), store, pictures, credential=credential)  # type: ignore[arg-type]
    intake.chat = teams
    app = web.Application()
    app.add_routes(teams.routes())
    bot = TestServer(app, host="127.0.0.1")
    await bot.start_server()
    if start:
        await teams.start(intake)
    return World(service, teams, intake, store, pictures, credential, bot, ClientSession())


async def tear_down(world: World) -> None:
    await world.intake.done()
    await world.http.close()
    await world.teams.stop()
    await world.bot.close()
    await world.service.server.close()


def actions(payload: object) -> list[dict[str, Any]]:
    """Every action of a card, wherever it stands."""
    found = []
    if isinstance(payload, dict):
        if str(payload.get("type", "")).startswith("Action."):
            found.append(payload)
        for value in payload.values():
            found += actions(value)
    elif isinstance(payload, list):
        for value in payload:
            found += actions(value)
    return found


def conversation_of(reference: ConversationReference) -> dict[str, Any]:
    return dict(msgspec.json.decode(reference.body))


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)
