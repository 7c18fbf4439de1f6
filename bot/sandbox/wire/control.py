"""The sandbox's own routes, apart from Azure's and on loopback only: faults and the clock.

GET/POST/DELETE /_sandbox/faults    this listener's faults: read, ask for one or a list, forget them all
GET/POST        /_sandbox/clock     {"advance": seconds} and/or {"speed": x} and/or {"pause": bool}
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from aiohttp import web
from msgspec import UNSET, Struct, UnsetType

from .listener import CONTROL, Listener, respond

JSON = "application/json; charset=utf-8"

_encode = msgspec.json.Encoder().encode


class DrivableClock(Protocol):
    """The clock as its driver sees it."""

    speed: float
    paused: bool

    def now(self) -> datetime:
        """Simulated UTC."""

    def advance(self, by: timedelta) -> datetime:
        """Move on at once."""


class ClockChange(Struct, forbid_unknown_fields=True):
    """What a POST to the clock may ask for."""

    advance: float | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    pause: bool | UnsetType = UNSET


def add_control(listener: Listener, clock: DrivableClock, settle: Callable[[], object]) -> None:
    """Add the routes; ``settle`` lets everything happen that is due after the clock moved."""
    faults = listener.faults

    async def show_faults(_: web.Request) -> web.Response:
        return respond({"faults": faults.all}, content_type=JSON)

    async def ask_faults(request: web.Request) -> web.Response:
        try:
            added = faults.load(await request.read())
        except (ValueError, msgspec.MsgspecError) as error:
            return _bad(error)
        return respond({"faults": added}, status=201, content_type=JSON)

    async def clear_faults(_: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    def state() -> dict[str, Any]:
        return {"now": clock.now(), "speed": clock.speed, "paused": clock.paused}

    async def show_clock(_: web.Request) -> web.Response:
        return respond(state(), content_type=JSON)

    async def set_clock(request: web.Request) -> web.Response:
        try:
            change = msgspec.json.decode(await request.read(), type=ClockChange)
            if change.pause is not UNSET:
                clock.paused = change.pause
            if change.speed is not UNSET:
                clock.speed = change.speed
            if change.advance is not UNSET:
                clock.advance(timedelta(seconds=change.advance))
        except (ValueError, OverflowError, msgspec.MsgspecError) as error:
            return _bad(error)
        settle()
        return respond(state(), content_type=JSON)

    listener.controlled = True
    router = listener.app.router
    router.add_get(f"{CONTROL}faults", show_faults)
    router.add_post(f"{CONTROL}faults", ask_faults)
    router.add_delete(f"{CONTROL}faults", clear_faults)
    router.add_get(f"{CONTROL}clock", show_clock)
    router.add_post(f"{CONTROL}clock", set_clock)


def _bad(error: Exception) -> web.Response:
    return respond({"error": str(error)}, status=400, content_type=JSON)
