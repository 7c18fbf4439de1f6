"""Reports are posted once, by local time, when they are fresh, and only where their conditions hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from bot.chat.request import Conversation
from bot.domain.entity import Entity
from bot.domain.money.advice import PoolNow
from bot.domain.recommendations.model import Recommendation
from bot.monitor.background import Background
from bot.reports.calendar import Cadence
from bot.reports.pools import Pools
from bot.reports.service import FIRST_READING, PATIENCE, Reports
from bot.reports.subscriptions import ReportSubscription, subscribe, unsubscribe
from cards.card import Bullets, Card, plain
from storage.port.bill import BillReading, BillRow
from storage.port.core_use import NO_USE, CoreUse
from storage.port.recommendations import RecommendationRow
from storage.port.samples import Sample
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import RecordedEntries, StillClock
from tests.reports.ledgered import ACCOUNT, MONDAY, POOLS, Priced, Sources, composer, ledgered

OPS, DEV = Conversation("slack", "C0OPS"), Conversation("teams", "19:dev")
NINE = MONDAY + timedelta(hours=9)
HOUR = timedelta(hours=1)


class Known(Pools):
    """The pools as a test says."""

    def __init__(self, pools: Mapping[str, PoolNow]) -> None:
        super().__init__()
        self.pools = pools

    def now(self, account: str) -> Mapping[str, PoolNow]:
        return self.pools


@dataclass
class Room:
    """One program that posts reports, on a store that others may use too."""

    store: SqliteStore
    clock: StillClock
    sources: Sources
    pools: dict[str, PoolNow]
    known: Known
    entries: RecordedEntries
    reports: Reports
    background: Background

    @classmethod
    def of(cls, store: SqliteStore, at: datetime, *, up: timedelta = timedelta(days=30)) -> Room:
        """A program that has been up for so long."""
        clock, sources, entries = StillClock(at - up), Sources(), RecordedEntries()
        pools = dict(POOLS)
        known = Known(pools)
        made, background = composer(store, sources=sources), Background(clock)
        reports = Reports(made, known, entries.put, clock, several=False, background=background)
        clock.at = at
        return cls(store, clock, sources, pools, known, entries, reports, background)

    async def subscribe(self, kind: Any = "weekly", where: Conversation = OPS, **more: Any) -> None:
        cadence = Cadence(kind, more.pop("zone", "UTC"), more.pop("minutes", 540))
        at = more.pop("at", MONDAY - timedelta(days=30))
        await subscribe(
            self.store,
            ReportSubscription(id="s", conversation=where, account=ACCOUNT, cadence=cadence, at=at, **more),
        )

    async def at(self, moment: datetime) -> list[str]:
        """What is posted at a moment, as first lines."""
        self.clock.at = moment
        self.sources.accounts[ACCOUNT].at = moment
        before = len(self.entries.writes)
        await self.reports.tick()
        return [plain(card_of(each).title) for each in self.entries.writes[before:]]

    async def sampled(self, until: datetime) -> None:
        """The account was looked at until then."""
        at = MONDAY
        while at < until:
            at += timedelta(minutes=5)
            use = CoreUse(busy=8, unused=8)
            await self.store.add_samples([Sample(ACCOUNT, "cpu-b", at, 300, use, NO_USE, 4)])


def card_of(entry: Any) -> Card:
    return msgspec.json.decode(entry.card, type=Card)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    (tmp_path / "ledger").mkdir()
    store = await ledgered(tmp_path / "ledger")
    yield Room.of(store, NINE)
    await store.close()


async def test_a_week_is_posted_once_at_its_time(room: Room) -> None:
    await room.subscribe()
    assert len(await room.at(NINE - HOUR)) == 1  # the week before, which nobody posted
    assert await room.at(NINE - timedelta(minutes=1)) == []
    [title] = await room.at(NINE)
    assert title.startswith("$3,072 on render-prod last week")
    assert await room.at(NINE + HOUR) == []
    assert await Room.of(room.store, NINE + HOUR).at(NINE + HOUR) == []  # nor after a restart


async def test_a_report_that_cannot_be_made_is_said_until_nobody_wants_it(room: Room) -> None:
    room.clock.at = NINE
    gone = ReportSubscription(
        id="9", conversation=OPS, account="renamed", cadence=Cadence("weekly", "UTC", 540), at=NINE - HOUR
    )
    await subscribe(room.store, gone)
    await room.subscribe(at=NINE - HOUR)
    assert len(await room.at(NINE)) == 1  # the other one is posted
    await room.at(NINE + PATIENCE)
    assert "no account of that name" in room.reports.not_made(gone)
    [status] = room.background.all()
    assert "report of renamed" in status.error
    await unsubscribe(room.store, gone)
    await room.at(NINE + PATIENCE)
    assert room.reports.not_made(gone) == ""
    assert [each.error for each in room.background.all()] == [""]


async def test_two_programs_on_one_store_post_one(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    rooms = [Room.of(room.store, NINE) for _ in range(4)]
    posted = await asyncio.gather(*(each.at(NINE) for each in rooms))
    assert sum(map(len, posted)) == 1
    assert len(await room.store.undelivered()) == 1


async def test_nothing_is_made_up_for_from_before_the_subscription(room: Room) -> None:
    await room.subscribe(at=NINE + timedelta(minutes=1))
    assert await room.at(NINE + HOUR) == []


async def test_each_conversation_and_each_report_has_its_own(room: Room) -> None:
    since = NINE - HOUR
    await room.subscribe(at=since)
    await room.subscribe(where=DEV, at=since)
    await room.subscribe("daily", at=since)
    assert len(await room.at(NINE)) == 3
    assert {each.destination for each in room.entries.writes} == {OPS.key, DEV.key}


async def test_after_a_week_of_silence_one_daily_is_made_up_for(room: Room) -> None:
    await room.subscribe("daily", at=MONDAY - timedelta(days=20))
    await room.at(MONDAY - timedelta(days=8))
    [title] = await room.at(NINE)
    assert title.startswith("$480 on render-prod Sun 22 Nov")
    assert await room.at(NINE + HOUR) == []


async def test_it_comes_by_local_time_over_the_change_of_clocks(room: Room) -> None:
    berlin = datetime(2026, 10, 25, 8, tzinfo=UTC)  # nine o'clock on the day that has 25 hours
    await room.subscribe("daily", zone="Europe/Berlin", at=berlin - 2 * HOUR)
    assert await room.at(berlin - HOUR) == []  # nine o'clock by summer time, which is over
    assert len(await room.at(berlin)) == 1


async def test_it_waits_for_what_is_not_seen_yet_and_then_says_so(room: Room) -> None:
    following = NINE + timedelta(days=1)
    await room.subscribe("daily", at=NINE + HOUR)
    await room.sampled(MONDAY + timedelta(hours=20))  # the last hours of the day are missing
    assert await room.at(following) == []
    assert await room.at(following + 5 * HOUR) == []
    assert len(await room.at(following + 6 * HOUR)) == 1
    assert "Posted without waiting longer for fresher data" in str(card_of(room.entries.writes[-1]))


async def test_a_day_that_is_due_before_it_is_over_is_waited_for(room: Room) -> None:
    due = datetime(2026, 11, 23, 22, tzinfo=UTC)  # nine o'clock of the 24th in Auckland
    await room.subscribe("daily", zone="Pacific/Auckland", minutes=660, at=due - HOUR)
    await room.sampled(MONDAY + timedelta(hours=20))
    assert await room.at(due + 6 * HOUR) == []
    assert len(await room.at(MONDAY + timedelta(hours=30))) == 1


async def test_after_a_start_the_first_reading_of_the_bill_is_waited_for(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    just = Room.of(room.store, NINE, up=timedelta())
    assert await just.at(NINE) == []
    assert len(await just.at(NINE + FIRST_READING)) == 1
    await _read(room, [_billed(7.0)], NINE - timedelta(days=3))  # before it was down for days
    await room.subscribe(where=DEV, at=NINE - HOUR)
    late = Room.of(room.store, NINE + 10 * HOUR, up=timedelta())
    assert await late.at(NINE + 10 * HOUR) == []
    assert len(await late.at(NINE + 10 * HOUR + FIRST_READING)) == 1
    assert "Posted without waiting longer" in str(card_of(late.entries.writes[-1]))


async def test_a_clock_that_goes_back_posts_no_older_week(room: Room) -> None:
    await room.subscribe()
    assert len(await room.at(NINE)) == 1
    assert await Room.of(room.store, NINE - timedelta(days=14)).at(NINE - timedelta(days=14)) == []


async def test_it_is_posted_as_soon_as_it_is_fresh(room: Room) -> None:
    following = NINE + timedelta(days=1)
    await room.subscribe("daily", at=NINE + HOUR)
    await room.sampled(MONDAY + timedelta(hours=20))
    assert await room.at(following) == []
    await room.sampled(MONDAY + timedelta(days=1))
    assert len(await room.at(following + HOUR)) == 1
    assert "Posted without waiting" not in str(card_of(room.entries.writes[-1]))


def _billed(amount: float, day: int = 18) -> BillRow:
    date = (MONDAY - timedelta(days=23 - day)).date()
    return BillRow(ACCOUNT, date, "amortized", "gpu-a", "r", "D4s v3", "Virtual Machines", "Dsv3", "USD", amount)


async def _read(room: Room, rows: list[BillRow], as_of: datetime, first: int = 9, last: int = 23) -> None:
    days = [(MONDAY - timedelta(days=23 - day)).date() for day in (first, last)]
    await room.store.put_bill(ACCOUNT, days[0], days[1], rows, BillReading(ACCOUNT, "ok", as_of, as_of))


async def test_a_bill_that_is_read_is_waited_for(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    await _read(room, [_billed(3000)], MONDAY - HOUR)
    assert await room.at(NINE) == []
    await _read(room, [_billed(3000)], NINE)
    assert len(await room.at(NINE + HOUR)) == 1
    said = str(card_of(room.entries.writes[-1]))
    assert "bill explained 102 %" in said
    assert "bill $3,000 as of Mon 23 Nov 09:00" in said
    assert "Fri, Sat, Sun still fill" in said


async def test_no_permission_is_said_with_the_role_and_not_waited_for(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    message = "the bot may not read costs: give it the role Cost Management Reader"
    await room.store.put_bill_reading(BillReading(ACCOUNT, "no permission", NINE, None, message))
    await room.at(NINE)
    assert f"no bill: {message}" in str(card_of(room.entries.writes[-1]))


async def test_what_is_another_amount_by_now_is_restated(room: Room) -> None:
    await _read(room, [_billed(1842, 12)], NINE - timedelta(days=7))
    await room.subscribe(at=NINE - timedelta(days=7, hours=1))
    await room.at(NINE - timedelta(days=7))
    await _read(room, [_billed(1861, 12)], NINE)
    room.sources.accounts[ACCOUNT].amount = 1.1  # prices are another too
    await room.at(NINE)
    said = str(card_of(room.entries.writes[-1]))
    assert "the bill of the week before was $1,842, now $1,861" in said
    assert "the week before was $896, now $986" in said


async def test_what_became_of_advice_is_measured_a_week_later(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    await room.at(NINE)
    first = str(card_of(room.entries.writes[-1]))
    assert "12 nodes of pool sim-old have nothing to do" in first
    assert "What became" not in first
    await room.sampled(MONDAY + timedelta(days=7))  # sim-old was resized to nothing, cpu-b goes on as before
    room.pools["sim-old"] = PoolNow("sim-old", 0)
    await room.at(NINE + timedelta(days=7))
    said = str(card_of(room.entries.writes[-1]))
    assert "pool sim-old has no nodes any more, $1,728 saved" in said
    assert "not done, it cost $336 more since" in said
    assert "$1,728 saved, as measured." in said


def advised(kind: Any, words: str, about: Entity, **more: Any) -> Recommendation:
    return Recommendation(kind=kind, about=about, words=words, button="Open", command="job list", **more)


def kept(what: Recommendation, **more: Any) -> RecommendationRow:
    """It was found nine days ago, and a moment ago."""
    known = {"first": NINE - timedelta(days=9), "last": NINE - HOUR, "loss": what.week} | more
    return RecommendationRow(account=ACCOUNT, id=what.id(ACCOUNT), body=msgspec.json.encode(what), **known)


async def test_the_best_three_are_told_without_what_was_set_aside(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    idle = kept(advised("idle", "", Entity("pool", "sim-old")))
    pools = kept(advised("forgotten pools", "3 pools have no node", Entity("account", ACCOUNT), risk=2))
    rows = [
        idle,
        pools,
        kept(advised("zombie jobs", "2 jobs are still active", Entity("account", ACCOUNT), risk=2, harm="they count")),
        kept(advised("signature ends", "a signed address ends", Entity("pool", "gpu"), risk=4)),
        kept(advised("retries", "retries cost much", Entity("job", "a"), week=4.5, currency="USD", measured=True)),
        kept(advised("short tasks", "a fourth thing", Entity("job", "b"), risk=1)),
        kept(advised("image ends", "long not seen", Entity("pool", "b"), risk=5), last=NINE - timedelta(days=2)),
        kept(advised("old agent", "over already", Entity("pool", "b"), risk=5), over=NINE - HOUR),
    ]
    await room.store.see_recommendations(rows)
    await room.store.answer_recommendation(ACCOUNT, idle.id, "dismissed", MONDAY, by="Ops", because="kept warm")
    await room.store.answer_recommendation(ACCOUNT, pools.id, "snoozed", MONDAY, by="Ops", until=NINE + HOUR)
    await room.at(NINE)
    card = card_of(room.entries.writes[-1])
    told = next(block.items for block in card.blocks if isinstance(block, Bullets) and "cpu-b" in str(block.items))
    assert [plain(each) for each in told] == [
        "✖ a signed address ends · advised for 9 days",
        "▲ pool cpu-b had nothing to do for 50 % of its core-hours: let a formula size it, or pack its tasks · $336 "
        "last week",
        "▲ retries cost much · $4.50 a week · advised for 9 days",
    ]
    assert "command='advice'" in str(card)
    await room.store.answer_recommendation(ACCOUNT, pools.id, "snoozed", MONDAY, by="Ops", until=NINE - HOUR)
    gone = [replace(each, over=NINE - HOUR) for each in (rows[3], rows[4])]
    await room.store.see_recommendations(gone)
    foreseen = str(await room.reports.preview(ACCOUNT, "weekly", "UTC"))
    assert ["3 pools have no node" in foreseen, "2 jobs are still active" in foreseen] == [True, True]
    assert "a fourth thing" not in foreseen


async def test_what_became_of_all_other_advice_is_told_once(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR)
    within = MONDAY - timedelta(days=2)
    done = advised("full disk", "the disk of 1 node of pool gpu is full", Entity("pool", "gpu"))
    money = advised("spot", "pool big as spot nodes would cost less", Entity("pool", "big"), week=90.0, currency="USD")
    yen = advised("spot", "pool yen as spot nodes would cost less", Entity("pool", "yen"), week=9.0, currency="JPY")
    before = advised("old agent", "an old agent", Entity("pool", "old"))
    await room.store.see_recommendations(
        [
            kept(done, over=within, done_by="slack:U0OPS", deed="pool replace-broken gpu"),
            kept(money, over=within, saved=70.0),
            kept(yen, over=within, saved=8.0),
            kept(before, over=MONDAY - timedelta(days=8)),
        ]
    )
    await room.at(NINE)
    card = card_of(room.entries.writes[-1])
    became = next(block.items for block in card.blocks if isinstance(block, Bullets) and "full" in str(block.items))
    assert [plain(each) for each in became] == [
        "✔ pool big as spot nodes would cost less: over by itself, or from outside this bot, $70.00 of $90.00 a week "
        "saved",
        "✔ pool yen as spot nodes would cost less: over by itself, or from outside this bot",
        "✔ the disk of 1 node of pool gpu is full: over after pool replace-broken gpu",
    ]


async def test_conditions_keep_it_back_for_that_period(room: Room) -> None:
    await room.subscribe(at=NINE - HOUR, least=5000.0)
    assert await room.at(NINE) == []
    assert await room.store.report_post(OPS.key, f"weekly:{ACCOUNT}", "2026-W47")
    await room.subscribe(where=DEV, at=NINE - HOUR, least=3000.0, rose=2.0)
    assert len(await room.at(NINE)) == 1
    await room.subscribe("daily", at=NINE - HOUR, rose=0.1)
    assert len(await room.at(NINE)) == 1  # Sunday was as Saturday, but not as the Sunday before
    assert "3.8 times as much as the same day the week before" in str(card_of(room.entries.writes[-1]))


async def test_an_account_that_is_gone_does_not_keep_the_others_back(room: Room) -> None:
    await subscribe(
        room.store,
        ReportSubscription(
            id="x", conversation=DEV, account="gone", cadence=Cadence(), at=NINE - timedelta(days=1)
        ),
    )  # fmt: skip
    await room.subscribe(at=NINE - HOUR)
    assert len(await room.at(NINE + 6 * HOUR)) == 1


async def test_a_second_currency_is_never_added(room: Room) -> None:
    class Changing(Priced):
        """An account whose prices change their currency."""

        asked = 0

        async def prices(self) -> Any:
            found = await super().prices()
            self.asked += 1
            return replace(found, currency="EUR") if self.asked > 2 else found

    room.sources.accounts[ACCOUNT] = Changing()
    await room.subscribe(at=NINE - HOUR)
    await room.at(NINE)  # it is not posted, or posted in one currency: never in a sum of two
    for entry in room.entries.writes:
        assert not ("$" in str(card_of(entry)) and "€" in str(card_of(entry)))


async def test_a_preview_is_of_one_period_in_every_zone_and_says_when_it_comes(room: Room) -> None:
    room.clock.at = MONDAY + 3 * HOUR  # which is Sunday evening in Chicago
    await room.subscribe(zone="America/Chicago")
    titles = {
        plain((await room.reports.preview(ACCOUNT, "weekly", zone)).title)
        for zone in ("UTC", "America/Chicago", "Asia/Tokyo")
    }
    assert len(titles) == 1
    assert "16 – 22 Nov" in titles.pop()
    here = await room.reports.preview(ACCOUNT, "weekly", "UTC", OPS.key)
    assert "comes here Mon 23 Nov 09:00 America/Chicago" in str(here)
    assert "comes here" not in str(await room.reports.preview(ACCOUNT, "weekly", "UTC", DEV.key))
