"""Reports, budgets and unusual days by command, over five weeks of samples in a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
import pytest
from msgspec.structs import replace

import handlers
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.chat.request import CommandRequest, Conversation, Person
from bot.domain.money.anomalies import Anomaly, Unusual
from bot.domain.money.budgets import Budget
from bot.domain.money.movers import Cause
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.reports.pools import Pools
from bot.reports.service import Reports
from bot.reports.subscriptions import subscriptions
from bot.requests.dispatcher import Dispatcher
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Chatting, Services, Watching
from bot.settings import AccessSettings, AlertSettings
from cards.card import Card, plain
from storage.port.reports import AnomalyRow
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import RecordedEntries, StillClock
from tests.golden import check
from tests.handlers.alert_service import CHAT, OPS, Standing, commands, title, words
from tests.handlers.conftest import Scene
from tests.reports.ledgered import ACCOUNT, MONDAY, POOLS, composer, ledgered

NOW = MONDAY + timedelta(hours=9, minutes=30)


class Known(Pools):
    """The pools as they stand."""

    def now(self, account: str) -> Any:
        return POOLS if account == ACCOUNT else {}


@dataclass
class ReportBot:
    """All that a test of these commands needs."""

    dispatcher: Dispatcher
    store: SqliteStore
    clock: StillClock

    async def ask(self, text: str, person: str = "U0OPERATOR", conversation: Conversation = OPS) -> Card:
        """Type a command; an operator in the ops channel unless said."""
        who = Person("slack", person, name="Otto", zone="America/Chicago")
        with mock.patch("secrets.token_hex", return_value="1a2b3c"):
            card = await self.dispatcher.card(CommandRequest("k", text, who, conversation, datetime.now(UTC)))
        return replace(card, as_of=self.clock.at)


@pytest.fixture
async def bot(scene: Scene, tmp_path: Path) -> AsyncIterator[ReportBot]:
    (tmp_path / "ledger").mkdir()
    store = await ledgered(tmp_path / "ledger")
    entries, clock = RecordedEntries(), StillClock(NOW)
    alerts = AlertService(store, discover(), AlertSettings(), entries, clock, zone="UTC", several=True)
    jobs = WatchedJobs(store, entries, clock, zone=alerts.zone_of, several=True)
    made = composer(store, Budget("render", ACCOUNT, 8000), Budget("gpu", ACCOUNT, 600, pools="gpu-*"))
    reports = Reports(made, Known(), entries.put, clock, several=True)
    await alerts.load()

    async def direct(person: Person, conversation: Conversation) -> Conversation:
        return CHAT

    services = Services(
        Registry.discover(handlers),
        Policy(Access(AccessSettings(operators=["slack:U0OPERATOR"]))),
        store,
        AzureReading(scene.accounts),
        Chatting(direct=direct),
        Watching(alerts, Standing(clock.at), jobs, reports),
    )
    yield ReportBot(Dispatcher(services), store, clock)
    await store.close()


async def test_a_report_is_shown_to_the_asker_alone(bot: ReportBot) -> None:
    weekly = await bot.ask("cost preview")
    assert weekly.private
    assert title(weekly) == (
        "$3,072 on render-prod last week, 3.4 times as much as the week before · 16 – 22 Nov · over budget gpu"
    )
    assert "pool resize sim-old 0 account:render-prod" in commands(weekly)
    check("report-weekly", weekly)
    check("report-daily", await bot.ask("cost preview daily"))
    check("report-monthly", await bot.ask("cost preview monthly"))
    assert await bot.store.undelivered() == []


async def test_an_account_of_which_nothing_was_seen(bot: ReportBot) -> None:
    nothing = await bot.ask("cost preview weekly account:sim-dev")
    assert title(nothing) == "Nothing was seen of sim-dev last week · 16 – 22 Nov"
    check("report-nothing", nothing)


async def test_who_subscribes_is_told_when_it_comes(bot: ReportBot) -> None:
    assert "0" in title(await bot.ask("cost subscriptions"))
    made = await bot.ask("cost subscribe weekly at:08:30 day:tue zone:europe/berlin least:100 rose:10%")
    assert "Tuesdays at 08:30 Europe/Berlin" in title(made)
    check("report-subscribed", made)
    check("report-subscriptions", await bot.ask("cost subscriptions"))
    [kept] = await subscriptions(bot.store, OPS.key)
    assert (kept.least, kept.rose, kept.cadence.minutes, kept.cadence.weekday) == (100, 0.1, 510, 1)
    again = await bot.ask("cost subscribe weekly")
    assert "changed" in title(again)
    assert len(await subscriptions(bot.store)) == 1  # a conversation has each report once
    gone = await bot.ask(f"cost unsubscribe {kept.id}")
    assert "removed" in title(gone)
    assert await subscriptions(bot.store) == []
    assert (await bot.ask("cost unsubscribe 9")).refused


async def test_a_report_that_could_not_be_made_is_among_the_subscriptions(
    bot: ReportBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bot.ask("cost subscribe weekly")
    assert "Could not be made" not in words(await bot.ask("cost subscriptions"))
    monkeypatch.setattr(Reports, "not_made", lambda self, each: f"USD and EUR in {each.account}")
    said = words(await bot.ask("cost subscriptions"))
    assert "Could not be made" in said
    assert f"USD and EUR in {ACCOUNT}" in said


async def test_a_channel_is_an_operators_and_oneself_is_ones_own(bot: ReportBot) -> None:
    assert (await bot.ask("cost subscribe daily", "U0VIEWER")).refused
    mine = await bot.ask("cost subscribe daily to:me", "U0VIEWER")
    assert "to you in a direct message" in title(mine)
    [kept] = await subscriptions(bot.store)
    assert kept.conversation.key == CHAT.key
    assert kept.cadence.zone == "America/Chicago"
    assert "direct messages" in words(await bot.ask("cost subscriptions", "U0VIEWER"))
    assert "Reports · 0" in title(await bot.ask("cost subscriptions", "U0OTHER"))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("at:25", "is not a time of day"),
        ("at:noon", "is not a time of day"),
        ("day:someday", "is not a day"),
        ("zone:Berlin", "There is no time zone"),
        ("rose:much", "is not a share"),
        ("rose:99999%", "1000% at most"),
        ("least:-1", "not less than 0"),
    ],
)
async def test_what_is_mistyped_is_answered_with_what_can_be_typed(bot: ReportBot, typed: str, says: str) -> None:
    card = await bot.ask(f"cost subscribe weekly {typed}")
    assert card.refused
    assert says in plain(card.title)
    assert commands(card)


async def test_budgets_stand_with_their_forecast(bot: ReportBot) -> None:
    card = await bot.ask("cost budgets")
    assert "over since" in title(card)
    check("report-budgets", card)
    check("report-no-budgets", await bot.ask("cost budgets account:sim-dev"))


async def test_an_unusual_day_is_answered(bot: ReportBot) -> None:
    nothing = words(await bot.ask("cost unusual"))
    assert "Nothing can be said of unusual days yet" in nothing  # five weeks are too few
    assert "cpu-b, gpu-a, sim-old" in nothing
    cause = Cause("jobs", "schedule nightly ran 3 times, once usually", 64, "nightly")
    found = Anomaly("gpu-a", Unusual(date(2026, 11, 22), 96, 32), cause)
    row = AnomalyRow(ACCOUNT, "gpu-a", date(2026, 11, 22), NOW - timedelta(hours=3), msgspec.json.encode(found))
    await bot.store.put_anomaly(row)
    check("report-unusual", await bot.ask("cost unusual"))
    weekly = await bot.ask("cost preview")
    assert "cost unusual gpu-a@2026-11-22 planned account:render-prod" in commands(weekly)
    assert (await bot.ask("cost unusual gpu-b@2026-11-22")).refused
    assert (await bot.ask("cost unusual gpu-a@2026-11-22 planned", "U0VIEWER")).refused
    answered = await bot.ask("cost unusual GPU-A@2026-11-22 ignore it is the end of the month")
    check("report-unusual-ignored", answered)
    [kept] = await bot.store.anomalies(ACCOUNT, NOW - timedelta(days=1))
    assert kept.answer == "ignore"
    assert b"end of the month" in kept.reply
    assert "Unusual" not in words(await bot.ask("cost preview"))
