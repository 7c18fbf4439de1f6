"""The history of accounts from Azure Monitor: what gauges come to, how far it came, and what is said of refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from bot.azure.errors import AzureError
from bot.azure.metrics import Gauges
from bot.clock import Clock
from bot.domain.core_use import CORE_GAUGES, NODE_GAUGES, at_most
from bot.monitor.backfill import AT_ONCE, BackFill, buckets
from bot.monitor.background import Background
from storage.port.core_use import NO_USE, CoreUse
from storage.port.samples import Bucket, Sample
from storage.sqlite.store import SqliteStore

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Monitor:
    """Gauges of an account that always had the same; ``asked`` are the spans."""

    has_metrics = True

    def __init__(self, name: str = "render") -> None:
        self.name = name
        self.asked: list[tuple[datetime, datetime]] = []
        self.error: Exception | None = None
        self.good_for = 99
        self.often = asyncio.Event()

    async def gauges(self, names: Sequence[str], since: datetime, until: datetime) -> Gauges:
        assert len(names) <= 20, "Monitor answers no more in one call"
        self.asked.append((since, until))
        self.good_for -= 1
        if len(self.asked) >= 4:
            self.often.set()
        if self.error and self.good_for < 0:
            raise self.error
        hours = [since + n * HOUR for n in range(int((until - since) / HOUR)) if (since + n * HOUR).hour != 3]
        levels = {"CoreCount": 10.0, "LowPriorityCoreCount": 6.0, "RunningNodeCount": 1.0, "IdleNodeCount": 1.0}
        return Gauges({name: dict.fromkeys(hours, levels.get(name, 0.0)) for name in names}, until)


class Resting(Clock):
    """A clock by which nobody wakes up; ``rests`` once somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.rests.set()
        await asyncio.Event().wait()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(tmp_path / "t.db")
    yield store
    await store.close()


async def sampled(store: SqliteStore, at: datetime = NOON + timedelta(minutes=20), account: str = "render") -> None:
    await store.add_samples([Sample(account, "a", at, 60, CoreUse(1))])


def test_busy_is_the_share_of_nodes_that_run_something() -> None:
    gauges = {"CoreCount": 10.0, "LowPriorityCoreCount": 6.0, "RunningNodeCount": 1.0, "UnusableNodeCount": 3.0}
    assert at_most(gauges) == (CoreUse(2.5, unknown=7.5), CoreUse(1.5, unknown=4.5))
    assert at_most({"CoreCount": 0.0}) == (NO_USE, NO_USE), "nothing was there, and that is known"


@pytest.mark.parametrize("gauges", [{}, {"RunningNodeCount": 1.0}, {"CoreCount": 4.0}])
def test_what_gauges_do_not_say_is_a_gap(gauges: dict[str, float]) -> None:
    assert at_most(gauges) is None
    assert buckets({name: {NOON: value} for name, value in gauges.items()}) == []


async def test_all_before_the_first_sample_is_read_once(store: SqliteStore) -> None:
    await sampled(store)
    monitor = Monitor()
    backfill = BackFill([monitor], store, Clock(speed=1000.0))
    assert backfill.status["render"].state == "waiting"
    await asyncio.wait_for(backfill.run(), 20)
    assert backfill.status["render"].state == "done"
    spans = monitor.asked
    assert len(spans) == 4
    assert spans[0][1] == NOON
    assert all(until - since <= AT_ONCE for since, until in spans)
    assert [since for since, _ in spans[:-1]] == [until for _, until in spans[1:]], "without holes, the newest first"
    assert NOON - spans[-1][0] == 93 * DAY - 2 * HOUR, "what Monitor is just forgetting is not asked for"
    got = await store.usage("render", None, NOON - DAY, NOON, 1800)
    assert got[-1] == Bucket(
        NOON - HOUR / 2, CoreUse(5, unknown=5) * 1800, CoreUse(3, unknown=3) * 1800, 1800, at_most=True
    )
    assert len(got) == 46, "an hour that Monitor knows nothing of is a gap"
    again = BackFill([monitor], store, Clock())
    await again.run()
    assert (len(monitor.asked), again.status["render"].state) == (4, "done")


async def test_it_goes_on_where_it_stopped(store: SqliteStore) -> None:
    await sampled(store)
    monitor = Monitor()
    monitor.error, monitor.good_for = AzureError("ServerBusy", "later", status=503), 2
    with pytest.raises(AzureError):
        await BackFill([monitor], store, Clock()).read(monitor)
    monitor.error = None
    assert await BackFill([monitor], store, Clock()).read(monitor)
    assert [(NOON - until) / AT_ONCE for _, until in monitor.asked] == [0, 1, 2, 2, 3]


async def test_what_was_stored_and_not_noted_is_not_doubled(store: SqliteStore) -> None:
    await sampled(store)
    monitor = Monitor()
    await BackFill([monitor], store, Clock()).read(monitor)
    whole = await store.usage("render", None, NOON - 90 * DAY, NOON, 86400)
    await store.delete_preference("history", "render", "monitor")
    await BackFill([monitor], store, Clock()).read(monitor)
    assert await store.usage("render", None, NOON - 90 * DAY, NOON, 86400) == whole


async def test_a_damaged_note_of_how_far_it_came_is_made_anew(store: SqliteStore) -> None:
    await sampled(store)
    await store.put_preference("history", "render", "monitor", b"{broken", NOON)
    monitor = Monitor()
    assert await BackFill([monitor], store, Clock()).read(monitor)
    assert monitor.asked


async def test_what_fails_is_told(store: SqliteStore) -> None:
    await sampled(store)
    monitor, background = Monitor(), Background()
    monitor.error, monitor.good_for = RuntimeError("unforeseen"), 0
    clock = Resting()
    backfill = BackFill([monitor], store, clock, background)
    running = asyncio.create_task(backfill.run())
    async with asyncio.timeout(20):
        await clock.rests.wait()
    running.cancel()
    [said] = background.troubles()
    assert said == "history from Azure Monitor of render: the program failed at it; its log says more"
    assert backfill.status["render"].state == "failed"


async def test_without_a_sample_it_waits(store: SqliteStore) -> None:
    monitor = Monitor()
    assert not await BackFill([monitor], store, Clock()).read(monitor)
    assert monitor.asked == []


async def test_a_bot_that_has_long_been_there_asks_only_for_what_is_kept(store: SqliteStore) -> None:
    await sampled(store, NOON - 90 * DAY)
    await sampled(store, NOON)
    monitor = Monitor()
    await BackFill([monitor], store, Clock()).read(monitor)
    assert monitor.asked == [(NOON - 93 * DAY + 2 * HOUR, NOON - 90 * DAY)]
    await sampled(store, NOON - 200 * DAY, "old")
    await sampled(store, NOON, "old")
    old = Monitor("old")
    assert await BackFill([old], store, Clock()).read(old)
    assert old.asked == [], "all that Monitor knows was sampled"


async def test_a_refusal_is_said_once_and_tried_every_day(store: SqliteStore) -> None:
    await sampled(store)
    monitor, good = Monitor(), Monitor("good")
    await sampled(store, account="good")
    monitor.error, monitor.good_for = AzureError("AuthorizationFailed", "no", status=403), 0
    backfill = BackFill([monitor, good], store, Clock(speed=86_400 * 20.0))  # a day takes 50 ms
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(backfill.run())
        await asyncio.wait_for(asyncio.gather(monitor.often.wait(), good.often.wait()), 20)
        status = backfill.status["render"]
        assert status.state == "refused"
        assert "Monitoring Reader" in status.words
        monitor.error = None
        await asyncio.wait_for(task, 20)
    assert backfill.status["render"].state == "done"
    assert [each["log_level"] for each in logs if each["event"] == "history.refused"] == ["warning"]


def test_every_gauge_is_asked_for_in_one_call() -> None:
    assert len({*CORE_GAUGES, *NODE_GAUGES}) == 13
