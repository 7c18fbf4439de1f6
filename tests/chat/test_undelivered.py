"""What each refusal and each failure of a platform means for a message."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.chat.port import Undelivered
from bot.chat.slack import errors as slack
from bot.chat.slack.outbound import patiently
from bot.chat.teams import errors as teams
from bot.chat.teams.errors import TeamsError


def refusal(code: str = "", status: int = 200, **headers: str) -> SlackApiError:
    data = {"ok": False, "error": code} if code else {}
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers=headers, status_code=status
    )
    return SlackApiError("no", response)


def told(error: Undelivered) -> tuple[str, bool]:
    return error.why, error.everywhere


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refusal("ratelimited", 429, **{"Retry-After": "7"}), ("later", False)),
        (refusal("message_limit_exceeded"), ("later", False)),
        (refusal("service_unavailable", 503), ("later", True)),
        (refusal("", 503), ("later", True)),
        (refusal("", 502), ("doubt", True)),
        (refusal("", 504), ("doubt", True)),
        (refusal("internal_error"), ("doubt", True)),
        (refusal("fatal_error", 500), ("doubt", True)),
        (refusal("", 200), ("doubt", True)),
        (SlackApiError("no JSON", SimpleNamespace(status=502, headers={})), ("doubt", True)),
        (aiohttp.ServerDisconnectedError(), ("doubt", True)),
        (aiohttp.ClientOSError(), ("doubt", True)),
        (TimeoutError(), ("doubt", True)),
        (aiohttp.ConnectionTimeoutError(), ("later", True)),
        (aiohttp.ClientConnectorDNSError(SimpleNamespace(), OSError()), ("later", True)),  # type: ignore[arg-type]
        (refusal("channel_not_found"), ("gone", False)),
        (refusal("not_in_channel"), ("gone", False)),
        (refusal("is_archived"), ("gone", False)),
        (refusal("restricted_action"), ("gone", False)),
        (refusal("token_revoked"), ("gone", True)),
        (refusal("account_inactive"), ("gone", True)),
        (refusal("invalid_auth"), ("gone", True)),
        (refusal("missing_scope"), ("gone", True)),
        (refusal("message_not_found"), ("missing", False)),
        (refusal("thread_not_found"), ("missing", False)),
        (refusal("cant_update_message"), ("missing", False)),
        (refusal("invalid_blocks"), ("refused", False)),
        (refusal("msg_too_long"), ("refused", False)),
        (refusal("something_new"), ("refused", False)),
    ],
)
def test_slack(error: Exception, expected: tuple[str, bool]) -> None:
    assert told(slack.judged(error)) == expected


@pytest.mark.parametrize(("status", "passing"), [(502, True), (429, True), (200, False)])
def test_slack_is_out_too_where_its_answer_is_no_json(status: int, passing: bool) -> None:
    bare = SimpleNamespace(status=status, headers={})
    assert slack.is_passing(SlackApiError("no JSON", bare)) is passing


async def test_a_call_whose_answer_is_no_json_is_made_once() -> None:
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise SlackApiError("no JSON", SimpleNamespace(status=502, headers={}))

    with pytest.raises(SlackApiError):
        await patiently(call)
    assert calls == 1


def test_slack_says_how_long_to_wait() -> None:
    assert slack.judged(refusal("ratelimited", 429, **{"Retry-After": "7"})).wait == 7.0
    assert slack.judged(refusal("ratelimited", 429, **{"Retry-After": "soon"})).wait == 1.0
    assert slack.judged(refusal("is_archived")).wait is None


@pytest.mark.parametrize(
    ("status", "code", "edit", "expected"),
    [
        (429, "Throttled", False, ("later", False)),
        (412, "PreconditionFailed", False, ("later", False)),
        (500, "ServiceError", False, ("later", True)),
        (502, "ServiceError", False, ("later", True)),
        (503, "ServiceError", False, ("later", True)),
        (504, "ServiceError", False, ("later", True)),
        (401, "Unauthorized", False, ("later", True)),
        (0, "NoToken", False, ("later", True)),
        (0, "NoAnswer", False, ("doubt", True)),
        (0, "BadAnswer", False, ("doubt", False)),
        (0, "ServiceUrlRefused", False, ("gone", False)),
        (403, "MessageWritesBlocked", False, ("gone", False)),
        (403, "BotNotInConversationRoster", True, ("gone", False)),
        (403, "ForbiddenOperationException", False, ("gone", False)),
        (403, "BotDisabledByAdmin", False, ("gone", True)),
        (403, "NotEnoughPermissions", True, ("missing", False)),
        (404, "ConversationNotFound", True, ("gone", False)),
        (404, "ActivityNotFoundInConversation", False, ("missing", False)),
        (404, "NotFound", False, ("gone", False)),
        (404, "NotFound", True, ("missing", False)),
        (413, "RequestEntityTooLarge", False, ("refused", False)),
        (400, "BadSyntax", False, ("refused", False)),
    ],
)
def test_teams(status: int, code: str, edit: bool, expected: tuple[str, bool]) -> None:
    assert told(teams.judged(TeamsError(status, code, "told"), edit=edit)) == expected


def test_teams_says_how_long_to_wait_and_what_was_never_sent() -> None:
    assert teams.judged(TeamsError(429, "Throttled", "told", retry_after=9.0)).wait == 9.0
    assert told(teams.judged(TeamsError(0, "NoConnection", "refused", sent=False))) == ("later", True)
