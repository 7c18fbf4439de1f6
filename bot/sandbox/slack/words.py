"""What Slack makes of a text that a person types: mentions, links, escapes, and the rich text beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

_TOKEN = re.compile(r"@(?P<user>[a-z][\w.-]*\w)|#(?P<channel>[a-z][\w-]*\w)|(?P<link>https?://[^\s<>|]+)")


def escape(text: str) -> str:
    """The three characters that Slack never sends as they are."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def tokens(text: str, users: Mapping[str, str], channels: Mapping[str, str]) -> Iterator[tuple[str, Json]]:
    """Pieces of ``text`` as (what the message text says, rich text element); the maps lead from names to ids."""
    done = 0
    for match in _TOKEN.finditer(text):
        if match["user"] in users:
            user = users[match["user"]]
            piece = f"<@{user}>", {"type": "user", "user_id": user}
        elif match["channel"] in channels:
            channel = channels[match["channel"]]
            piece = f"<#{channel}|{match['channel']}>", {"type": "channel", "channel_id": channel}
        elif link := match["link"]:
            piece = f"<{escape(link)}>", {"type": "link", "url": link}
        else:
            continue
        if before := text[done : match.start()]:
            yield escape(before), {"type": "text", "text": before}
        yield piece
        done = match.end()
    if rest := text[done:]:
        yield escape(rest), {"type": "text", "text": rest}


def typed(text: str, users: Mapping[str, str], channels: Mapping[str, str], block_id: str) -> tuple[str, list[Json]]:
    """The text and the blocks of a message in which a person typed ``text``."""
    pieces = list(tokens(text, users, channels))
    section = {"type": "rich_text_section", "elements": [element for _, element in pieces]}
    return "".join(words for words, _ in pieces), [{"type": "rich_text", "block_id": block_id, "elements": [section]}]
