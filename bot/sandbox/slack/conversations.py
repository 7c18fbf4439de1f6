"""The methods about people and channels: ``auth.*``, ``bots.*``, ``users.*``, ``conversations.*``."""

from __future__ import annotations

import base64
import sys

from bot.sandbox.slack import metadata
from bot.sandbox.slack.api import Arguments, Method, page, require
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.model import BOT_PROFILE, Message
from bot.sandbox.slack.people import BOT, BOT_USER, DOMAIN, TEAM, Channel, Json

_CURSOR = "next_ts:"
_KINDS = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_SCOPES = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


async def api_test(core: Core, arguments: Arguments) -> Json:
    """api.test."""
    if "error" in arguments:
        raise Refused(arguments.get("error"))
    return {}


async def auth_test(core: Core, arguments: Arguments) -> Json:
    """auth.test."""
    return {
        "url": f"https://{DOMAIN}.slack.com/",
        "team": "Sandbox",
        "user": core.workspace.people[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


async def bots_info(core: Core, arguments: Arguments) -> Json:
    """bots.info."""
    if arguments.need("bot") != BOT:
        raise Refused("bot_not_found")
    known = {key: BOT_PROFILE[key] for key in ("id", "app_id", "user_id", "name", "icons", "deleted", "updated")}
    return {"bot": known}


async def users_info(core: Core, arguments: Arguments) -> Json:
    """users.info, with the time zone."""
    person = core.workspace.people.get(arguments.need("user"))
    if person is None:
        raise Refused("user_not_found")
    locale = {"locale": "en-US"} if arguments.flag("include_locale") else {}
    return {"user": person.user(core.clock()) | locale}


async def users_list(core: Core, arguments: Arguments) -> Json:
    """users.list."""
    members, more = page([person.user(core.clock()) for person in core.workspace.people.values()], arguments)
    return {"members": members, "cache_ts": int(core.clock()), **more}


def _known(core: Core, arguments: Arguments, act: str) -> Channel:
    """The channel that is asked about; ``act`` is the half of the scope after the colon."""
    channel = core.workspace.channels.get(arguments.need("channel"))
    if channel is None or channel.hidden:
        raise Refused("channel_not_found")
    require(core, f"{channel.scope}:{act}")
    return channel


async def info(core: Core, arguments: Arguments) -> Json:
    """conversations.info."""
    channel = _known(core, arguments, "read")
    return {"channel": channel.conversation(count_members=arguments.flag("include_num_members"))}


async def list_all(core: Core, arguments: Arguments) -> Json:
    """conversations.list."""
    kinds = {kind.strip() for kind in (arguments.get("types") or "public_channel").split(",")}
    if not kinds <= set(_KINDS):
        raise Refused("invalid_types")
    sorts = {_KINDS[kind] for kind in kinds}
    for sort in sorted(sorts):
        require(core, f"{_SCOPES[sort]}:read")
    shown = [
        channel.conversation(count_members=True)
        for channel in core.workspace.channels.values()
        if channel.sort in sorts
        and not channel.hidden
        and not (channel.archived and arguments.flag("exclude_archived"))
    ]
    channels, more = page(shown, arguments)
    return {"channels": channels, **more}


async def members(core: Core, arguments: Arguments) -> Json:
    """conversations.members."""
    ids, more = page([{"id": member} for member in sorted(_known(core, arguments, "read").members)], arguments)
    return {"members": [member["id"] for member in ids], **more}


def _micros(ts: str) -> int:
    """A ts as the whole number it is. Raises ValueError."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6] or "0")


def _bound(arguments: Arguments, name: str, otherwise: int) -> int:
    given = arguments.get(name)
    try:
        return _micros(given) if given else otherwise
    except ValueError:
        raise Refused(f"invalid_ts_{name}") from None


def _window(arguments: Arguments, messages: list[Message]) -> list[Message]:
    """The messages after ``oldest`` and before ``latest``, these two themselves only with ``inclusive``."""
    low, high = _bound(arguments, "oldest", -1), _bound(arguments, "latest", sys.maxsize)
    if arguments.flag("inclusive"):
        low, high = low - 1, high + 1
    return [message for message in messages if low < _micros(message.ts) < high]


def _read(core: Core, arguments: Arguments, messages: list[Message], *, limit: int, most: int, newest: bool) -> Json:
    """One page. A cursor names the message to go on with, so what is said meanwhile neither shifts nor repeats any."""
    shown = _window(arguments, messages[::-1] if newest else messages)
    count = arguments.whole("limit", limit, most)
    if cursor := arguments.get("cursor"):
        at = _decoded(cursor)
        shown = [message for message in shown if (_micros(message.ts) <= at if newest else _micros(message.ts) >= at)]
    whole = arguments.flag("include_all_metadata")
    following = _encoded(_micros(shown[count].ts)) if count < len(shown) else ""
    return {
        "messages": [metadata.told(core.workspace.wire(message), whole=whole) for message in shown[:count]],
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }


def _encoded(micros: int) -> str:
    return base64.b64encode(f"{_CURSOR}{micros}".encode()).decode()


def _decoded(cursor: str) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix(_CURSOR))
    except ValueError:
        raise Refused("invalid_cursor") from None


async def history(core: Core, arguments: Arguments) -> Json:
    """conversations.history, newest first: top level messages, and replies that were broadcast."""
    channel = _known(core, arguments, "history")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    found = core.workspace.history(channel.id)
    return {**_read(core, arguments, found, limit=100, most=999, newest=True), "pin_count": 0}


async def replies(core: Core, arguments: Arguments) -> Json:
    """conversations.replies, oldest first, the root included."""
    channel = _known(core, arguments, "history")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    found = core.workspace.find(channel.id, arguments.need("ts"))
    if found is None or found.only_for:
        raise Refused("thread_not_found")
    thread = core.workspace.history(channel.id, found.thread_ts or found.ts)
    return _read(core, arguments, thread, limit=1000, most=1000, newest=False)


async def open_direct(core: Core, arguments: Arguments) -> Json:
    """conversations.open with one person."""
    require(core, "im:write")
    if "channel" in arguments:
        channel = core.workspace.channels.get(arguments.get("channel"))
        if channel is None or channel.kind != "im":
            raise Refused("channel_not_found")
    else:
        users = arguments.need("users").split(",")
        if len(users) > 1:
            raise Refused("missing_scope", details={"needed": "mpim:write"})
        if users[0] not in core.workspace.people:
            raise Refused("user_not_found")
        if users[0] == BOT_USER:
            raise Refused("cannot_dm_bot")
        channel = core.workspace.direct(users[0])
    told = channel.conversation() if arguments.flag("return_im") else {"id": channel.id}
    return {"no_op": True, "already_open": True, "channel": told}


METHODS = {
    "api.test": Method(api_test, a_minute=600),
    "auth.test": Method(auth_test, a_minute=600),
    "bots.info": Method(bots_info, "users:read"),
    "users.info": Method(users_info, "users:read", a_minute=100),
    "users.list": Method(users_list, "users:read", a_minute=20),
    "conversations.info": Method(info),
    "conversations.list": Method(list_all, a_minute=20),
    "conversations.members": Method(members, a_minute=100),
    "conversations.history": Method(history),
    "conversations.replies": Method(replies),
    "conversations.open": Method(open_direct),
}
