"""Charts that Slack draws itself: where the workspace has them, and pictures from then on where it has not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.chat.request import CommandRequest, Conversation
from bot.chat.slack.modern import AGAIN, ModernBlocks
from cards.build import blocks, bold, text
from cards.card import Card, Picture
from cards.charts.alt import alt
from tests.cards.charts.bar_shapes import bar_chart
from tests.chat import test_slack
from tests.chat.test_slack import Memory, SlackHarness


@pytest.fixture
async def harness() -> AsyncIterator[SlackHarness]:
    async for made in test_slack._harness("http", blocks="modern"):
        made.intake.card = lambda request: weekly()
        yield made


def weekly() -> Card:
    chart = bar_chart()
    return Card(text(bold(chart.headline)), blocks(Picture("week", alt(chart), chart, "Cost by day", native=True)))


def kinds(message: dict[str, Any]) -> list[str]:
    return [block["type"] for block in message["blocks"]]


def pictured(message: dict[str, Any]) -> bool:
    return any("slack_file" in block for block in message["blocks"])


async def test_a_small_chart_is_slacks_own(harness: SlackHarness) -> None:
    await harness.workspace.command("viewer", "batch-ops", "cost")
    await harness.until(harness.bot_messages)
    message = harness.bot_messages()[0]
    assert "data_visualization" in kinds(message)
    assert not harness.store.set
    conversation = Conversation("slack", harness.intake.asks[0].conversation.id)
    await harness.slack.update(conversation, message["ts"], weekly())

    async def newest() -> Card:
        return weekly()

    await harness.slack.update_live(conversation, message["ts"], newest)
    assert "data_visualization" in kinds(harness.bot_messages()[0])


async def test_a_workspace_without_them_gets_the_picture_from_then_on(harness: SlackHarness) -> None:
    harness.workspace.faults.old_blocks = True
    await harness.workspace.command("viewer", "batch-ops", "cost")
    await harness.until(lambda: harness.bot_messages() and pictured(harness.bot_messages()[0]))
    assert "data_visualization" not in kinds(harness.bot_messages()[0])
    assert len(harness.bot_messages()) == 1, "what was refused was not posted"
    await harness.until(lambda: [kind for kind, _, _ in harness.store.set] == ["slack-blocks"])
    request: CommandRequest = harness.intake.asks[0]
    again = ModernBlocks(harness.store, wanted=True)  # type: ignore[arg-type]
    await again.load()
    assert not again.has(request.conversation.team), "after a restart, too"
    await harness.slack.update(request.conversation, harness.bot_messages()[0]["ts"], weekly())
    assert pictured(harness.bot_messages()[0])


async def test_an_edit_falls_back_too(harness: SlackHarness) -> None:
    await harness.workspace.command("viewer", "batch-ops", "cost")
    await harness.until(harness.bot_messages)
    harness.workspace.faults.old_blocks = True
    conversation = harness.intake.asks[0].conversation
    await harness.slack.update(conversation, harness.bot_messages()[0]["ts"], weekly())
    assert pictured(harness.bot_messages()[0])
    assert harness.store.set


async def test_it_is_tried_again_after_a_while_and_only_where_the_settings_want_it() -> None:
    store, now = Memory(), datetime.now(UTC)
    await store.put_preference("slack-blocks", "T1", "refused", b"", now - AGAIN + timedelta(hours=1))
    await store.put_preference("slack-blocks", "T2", "refused", b"", now - AGAIN - timedelta(hours=1))
    for wanted in (True, False):
        modern = ModernBlocks(store, wanted=wanted)  # type: ignore[arg-type]
        await modern.load()
        assert [modern.has(team) for team in ("T1", "T2", "T3", "")] == [False, wanted, wanted, wanted]
