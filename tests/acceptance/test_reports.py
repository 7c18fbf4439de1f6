"""A weekly report by the program itself: posted once in each chat, with its picture, whenever the program dies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bot.chat.fallback import REPEAT
from bot.chat.platforms import PLATFORMS
from bot.chat.request import Conversation
from bot.reports.calendar import Cadence
from bot.reports.subscriptions import ReportSubscription, subscribe, subscriptions, unsubscribe
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Sample
from storage.sqlite.store import SqliteStore
from tests.acceptance.environment import Environment, environment
from tests.acceptance.program import STEPS

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DUE = MONDAY + timedelta(hours=9)
TITLE = " tiny last week"
"""By own usage, or by the bill, whichever is known."""


@pytest.mark.parametrize("step", STEPS)
async def test_a_weekly_report_is_posted_once_whenever_the_program_dies(tmp_path: Path, step: str) -> None:
    async with environment(tmp_path, start=DUE + timedelta(minutes=1)) as stage:
        await _sampled(stage)
        await stage.begin()
        await stage.until(lambda: not stage.undelivered(), 120, "all is told")
        await stage.program.kill()
        channel = stage.slack.create_channel("reports")
        await _subscribed(stage, f"slack:{channel}", f"teams:{stage.room}")
        stage.program.die_at = step
        stage.program.begin()
        await stage.program.died()
        stage.program.die_at = ""
        await stage.program.start()
        known = lambda: stage.rows("SELECT count(*) FROM outbox WHERE id LIKE 'report-%' AND sent = 1")  # noqa: E731
        await stage.until(lambda: known() == [(2,)], 400, "both have it")
        if step in STEPS[4:]:  # its picture was on its way, and each is drawn by a process of its own
            await stage.until(lambda: _pictured(stage, channel), 900, "its picture")
        await stage.looked(3)  # and so at what is due
        slack, teams = _reports(stage, channel)
        # Slack is asked whether it is there. Teams cannot be: what may be there twice says so.
        assert [REPEAT in each for each in slack] == [False]
        assert [REPEAT in each for each in teams] in ([False], [True], [False, True])


async def _sampled(stage: Environment) -> None:
    """A week of samples, from before the program began: what is older than it keeps is not taken later."""
    store = SqliteStore.open(stage.database)
    use, begin = CoreUse(busy=4, unused=4), MONDAY - timedelta(days=7)
    name, step = stage.account.facts.name, timedelta(minutes=5)
    await store.add_samples(
        [Sample(name, "pool1", begin + n * step, 300, use, NO_USE, 2) for n in range(1, 7 * 288 + 1)]
    )
    await store.close()


async def _subscribed(stage: Environment, *channels: str) -> None:
    """These channels want the report of the week, and no others."""
    store, name = SqliteStore.open(stage.database), stage.account.facts.name
    decoded = [msgspec.json.decode(each.body, type=Conversation) for each in await store.conversations()]
    known = {each.key: each for each in decoded}
    for each in await subscriptions(store):
        await unsubscribe(store, each)
    for key in channels:
        platform, _, id_ = key.partition(":")
        conversation = known.get(key) or PLATFORMS[platform].conversation(id_)
        made = ReportSubscription(id=platform, conversation=conversation, account=name, cadence=Cadence(), at=MONDAY)
        await subscribe(store, made)
    await store.close()


def _reports(stage: Environment, channel: str) -> list[list[str]]:
    """The reports in each chat, by all that they say."""
    slack = [str(each) for each in stage.slack.messages(channel) if TITLE in str(each)]
    teams = [str(stage.teams.message(stage.room, each["id"])) for each in stage.told_teams() if TITLE in str(each)]
    return [slack, teams]


def _pictured(stage: Environment, channel: str) -> bool:
    """Whether the report in Slack has its picture, and promises none that does not come."""
    [report] = [str(each) for each in stage.slack.messages(channel) if TITLE in str(each)]
    return "slack_file" in report and "picture follows" not in report
