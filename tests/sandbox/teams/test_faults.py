"""Bad days on request: failures, lost answers, outages, repeated deliveries."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.sandbox.teams.scene import Scene, card

HELLO = {"type": "message", "text": "hello"}
EXECUTE = {"type": "Action.Execute", "title": "Go", "verb": "go"}
DONE = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "done"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (412, "PreconditionFailed"),
        (429, "Throttled"),
        (500, "ServiceError"),
        (502, "ServiceError"),
        (504, "ServiceError"),
    ],
)
async def test_a_planned_failure_stores_nothing_and_passes(stage: Scene, status: int, code: str) -> None:
    path = f"/{stage.chat('viewer')}/activities"
    stage.teams.faults.fail(status, times=2)
    for _ in range(2):
        got, body, headers = await stage.call("POST", path, HELLO)
        assert (got, body["error"]["code"]) == (status, code)
        assert ("Retry-After" in headers) == (status == 429)
    assert stage.teams.messages("viewer") == []
    assert (await stage.call("POST", path, HELLO))[0] == 201


async def test_a_failure_of_one_conversation(stage: Scene) -> None:
    stage.teams.faults.fail(429, chat=stage.chat("general"), retry_after=7)
    await stage.post("viewer", text="hello")
    _, _, headers = await stage.call("POST", f"/{stage.chat('general')}/activities", HELLO)
    assert headers["Retry-After"] == "7"
    with pytest.raises(ValueError, match="418"):
        stage.teams.faults.fail(418)


async def test_a_lost_answer_is_stored(stage: Scene) -> None:
    stage.teams.faults.lose_answers()
    with pytest.raises(aiohttp.ClientError):
        await stage.call("POST", f"/{stage.chat('viewer')}/activities", HELLO)
    assert len(stage.teams.messages("viewer")) == 1
    await stage.post("viewer", text="again")
    assert len(stage.teams.messages("viewer")) == 2


async def test_an_outage_takes_nothing(stage: Scene) -> None:
    stage.teams.faults.outage = True
    for method, path in (("POST", "activities"), ("GET", "members")):
        with pytest.raises(aiohttp.ClientError):
            await stage.call(method, f"/{stage.chat('viewer')}/{path}", HELLO)
    assert stage.teams.messages("viewer") == []
    stage.teams.faults.clear()
    await stage.post("viewer", text="hello")


async def test_an_activity_may_come_twice(stage: Scene) -> None:
    shown = await stage.show(card(actions=[EXECUTE]))
    stage.bot.answers["adaptiveCard/action"] = DONE
    stage.teams.faults.repeat()
    assert (await stage.teams.execute("viewer", "viewer", shown, EXECUTE))["text"] == "done"
    first, second = stage.bot.got
    assert first == second
    await stage.teams.say("viewer", "viewer", "once")
    assert len(stage.bot.got) == 3


async def test_a_second_delivery_helps_where_the_first_failed(stage: Scene) -> None:
    answers = iter([web.Response(status=503), web.json_response(DONE)])

    async def answer(_activity: dict[str, Any]) -> web.Response:
        return next(answers)

    stage.bot.answers["adaptiveCard/action"] = answer
    shown = await stage.show(card(actions=[EXECUTE]))
    stage.teams.faults.repeat(after=0.05)
    assert (await stage.teams.execute("viewer", "viewer", shown, EXECUTE))["shown"] == "message"


async def test_a_bot_that_is_late_or_absent(stage: Scene) -> None:
    async def sleep(_activity: dict[str, Any]) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    shown = await stage.show(card(actions=[EXECUTE]))
    stage.bot.answers["adaptiveCard/action"] = sleep
    stage.teams.invoke_seconds = 0.05
    got = await stage.teams.execute("viewer", "viewer", shown, EXECUTE)
    assert (got["shown"], got["reason"]) == ("error", "BotTimedOut: no answer within 0.05 s")
    stage.teams.bot_url = "http://127.0.0.1:1/api/messages"
    got = await stage.teams.execute("viewer", "viewer", shown, EXECUTE)
    assert got["reason"].startswith("BotUnreachable")
    # What a person writes stays written.
    await stage.teams.say("viewer", "viewer", "anyone?")
    assert stage.teams.messages("viewer")[-1]["text"] == "anyone?"
    assert [record["code"] for record in stage.teams.refused] == ["BotTimedOut", "BotUnreachable", "BotUnreachable"]
