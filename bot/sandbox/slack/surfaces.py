"""The methods about views, files and sockets: ``views.*``, ``files.*``, ``apps.connections.open``."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.api import Arguments, Method, require
from bot.sandbox.slack.chat import thread, writable
from bot.sandbox.slack.core import Core
from bot.sandbox.slack.errors import Refused
from bot.sandbox.slack.people import APP, Json


def _view(arguments: Arguments) -> Any:
    arguments.structure("view")
    if "view" not in arguments:
        raise Refused("invalid_arguments", ["[ERROR] missing required field: view [json-pointer:]"])
    return arguments.structure("view")


def _trigger(arguments: Arguments) -> str:
    if "interactivity_pointer" in arguments:
        return arguments.get("interactivity_pointer")
    return arguments.need("trigger_id")


async def open_view(core: Core, arguments: Arguments) -> Json:
    """views.open: a view that is not legal leaves the trigger id unused."""
    trigger_id, given = _trigger(arguments), _view(arguments)
    core.views.check(given, "modal")
    return {"view": core.views.open(core.triggers.redeem(trigger_id).user, given).wire()}


async def push_view(core: Core, arguments: Arguments) -> Json:
    """views.push: the trigger id must come from the modal on top."""
    trigger_id, given = _trigger(arguments), _view(arguments)
    core.views.check(given, "modal")
    trigger = core.triggers.redeem(trigger_id)
    if not trigger.view:
        raise Refused("invalid_trigger_id")
    return {"view": core.views.push(trigger.user, given).wire()}


async def update_view(core: Core, arguments: Arguments) -> Json:
    """views.update."""
    if "view_id" not in arguments and "external_id" not in arguments:
        raise Refused("invalid_arguments", ["[ERROR] missing required field: view_id [json-pointer:]"])
    given = _view(arguments)
    found = core.views.by_reference({key: arguments.get(key) for key in ("view_id", "external_id")})
    return {"view": core.views.update(found, given, arguments.get("hash")).wire()}


async def publish_view(core: Core, arguments: Arguments) -> Json:
    """views.publish."""
    user = core.workspace.people.get(arguments.need("user_id"))
    if user is None or user.is_bot:
        raise Refused("invalid_arguments", ["[ERROR] user_not_found [json-pointer:/user_id]"])
    return {"view": core.views.publish(user.id, _view(arguments), arguments.get("hash")).wire()}


async def upload_url(core: Core, arguments: Arguments) -> Json:
    """files.getUploadURLExternal."""
    name, length = arguments.need("filename"), arguments.need("length")
    if not length.isdigit():
        raise Refused("invalid_arguments", ["[ERROR] must provide an integer [json-pointer:/length]"])
    file, url = core.files.reserve(name, int(length), arguments.get("alt_txt"))
    return {"upload_url": url, "file_id": file.id}


async def complete_upload(core: Core, arguments: Arguments) -> Json:
    """files.completeUploadExternal: with a channel, a message follows when the files are processed."""
    items = arguments.structure("files")
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise Refused("invalid_arguments", ["[ERROR] must provide an array [json-pointer:/files]"])
    if arguments.get("channel_id") and arguments.get("channels"):
        raise Refused("invalid_arguments", ["[ERROR] must provide exactly one of: channel_id, channels"])
    shares = []
    for reference in filter(None, (arguments.get("channel_id") or arguments.get("channels")).split(",")):
        require(core, "chat:write")
        channel = writable(core, reference)
        root = thread(core, channel, arguments.get("thread_ts"))
        shares.append((channel.id, root, arguments.get("initial_comment")))
    return {"files": [core.files.wire(file) for file in core.files.complete(items, shares)]}


async def file_info(core: Core, arguments: Arguments) -> Json:
    """files.info."""
    file = core.files.get(arguments.need("file"))
    if file is None:
        raise Refused("file_not_found")
    return {"file": core.files.wire(file), "comments": [], "response_metadata": {"next_cursor": ""}}


async def open_connection(core: Core, arguments: Arguments) -> Json:
    """apps.connections.open."""
    if not core.settings.socket_mode:
        raise Refused("socket_mode_not_enabled")
    socket = core.url.replace("http", "ws", 1)
    return {"url": f"{socket}/link/?ticket={core.sockets.ticket()}&app_id={APP}"}


METHODS = {
    "views.open": Method(open_view, a_minute=100),
    "views.push": Method(push_view, a_minute=100),
    "views.update": Method(update_view, a_minute=100),
    "views.publish": Method(publish_view, a_minute=100),
    "files.getUploadURLExternal": Method(upload_url, "files:write", a_minute=100),
    "files.completeUploadExternal": Method(complete_upload, "files:write", a_minute=100, writes=True),
    "files.info": Method(file_info, "files:read", a_minute=100),
    "apps.connections.open": Method(open_connection, "connections:write", a_minute=20, caller="app"),
}
