"""Shortcuts: of a message ("Ask about this message"), and of everywhere ("Ask batchbot").

See https://docs.slack.dev/interactivity/implementing-shortcuts. The first answers whoever used it alone, beside the
message, also where the bot is in no channel: by the ``response_url`` that comes along. The second has no channel: its
form opens over whatever somebody looks at, and its answer is in their direct messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot.chat.request import CommandRequest, Conversation
from bot.chat.slack import inbound
from bot.chat.typed import MOST, unescaped
from bot.content.clear_text import clear
from cards.command_line import command

ABOUT, ASK = "about", "ask"
"""The callback ids in the manifest, and the commands that they run."""
_MOST = 3_000
"""Characters of a message that are read."""
_ATTACHED = 5
"""Attachments of a message that are read: what other apps post has its text there."""


def from_message(body: Mapping[str, Any]) -> CommandRequest | None:
    """What is asked about a message; None where it is no shortcut of ours."""
    if body.get("type") != "message_action" or body.get("callback_id") != ABOUT:
        return None
    message, channel = body.get("message") or {}, body.get("channel") or {}
    stamp, root = message.get("ts"), message.get("thread_ts")
    return CommandRequest(
        key=f"slack:{body['trigger_id']}",
        text=command(ABOUT, _text(message) or "?"),
        person=inbound.presser(body),
        conversation=inbound.place(
            str(channel.get("id") or ""),
            str((body.get("team") or {}).get("id") or ""),
            thread=root if root != stamp else None,
            name=str(channel.get("name") or ""),
        ),
        at=datetime.now(UTC),
        reply_url=str(body.get("response_url") or ""),
    )


def from_anywhere(body: Mapping[str, Any]) -> CommandRequest | None:
    """Whoever wants to ask something, in no conversation yet; None where it is no shortcut of ours."""
    if body.get("type") != "shortcut" or body.get("callback_id") != ASK:
        return None
    team = str((body.get("team") or {}).get("id") or "")
    return CommandRequest(
        key=f"slack:{body['trigger_id']}",
        text=ASK,
        person=inbound.presser(body),
        conversation=Conversation("slack", "", "personal", team),
        at=datetime.now(UTC),
    )


def _text(message: Mapping[str, Any]) -> str:
    """A message as text: with what its attachments say, and the addresses of its links rather than their labels."""
    attached = message.get("attachments")
    others = [each for each in attached if isinstance(each, dict)] if isinstance(attached, list) else []
    said = [message.get("text")]
    said += [each.get(key) for each in others[:_ATTACHED] for key in ("title", "text", "fallback")]
    # Cleared before it is cut: half a secret has no shape, and what is asked is kept for a while.
    whole = " ".join(clear(str(each)[:MOST])[:_MOST] for each in said if each)
    return clear(" ".join(unescaped(inbound.LINK.sub(r"\1 \2", whole)).split()))[:_MOST]
