"""Which HTTP requests are Slack's own: the signature is checked here, before anything else sees a request.

Slack's own verifier computes the ``v0`` HMAC of the body as it came with the signing secret and refuses what is older
than five minutes (https://docs.slack.dev/authentication/verifying-requests-from-slack). Only what it lets through is
parsed, by Bolt, so that whoever cannot sign makes the bot read a body of limited size and compute one hash, and nothing
else. Socket Mode needs none of this: there the bot calls Slack.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.chat.body import body_of
from bot.chat.slack.shapes import is_shaped

log = structlog.get_logger()

MOST_BYTES = 1 << 20
"""Of a body. A click sends the whole message with it, which Slack limits to far less."""
_HEADERS = ("Content-Type", "X-Slack-Retry-Num", "X-Slack-Retry-Reason")
"""That Bolt is told of: it takes others as orders."""
_FRESH = 300
"""Seconds after which the verifier takes a request for one that is sent again by somebody else."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)


async def admitted(app: AsyncApp, verifier: SignatureVerifier, request: web.Request) -> web.Response:
    """Bolt's answer to a request that Slack signed; 401 to any other, 413 or 408 where its body is no body of Slack's.

    What Slack signed and nobody can read is answered 400.
    """
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        return _refused(request, 401, "not signed as Slack signs")
    try:
        body = await body_of(request, MOST_BYTES)
    except (web.HTTPRequestEntityTooLarge, web.HTTPRequestTimeout) as error:
        return _refused(request, error.status, "body")
    try:
        text = body.decode()
        valid = verifier.is_valid(text, timestamp, signature)
    except UnicodeDecodeError:  # Slack sends forms and JSON in UTF-8
        return _refused(request, 401, "encoding")
    if not valid:
        return _refused(request, 401, _why(timestamp))
    headers: dict[str, str | Sequence[str]] = {
        name: request.headers[name] for name in _HEADERS if name in request.headers
    }
    try:
        asked = AsyncBoltRequest(body=text, headers=headers)
        shaped = is_shaped(asked.body)
    except (ValueError, RecursionError, AttributeError, TypeError):
        shaped = False
    if not shaped:
        return _refused(request, 400, "no payload of Slack's")
    return await to_aiohttp_response(await app.async_dispatch(asked))


def _why(timestamp: str) -> str:
    """What of a signed request does not hold; a stranger may have sent it, or the settings be another app's."""
    off = round(abs(time.time() - int(timestamp)))
    if off > _FRESH:
        return f"timestamp {off} s off: it is old, or this machine's clock is wrong"
    return "signature: where Slack sent it, the signing secret is not the app's (Basic Information, App Credentials)"


def _refused(request: web.Request, status: int, reason: str) -> web.Response:
    log.warning("slack.refused", status=status, reason=reason, remote=request.remote)
    return web.Response(status=status)
