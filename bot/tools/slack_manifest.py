"""The Slack app manifest, made from the commands there are, so that the two cannot drift."""

from __future__ import annotations

from typing import Any

import yaml

from bot.chat.slack.shortcuts import ABOUT, ASK
from bot.domain.portal_links import LINKED_DOMAINS
from bot.requests.registry import Registry

SCOPES = (
    "app_mentions:read",  # @bot in channels and threads
    "channels:history",  # is what was being posted when the bot stopped there? it reads its own messages back
    "channels:read",  # names of the channels it answers in; that one was renamed, archived or left
    "chat:write",  # answers and edits
    "commands",  # the slash command
    "files:read",  # what is attached for a command; is an uploaded picture ready?
    "files:write",  # pictures
    "groups:history",  # the same as channels:history, in private channels
    "groups:read",  # the same as channels:read, of private channels
    "im:history",  # direct messages
    "im:write",  # open direct messages with somebody whom an alert is for
    "links:read",  # links to Azure that people post
    "links:write",  # a card below such a link
    "usergroups:read",  # who is in the user groups that the settings name
    "users:read",  # the asker's time zone, and whether they are a guest
)
"""Bot scopes, each with the reason it is there."""
EVENTS = (
    "app_mention",
    "app_uninstalled",  # nothing can be posted any more
    "app_home_opened",
    "channel_archive",
    "channel_deleted",
    "channel_id_changed",  # it was shared with another workspace, or is no more; of private ones too
    "channel_left",  # the bot was removed: Slack does not send it member_left_channel then
    "channel_rename",
    "channel_unarchive",
    "group_archive",  # group_*: the same of private channels
    "group_deleted",
    "group_left",
    "group_rename",
    "group_unarchive",
    "link_shared",
    "member_joined_channel",
    "message.im",
    "tokens_revoked",
)
"""Bot events, all within the scopes: what the bot is asked, and what becomes of the conversations where it posts."""
SHORTCUTS: tuple[dict[str, str], ...] = (
    {
        "name": "Ask about this message",
        "type": "message",
        "callback_id": ABOUT,
        "description": "Show the jobs, tasks, pools and nodes it names",
    },
    {"name": "Ask batchbot", "type": "global", "callback_id": ASK, "description": "Ask about Azure Batch"},
)
"""The menu of a message, and the one of everything. A name has 24 characters at most, a description 150."""
_HINT = 1000
_HEAD = "# Made by `batchbot manifest`; a test holds it against the commands. Put your own address in.\n"


def manifest(registry: Registry, *, url: str, socket: bool = False, name: str = "batch") -> str:
    """The manifest as YAML. ``url`` is the bot's public address; with ``socket`` none is needed or named."""
    address = f"{url.rstrip('/')}/slack/events"
    hints = " | ".join(command.path for command in registry.menu())
    slash: dict[str, Any] = {
        "command": f"/{name}",
        "description": "Ask about Azure Batch: pools, nodes, jobs, tasks, usage",
        "usage_hint": hints[:_HINT],
        "should_escape": False,
    }
    events: dict[str, Any] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if not socket:
        slash["url"] = events["request_url"] = interactivity["request_url"] = address
        interactivity["message_menu_options_url"] = address  # names while somebody types
    manifest = {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Batch Bot",
            "description": "Run Azure Batch from Slack",
            "long_description": (
                "Inspect every pool, node, job and task of your Azure Batch accounts where your team talks, see busy "
                "cores next to the ones you pay for, and find out why something does not run. Type the slash command, "
                "mention the bot in a channel or a thread, or write to it directly; every answer has the buttons for "
                "what comes next."
            ),
            "background_color": "#1f2937",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "batchbot", "always_online": True},
            "slash_commands": [slash],
            "shortcuts": list(SHORTCUTS),
            "unfurl_domains": list(LINKED_DOMAINS),
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }
    return _HEAD + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)
