"""Pictures on Slack: in what one person alone sees, and after the program ended before they came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from msgspec.structs import replace

from bot.chat.request import CommandRequest, Conversation
from bot.chat.slack.adapter import Slack
from bot.chat.slack.owed import OwedPictures
from bot.chat.slack.settings import SlackSettings
from bot.secrets import Secret
from cards.build import bold, text
from cards.card import Card, Picture
from tests.chat import test_slack
from tests.chat.fakes import asked
from tests.chat.test_slack import _CHART, _NOW, _PNG, SlackHarness

ALT = "58 % busy since Monday"


@pytest.fixture
async def harness() -> AsyncIterator[SlackHarness]:
    async for made in test_slack._harness("http"):
        made.intake.card = private
        yield made


def pictured(title: str = "usage") -> Card:
    return Card(title=text(bold(title)), as_of=_NOW, blocks=(Picture("usage", ALT, _CHART, "Usage"),))


def private(request: CommandRequest) -> Card:
    return replace(pictured(), private=True)


def ops(harness: SlackHarness) -> Conversation:
    return Conversation("slack", next(each["id"] for each in harness.workspace.channels if each["name"] == "batch-ops"))


async def told(harness: SlackHarness) -> list[dict[str, Any]]:
    """The blocks of the one answer that the viewer, and nobody else, sees."""
    await harness.workspace.command("viewer", "batch-ops", "cost preview")
    await harness.until(lambda: [each for each in mine(harness) if each.get("blocks")])
    [message] = mine(harness)
    assert "follows" not in str(message)
    assert ALT in str(message["blocks"]).replace("\\xa0", " ")
    return list(message["blocks"])


def mine(harness: SlackHarness) -> list[dict[str, Any]]:
    return [each for each in harness.workspace.messages("batch-ops", viewer="viewer") if each.get("bot_id")]


@asynccontextmanager
async def host(harness: SlackHarness, body: bytes, status: int = 200) -> AsyncIterator[None]:
    """Somebody who answers where Slack fetches ``https://bot.example.com``, and where pictures are lent out."""

    async def answer(request: web.Request) -> web.Response:
        right = request.path_qs == "/pictures/1.png?exp=1&sig=2"
        return web.Response(body=body, status=status if right else 403, content_type="image/png")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    harness.workspace.hosts["bot.example.com"] = f"http://127.0.0.1:{runner.addresses[0][1]}"
    harness.pictures.address = "https://bot.example.com"
    try:
        yield
    finally:
        await runner.cleanup()


async def test_an_answer_for_one_person_has_its_picture_by_a_link(harness: SlackHarness) -> None:
    async with host(harness, _PNG):
        image = next(block for block in await told(harness) if block["type"] == "image")
    assert image["image_url"] == "https://bot.example.com/pictures/1.png?exp=1&sig=2"
    assert image["alt_text"] == ALT


@pytest.mark.parametrize("address", ["", "http://127.0.0.1:8080"])
async def test_without_an_address_that_slack_reaches_it_is_told_in_words(harness: SlackHarness, address: str) -> None:
    harness.pictures.address = address
    assert "image" not in [block["type"] for block in await told(harness)]
    assert "could not" not in str(mine(harness))


async def test_one_that_cannot_be_drawn_is_told_in_words(harness: SlackHarness) -> None:
    harness.pictures.address, harness.pictures.broken = "https://bot.example.com", True
    assert "image" not in [block["type"] for block in await told(harness)]


@pytest.mark.parametrize(("body", "status"), [(_PNG, 404), (b"<html>sign in</html>", 200)])
async def test_what_slack_cannot_fetch_is_told_in_words(harness: SlackHarness, body: bytes, status: int) -> None:
    async with host(harness, body, status):
        assert "image" not in [block["type"] for block in await told(harness)]


@asynccontextmanager
async def next_run(harness: SlackHarness) -> AsyncIterator[Slack]:
    """Another run of the program on the same database, after one that ended without a word."""
    workspace = harness.workspace
    slack = Slack(
        SlackSettings(mode="http", api_url=workspace.api_url),
        harness.store,  # type: ignore[arg-type]
        harness.pictures,
        bot_token=Secret(workspace.settings.bot_token),
        signing_secret=Secret(workspace.settings.signing_secret),
    )
    await slack.start(harness.intake)
    try:
        yield slack
    finally:
        await slack.stop()


def image(harness: SlackHarness) -> bool:
    return any("slack_file" in block for block in harness.bot_messages()[0]["blocks"])


async def ended_early(harness: SlackHarness) -> str:
    """Post a card and end before its picture is there; returns the message."""
    stamp, _ = await harness.slack.post_once(ops(harness), pictured(), "k1")
    harness.slack._following.close()
    return stamp


async def test_a_picture_that_did_not_come_is_brought_by_the_next_run(harness: SlackHarness) -> None:
    await ended_early(harness)
    assert "follows" in str(harness.bot_messages()[0])
    async with next_run(harness):
        await harness.until(lambda: image(harness) and not harness.store.set)
    assert len(harness.bot_messages()) == 1
    assert "follows" not in str(harness.bot_messages()[0])


async def test_it_does_not_bring_back_a_card_that_was_replaced(harness: SlackHarness) -> None:
    message = await ended_early(harness)
    harness.workspace.faults.errors["files.completeUploadExternal"] = ["internal_error"]
    async with next_run(harness) as slack:
        newer = Card(title=text(bold("newer")), as_of=_NOW)
        await slack.answer(asked(ops(harness), how="edit", message=message), newer)
        assert not harness.store.set
    async with next_run(harness):
        pass
    assert "newer" in harness.bot_messages()[0]["text"]


async def test_an_outage_is_sat_out(harness: SlackHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.chat.slack.following._AGAIN_SECONDS", 0.1)
    harness.workspace.faults.errors["chat.update"] = ["internal_error", "internal_error"]
    await harness.slack.post_once(ops(harness), pictured(), "k1")
    await harness.until(lambda: image(harness) and not harness.store.set)


async def test_what_is_too_old_or_gone_is_given_up(harness: SlackHarness) -> None:
    await ended_early(harness)
    [key] = harness.store.set
    kept = harness.store.set[key]
    harness.store.set[key] = type(kept)(kept.name, kept.value, kept.at - timedelta(days=2))
    harness.workspace.faults.errors["chat.update"] = ["internal_error"] * 4
    async with next_run(harness):
        await harness.until(lambda: not harness.store.set)
    harness.workspace.faults.errors.clear()
    await OwedPictures(harness.store).note(ops(harness).id, "1.000001", pictured(), modern=False)  # type: ignore[arg-type]
    async with next_run(harness):
        await harness.until(lambda: not harness.store.set)


async def test_a_picture_that_slack_refuses_is_told_in_words(harness: SlackHarness) -> None:
    harness.workspace.faults.errors["chat.update"] = ["invalid_blocks"]
    await harness.slack.post_once(ops(harness), pictured(), "k1")
    await harness.until(lambda: "could not be delivered" in str(harness.bot_messages()[0]) and not harness.store.set)


async def test_secrets_are_not_kept(harness: SlackHarness) -> None:
    secretive = replace(pictured("hunter2"), secrets=("hunter2",))
    await harness.slack.post_once(ops(harness), secretive, "k1")
    assert "hunter2" not in str(harness.store.set)
    await harness.until(lambda: image(harness))
