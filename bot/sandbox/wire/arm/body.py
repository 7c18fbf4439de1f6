"""Reading what is sent to Resource Manager, and wording what the data plane's rules and the world refuse."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from bot.sandbox.world import Refused

from ..errors import ArmRefusal, Refusal, from_world

CONTENT_TYPE: Final = "application/json; charset=utf-8"

T = TypeVar("T", bound=Struct)


async def read(request: web.Request, kind: type[T]) -> T:
    """The body as an object of that kind. Raises `ArmRefusal` (400)."""
    try:
        return msgspec.convert(await read_object(request), kind, strict=False)
    except msgspec.ValidationError as error:
        raise invalid_body(str(error)) from None


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body as it is; nothing at all is an empty object. Raises `ArmRefusal` (400)."""
    data = await request.read()
    try:
        found = msgspec.json.decode(data) if data else {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArmRefusal(400, "InvalidRequestContent", f"The request content was invalid: {error}") from None
    if not isinstance(found, dict):
        raise ArmRefusal(400, "InvalidRequestContent", "The request content was invalid: an object was expected")
    return found


def invalid_body(reason: str) -> ArmRefusal:
    """The Batch provider cannot make sense of the body (recorded)."""
    message = "The specified Request Body is not syntactically valid."
    return ArmRefusal(400, "InvalidRequestBody", message, target="BatchAccount", details=[("Reason", reason)])


@contextmanager
def in_arm_words() -> Iterator[None]:
    """What the rules of the data plane and the world refuse within is refused as the Batch provider does."""
    try:
        yield
    except Refused as refused:
        raise _translated(from_world(refused)) from None
    except Refusal as refusal:
        raise _translated(refusal) from None


def _translated(refusal: Refusal) -> ArmRefusal:
    return ArmRefusal(refusal.status, refusal.code, refusal.message, target="BatchAccount", details=refusal.values)
