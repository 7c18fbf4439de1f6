"""The ``chat.*`` methods, and what they share with response addresses: the content of a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.sandbox.slack import metadata
from bot.sandbox.slack.api import Arguments, Method
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.fetched import fetch
from bot.sandbox.slack.model import Message, with_ids
from bot.sandbox.slack.people import BOT_USER, Channel, Json
from bot.sandbox.slack.rules import wrong_with_blocks

SPLIT_TEXT = 4_000
"""Longer texts are posted as several messages."""
MOST_TEXT = 40_000
MOST_ATTACHMENTS = 100


def place(core: Core, reference: str) -> Channel:
    """The channel with this id or name, or the direct messages with this person. Refused: channel_not_found."""
    workspace = core.workspace
    if reference in workspace.people and reference != BOT_USER:
        return workspace.direct(reference)
    for channel in workspace.channels.values():
        named = channel.kind == "channel" and reference.removeprefix("#") == channel.name
        if (reference == channel.id or named) and not channel.hidden:
            return channel
    raise Refused("channel_not_found")


def writable(core: Core, reference: str) -> Channel:
    """A channel that the app may post to. Refused: channel_not_found, is_archived, not_in_channel."""
    channel = place(core, reference)
    if channel.archived:
        raise Refused("is_archived")
    if BOT_USER not in channel.members and "chat:write.public" not in core.settings.scopes:
        raise Refused("not_in_channel")
    return channel


async def content(core: Core, arguments: Arguments) -> Json:
    """Text, blocks and attachments, those that were given, all legal, and their pictures fetched.

    Refused: no_text, msg_too_long, invalid_blocks, invalid_blocks_format, invalid_attachments, too_many_attachments.
    """
    blocks = arguments.structure("blocks", "invalid_blocks_format")
    attachments = arguments.structure("attachments", "invalid_attachments")
    given: Json = {}
    if "text" in arguments:
        given["text"] = arguments.get("text")
    if blocks is not None:
        given["blocks"] = sound_blocks(core, blocks)
    if attachments is not None:
        given["attachments"] = _sound_attachments(core, attachments)
    if not any(given.values()):
        raise Refused("no_text")
    if len(given.get("text", "")) > MOST_TEXT:
        raise Refused("msg_too_long")
    await fetch(core, given)
    return given


def sound_blocks(core: Core, blocks: Any, error: str = "invalid_blocks") -> list[Json]:
    """Legal blocks with all ids. Refused: invalid_blocks_format, or ``error``."""
    if not isinstance(blocks, list):
        raise Refused("invalid_blocks_format")
    if wrong := wrong_with_blocks(blocks, core.files.image_ready, charts=not core.faults.old_blocks):
        raise Refused(error, [f"[ERROR] {words}" for words in wrong], details={"errors": wrong})
    return with_ids(blocks, lambda: core.workspace.id("", 5))


def _sound_attachments(core: Core, attachments: Any) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise Refused("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    return [
        {**each, "id": number, "blocks": sound_blocks(core, each["blocks"], "invalid_attachments")}
        if each.get("blocks")
        else {**each, "id": number}
        for number, each in enumerate(attachments, 1)
    ]


def refer(core: Core, given: Json, channel: str) -> None:
    """The files that a message shows become visible where it was posted."""
    core.files.refer(given.get("blocks") or (), channel)
    for attachment in given.get("attachments") or ():
        core.files.refer(attachment.get("blocks") or (), channel)


def thread(core: Core, channel: Channel, ts: str) -> str | None:
    """The thread to reply to. Refused: thread_not_found, cannot_reply_to_message (that is itself a reply)."""
    if not ts:
        return None
    root = core.workspace.find(channel.id, ts)
    if root is None or root.only_for:
        raise Refused("thread_not_found")
    if root.thread_ts not in (None, root.ts):
        raise Refused("cannot_reply_to_message")
    return ts


def _at_rate(core: Core, channel: Channel) -> None:
    _not_limited(core, channel)
    if core.settings.post_burst:
        core.limits.take("post", channel.id, core.settings.post_burst, 1.0)


def _not_limited(core: Core, channel: Channel) -> None:
    if seconds := core.faults.limited.get(channel.id):
        raise Refused("ratelimited", retry_after=seconds)


def _chunks(text: str) -> Sequence[str]:
    return [text[at : at + SPLIT_TEXT] for at in range(0, len(text), SPLIT_TEXT)] or [""]


async def post_message(core: Core, arguments: Arguments) -> Json:
    """chat.postMessage; ``reply_broadcast`` shows a reply in the channel too, and means nothing outside threads."""
    channel = writable(core, arguments.need("channel"))
    given = await content(core, arguments)
    root = thread(core, channel, arguments.get("thread_ts"))
    noted, warning = metadata.given(arguments)
    _at_rate(core, channel)
    refer(core, given, channel.id)
    about: Json = {
        **given,
        "thread_ts": root,
        "metadata": noted or None,
        "broadcast": root is not None and arguments.flag("reply_broadcast"),
    }
    posted = [
        core.workspace.post(Message(core.workspace.ts(), channel.id, BOT_USER, **{**about, "text": part}))
        for part in _chunks(given.get("text", ""))
    ]
    answer = {"channel": channel.id, "ts": posted[0].ts, "message": core.workspace.wire(posted[0])}
    return {**answer, "warning": warning} if warning else answer


async def post_ephemeral(core: Core, arguments: Arguments) -> Json:
    """chat.postEphemeral."""
    channel = writable(core, arguments.need("channel"))
    user = arguments.need("user")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    given = await content(core, arguments)
    root = thread(core, channel, arguments.get("thread_ts"))
    _at_rate(core, channel)
    message = Message(core.workspace.ts(), channel.id, BOT_USER, thread_ts=root, only_for=user, **{"text": "", **given})
    refer(core, given, channel.id)
    return {"message_ts": core.workspace.post(message).ts}


def _own(core: Core, channel: Channel, ts: str, refusal: str) -> Message:
    message = core.workspace.find(channel.id, ts)
    if message is None or message.only_for:
        raise Refused("message_not_found")
    if not message.by_bot:
        raise Refused(refusal)
    return message


async def update(core: Core, arguments: Arguments) -> Json:
    """chat.update: what is not given stays, except that a text without blocks takes the place of the blocks.

    Empty ``metadata`` remove the old ones. ``reply_broadcast`` shows an old reply in the channel, and must come alone.
    Refused: is_inactive (in an archived channel), cant_update_message, message_not_found, msg_too_long and more.
    """
    channel = place(core, arguments.need("channel"))
    message = _own(core, channel, arguments.need("ts"), "cant_update_message")
    if channel.archived:
        raise Refused("is_inactive")
    broadcast = arguments.flag("reply_broadcast")
    given = _broadcast(message, arguments) if broadcast else await content(core, arguments)
    if len(given.get("text", "")) > SPLIT_TEXT:
        raise Refused("msg_too_long")
    if "text" in given and "blocks" not in given:
        given["blocks"] = []
    noted, warning = metadata.given(arguments)
    if noted is not None:
        given["metadata"] = noted or None
    _not_limited(core, channel)
    refer(core, given, channel.id)
    core.workspace.change(message, BOT_USER, given)
    return {
        **({"warning": warning} if warning else {}),
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": core.workspace.wire(message),
    }


def _broadcast(message: Message, arguments: Arguments) -> Json:
    if any(key in arguments for key in ("text", "blocks", "attachments")):
        raise Refused("no_dual_broadcast_content_update")
    if message.thread_ts in (None, message.ts):
        raise Refused("cant_broadcast_message")
    return {"broadcast": True}


async def delete(core: Core, arguments: Arguments) -> Json:
    """chat.delete."""
    channel = place(core, arguments.need("channel"))
    message = _own(core, channel, arguments.need("ts"), "cant_delete_message")
    _not_limited(core, channel)
    core.workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


METHODS = {
    "chat.postMessage": Method(post_message, "chat:write", a_minute=600, writes=True),
    "chat.postEphemeral": Method(post_ephemeral, "chat:write", a_minute=100, writes=True),
    "chat.update": Method(update, "chat:write", a_minute=50, writes=True),
    "chat.delete": Method(delete, "chat:write", a_minute=50, writes=True),
}
