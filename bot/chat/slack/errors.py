"""What each refusal and each failure of Slack means for a message.

The codes are those that Slack documents for chat.postMessage, chat.update and conversations.history.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.chat.port import ChatStartError, Undelivered
from bot.clock import asked_wait

_OUT = {
    *("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "org_login_required"),
    *("missing_scope", "not_allowed_token_type", "no_permission", "ekm_access_denied", "access_denied"),
    *("two_factor_setup_required", "enterprise_is_restricted", "accesslimited", "team_access_not_granted"),
}
"""The app was removed from the workspace, or must be installed anew."""
_GONE = {
    *("channel_not_found", "not_in_channel", "is_archived", "restricted_action", "messages_tab_disabled"),
    *("restricted_action_read_only_channel", "restricted_action_thread_only_channel", "channel_type_not_supported"),
    *("user_not_found", "user_disabled", "cannot_dm_bot", "slack_connect_canvas_sharing_blocked", "team_not_found"),
}
_MISSING = {
    *("message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"),
    *("cannot_reply_to_message", "restricted_action_non_threadable_channel"),
}
_LATER = {
    *("ratelimited", "rate_limited", "message_limit_exceeded", "request_timeout", "external_channel_migrating"),
    "service_unavailable",
}
_DOUBT = {"fatal_error", "internal_error"}
"""Slack: "it's possible some aspect of the operation succeeded before the error was raised"."""
_EVERYWHERE = {"service_unavailable", "fatal_error", "internal_error", "team_added_to_org"}
_PASSING = {"service_unavailable", "internal_error", "fatal_error", "ratelimited", "request_timeout"}


class SlackStartError(ChatStartError):
    """Slack does not accept the bot; the message says what to mend."""


def is_passing(error: SlackApiError) -> bool:
    """Whether Slack is out or busy, rather than refusing."""
    return status_of(error) >= 500 or status_of(error) == 429 or code_of(error) in _PASSING


def status_of(error: SlackApiError) -> int:
    """The HTTP status. A body that is no JSON comes as aiohttp's bare response, which calls it ``status``."""
    return int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0))


def code_of(error: SlackApiError) -> str:
    """Slack's error code."""
    data = getattr(error.response, "data", None)  # a body that is no JSON comes as aiohttp's bare response
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def judged(error: Exception) -> Undelivered:
    """What a failed call means for the message."""
    if isinstance(error, SlackApiError):
        return _refused(error)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Undelivered("later", type(error).__name__, everywhere=True)  # no connection, so nothing was sent
    return Undelivered("doubt", type(error).__name__, everywhere=True)


def _refused(error: SlackApiError) -> Undelivered:
    code, status = code_of(error), status_of(error)
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return Undelivered("later", code or "ratelimited", wait=_seconds(error.response.headers))
    if code in _LATER or status == 503:
        return Undelivered("later", code or str(status), everywhere=code in _EVERYWHERE or status == 503)
    if code in _DOUBT or status >= 500 or (status == 200 and not code):
        return Undelivered("doubt", code or str(status), everywhere=True)
    if code in _OUT or status in {401, 403}:
        return Undelivered("gone", code or str(status), everywhere=True)
    if code in _GONE:
        return Undelivered("gone", code)
    return Undelivered("missing" if code in _MISSING else "refused", code or str(status))


def judged_response(status: int, body: str, headers: Mapping[str, str]) -> Undelivered:
    """The same for an answer to a response_url, which says its code as plain text."""
    code = body.strip()[:60] or str(status)
    if status == 429:
        return Undelivered("later", code, wait=_seconds(headers))
    if status >= 500:
        return Undelivered("later" if status == 503 else "doubt", code, everywhere=True)
    return Undelivered("gone" if status in {403, 404, 410} else "refused", code)


def _seconds(headers: Mapping[str, str]) -> float:
    return max(1.0, asked_wait(headers.get("Retry-After")) or 0.0)
