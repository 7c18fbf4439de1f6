"""Links that people post, told to the app that registered their domains (``link_shared``), and ``chat.unfurl``.

Shapes and refusals: https://docs.slack.dev/reference/events/link_shared, https://docs.slack.dev/reference/methods/chat.unfurl.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.sandbox.slack.api import Arguments, Method
from bot.sandbox.slack.chat import place, sound_blocks
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import APP, BOT, BOT_USER, Json

_LINK = re.compile(r"<(https?://[^<>|]+)(?:\|[^<>]*)?>")


def told(core: Core, message: Message) -> None:
    """Tell the app of a message's links to its domains; in conversations of people alone, too."""
    found = _links(message.text, core.settings.unfurl_domains)
    if not found or message.by_bot:
        return
    channel = core.workspace.channels[message.channel]
    about: Json = {
        "type": "link_shared",
        "user": message.user,
        "channel": channel.id,
        "message_ts": message.ts,
        "links": found,
        "source": "conversations_history",
        "unfurl_id": f"{channel.id}.{message.ts}.{core.workspace.id('', 64).lower()}",
        "is_bot_user_member": BOT_USER in channel.members,
        "event_ts": core.workspace.ts(),
    }
    if message.thread_ts:
        about["thread_ts"] = message.thread_ts
    core.workspace.hears("link_shared", about)


def _links(text: str, domains: frozenset[str]) -> list[Json]:
    """``{"url", "domain"}`` of each link to a registered domain or what lies below it, each once."""
    found: dict[str, str] = {}
    for raw in _LINK.findall(text):
        url = html.unescape(raw)
        host = (urlsplit(url).hostname or "").lower()
        domain = next((each for each in domains if host == each or host.endswith(f".{each}")), None)
        if domain:
            found[url] = host
    return [{"url": url, "domain": host} for url, host in found.items()]


async def unfurl(core: Core, arguments: Arguments) -> Json:
    """chat.unfurl by ``channel`` and ``ts``. What is given anew for a message takes the place of what was there.

    Refused: missing_channel, missing_ts, missing_unfurls, cannot_parse_attachment, cannot_find_channel,
    cannot_find_message, cannot_unfurl_url (of no registered domain, or not in the message), invalid_blocks.
    """
    for name in ("channel", "ts"):
        if name not in arguments:
            raise Refused(f"missing_{name}")
    given = arguments.structure("unfurls", "cannot_parse_attachment")
    if not given:
        raise Refused("missing_unfurls")
    if not isinstance(given, dict) or not all(isinstance(each, dict) for each in given.values()):
        raise Refused("cannot_parse_attachment")
    try:
        channel = place(core, arguments.get("channel"))
    except Refused:
        raise Refused("cannot_find_channel") from None
    message = core.workspace.find(channel.id, arguments.get("ts"))
    if message is None or message.only_for:
        raise Refused("cannot_find_message")
    posted = {link["url"] for link in _links(message.text, core.settings.unfurl_domains)}
    if not set(given) <= posted:
        raise Refused("cannot_unfurl_url")
    core.workspace.attach(message, [_attachment(core, number, *each) for number, each in enumerate(given.items(), 1)])
    return {}


def _attachment(core: Core, number: int, url: str, given: Json) -> Json:
    blocks = given.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        raise Refused("cannot_parse_attachment")
    return {
        **given,
        "id": number,
        "blocks": sound_blocks(core, blocks),
        "fallback": "[no preview available]",
        "from_url": url,
        "original_url": url,
        "is_app_unfurl": True,
        "app_unfurl_url": url,
        "app_id": APP,
        "bot_id": BOT,
    }


def unfurled(attachments: Sequence[Json], block_id: str) -> Json | None:
    """The card below a link that a block belongs to; None for a block of the message itself."""
    for each in attachments:
        if each.get("is_app_unfurl") and any(block["block_id"] == block_id for block in each["blocks"]):
            return each
    return None


METHODS = {"chat.unfurl": Method(unfurl, "links:write", a_minute=50, writes=True)}
