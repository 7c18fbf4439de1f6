"""The methods about people and places: ``auth.*``, ``bots.*``, ``users.*``, ``conversations.*``."""

from __future__ import annotations

from bot.sandbox.slack.api import Arguments, Method, page, require
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.model import BOT_PROFILE, Message
from bot.sandbox.slack.people import BOT, BOT_USER, DOMAIN, TEAM, Channel, Json


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
    if channel is None:
        raise Refused("channel_not_found")
    require(core, f"{'im' if channel.kind == 'im' else 'channels'}:{act}")
    return channel


async def info(core: Core, arguments: Arguments) -> Json:
    """conversations.info."""
    channel = _known(core, arguments, "read")
    return {"channel": channel.conversation(count_members=arguments.flag("include_num_members"))}


async def list_all(core: Core, arguments: Arguments) -> Json:
    """conversations.list."""
    kinds = {kind.strip() for kind in (arguments.get("types") or "public_channel").split(",")}
    if kinds - {"public_channel", "private_channel", "im", "mpim"}:
        raise Refused("invalid_types")
    if "public_channel" in kinds:
        require(core, "channels:read")
    if "im" in kinds:
        require(core, "im:read")
    shown = [
        channel.conversation(count_members=True)
        for channel in core.workspace.channels.values()
        if ("im" if channel.kind == "im" else "public_channel") in kinds
        and not (channel.archived and arguments.flag("exclude_archived"))
    ]
    channels, more = page(shown, arguments)
    return {"channels": channels, **more}


async def members(core: Core, arguments: Arguments) -> Json:
    """conversations.members."""
    ids, more = page([{"id": member} for member in sorted(_known(core, arguments, "read").members)], arguments)
    return {"members": [member["id"] for member in ids], **more}


def _window(core: Core, arguments: Arguments, messages: list[Message]) -> list[Json]:
    oldest, latest = arguments.get("oldest"), arguments.get("latest")
    try:
        low, high = float(oldest or 0), float(latest or "inf")
    except ValueError:
        raise Refused("invalid_ts_oldest" if oldest else "invalid_ts_latest") from None
    inclusive = arguments.flag("inclusive")
    return [
        core.workspace.wire(message)
        for message in messages
        if low < float(message.ts) < high or (inclusive and float(message.ts) in (low, high))
    ]


async def history(core: Core, arguments: Arguments) -> Json:
    """conversations.history, newest first."""
    channel = _known(core, arguments, "history")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    shown = _window(core, arguments, core.workspace.history(channel.id)[::-1])
    messages, more = page(shown, arguments, 999)
    return {"messages": messages, "has_more": bool(more["response_metadata"]["next_cursor"]), "pin_count": 0, **more}


async def replies(core: Core, arguments: Arguments) -> Json:
    """conversations.replies, oldest first, the root included."""
    channel = _known(core, arguments, "history")
    if BOT_USER not in channel.members:
        raise Refused("not_in_channel")
    found = core.workspace.find(channel.id, arguments.need("ts"))
    if found is None or found.only_for:
        raise Refused("thread_not_found")
    shown = _window(core, arguments, core.workspace.history(channel.id, found.thread_ts or found.ts))
    messages, more = page(shown, arguments)
    return {"messages": messages, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}


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
