"""Whoever asks without a pause holds up nobody else, and no alert."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.environment import Environment, environment

SLOWLY = 4
"""The fast clock's speed while seconds count."""
FEW = 10
"""Answers that come between a decision and its message at most: those that were on their way."""


async def test_an_alert_is_told_while_somebody_asks_without_a_pause(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        stage.account.inject.add_job("storm", "pool1", 400, seconds=3e6)
        await stage.begin()
        stage.time.speed = SLOWLY
        async with _flooded(stage):
            await stage.wait(60)  # more was asked than any limit lets through
            assert stage.account.inject.storm(["storm"], ["exit-137"], 400, 5) == {"storm": 400}
            await stage.until(lambda: stage.rows("SELECT 1 FROM outbox"), 900, "it is decided")
            rooms = (_in_slack, _in_teams)
            before = [len(room(stage)) for room in rooms]
            for room in rooms:
                await stage.until(lambda room=room: any("storm" in each for each in room(stage)), 60, "it is told")  # type: ignore[misc]
            for room, said in zip(rooms, before, strict=True):
                told = [number for number, each in enumerate(room(stage)) if "storm" in each]
                print(f"told after {told[0] - said} answers, before {len(room(stage)) - told[0] - 1} others")
                assert told[0] - said <= FEW


async def test_sixty_questions_of_one_person_make_nobody_else_wait(tmp_path: Path) -> None:
    async with environment(tmp_path) as stage:
        await stage.begin()
        stage.time.speed = SLOWLY
        asked = [f"help {word}" for word in ["pool list", "job list"] * 30]
        await asyncio.gather(*(stage.slack.command("viewer", "batch-ops", each) for each in asked))
        await asyncio.gather(*(stage.teams.say("viewer", stage.room, f"@Batch Bot {each}") for each in asked))
        before = [len(room(stage)) for room in (_in_slack, _in_teams)]
        await stage.slack.command("operator", "batch-ops", "help node list")
        await stage.teams.say("operator", stage.room, "@Batch Bot help node list")
        for said in (_said_in_slack, _said_in_teams):
            await stage.until(lambda said=said: "node list" in said(stage), 60, "the other is answered")  # type: ignore[misc]
        for room, count in zip((_in_slack, _in_teams), before, strict=True):
            place = next(number for number, each in enumerate(room(stage)) if "node list" in each)
            print(f"answered after {place - count} others, {count} before it was asked")
            assert place - count <= FEW
        for private in (_alone_in_slack, _alone_in_teams):
            await stage.until(lambda private=private: private(stage), 60, "whose share is used up is told")  # type: ignore[misc]
        stage.time.speed = 40
        open_ = "SELECT 1 FROM journal WHERE state IN ('received', 'started')"
        await stage.until(lambda: not stage.rows(open_), 900, "everything is answered")
        await stage.looked()
        assert [len(private(stage)) for private in (_alone_in_slack, _alone_in_teams)] == [1, 1], "once, and alone"
        assert "You ask faster" not in _said_in_slack(stage) + _said_in_teams(stage)


@asynccontextmanager
async def _flooded(stage: Environment) -> AsyncIterator[None]:
    """A viewer asks for help in both channels every 0.8 s."""

    async def floods() -> None:
        while True:
            asking = [
                asyncio.create_task(stage.slack.command("viewer", "batch-ops", "help")),
                asyncio.create_task(stage.teams.say("viewer", stage.room, "@Batch Bot help")),
            ]
            await stage.wait(0.8)
            await asyncio.gather(*asking, return_exceptions=True)

    flood = asyncio.create_task(floods())
    try:
        yield
    finally:
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)


def _in_slack(stage: Environment) -> list[str]:
    """What the bot said in the channel, in the order in which it came."""
    return [each["text"] for each in stage.slack.history_of("batch-ops")]


def _in_teams(stage: Environment) -> list[str]:
    return [each["summary"] for each in stage.teams.history_of(stage.room, "bot")]


def _channel(stage: Environment) -> str:
    return next(str(each["id"]) for each in stage.slack.channels if each["name"] == "batch-ops")


def _said_in_slack(stage: Environment) -> str:
    return json.dumps(stage.slack.messages(_channel(stage)), default=str)


def _said_in_teams(stage: Environment) -> str:
    return json.dumps(stage.teams.history_of(stage.room, "bot"), default=str)


def _alone_in_slack(stage: Environment) -> list[str]:
    mine = next(
        each["id"] for each in stage.slack.channels if each["kind"] == "im" and _is_viewer(stage, each["person"])
    )
    return [each["text"] for each in stage.slack.messages(mine) if "You ask faster" in each["text"]]


def _is_viewer(stage: Environment, person: str) -> bool:
    return any(each["id"] == person and each["role"] == "viewer" for each in stage.slack.people)


def _alone_in_teams(stage: Environment) -> list[str]:
    found = []
    for room in stage.teams.conversations.values():
        if room["kind"] == "personal":
            said = json.dumps(stage.teams.history_of(room["id"], "bot"), default=str)
            found += ["told"] * said.count("You ask faster than I answer one person.")
    return found
