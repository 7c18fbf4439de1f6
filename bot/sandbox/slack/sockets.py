"""Socket Mode: the app's websockets, and the envelopes that travel through them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.sandbox.slack.model import Workspace
from bot.sandbox.slack.people import APP, Json
from bot.sandbox.slack.settings import Faults

MOST_CONNECTIONS = 10
_PING_SECONDS = 20.0


class NobodyListens(Exception):
    """No socket is open."""


@dataclass
class Sockets:
    """The open connections of the one app."""

    workspace: Workspace
    faults: Faults
    connections: list[web.WebSocketResponse] = field(default_factory=list)
    _issued: set[str] = field(default_factory=set)
    _waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    def ticket(self) -> str:
        """Leave to open one connection."""
        ticket = self.workspace.id("", 24).lower()
        self._issued.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._issued:
            return web.Response(status=401)
        self._issued.remove(ticket)
        socket = web.WebSocketResponse(heartbeat=_PING_SECONDS)
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json(self._word("disconnect", reason="too_many_websockets", num_connections=0))
            await socket.close()
            return socket
        self.connections.append(socket)
        try:
            await socket.send_json(self._word("hello", num_connections=len(self.connections)))
            async for frame in socket:
                if frame.type is WSMsgType.TEXT:
                    self._acknowledge(frame.data)
        finally:
            if socket in self.connections:
                self.connections.remove(socket)
        return socket

    async def deliver(self, kind: str, payload: Json, *, answers: bool, attempt: int, reason: str) -> Json:
        """Send an envelope through one of the connections and return what came with its acknowledgement.

        Waits for ever: the caller has the patience. Raises NobodyListens.
        """
        living = [socket for socket in self.connections if not socket.closed]
        if not living:
            raise NobodyListens
        identity = self.workspace.uuid()
        envelope: Json = {
            "envelope_id": identity,
            "payload": payload,
            "type": kind,
            "accepts_response_payload": answers,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[identity] = answer
        try:
            if not self.faults.deaf:
                try:
                    await self.workspace.random.choice(living).send_json(envelope)
                except ConnectionError as error:
                    raise NobodyListens from error
            return await answer
        finally:
            del self._waiting[identity]

    async def refresh(self, reason: str) -> None:
        """Ask every connection to make way for a new one, then close it."""
        for socket in list(self.connections):
            self.connections.remove(socket)
            if not socket.closed:
                await socket.send_json(self._word("disconnect", reason=reason))
                await socket.close()

    async def close(self) -> None:
        """Close every connection without a word."""
        await asyncio.gather(*(socket.close() for socket in list(self.connections)))

    def _acknowledge(self, data: str) -> None:
        try:
            body = json.loads(data)
        except ValueError:
            return
        if isinstance(body, dict) and (waiting := self._waiting.get(str(body.get("envelope_id")))):
            payload = body.get("payload")
            if not waiting.done():
                waiting.set_result(payload if isinstance(payload, dict) else {"text": payload} if payload else {})

    def _word(self, kind: str, **more: object) -> Json:
        return {
            "type": kind,
            **more,
            "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }
