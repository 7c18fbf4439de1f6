"""What the app receives, key for key as Slack sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.sandbox.slack.core import Core
from bot.sandbox.slack.model import Message
from bot.sandbox.slack.people import APP, BOT_USER, DOMAIN, TEAM, Channel, Json, Person
from bot.sandbox.slack.views import View

VERIFICATION = "sandbox-verification-token"
"""The old verification token; apps check signatures instead."""


def event(core: Core, about: Json) -> Json:
    """An Events API request."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "api_app_id": APP,
        "event": about,
        "type": "event_callback",
        "event_id": core.workspace.id("Ev"),
        "event_time": int(core.clock()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{core.workspace.id('', 40).lower()}",
    }


def command(core: Core, person: Person, channel: Channel, name: str, text: str) -> Json:
    """A slash command; every value is a text, as in a form."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": channel.told_name,
        "user_id": person.id,
        "user_name": person.name,
        "command": name,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": core.url + core.replies.issue("commands", person.id, channel.id),
        "trigger_id": core.triggers.issue(person.id),
    }


def _interaction(kind: str, person: Person) -> Json:
    return {
        "type": kind,
        "user": person.brief(),
        "api_app_id": APP,
        "token": VERIFICATION,
        "team": {"id": TEAM, "domain": DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _in_message(core: Core, message: Message, card: Json | None = None) -> Json:
    channel = core.workspace.channels[message.channel]
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.only_for),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    place: Json = {"container": container, "channel": {"id": channel.id, "name": channel.told_name}}
    if card:  # below a link: the message is a person's, and does not come along
        container |= {"type": "message_attachment", "attachment_id": card["id"], "is_app_unfurl": True}
        container["app_unfurl_url"] = card["app_unfurl_url"]
        return {**place, "app_unfurl": card}
    return place if message.only_for else {**place, "message": core.workspace.wire(message)}


def _in_view(view: View) -> Json:
    return {"container": {"type": "view", "view_id": view.id}, "view": view.wire()}


def message_action(
    core: Core, person: Person, message: Message, state: Json, action: Json, card: Json | None = None
) -> Json:
    """block_actions from a message, or from a ``card`` below a link in it."""
    return {
        **_interaction("block_actions", person),
        **_in_message(core, message, card),
        "trigger_id": core.triggers.issue(person.id),
        "state": {"values": state},
        "response_url": core.url + core.replies.issue("actions", person.id, message.channel, message.ts),
        "actions": [action],
    }


def shortcut(core: Core, person: Person, callback_id: str) -> Json:
    """A global shortcut: no channel, and the person's name under another key than elsewhere."""
    user = {"id": person.id, "username": person.name, "team_id": TEAM}
    return {
        "type": "shortcut",
        "token": VERIFICATION,
        "action_ts": core.workspace.ts(),
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": user,
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": callback_id,
        "trigger_id": core.triggers.issue(person.id),
    }


def message_shortcut(core: Core, person: Person, message: Message, callback_id: str) -> Json:
    """A shortcut of a message."""
    channel = core.workspace.channels[message.channel]
    return {
        **_interaction("message_action", person),
        "action_ts": core.workspace.ts(),
        "callback_id": callback_id,
        "trigger_id": core.triggers.issue(person.id),
        "response_url": core.url + core.replies.issue("app", person.id, channel.id),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel.told_name},
        "message": core.workspace.wire(message),
    }


def view_action(core: Core, person: Person, view: View, action: Json) -> Json:
    """block_actions from a modal or the Home tab."""
    return {
        **_interaction("block_actions", person),
        **_in_view(view),
        "trigger_id": core.triggers.issue(person.id, view.id),
        "actions": [action],
    }


def suggestion(
    core: Core, person: Person, where: Message | View, block: Mapping[str, Any], element: Mapping[str, Any], typed: str
) -> Json:
    """block_suggestion."""
    return {
        **_interaction("block_suggestion", person),
        **(_in_view(where) if isinstance(where, View) else _in_message(core, where)),
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "value": typed,
    }


def submission(core: Core, person: Person, view: View) -> Json:
    """view_submission; conversation inputs that ask for it get an address to answer at."""
    addresses = []
    for block in view.blocks:
        element = block.get("element") or {}
        if element.get("response_url_enabled"):
            chosen = view.state[block["block_id"]][element["action_id"]]
            if channel := chosen.get("selected_conversation") or chosen.get("selected_channel"):
                addresses.append(
                    {
                        "block_id": block["block_id"],
                        "action_id": element["action_id"],
                        "channel_id": channel,
                        "response_url": core.url + core.replies.issue("app", person.id, channel),
                    }
                )
    return {
        **_interaction("view_submission", person),
        "trigger_id": core.triggers.issue(person.id, view.id),
        "view": view.wire(),
        "response_urls": addresses,
    }


def closing(person: Person, view: View, *, cleared: bool) -> Json:
    """view_closed."""
    return {**_interaction("view_closed", person), "view": view.wire(), "is_cleared": cleared, "response_urls": []}
