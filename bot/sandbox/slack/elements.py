"""What blocks are made of: options, dialogs and interactive elements, each with its limits.

Where sources give different limits, the smaller one holds. Images by ``image_url`` must lie where Slack could fetch
them: an address of the machine itself or of a private network is refused as Slack does.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.slack.shape import (
    Check,
    Findings,
    anything,
    exactly_one,
    flag,
    many,
    one_of,
    plain,
    shape,
    string,
    text,
    typed,
    url,
    whole,
)

# composition objects ---------------------------------------------------------------------------------------------

ID = string(255)
STYLE = one_of("primary", "danger")
CONFIRM = shape({"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE})


def _option(words: Check, **more: Check) -> Check:
    return shape({"text": words, "value": string(75)}, {"description": text(75), **more})


OPTION = _option(plain(75))
RICH_OPTION = _option(text(75))
MENU_OPTION = _option(plain(75), url=url(3000))
GROUP = shape({"label": plain(75), "options": many(OPTION, 100)})
DISPATCH = shape({"trigger_actions_on": many(one_of("on_enter_pressed", "on_character_entered"), 2)})
FILTER = shape(
    {},
    {
        "include": many(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
)


def _fetchable(value: str, at: str, findings: Findings) -> None:
    host = (urlsplit(value).hostname or "").lower()
    try:
        private = not ipaddress.ip_address(host).is_global
    except ValueError:
        private = "." not in host or host.endswith((".local", ".localhost", ".internal"))
    if private:
        findings.add("downloading image failed", at)


def _image_url(value: object, at: str, findings: Findings) -> None:
    before = len(findings.words)
    url(3000)(value, at, findings)
    if len(findings.words) == before:
        _fetchable(str(value), at, findings)


def _slack_file(value: dict[str, object], at: str, findings: Findings) -> None:
    if not findings.file_ready(value):
        findings.add("invalid slack file", at)


SLACK_FILE = shape({}, {"id": string(255), "url": string(3000)}, exactly_one("id", "url"), _slack_file)
PICTURE: dict[str, Check] = {"image_url": _image_url, "slack_file": SLACK_FILE}


# elements --------------------------------------------------------------------------------------------------------


def _initial_is_an_option(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    options = list(value.get("options") or ())
    options += [option for group in value.get("option_groups") or () for option in group["options"]]
    first = [value["initial_option"]] if value.get("initial_option") else list(value.get("initial_options") or ())
    keys = {(option["value"], option["text"]["text"]) for option in options}
    if any((option["value"], option["text"]["text"]) not in keys for option in first):
        findings.add("initial option must be one of the options", at)


def _range(low: str, high: str) -> Check:
    def check(value: Mapping[str, Any], at: str, findings: Findings) -> None:
        if value.get(low) is not None and value.get(high) is not None and float(value[low]) > float(value[high]):
            findings.add(f"{low} must not be greater than {high}", at)

    return check


def _element(kind: str, required: dict[str, Check], optional: dict[str, Check], *also: Check) -> tuple[str, Check]:
    return kind, shape({"type": anything, **required}, {"action_id": ID, **optional}, *also)


_CHOICE: dict[str, Check] = {"placeholder": plain(150), "confirm": CONFIRM, "focus_on_load": flag}
_INPUT: dict[str, Check] = {"placeholder": plain(150), "focus_on_load": flag, "dispatch_action_config": DISPATCH}
_MANY: dict[str, Check] = {"max_selected_items": whole(1, 100)}
OPTIONS: dict[str, Check] = {"options": many(OPTION, 100), "option_groups": many(GROUP, 100)}
_ONE_SOURCE = exactly_one("options", "option_groups")
_ANSWERS: dict[str, Check] = {"response_url_enabled": flag}
_CONVERSATIONS: dict[str, Check] = {"default_to_current_conversation": flag, "filter": FILTER}
_TEXT_RANGE: dict[str, Check] = {"min_length": whole(0, 3000), "max_length": whole(1, 3000)}

ELEMENTS: dict[str, Check] = dict(
    [
        _element(
            "button",
            {"text": plain(75)},
            {
                "value": string(2000),
                "url": url(3000, "http", "https", "mailto", "slack"),
                "style": STYLE,
                "confirm": CONFIRM,
                "accessibility_label": string(75),
            },
        ),
        _element("overflow", {"options": many(MENU_OPTION, 5)}, {"confirm": CONFIRM}),
        _element(
            "static_select",
            {},
            {**_CHOICE, **OPTIONS, "initial_option": OPTION},
            _ONE_SOURCE,
            _initial_is_an_option,
        ),
        _element(
            "multi_static_select",
            {},
            {**_CHOICE, **OPTIONS, **_MANY, "initial_options": many(OPTION, 100)},
            _ONE_SOURCE,
            _initial_is_an_option,
        ),
        _element("external_select", {}, {**_CHOICE, "initial_option": OPTION, "min_query_length": whole(0, 150)}),
        _element(
            "multi_external_select",
            {},
            {**_CHOICE, **_MANY, "initial_options": many(OPTION, 100), "min_query_length": whole(0, 150)},
        ),
        _element("users_select", {}, {**_CHOICE, "initial_user": string()}),
        _element("multi_users_select", {}, {**_CHOICE, **_MANY, "initial_users": many(string(), 100)}),
        _element("channels_select", {}, {**_CHOICE, **_ANSWERS, "initial_channel": string()}),
        _element("multi_channels_select", {}, {**_CHOICE, **_MANY, "initial_channels": many(string(), 100)}),
        _element(
            "conversations_select", {}, {**_CHOICE, **_ANSWERS, **_CONVERSATIONS, "initial_conversation": string()}
        ),
        _element(
            "multi_conversations_select",
            {},
            {**_CHOICE, **_MANY, **_CONVERSATIONS, "initial_conversations": many(string(), 100)},
        ),
        _element(
            "checkboxes",
            {"options": many(RICH_OPTION, 10)},
            {"initial_options": many(RICH_OPTION, 10), "confirm": CONFIRM, "focus_on_load": flag},
            _initial_is_an_option,
        ),
        _element(
            "radio_buttons",
            {"options": many(RICH_OPTION, 10)},
            {"initial_option": RICH_OPTION, "confirm": CONFIRM, "focus_on_load": flag},
            _initial_is_an_option,
        ),
        _element("datepicker", {}, {**_CHOICE, "initial_date": string(10, 10)}),
        _element("timepicker", {}, {**_CHOICE, "initial_time": string(5, 5), "timezone": string(255)}),
        _element(
            "datetimepicker",
            {},
            {"initial_date_time": whole(10**9, 10**10 - 1), "confirm": CONFIRM, "focus_on_load": flag},
        ),
        _element(
            "plain_text_input",
            {},
            {**_INPUT, **_TEXT_RANGE, "initial_value": string(3000, 0), "multiline": flag},
            _range("min_length", "max_length"),
        ),
        _element("email_text_input", {}, {**_INPUT, "initial_value": string(255)}),
        _element("url_text_input", {}, {**_INPUT, "initial_value": url(3000)}),
        _element(
            "number_input",
            {"is_decimal_allowed": flag},
            {**_INPUT, "initial_value": string(), "min_value": string(), "max_value": string()},
            _range("min_value", "max_value"),
        ),
        _element("rich_text_input", {}, {**_INPUT, "initial_value": anything}),
        _element("file_input", {}, {"filetypes": many(string(), 100), "max_files": whole(1, 10)}),
        _element(
            "icon_button",
            {"icon": string(), "text": plain(75)},
            {
                "value": string(2000),
                "confirm": CONFIRM,
                "accessibility_label": string(75),
                "visible_to_user_ids": many(string(), 100),
            },
        ),
        _element(
            "feedback_buttons",
            {
                side: shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
                for side in ("positive_button", "negative_button")
            },
            {},
        ),
        (
            "image",
            shape({"type": anything, "alt_text": string(2000)}, PICTURE, exactly_one("image_url", "slack_file")),
        ),
    ]
)

_SELECTS = {
    f"{many_}{source}_select"
    for many_ in ("", "multi_")
    for source in ("static", "external", "users", "channels", "conversations")
}
_PICKS = _SELECTS | {"checkboxes", "radio_buttons", "datepicker", "timepicker"}
ACCESSORIES = _PICKS | {"button", "overflow", "image"}
ACTIONS = _PICKS | {"button", "overflow", "datetimepicker", "rich_text_input"}
INPUTS = _PICKS | {
    *("datetimepicker", "plain_text_input", "email_text_input", "url_text_input", "number_input"),
    *("rich_text_input", "file_input"),
}


def among(kinds: set[str]) -> Check:
    """One of these kinds of element."""
    return typed({kind: ELEMENTS[kind] for kind in kinds})
