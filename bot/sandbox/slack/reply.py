"""Response addresses: what the app says there, and through the body of an acknowledgement."""

from __future__ import annotations

import json

from aiohttp import web

from bot.sandbox.slack.api import Arguments
from bot.sandbox.slack.chat import content, refer, thread
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.issued_tokens import ReplyAddress
from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import BOT_USER, Json

_GONE = {"expired_url", "used_url", "invalid_url"}


async def respond(core: Core, address: ReplyAddress, body: Json) -> None:
    """Do what a response says. New messages are ephemeral unless ``response_type`` is ``in_channel``.

    Only a message that was clicked can be replaced, and wholly so; a slash command's own answers cannot. Refused as
    chat.postMessage.
    """
    arguments = Arguments(body)
    source = core.workspace.find(address.channel, address.source)
    if arguments.flag("delete_original"):
        if source:
            core.workspace.delete(source)
        return
    given = await content(core, arguments)
    refer(core, given, address.channel)
    if source and arguments.flag("replace_original"):
        core.workspace.change(source, BOT_USER, {"text": "", "blocks": [], "attachments": [], **given})
        return
    kind = arguments.get("response_type") or "ephemeral"
    if kind not in ("ephemeral", "in_channel"):
        raise Refused("invalid_arguments")
    channel = core.workspace.channels[address.channel]
    root = thread(core, channel, arguments.get("thread_ts"))
    only_for = address.user if kind == "ephemeral" else ""
    message = Message(core.workspace.ts(), channel.id, BOT_USER, thread_ts=root, only_for=only_for, text="")
    for key, value in given.items():
        setattr(message, key, value)
    core.workspace.post(message)


def _json(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refused("invalid_payload")
    return body


async def serve(core: Core, request: web.Request) -> web.Response:
    """Take a POST to a response address: ``ok``, or the refusal as plain text."""
    outcome, channel = "ok", ""
    try:
        address = core.replies.use(request.path)
        channel = address.channel
        await respond(core, address, _json(await request.text()))
    except Refused as refused:
        outcome = refused.code
    core.writes.note("response_url", outcome, channel=channel)
    if outcome != "ok":
        return web.Response(text=outcome, status=404 if outcome in _GONE else 400)
    return web.Response(text="ok")
