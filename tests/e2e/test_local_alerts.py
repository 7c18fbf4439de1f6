"""Alerts in a Slack that is not ours: told by themselves, edited to their end, acknowledged, over a power cut.

Time runs fast for Azure and for the program; local-slack knows none. It validates nothing, so that the shape of the
messages is not shown here (our own stand-in checks it), and it answers ``conversations.history`` without the metadata
by which a message is found whose answer a crash swallowed: that is shown with our own stand-in too (tests/acceptance).
Here the program is killed when Slack's answer is known to it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.tools.demo import free_port
from tests.acceptance.environment import PAST, calm
from tests.acceptance.fast_clock import FastTime
from tests.acceptance.program import Program
from tests.e2e.local_slack import (
    APP_TOKEN,
    BOT_TOKEN,
    SIGNING_SECRET,
    LocalSlack,
    elements,
    everything,
    installed,
    until,
)

pytestmark = pytest.mark.npm

VIEWER = "U0VIEWER"
SPEED = 20.0


@dataclass
class Stage:
    """A Slack with a channel that is told, an account that is well, and the program between them."""

    slack: LocalSlack
    azure: AzureSandbox
    program: Program
    room: str
    database: Path

    async def inject(self, kind: str, **more: Any) -> None:
        """Do something to the account, over the wire as anybody may."""
        url = f"{self.azure.endpoints['tiny']}/_sandbox/inject"
        async with aiohttp.ClientSession() as session, session.post(url, json={"kind": kind, **more}) as answer:
            assert answer.status == 200, await answer.text()

    async def settled(self) -> None:
        """Wait until all that was written is known to be in the channel as it should be."""

        async def done() -> bool:
            return self._rows("SELECT count(*) FROM outbox WHERE sent < version") == [(0,)]

        await until(done)

    async def looks(self, number: int) -> None:
        """Wait until the program has looked at the account so many times more."""
        for _ in range(number):
            before = self._rows("SELECT coalesce(max(at), 0) FROM cursors")

            async def later(before: list[tuple[Any, ...]] = before) -> bool:
                return self._rows("SELECT coalesce(max(at), 0) FROM cursors") > before

            await until(later)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as db:
            return list(db.execute(sql))


@pytest.fixture(scope="module")
def program() -> Path:
    return installed()


@pytest.fixture(params=["socket", "http"])
async def stage(request: pytest.FixtureRequest, program: Path, tmp_path: Path) -> AsyncIterator[Stage]:
    listen = f"127.0.0.1:{free_port()}"
    slack = LocalSlack(program, tmp_path, events_url=f"http://{listen}/slack/events" if request.param == "http" else "")
    fast = FastTime.begin(tmp_path / "time", SPEED)
    clock = Clock(fast.now() - PAST, source=fast.stamp)
    azure = AzureSandbox(build("tiny", seed=1, clock=clock))
    [account] = azure.world.accounts.values()
    calm(account)
    clock.advance(PAST)
    azure.world.settle()
    running: Program | None = None
    try:
        await slack.start()
        await azure.start()
        room = await slack.room()
        facts, database = account.facts, tmp_path / "bot.db"
        settings = {
            "bot": {"listen": listen, "database": str(database), "prices_url": azure.prices_url},
            "slack": {"mode": request.param, "api_url": slack.api_url},
            "access": {"everyone": "none", "viewers": [f"slack:{VIEWER}"]},
            "alerts": {"channels": [f"slack:{room}"]},
            "watch": {"poll_seconds": 10},
            "accounts": {
                "tiny": {
                    "endpoint": azure.endpoints["tiny"],
                    "account": "tiny",
                    "subscription": facts.subscription,
                    "resource_group": facts.resource_group,
                    "region": facts.location,
                    "arm_endpoint": azure.arm_url,
                    "credential": "managed_identity",
                }
            },
        }
        environment = {
            "IDENTITY_ENDPOINT": azure.identity_endpoint,
            "IDENTITY_HEADER": azure.identity_header,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_APP_TOKEN": APP_TOKEN,
        }
        running = Program(settings, environment, fast, tmp_path / "program.log")
        await running.start()
        yield Stage(slack, azure, running, room, database)
        assert "Traceback" not in running.said()
    finally:
        if running:
            await running.stop()
        await azure.close()
        await slack.close()


async def test_an_alert_is_told_acknowledged_and_resolved_in_one_message_over_power_cuts(stage: Stage) -> None:
    await stage.looks(2)
    assert await stage.slack.messages(stage.room) == []

    await stage.inject("break", pool="pool1")
    told = await stage.slack.answer(stage.room, has="unusable")
    assert told["text"].startswith("⚠️ pool pool1 has 1 unusable node of ")
    assert "open, warning" in everything(told)
    assert {each["text"]["text"] for each in elements(told) if each["type"] == "button"} >= {"Acknowledge", "More"}
    assert any(each.get("placeholder", {}).get("text") == "Snooze" for each in elements(told))

    await stage.settled()
    await stage.program.restart("kill")
    await stage.looks(2)
    assert [each["ts"] for each in await stage.slack.messages(stage.room)] == [told["ts"]]

    await stage.slack.press(VIEWER, told, "Acknowledge")
    taken = await stage.slack.answer(stage.room, has="acknowledged by viewer", edited=True)
    assert taken["ts"] == told["ts"]
    assert "Acknowledge" not in [each.get("text", {}).get("text") for each in elements(taken)]

    await stage.settled()
    await stage.program.kill()
    await stage.inject("heal", pool="pool1")  # it ends while nobody looks
    await stage.program.start()
    over = await stage.slack.answer(stage.room, has="resolved after")
    assert over["ts"] == told["ts"]
    assert over["text"].startswith("✔ pool pool1 has 1 unusable node")

    await stage.settled()
    await stage.looks(2)
    first, *replies = await stage.slack.messages(stage.room)
    assert first["ts"] == told["ts"]
    assert [each.get("thread_ts") for each in replies] == [told["ts"]] * len(replies)
    assert len(replies) <= 1  # its history, edited too


async def test_a_followed_log_says_after_a_power_cut_that_it_has_stopped(stage: Stage) -> None:
    await stage.looks(1)
    task = next(iter(next(iter(stage.azure.world.accounts.values())).job("steady").tasks))
    await stage.slack.command(VIEWER, stage.room, f"log steady {task} follow")
    lives = await stage.slack.answer(stage.room, has="following", edited=True)
    assert "Stop" in [each.get("text", {}).get("text") for each in elements(lives)]

    await stage.program.restart("kill")
    stopped = await stage.slack.answer(stage.room, has="the bot was restarted at", edited=True)
    assert stopped["ts"] == lives["ts"]
    assert "following" not in everything(stopped)
    assert next(each["text"]["text"] for each in elements(stopped) if each["type"] == "button") == "Go on"

    await stage.slack.press(VIEWER, stopped, "Go on")
    again = await stage.slack.answer(stage.room, has="following", edited=True)
    assert again["ts"] == lives["ts"]
    await stage.program.stop()
    over = await stage.slack.answer(stage.room, has="the bot was shut down", edited=True)
    assert "following" not in everything(over)
