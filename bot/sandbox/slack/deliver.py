"""Sending things to the app: signed HTTP or a socket, three seconds' patience, and retries of events."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack import payloads
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.people import Json
from bot.sandbox.slack.settings import scope_of
from bot.sandbox.slack.sockets import NobodyListens

Kind = Literal["event", "command", "interactive"]

_ENVELOPES: dict[Kind, str] = {"event": "events_api", "command": "slash_commands", "interactive": "interactive"}
_ANSWERED = {"view_submission", "block_suggestion"}
_REASONS = {
    "operation_timeout": "http_timeout",
    "http_service_error": "http_error",
    "dispatch_failed": "connection_failed",
}
_LOG = 2_000


@dataclass(frozen=True)
class Acknowledged:
    """How the app took a command, click or submission: ``error`` is what the person sees when it did not.

    Errors: ``operation_timeout`` (no answer within 3 s), ``dispatch_failed`` (nothing listens),
    ``http_service_error`` (an answer that is not 200), ``invalid_response`` (an answer that makes no sense).
    ``body`` is what the app sent along, empty mostly.
    """

    ok: bool
    error: str = ""
    body: Json = field(default_factory=dict)


class Deliverer:
    """Brings everything to the app; ``log`` keeps the last attempts."""

    def __init__(self, core: Core) -> None:
        self.log: deque[Json] = deque(maxlen=_LOG)
        self._core = core
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Begin to pass on the workspace's events."""
        self._session = aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar())
        self._core.workspace.hears = self._hear

    async def close(self) -> None:
        """Drop what is under way."""
        self._core.workspace.hears = lambda subscription, event: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def background(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that nobody waits for but :meth:`settle`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hear(self, subscription: str, about: Json) -> None:
        settings, scope = self._core.settings, scope_of(subscription)
        if subscription in settings.events and scope in settings.scopes | {""} and not self._core.removed:
            self.background(self.event(payloads.event(self._core, about)))

    async def event(self, payload: Json) -> None:
        """Deliver an event, again and again if need be."""
        waits = [wait * self._core.settings.time_scale for wait in self._core.settings.retries]
        outcome = await self._attempt("event", payload)
        if self._twice():
            self.background(self._attempt("event", payload, 1, "http_timeout"))
        for number, wait in enumerate(waits, 1):
            if outcome.ok or outcome.error == "no_retry":
                return
            await asyncio.sleep(wait)
            outcome = await self._attempt("event", payload, number, _REASONS[outcome.error])

    async def ask(self, kind: Kind, payload: Json) -> Acknowledged:
        """Deliver something that a person waits for; it is tried once."""
        if self._core.removed:
            return Acknowledged(False, "dispatch_failed")
        if self._twice():
            self.background(self._attempt(kind, payload))
        return await self._attempt(kind, payload)

    def _twice(self) -> bool:
        if self._core.faults.duplicates > 0:
            self._core.faults.duplicates -= 1
            return True
        return False

    async def _attempt(self, kind: Kind, payload: Json, number: int = 0, reason: str = "") -> Acknowledged:
        way = self._by_socket if self._core.settings.socket_mode else self._by_http
        try:
            async with asyncio.timeout(self._core.settings.acknowledge_within):
                outcome = await way(kind, payload, number, reason)
        except TimeoutError:
            outcome = Acknowledged(False, "operation_timeout")
        except (aiohttp.ClientError, NobodyListens):
            outcome = Acknowledged(False, "dispatch_failed")
        told = "ok" if outcome.ok else outcome.error
        self.log.append(
            {"kind": kind, "attempt": number, "outcome": told, "at": self._core.clock(), "payload": payload}
        )
        return outcome

    async def _by_socket(self, kind: Kind, payload: Json, number: int, reason: str) -> Acknowledged:
        answers = kind == "command" or payload.get("type") in _ANSWERED
        body = await self._core.sockets.deliver(
            _ENVELOPES[kind], payload, answers=answers, attempt=number, reason=reason
        )
        return Acknowledged(True, body=body if answers else {})

    async def _by_http(self, kind: Kind, payload: Json, number: int, reason: str) -> Acknowledged:
        retry = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason} if number else {}
        status, headers, text = await self.post(kind, payload, retry)
        if status == 200 or (kind == "event" and 200 <= status < 300):
            return Acknowledged(True, body=_body(text))
        if headers.get("X-Slack-No-Retry") == "1":
            return Acknowledged(False, "no_retry")
        return Acknowledged(False, "http_service_error")

    async def post(self, kind: Kind, payload: Json, more: dict[str, str]) -> tuple[int, Mapping[str, str], str]:
        """One signed request. Status, headers and text of the answer; aiohttp.ClientError when there is none."""
        body, content_type = _encoded(kind, payload)
        headers = {**sign(self._core.settings.signing_secret, body), "Content-Type": content_type, **more}
        url = self._address(kind)
        if not url or self._session is None:
            raise aiohttp.ClientConnectionError("the app has no address")
        async with self._session.post(url, data=body, headers=headers, allow_redirects=kind == "event") as answer:
            return answer.status, answer.headers, await answer.text()

    def _address(self, kind: Kind) -> str:
        settings = self._core.settings
        own = {
            "event": settings.events_url,
            "command": settings.commands_url,
            "interactive": settings.interactivity_url,
        }
        return self._core.app_url or own[kind] or settings.app_url


def sign(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a signed request. Its time is the real one: the app compares it with its own clock."""
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), b"v0:" + now.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": f"v0={digest}",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
    }


def _encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    if kind == "event":
        return json.dumps(payload).encode(), "application/json"
    form = payload if kind == "command" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), "application/x-www-form-urlencoded"


def _body(text: str) -> Json:
    if not text.strip():
        return {}
    try:
        body = json.loads(text)
    except ValueError:
        return {"text": text}
    return body if isinstance(body, dict) else {"text": text}
