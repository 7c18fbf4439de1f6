"""The whole program against a Slack that is not ours, by Socket Mode and by signed HTTP: Bolt, payloads and files."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image

from bot.app import App
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.settings_file import check
from bot.tools.demo import free_port
from tests.e2e.local_slack import (
    APP_TOKEN,
    BOT,
    BOT_TOKEN,
    SIGNING_SECRET,
    LocalSlack,
    elements,
    everything,
    installed,
)

pytestmark = [pytest.mark.npm, pytest.mark.asyncio(loop_scope="module")]

VIEWER, OPERATOR, STRANGER = "U0VIEWER", "U0OPERATOR", "U0STRANGER"


@pytest.fixture(scope="module")
def program() -> Path:
    return installed()


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["socket", "http"])
async def slack(
    request: pytest.FixtureRequest, program: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LocalSlack]:
    """local-slack, the sandbox's Azure, and the program between them, as ``batchbot run`` builds it."""
    folder = tmp_path_factory.mktemp(request.param)
    listen = f"127.0.0.1:{free_port()}"
    events_url = f"http://{listen}/slack/events" if request.param == "http" else ""
    slack = LocalSlack(program, folder, events_url=events_url)
    azure = AzureSandbox(build("tiny", seed=1, clock=Clock()))
    with pytest.MonkeyPatch.context() as patch:
        try:
            await slack.start()
            await azure.start()
            patch.setenv("IDENTITY_ENDPOINT", azure.identity_endpoint)
            patch.setenv("IDENTITY_HEADER", azure.identity_header)
            patch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
            patch.setenv("SLACK_SIGNING_SECRET", SIGNING_SECRET)
            patch.setenv("SLACK_APP_TOKEN", APP_TOKEN)
            facts = azure.world.accounts["tiny"].facts
            settings = {
                "bot": {"listen": listen, "database": str(folder / "bot.db"), "prices_url": azure.prices_url},
                "slack": {"mode": request.param, "api_url": slack.api_url},
                "access": {"everyone": "none", "viewers": [f"slack:{VIEWER}"], "operators": [f"slack:{OPERATOR}"]},
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
            app = await App.open(check(settings, os.environ))
            try:
                await app.start()
                async with asyncio.timeout(120):  # its first look may take longer than the first question to come
                    while await app.store.known_range("tiny") is None:  # noqa: ASYNC110 - nothing tells of it
                        await asyncio.sleep(0.1)
                yield slack
                assert await slack.troubles() == []
            finally:
                await app.stop()
        finally:
            await azure.close()
            await slack.close()


@pytest_asyncio.fixture(loop_scope="module")
async def room(slack: LocalSlack) -> str:
    return await slack.room()


async def test_a_slash_command_is_answered_in_the_channel(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "pool list")
    answer = await slack.answer(room)
    assert answer["text"].startswith("● Pools in tiny · 1 · 3 nodes")
    assert "pool1" in everything(answer)
    assert "thread_ts" not in answer


async def test_a_mention_is_answered_in_its_thread(slack: LocalSlack, room: str) -> None:
    root = await slack.say(VIEWER, room, f"<@{BOT}> pool show “pool1”")
    first = await slack.answer(room)
    assert first["thread_ts"] == root
    assert first["text"].startswith("● Pool pool1 · ● steady · 3 nodes")
    await slack.say(OPERATOR, room, f"and <@{BOT}> home", thread=root)
    second = await slack.answer(room, after=1)
    assert second["thread_ts"] == root


async def test_a_direct_message_needs_no_mention(slack: LocalSlack) -> None:
    direct = await slack.direct(VIEWER)
    await slack.say(VIEWER, direct, "job list")
    answer = await slack.answer(direct, has="job1")
    assert "thread_ts" not in answer


async def test_talk_among_people_is_not_answered(slack: LocalSlack, room: str) -> None:
    await slack.say(VIEWER, room, "pool list")
    await slack.command(VIEWER, room, "help")
    await slack.answer(room, has="pool list")
    assert len(await slack.messages(room)) == 1


async def test_paging_edits_the_same_message(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "task list job1")
    first = await slack.answer(room, has="task-20")
    assert "task-21" not in everything(first)
    await slack.press(VIEWER, first, "Next ▶")
    second = await slack.answer(room, has="task-21", edited=True)
    assert "task-20" not in everything(second)
    await slack.press(OPERATOR, second, "◀ Previous")
    third = await slack.answer(room, has="task-20")
    assert third["ts"] == second["ts"] == first["ts"]
    assert len(await slack.messages(room)) == 1


async def test_a_menu_opens_what_was_chosen(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "pool list")
    await slack.choose(VIEWER, await slack.answer(room), "Open a pool", "pool1")
    assert "Pool pool1" in (await slack.answer(room, after=1))["text"]


async def test_a_form_opens_and_is_answered_in_the_thread_it_came_from(slack: LocalSlack, room: str) -> None:
    root = await slack.say(VIEWER, room, f"<@{BOT}> task list job1")
    await slack.press(VIEWER, await slack.answer(room), "Filter…")
    await slack.submit(VIEWER, await slack.modal(), state="active")
    answer = await slack.answer(room, after=1, has="active")
    assert answer["thread_ts"] == root
    assert "running" not in everything(answer)


async def test_a_picture_follows_its_card_and_changes_with_it(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "usage")
    day = await slack.answer(room, has='"slack_file"')
    assert "the last 24 hours" in day["text"]
    await slack.press(VIEWER, day, "1 h")
    hour = await slack.answer(room, has="the last hour")
    assert hour["ts"] == day["ts"]
    first, second = await _picture(slack, day), await _picture(slack, hour)
    assert first != second
    assert len(await slack.messages(room)) == 1


async def _picture(slack: LocalSlack, message: dict[str, Any]) -> str:
    """The file in a message, after a look at it."""
    image = next(block for block in message["blocks"] if block["type"] == "image")
    assert "cores" in image["alt_text"]
    told, content = await slack.file(image["slack_file"]["id"])
    assert (told["mimetype"], told["channels"]) == ("image/png", [])
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1600, 900))
    return str(told["id"])


async def test_everybody_is_answered_as_who_they_are(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "pool list")
    await slack.command(OPERATOR, room, "pool list")
    assert " UTC" in everything(await slack.answer(room)), "a channel goes by the bot's zone"
    assert " UTC" in everything(await slack.answer(room, after=1))
    await slack.command(STRANGER, room, "pool list")
    refusal = everything(await slack.answer(room, after=2))
    assert "needs the role viewer; yours is none" in refusal
    assert f"slack:{STRANGER}" in refusal


async def test_mistakes_are_answered_with_advice(slack: LocalSlack, room: str) -> None:
    await slack.command(VIEWER, room, "job frobnicate x y")
    unclear = await slack.answer(room, has="is not quite clear")
    assert [each["text"]["text"] for each in elements(unclear)][-1] == "Help"
    await slack.say(VIEWER, room, f"<@{BOT}> pool show pool2")
    unknown = await slack.answer(room, after=1, has="pool2")
    assert "pool1" in [each["text"]["text"] for each in elements(unknown) if each["type"] == "button"]


@pytest.mark.parametrize("slack", ["http"], indirect=True)
async def test_another_signing_secret_is_refused(slack: LocalSlack, program: Path, tmp_path: Path) -> None:
    impostor = LocalSlack(program, tmp_path, events_url=slack.events_url, secret="guessed")
    await impostor.start()
    try:
        room = await impostor.room()
        await impostor.command(VIEWER, room, "pool list")
        assert [entry["summary"] for entry in await impostor.log() if entry["direction"] == "from_bot"][
            -1
        ] == "HTTP 401"
    finally:
        await impostor.close()
