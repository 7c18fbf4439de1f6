"""Events come to a receiver that fails, hangs, asks for time or goes away: each at least once, in their order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from bot.clock import Clock
from bot.monitor.background import Background
from bot.outbox import OutboxWorker, worker
from bot.webhooks.delivery import TRIES, Webhooks
from bot.webhooks.events import EntityData, IncidentData, about_incident, entry_of
from bot.webhooks.settings import WebhookSettings
from storage.port.changes import ChangeSet
from storage.port.outbox import DeliveryState, OutboxEntry
from storage.sqlite.store import SqliteStore
from tests.outbox.messages import FakeChat, Room, entry
from tests.webhooks.receivers import ENVIRONMENT, HANG, StandIn, receiver

PATIENCE = 120.0
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Stage:
    """A store on disk, receivers, and an outbox by a fast clock that can die."""

    def __init__(self, path: Path, settings: list[WebhookSettings]) -> None:
        self.path = path / "outbox.db"
        self.settings = settings
        self.notices: list[tuple[str, str]] = []
        self.task: asyncio.Task[None] | None = None
        self.chat = FakeChat(Room())

    async def start(self) -> None:
        self.store = SqliteStore.open(self.path)
        clock = Clock(speed=50)
        self.background = Background(clock)
        self.webhooks = Webhooks(
            clock, self.background, lambda about, words: self.notices.append((about, words)), ENVIRONMENT
        )
        await self.webhooks.use(self.settings)
        self.outbox = OutboxWorker(self.store, {"slack": self.chat}, clock, webhooks=self.webhooks)  # type: ignore[dict-item]
        self.task = asyncio.create_task(self.outbox.run())

    async def die(self) -> None:
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.webhooks.close()
        await self.store.close()

    async def give(self, *entries: OutboxEntry) -> None:
        await self.store.record(ChangeSet(entries=list(entries)))
        self.outbox.put(entries)

    async def row(self, id_: str) -> DeliveryState:
        [found] = await self.store.deliveries([id_])
        return found

    async def until(self, true: Callable[[], object], what: str) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end, f"{what}: {self.outbox.status()}"
            await asyncio.sleep(0.005)


@asynccontextmanager
async def stage(path: Path, *settings: WebhookSettings) -> AsyncIterator[Stage]:
    made = Stage(path, [*settings])
    await made.start()
    try:
        yield made
    finally:
        await made.die()


def pager(there: StandIn, name: str = "pager", **more: Any) -> WebhookSettings:
    return WebhookSettings(name=name, url=there.url, secret_env="PAGER_KEY", **more)


def event(number: int, webhook: str = "pager", incident: str = "3fa1") -> OutboxEntry:
    data = IncidentData(
        incident=incident,
        event="changed",
        account="render",
        alert="pool.down",
        severity="critical",
        state="open",
        headline=f"it is {number}",
        entity=EntityData("pool", "gpu-a"),
        since=NOON,
        opened=NOON,
    )
    return entry_of(about_incident(data, number, NOON), webhook, datetime.now(UTC) - timedelta(seconds=1))


def said(there: StandIn) -> list[str]:
    return [each["data"]["headline"] for each in there.taken]


async def test_a_receiver_that_fails_and_breaks_off_gets_everything_in_order(tmp_path: Path) -> None:
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        there.then(500, 503, 408)
        await here.give(*(event(number) for number in range(1, 6)))
        await here.until(lambda: len(there.taken) == 5, "all are taken")
        assert said(there) == [f"it is {number}" for number in range(1, 6)]
        assert len(there.asked) == 8
        assert len({headers["webhook-id"] for headers, _ in there.asked[:4]}) == 1, "the same event each time"
        assert len({body for _, body in there.asked[:4]}) == 1
        await here.until(lambda: not any(each.waiting for each in here.outbox.status()), "nothing waits")
        counts = here.webhooks.counts["pager"]
        assert (counts.taken, counts.failed, counts.parked) == (5, 3, 0)
        assert here.notices == []


async def test_of_one_that_never_answers_few_events_are_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others lie in the store; once it answers they come in their order, each once, also those that come then."""
    monkeypatch.setattr(worker, "EVENTS", 5)
    async with receiver() as there, stage(tmp_path, pager(there)) as here:

        def kept() -> int:
            return len(here.outbox._queues["webhook:pager"]._waiting)

        there.then(*[503] * 9)
        for number in range(1, 31):
            await here.give(event(number))
            assert kept() <= 5
            assert here.outbox.status()[0].waiting == number
        await here.until(lambda: len(there.asked) >= 3, "it is asked")
        assert there.taken == []
        await here.die()
        await here.start()
        await here.until(lambda: here.outbox.status() and here.outbox.status()[0].waiting == 30, "they are found again")
        for number in range(31, 61):
            await here.give(event(number))
            assert kept() <= 5
            await asyncio.sleep(0.01)
        await here.until(lambda: len(there.taken) >= 60, "all are taken")
        assert said(there) == [f"it is {number}" for number in range(1, 61)]
        await here.until(lambda: here.outbox.status()[0].waiting == 0, "nothing waits")
        await here.give(event(61))
        await here.until(lambda: len(there.taken) == 61, "it goes on as ever")


async def test_what_comes_before_the_store_was_read_does_not_overtake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        there.always = 503
        await here.give(*(event(number) for number in (1, 2, 3)))
        await here.until(lambda: there.asked, "it is asked")
        await here.die()
        read, gate = SqliteStore.undelivered, asyncio.Event()

        async def slowly(store: SqliteStore, events: int = 0) -> list[DeliveryState]:
            rows = await read(store, events)
            await gate.wait()
            return rows

        monkeypatch.setattr(SqliteStore, "undelivered", slowly)
        await here.start()
        there.always = None
        await here.give(event(4))
        asked = len(there.asked)
        await asyncio.sleep(0.2)
        assert len(there.asked) == asked
        gate.set()
        await here.until(lambda: len(there.taken) >= 4, "all are taken")
        assert said(there) == [f"it is {number}" for number in (1, 2, 3, 4)]


async def test_one_that_hangs_holds_up_neither_another_one_nor_a_chat(tmp_path: Path) -> None:
    async with receiver() as stuck, receiver() as fine:
        hangs = pager(stuck, "stuck", timeout_seconds=1)
        async with stage(tmp_path, hangs, pager(fine)) as here:
            stuck.always = HANG
            await here.give(event(1, "stuck"), event(1), event(2), entry("m1", "to people"))
            await here.until(lambda: stuck.asked, "it is asked")
            await here.until(lambda: len(fine.taken) == 2, "the other one has both")
            await here.until(lambda: here.chat.room.words() == ["to people"], "people are told")
            await here.until(here.background.troubles, "it is said")
            assert here.background.troubles() == ["webhook stuck: does not answer in time; its events wait"]
            stuck.always = None
            await here.until(lambda: stuck.taken, "it is back")
            await here.until(lambda: not here.background.troubles(), "all is well")


async def test_one_that_asks_for_time_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    real = Clock.until

    async def noted(self: Clock, event: asyncio.Event, seconds: float) -> bool:
        waits.append(seconds)
        return await real(self, event, seconds)

    monkeypatch.setattr(Clock, "until", noted)
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        there.then(429, Retry_After="37")
        there.then(503, Retry_After=format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
        there.then(429, Retry_After="soon")
        await here.give(event(1), event(2))
        await here.until(lambda: len(there.taken) == 2, "both are taken")
        assert any(32 < each <= 37 for each in waits), waits
        assert any(40 < each <= 60 for each in waits), waits
        assert len(there.asked) == 5


async def test_an_event_that_is_refused_is_parked_and_the_next_goes_on(tmp_path: Path) -> None:
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        there.then(*[422] * TRIES)
        await here.give(event(1), event(2))
        await here.until(lambda: said(there) == ["it is 2"], "the next is taken")
        assert len(there.asked) == TRIES + 1
        assert (await here.row(event(1).id)).state == "dead"
        assert here.webhooks.counts["pager"].parked == 1
        [(about, words)] = here.notices
        assert about == "event of webhook pager"
        assert "answers 422" in words
        assert there.url not in words


@pytest.mark.parametrize(("status", "times"), [(410, 1), (401, TRIES), (404, TRIES), (302, TRIES)])
async def test_one_that_takes_nothing_is_parked_with_its_events(tmp_path: Path, status: int, times: int) -> None:
    async with receiver() as there, receiver() as elsewhere, stage(tmp_path, pager(there)) as here:
        there.always = status
        if status == 302:
            there.then(*[302] * TRIES, Location=elsewhere.url)
        await here.give(event(1), event(2))
        await here.until(lambda: here.webhooks.parked, "it is parked")
        assert len(there.asked) == times
        assert elsewhere.asked == [], "a redirect is not followed"
        [(about, words)] = here.notices
        assert about == "webhook pager"
        assert f"answers {status}" in words
        [trouble] = here.background.troubles()
        assert "it is parked" in trouble
        assert [(await here.row(event(number).id)).state for number in (1, 2)] == ["gone", "open"]
        there.always, there.answers = None, []
        await here.webhooks.use(here.settings)  # as when the settings are read again
        here.outbox.try_webhooks()
        await here.until(lambda: said(there) == ["it is 1", "it is 2"], "nothing is lost, and the order is kept")
        assert here.webhooks.parked == {}
        assert here.background.troubles() == []


async def test_nothing_is_lost_when_the_program_dies(tmp_path: Path) -> None:
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        there.always = 503
        await here.give(*(event(number) for number in range(1, 4)))
        await here.until(lambda: there.asked, "it was tried")
        await here.die()
        there.always = None
        await here.start()
        await here.until(lambda: len(there.taken) == 3, "all are taken")
        assert said(there) == ["it is 1", "it is 2", "it is 3"]


async def test_one_that_is_in_the_settings_no_more_keeps_its_events(tmp_path: Path) -> None:
    async with receiver() as there, stage(tmp_path, pager(there)) as here:
        await here.webhooks.use([])
        await here.give(event(1))
        await here.until(lambda: any(each.gone_since for each in here.outbox.status()), "they wait")
        assert there.asked == []
        assert here.background.troubles() == []
        await here.webhooks.use([pager(there)])
        here.outbox.try_webhooks()
        await here.until(lambda: there.taken, "it is back, and so are they")


async def test_a_key_is_renewed_while_events_arrive(tmp_path: Path) -> None:
    async with receiver() as there:
        both = WebhookSettings(name="pager", url=there.url, secret_env="PAGER_OLD_KEY", previous_secret_env="PAGER_KEY")
        async with stage(tmp_path, both) as here:
            await here.give(event(1))
            await here.until(lambda: there.taken, "whoever has only the key before takes it")
            [(headers, _)] = there.asked
            assert [each[:3] for each in headers["webhook-signature"].split(" ")] == ["v1,", "v1,"]
            assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
