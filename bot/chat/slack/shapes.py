"""The shapes of Slack's payloads, as far as the bot reads them: whatever else was signed is refused before it is read.

See https://docs.slack.dev/reference/interaction-payloads and https://docs.slack.dev/apis/events-api. A field that says
whose a person is (``user_team``, ``team_id``, …) may have any shape here: one that is odd makes them somebody else's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

_Text = str | None


class _Any(Struct):
    """Of every payload. ``team_id`` is the bot's own workspace, or that of whoever sent a slash command."""

    type: _Text = None
    team_id: _Text = None
    enterprise_id: _Text = None
    authorizations: list[dict[str, Any]] | None = None


class _Place(Struct):
    id: _Text = None
    name: _Text = None


class _User(Struct):
    id: str
    name: _Text = None


class _Container(Struct):
    type: _Text = None
    channel_id: _Text = None
    message_ts: _Text = None
    thread_ts: _Text = None
    is_app_unfurl: bool | None = None


class _Message(Struct):
    ts: _Text = None
    thread_ts: _Text = None
    text: _Text = None


class _State(Struct):
    values: dict[str, dict[str, dict[str, Any]]] | None = None


class _Block(Struct):
    type: _Text = None
    block_id: _Text = None
    element: dict[str, Any] | None = None


class _View(Struct):
    id: _Text = None
    hash: _Text = None
    type: _Text = None
    callback_id: _Text = None
    private_metadata: _Text = None
    state: _State | None = None
    blocks: list[_Block] | None = None


class _Option(Struct):
    value: _Text = None


class _Action(Struct):
    type: _Text = None
    action_id: _Text = None
    block_id: _Text = None
    value: _Text = None
    selected_option: _Option | None = None


class _Pressed(_Any, kw_only=True):
    """Something was clicked, chosen, typed or submitted."""

    user: _User
    trigger_id: _Text = None
    response_url: _Text = None
    callback_id: _Text = None
    action_id: _Text = None
    block_id: _Text = None
    value: _Text = None
    channel: _Place | None = None
    team: _Place | None = None
    container: _Container | None = None
    message: _Message | None = None
    view: _View | None = None
    actions: list[_Action] | None = None


class _Clicked(_Pressed, kw_only=True):
    trigger_id: str
    actions: list[_Action]


class _Shortcut(_Pressed, kw_only=True):
    trigger_id: str
    callback_id: str


class _OnMessage(_Shortcut, kw_only=True):
    channel: _Place
    message: _Message


class _OfView(_Pressed, kw_only=True):
    view: _View


class _Event(Struct):
    type: str


class _Happened(_Any, kw_only=True):
    event: _Event
    event_id: str


class _File(Struct):
    id: _Text = None


class _Spoke(_Event, kw_only=True):
    """Somebody said something."""

    ts: str
    user: _Text = None
    channel: _Text = None
    subtype: _Text = None
    thread_ts: _Text = None
    channel_type: _Text = None
    text: _Text = None
    files: list[_File] | None = None


class _Said(_Happened, kw_only=True):
    event: _Spoke


class _InChannel(_Event, kw_only=True):
    user: _Text = None
    channel: str = ""


class _Changed(_Happened, kw_only=True):
    event: _InChannel


class _Channel(Struct):
    id: str
    name: _Text = None


class _Named(_Event, kw_only=True):
    channel: _Channel


class _Renamed(_Happened, kw_only=True):
    event: _Named


class _Link(Struct):
    url: _Text = None


class _WithLinks(_Event, kw_only=True):
    """Somebody posted links to what the app registered for. In a composer there is no channel yet."""

    channel: str
    message_ts: str
    links: list[_Link]
    user: _Text = None
    thread_ts: _Text = None
    source: _Text = None


class _Linked(_Happened, kw_only=True):
    event: _WithLinks


class _Tokens(Struct):
    bot: list[str] | None = None


class _Withdrawn(_Event):
    tokens: _Tokens | None = None


class _Revoked(_Happened, kw_only=True):
    event: _Withdrawn


_EVENTS: Mapping[str, type[Struct]] = {
    "message": _Said,
    "app_mention": _Said,
    "member_joined_channel": _Changed,
    "app_home_opened": _Changed,
    "channel_left": _Changed,
    "channel_archive": _Changed,
    "channel_unarchive": _Changed,
    "channel_deleted": _Changed,
    "channel_rename": _Renamed,
    "group_left": _Changed,
    "group_archive": _Changed,
    "group_unarchive": _Changed,
    "group_deleted": _Changed,
    "group_rename": _Renamed,
    "link_shared": _Linked,
    "tokens_revoked": _Revoked,
}
_PAYLOADS: Mapping[str, type[Struct]] = {
    "block_actions": _Clicked,
    "view_submission": _OfView,
    "view_closed": _OfView,
    "block_suggestion": _OfView,
    "message_action": _OnMessage,
    "shortcut": _Shortcut,
}


def is_shaped(body: Mapping[str, Any]) -> bool:
    """Whether a payload has the shape that Slack gives it. Of kinds that the bot does not read little is asked."""
    kind, event = body.get("type"), body.get("event")
    if kind == "event_callback":
        what = event.get("type") if isinstance(event, dict) else None
        shape = _EVENTS.get(what, _Happened) if isinstance(what, str) else _Happened
    else:
        shape = _PAYLOADS.get(kind, _Any) if isinstance(kind, str) else _Any
    try:
        msgspec.convert(body, shape)
    except msgspec.ValidationError:
        return False
    return True
