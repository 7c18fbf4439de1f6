"""Every recorded refusal becomes an error with the service's code and words for people."""

from __future__ import annotations

import json
import re

import pytest

from bot.azure.errors import AzureError, refusal
from tests.azure.recordings import body, recordings


def test_recorded_refusals_have_code_and_words() -> None:
    seen = [each for each in recordings() if each["status"] >= 400]
    assert len(seen) > 100
    for each in seen:
        error = refusal(each["status"], body(each), each["response_headers"])
        assert error.status == each["status"]
        assert error.code
        assert error.message
        told = f"{error} {error.values}"
        assert not re.search(r"RequestId|Time:|\n", told), told
        try:
            sent = json.loads(body(each))
        except json.JSONDecodeError:
            continue
        sent = sent.get("error", sent)
        assert error.code == sent["code"]
        words = sent["message"] if isinstance(sent["message"], str) else sent["message"]["value"]
        assert error.message == words.splitlines()[0].strip()
        if "RequestId:" in words:
            assert error.request_id in words
            assert error.request_id
        given = [*sent.get("values", ()), *sent.get("details", ())]
        assert len(error.values) == len({item.get("key") or item["code"] for item in given})


@pytest.mark.parametrize(
    ("status", "sent", "code", "message"),
    [
        (404, b"", "NotFound", "the service answered 404 Not Found without saying why"),
        (400, b"<html>Bad Request</html>", "BadRequest", "the service answered 400 Bad Request without saying why"),
        (299, b"[]", "Http299", "the service answered 299 HTTP 299 without saying why"),
        (500, b'{"code": 7, "message": 8}', "InternalServerError", None),
        (409, b'{"code": "X", "message": {"value": "a.\\r\\nb.\\r\\nRequestId:1\\r\\nTime:2"}}', "X", "a. b."),
        (403, b'\xef\xbb\xbf{"error": {"code": "X", "message": "no"}}', "X", "no"),
    ],
)
def test_odd_refusals(status: int, sent: bytes, code: str, message: str | None) -> None:
    error = refusal(status, sent, {})
    assert error.code == code
    assert message is None or error.message == message


def test_the_request_id_is_taken_from_the_headers_where_the_body_has_none() -> None:
    assert refusal(500, b"", {"request-id": "1-2"}).request_id == "1-2"
    assert refusal(500, b"", {"x-ms-request-id": "3-4"}).request_id == "3-4"


def test_throttling_is_known() -> None:
    assert AzureError("TooManyRequests", "", status=429).throttled
    assert AzureError("ServerBusy", "", status=503).throttled
    assert not AzureError("InternalError", "", status=500).throttled
