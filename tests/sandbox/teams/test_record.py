"""What is counted: every attempt to write with its outcome, and every message with its times, by the clock."""

from __future__ import annotations

import aiohttp
import pytest

from bot.sandbox.teams import TeamsStandIn
from bot.sandbox.teams.faults import FOREVER
from tests.sandbox.teams.scene import APP, Bot, Clock, Scene, card, verify

HELLO = {"type": "message", "text": "hello"}


async def test_a_message_is_remembered_with_its_times_also_when_it_is_gone(stage: Scene) -> None:
    start, path = stage.clock.now, f"/{stage.chat('general')}/activities"
    stage.clock.now += 30
    shown = await stage.show(card(), "general")
    _, answer, _ = await stage.call("POST", f"/{stage.chat('general')};messageid={shown}/activities", HELLO)
    stage.clock.now += 31
    for words in ("resolving", "resolved"):
        await stage.call("PUT", f"{path}/{shown}", {"type": "message", "text": words})
        stage.clock.now += 1
    await stage.call("DELETE", f"{path}/{answer['id']}")
    await stage.teams.say("viewer", "general", "thanks")
    alert, gone = stage.teams.history_of("general", "bot")
    assert len(stage.teams.history_of("general")) == 3
    assert alert == {
        "id": shown,
        "thread": "",
        "from": "bot",
        "text": "resolved",
        "summary": "",
        "posted": start + 30,
        "edits": [start + 61, start + 62],
        "deleted": None,
    }
    assert (gone["id"], gone["thread"], gone["deleted"]) == (answer["id"], shown, start + 63)


async def test_every_attempt_is_noted_with_its_outcome(stage: Scene) -> None:
    general, viewer, start = stage.chat("general"), stage.chat("viewer"), stage.clock.now
    shown = await stage.post("general", text="one")
    stage.clock.now += 1
    stage.teams.faults.fail(429, times=FOREVER, chat=general, retry_after=7)
    thread = {"isGroup": True, "channelData": {"channel": {"id": general}}, "activity": HELLO}
    assert (await stage.call("PUT", f"/{general}/activities/{shown}", HELLO))[0] == 429
    status, _, headers = await stage.call("POST", "", thread)
    assert (status, headers["Retry-After"]) == (429, "7")
    free = await stage.post("viewer", text="another conversation is free")
    stage.teams.faults.lift(general)
    stage.teams.faults.outage = True
    with pytest.raises(aiohttp.ClientError):
        await stage.call("POST", f"/{general}/activities", HELLO)
    stage.teams.faults.outage = False
    stage.teams.faults.lose_answers(chat=general)
    await stage.call("GET", f"/{general}/members")
    with pytest.raises(aiohttp.ClientError):
        await stage.call("POST", "", thread)
    _, created, _ = await stage.call("POST", "", thread)
    person = {"members": [{"id": stage.teams.people["viewer"]["id"]}], "tenantId": stage.teams.tenant_id}
    assert (await stage.call("POST", "", person))[0] == 201
    assert (await stage.call("DELETE", f"/{general}/activities/{shown}"))[0] == 200
    assert (await stage.call("POST", f"/{viewer}/activities", {"type": "typing"}))[0] == 201
    assert (await stage.call("POST", f"/{viewer}/activities/{free}", HELLO))[0] == 201
    assert (await stage.call("POST", f"/{viewer}/activities", HELLO, token=""))[0] == 401
    assert (await stage.call("POST", "", {"members": [{"id": "29:nobody"}]}))[0] == 400

    kept, lost, thread_root = stage.teams.history_of("general")
    assert (kept["deleted"], lost["text"]) == (stage.clock.now, "hello")
    assert created["activityId"] == thread_root["id"]
    reply = stage.teams.history_of("viewer")[-1]["id"]
    log = list(stage.teams.writes)
    assert [(each["act"], each["conversation"], each["id"], each["outcome"]) for each in log] == [
        ("send", general, shown, "ok"),
        ("update", general, shown, "Throttled"),
        ("create", general, "", "Throttled"),
        ("send", viewer, free, "ok"),
        ("send", general, "", "cut"),
        ("create", general, lost["id"], "lost"),
        ("create", general, thread_root["id"], "ok"),
        ("create", viewer, "", "ok"),
        ("delete", general, shown, "ok"),
        ("send", viewer, "", "ok"),
        ("reply", viewer, reply, "ok"),
        ("send", viewer, "", "Unauthorized"),
        ("create", "", "", "BadSyntax"),
    ]
    assert [each["at"] - start for each in log[:2]] == [0, 1]


async def test_waits_follow_the_scale_of_time() -> None:
    bot, clock = Bot(), Clock()
    await bot.server.start_server()
    teams = TeamsStandIn(
        app_id=APP,
        verify=verify,
        clock=clock,
        bot_url=str(bot.server.make_url("/api/messages")),
        time_scale=0.0,
    )
    await teams.start()
    try:
        async with aiohttp.ClientSession() as session:
            stage = Scene(teams, bot, clock, session)
            await teams.install("viewer")
            bot.got.clear()
            teams.faults.delay = 3_600.0
            teams.faults.repeat(after=3_600.0)
            await teams.say("viewer", "viewer", "twice")
            await stage.post("viewer", text="hello")
            teams.faults.clear()
            assert teams.faults.time_scale == 0.0
    finally:
        await teams.close()
        await bot.server.close()
    assert len(bot.got) == 2
    assert len(teams.history_of("viewer")) == 2


async def test_thousands_of_messages_are_counted(stage: Scene) -> None:
    for number in range(3_000):
        await stage.teams.say("viewer", "general", str(number))
    history = stage.teams.history_of("general")
    assert [message["text"] for message in history] == [str(number) for number in range(3_000)]
    assert stage.bot.got == []
