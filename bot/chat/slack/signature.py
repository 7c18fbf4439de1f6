"""Which HTTP requests are Slack's own: the signature is checked here, by Bolt, before anything else sees a request.

Bolt computes the ``v0`` HMAC of the body with the signing secret and refuses what is older than five minutes
(https://docs.slack.dev/authentication/verifying-requests-from-slack). Socket Mode needs none of this: there the bot
calls Slack.
"""

from __future__ import annotations

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse

log = structlog.get_logger()


async def admitted(app: AsyncApp, request: web.Request) -> web.Response:
    """Bolt's answer to a request that Slack signed; 401 to any other."""
    answer = BoltResponse(status=401, body="")
    if request.headers.get("X-Slack-Request-Timestamp", "").isdecimal():  # Bolt answers 500 to anything else
        answer = await app.async_dispatch(await to_bolt_request(request))
    if answer.status == 401:
        log.warning("slack.refused", reason="signature or timestamp", remote=request.remote)
    return await to_aiohttp_response(answer)
