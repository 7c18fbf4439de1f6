"""The Home tab on Slack, and home in a personal chat: what is worst, what is one's own, what is pinned."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from msgspec.structs import replace

from bot.chat.request import CommandRequest, Conversation, Person
from bot.chat.slack.home_tab import HomeTab
from bot.sandbox.slack.people import PEOPLE
from cards.build import text
from cards.card import Actions, Button, Card, plain
from cards.slack import render
from handlers.bot.own_home import _approval
from tests.golden import check
from tests.handlers.alert_service import CHAT, a_few, alerting, words
from tests.handlers.both_chats import Chats, chats
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still
from tests.storage.contract import approval


def _drawn(both: Chats, user: str = "viewer") -> str:
    return json.dumps(both.slack.home(user), ensure_ascii=False)


async def _open(both: Chats, user: str = "viewer") -> str:
    await both.slack.open_home(user)
    await both.quiet()
    return _drawn(both, user)


def _button(both: Chats, label: str, user: str = "viewer") -> dict[str, Any]:
    home = both.slack.home(user)
    assert home
    return next(
        {"action_id": element["action_id"], "block_id": block["block_id"], "view": home["id"]}
        for block in home["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element.get("text", {}).get("text") == label
    )


async def _press(both: Chats, label: str, user: str = "viewer") -> str:
    found = _button(both, label, user)
    taken = await both.slack.click_in_view(user, found["view"], found["action_id"], found["block_id"])
    assert taken.ok
    await both.quiet()
    return _drawn(both, user)


async def test_the_home_tab_is_somebodys_own_and_its_buttons_work(scene: Scene) -> None:
    async with chats(scene) as both:
        assert both.slack.home("viewer") is None
        home = await _open(both)
        assert "render-prod" in home
        assert "Running tasks" in home
        assert both.slack.home("operator") is None
        assert len(json.loads(home)["blocks"]) <= 100

        pools = await _press(both, "Pools")
        assert "Pools" in pools
        assert "◀ Home" in pools
        assert "Running tasks" not in pools
        assert "Running tasks" in await _press(both, "◀ Home")
        assert both.said(viewer="viewer") == []  # looking around says nothing anywhere

        await both.slack.say("viewer", _chat(both), "pin pool show render-gpu")
        await both.quiet()
        pinned = await _open(both)
        assert '"Pinned"' in pinned or "*Pinned*" in pinned
        assert "Pool render-gpu" in await _press(both, "pool render-gpu")


def _chat(both: Chats, user: str = "viewer") -> str:
    person = next(each.id for each in PEOPLE if each.role == user)
    return next(each["id"] for each in both.slack.channels if each["person"] == person)


async def test_a_change_from_the_home_tab_is_answered_in_messages_and_the_tab_is_shown_anew(scene: Scene) -> None:
    bot = await alerting(scene)
    await a_few(bot)
    async with chats(scene) as both:
        both.permitted()
        await both.slack.say("viewer", _chat(both), "alert subscribe")
        await both.quiet()
        await _open(both)
        await _press(both, "Open alert")
        await _press(both, "Acknowledge")
        home = _drawn(both)
        assert "the answer is in Messages" in home
        assert "acknowledged by you" in home
        assert any("acknowledged" in json.dumps(each).lower() for each in both.said(_chat(both), "viewer"))


async def test_home_in_a_personal_chat_says_what_is_ones_own(scene: Scene) -> None:
    bot = await alerting(scene)
    await a_few(bot)
    in_channel = await bot.ask("home")
    assert "Your alerts" not in words(in_channel)
    assert "Your alerts" not in words(await bot.ask("home", conversation=CHAT))
    await bot.ask("alert ack 2b3c4d5e")
    home = await bot.ask("home", conversation=CHAT)
    said = words(home)
    assert "Your alerts: 1" in said
    assert "acknowledged by you" in said
    check("home-personal", still(home, scene))
    opened = [
        each.command
        for block in home.blocks
        if isinstance(block, Actions)
        for each in block.items
        if isinstance(each, Button) and each.text.startswith("Open: ")
    ]
    assert opened == ["alert show 2b3c4d5e"]
    assert not (await bot.ask(opened[0], conversation=CHAT)).refused
    assert "acknowledged by you" not in words(await bot.ask("home", person="U0VIEWER", conversation=CHAT))
    assert plain(home.title)


def test_a_change_that_waits_is_named_without_half_a_secret() -> None:
    """A command waits as it is to be run, and half of a secret in it has no shape by which it would be known."""
    token = "ghp_" + "A1b2C3d4E5" * 3 + "F6g7H8"
    waiting = replace(approval("1a2b3c4d5e6f"), command=f"task add nightly fetch-1 'fetch --with {token}'")
    for asked in ([waiting], []):
        shown = plain(_approval(waiting, asked))
        assert "task add nightly" in shown
        assert token[-8:] not in shown


async def test_what_came_of_a_change_is_told_on_the_tab_without_secrets() -> None:
    """Its answer goes to the direct messages, which hide them; the line on the tab is made of the same card."""
    token = "ghp_" + "A1b2C3d4E5" * 3 + "F6g7H8"
    client, following, intake = mock.AsyncMock(), mock.Mock(), mock.AsyncMock()
    following.lent = mock.AsyncMock(side_effect=lambda card, modern: render(card))
    intake.read.return_value = Card(title=text("Home"))
    person = Person("slack", "U1")
    request = CommandRequest("k", "job stop x", person, Conversation("slack", "D1", "personal"), datetime.now(UTC))

    async def done() -> Card:
        return Card(title=text(f"stopped: {token} was refused"))

    tab = HomeTab(client, mock.Mock(known=mock.AsyncMock(return_value=person)), following)
    await tab.after(intake, request, asyncio.create_task(done()))
    shown = json.dumps(client.views_publish.call_args.kwargs)
    assert "the answer is in Messages" in shown
    assert "was refused" in shown
    assert token not in shown
