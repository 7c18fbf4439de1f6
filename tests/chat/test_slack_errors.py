"""What Slack's refusals mean for a message: whether it is sent again, and when."""

from __future__ import annotations

import pytest

from bot.chat.slack.errors import judged_response


@pytest.mark.parametrize(
    ("status", "body", "why", "everywhere"),
    [
        (429, "rate_limited", "later", False),
        (503, "", "later", True),
        (500, "", "doubt", True),
        (502, "bad gateway", "doubt", True),
        (499, "", "refused", False),
        (400, "invalid_blocks", "refused", False),
        (403, "", "gone", False),
        (404, "used_url", "gone", False),
        (410, "", "gone", False),
        (404, " expired_url\n", "gone", False),
    ],
)
def test_an_answer_of_a_response_url(status: int, body: str, why: str, everywhere: bool) -> None:
    found = judged_response(status, body, {"Retry-After": "7"})
    assert (found.why, found.everywhere) == (why, everywhere)
    assert found.code == (body.strip() or str(status))
    assert found.wait == (7 if status == 429 else None)
