"""What every Web API method shares: tokens, scopes, rate limits, arguments, and the form of answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

from aiohttp import web

from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import Json


class Arguments:
    """A call's arguments, whether they came as a form (all text) or as JSON."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __contains__(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def get(self, name: str) -> str:
        """A text, empty when absent."""
        value = self._given.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise Refused("invalid_arguments", [f"[ERROR] must provide a string [json-pointer:/{name}]"])
        return str(value)

    def need(self, name: str) -> str:
        """A text that must be there."""
        if name not in self:
            raise Refused("invalid_arguments", [f"[ERROR] missing required field: {name} [json-pointer:]"])
        return self.get(name)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._given.get(name)
        return default if value in (None, "") else value in (True, 1, "1", "true", "True")

    def whole(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to ``most``."""
        try:
            value = int(self.get(name) or default)
        except ValueError:
            value = 0
        if not 1 <= value <= most:
            raise Refused("invalid_limit" if name == "limit" else "invalid_arguments")
        return value

    def structure(self, name: str, error: str = "invalid_json") -> Any:
        """A JSON value, which a form carries as text; None when absent."""
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(error) from None


Run = Callable[[Core, Arguments], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """One method: who may call it (``scope``, empty: everybody) and how often a minute."""

    run: Run
    scope: str = ""
    a_minute: int = 50
    caller: Literal["bot", "app"] = "bot"
    writes: bool = False
    """Noted among the app's writes."""


def page(items: list[Json], arguments: Arguments, most: int = 1000) -> tuple[list[Json], Json]:
    """The part of a list that ``cursor`` and ``limit`` ask for, and the answer's ``response_metadata``."""
    limit = arguments.whole("limit", 100, most)
    cursor = arguments.get("cursor")
    if cursor and not (cursor.startswith("next:") and cursor[5:].isdigit()):
        raise Refused("invalid_cursor")
    start = int(cursor[5:]) if cursor else 0
    following = f"next:{start + limit}" if start + limit < len(items) else ""
    return items[start : start + limit], {"response_metadata": {"next_cursor": following}}


def require(core: Core, scope: str) -> None:
    """Refused missing_scope when the app was not granted ``scope``."""
    if scope not in core.settings.scopes:
        provided = ",".join(sorted(core.settings.scopes))
        raise Refused("missing_scope", details={"needed": scope, "provided": provided})


class WebApi:
    """Serves ``/api/{method}``."""

    def __init__(self, core: Core, methods: Mapping[str, Method]) -> None:
        self._core = core
        self._methods = methods

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one call."""
        core, name = self._core, request.match_info["method"]
        status, headers = 200, dict[str, str]()
        given: Mapping[str, Any] = {}
        try:
            given, warning = await _given(request)
            body = await self._call(request, name, given, warning)
        except Refused as refused:
            body, status, headers = _refusal(refused)
        outcome = "ok" if body["ok"] else str(body["error"])
        if body["ok"] and self._loses(name, str(body.get("channel") or given.get("channel", ""))):
            outcome = "lost"
            if request.transport:
                request.transport.abort()
        self._note(name, given, outcome, body)
        headers |= {"X-OAuth-Scopes": ",".join(sorted(core.settings.scopes)), "X-Slack-Req-Id": uuid4().hex}
        if name in self._methods:
            headers["X-Accepted-OAuth-Scopes"] = self._methods[name].scope
        return web.json_response(body, status=status, headers=headers)

    async def missed(self, request: web.Request, outcome: str) -> None:
        """Note an attempt that never came to be carried out."""
        name = request.path.removeprefix("/api/")
        if name in self._methods and self._methods[name].writes:
            try:
                given, _ = await _given(request)
            except (Refused, ConnectionError):  # nonsense, or the client is gone
                given = {}
            self._note(name, given, outcome, {})

    def _loses(self, *keys: str) -> bool:
        losing = self._core.faults.lose_answers
        key = next((key for key in keys if losing.get(key, 0) > 0), None)
        if key is not None:
            losing[key] -= 1
        return key is not None

    def _note(self, name: str, given: Mapping[str, Any], outcome: str, answer: Json) -> None:
        if name not in self._methods or not self._methods[name].writes:
            return
        channel = answer.get("channel") or given.get("channel") or given.get("channel_id") or ""
        ts = answer.get("ts") or answer.get("message_ts") or given.get("ts") or ""
        thread = given.get("thread_ts") or ""
        self._core.writes.note(name, outcome, channel=str(channel), ts=str(ts), thread=str(thread))

    async def _call(self, request: web.Request, name: str, given: Mapping[str, Any], warning: str) -> Json:
        method = self._methods.get(name)
        if method is None:
            raise Refused("unknown_method", details={"req_method": name})
        self._authorise(request, given, method)
        if self._core.settings.tiers:
            self._core.limits.take("method", name, method.a_minute, method.a_minute / 60)
        if errors := self._core.faults.errors.get(name):
            raise Refused(errors.pop(0))
        answer = {"ok": True, **await method.run(self._core, Arguments(given))}
        if warnings := [each for each in (answer.pop("warning", ""), warning) if each]:
            told = {**answer.get("response_metadata", {}), "warnings": warnings}
            answer |= {"warning": ",".join(warnings), "response_metadata": told}
        return answer

    def _authorise(self, request: web.Request, given: Mapping[str, Any], method: Method) -> None:
        settings = self._core.settings
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else str(given.get("token", ""))
        if not token:
            raise Refused("not_authed")
        if token not in (settings.bot_token, settings.app_token):
            raise Refused("invalid_auth")
        if token != (settings.app_token if method.caller == "app" else settings.bot_token):
            raise Refused("not_allowed_token_type")
        if self._core.removed and token == settings.bot_token:
            raise Refused(self._core.removed)
        if method.scope and method.caller == "bot":
            require(self._core, method.scope)


async def _given(request: web.Request) -> tuple[Mapping[str, Any], str]:
    """The arguments and a warning, from the query and a form or a JSON body."""
    if request.method == "GET" or not request.can_read_body:
        return dict(request.query), ""
    match request.content_type:
        case "application/json":
            try:
                body = await request.json()
            except ValueError:
                raise Refused("invalid_json") from None
            if not isinstance(body, dict):
                raise Refused("json_not_object")
            return {**request.query, **body}, "" if request.charset else "missing_charset"
        case "application/x-www-form-urlencoded" | "multipart/form-data":
            return {**request.query, **await request.post()}, ""
    raise Refused("invalid_post_type")


def _refusal(refused: Refused) -> tuple[Json, int, dict[str, str]]:
    body: Json = {"ok": False, "error": refused.code, **refused.details}
    if refused.messages:
        body["response_metadata"] = {"messages": list(refused.messages)}
    if refused.retry_after:
        return body, 429, {"Retry-After": str(refused.retry_after)}
    return body, 200, {}
