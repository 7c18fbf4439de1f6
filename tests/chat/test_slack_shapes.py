"""What Slack signs in no shape of its own is answered 400 in one line, or asks nothing."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.cases.test_outsiders import asked_on_slack
from tests.chat.test_suggestions import Room, room

__all__ = ["room"]

WAYS = ("mention", "message", "click", "form", "typing", "shortcut")
ODD: tuple[Any, ...] = (["T0OTHER"], {"id": "T0OTHER"}, 5, None, "")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload, the whole of it excepted."""
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from leaves(each, (*path, key))


def odd_ones(payload: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The payload with one place of it changed."""
    for path in leaves(payload):
        for odd in ODD:
            changed: Any = copy.deepcopy(payload)
            at = changed
            for key in path[:-1]:
                at = at[key]
            if at[path[-1]] != odd:
                at[path[-1]] = odd
                yield f"{'.'.join(map(str, path))} = {odd!r}", changed


async def post(room: Room, session: aiohttp.ClientSession, kind: str, payload: dict[str, Any]) -> int:
    body = json.dumps(payload) if kind == "event" else urlencode({"payload": json.dumps(payload)})
    stamp, secret = str(int(time.time())), room.workspace.settings.signing_secret
    proof = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    content = "application/json" if kind == "event" else "application/x-www-form-urlencoded"
    headers = {"Content-Type": content, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={proof}"}
    async with session.post(room.server.make_url("/slack/events"), data=body, headers=headers) as answer:
        return answer.status


@pytest.mark.parametrize("way", WAYS)
async def test_no_shape_of_a_signed_payload_makes_a_traceback(
    way: str, room: Room, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, payload = asked_on_slack({"way": way, "by": {}})
    failed = []
    with caplog.at_level(logging.WARNING):
        async with aiohttp.ClientSession() as session:
            for what, changed in odd_ones(payload):
                status = await post(room, session, kind, changed)
                if status >= 500:
                    failed.append(what)
    await room.intake.done()
    assert not failed
    assert not [record.getMessage() for record in caplog.records if record.exc_info]
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err


async def test_an_odd_speaker_is_told_in_one_line(
    room: Room, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    _, payload = asked_on_slack({"way": "mention", "by": {"user": ["U0VIEWER1"]}})
    async with aiohttp.ClientSession() as session:
        assert await post(room, session, "event", payload) == 400
    told = capsys.readouterr().out + "".join(record.getMessage() for record in caplog.records)
    assert told.count("slack.refused") == 1
    assert not room.intake.asked
