"""Who hears an event hub: what waits for a look, from where it is read on, and what is said where it cannot be read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.azure.errors import AzureError
from bot.azure.event_hub import Arrived, Heard
from bot.clock import Clock, end_tasks
from bot.monitor.account_state import OVERLAP
from bot.monitor.intake import MOST, PATIENCE, Intake, IntakeStatus
from tests.azure.test_diagnostic import ACCOUNT, RECORDS, record

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def body(*operations: str, number: int = 1) -> bytes:
    records = [record(each, RECORDS[each]) for each in operations for _ in range(number)]
    return json.dumps({"records": records}).encode()


class Hub:
    """Keeps what it is asked, and gives what it is given."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, datetime]] = []
        self.names = ["0", "1"]
        self.refuses: list[AzureError] = []
        self.heard: Heard | None = None
        self._lost: asyncio.Future[None] | None = None

    async def partitions(self) -> list[str]:
        if self.refuses:
            raise self.refuses.pop(0)
        return self.names

    async def receive(self, since: Mapping[str, datetime], heard: Heard) -> None:
        self.asked.append(dict(since))
        self._lost = asyncio.get_running_loop().create_future()
        self.heard = heard
        await self._lost

    async def gives(self, partition: str, seconds: float, *bodies: bytes) -> None:
        assert self.heard
        await self.heard(partition, [Arrived(NOON + timedelta(seconds=seconds), each) for each in bodies])

    def ends(self, error: Exception) -> None:
        assert self._lost
        self._lost.set_exception(error)
        self.heard = None

    async def opened(self) -> None:
        for _ in range(400):
            if self.heard:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("nobody reads")


@asynccontextmanager
async def listening(hub: Hub, cursors: Mapping[str, datetime], intake: Intake | None = None) -> Any:
    made = intake or Intake("farm", ACCOUNT, hub, Clock(speed=1000), lambda: NOON + timedelta(minutes=10))
    task = asyncio.create_task(made.run(cursors))
    try:
        await hub.opened()
        yield made
    finally:
        await end_tasks([task])


async def test_it_is_read_on_from_before_what_is_stored_and_a_new_partition_from_now() -> None:
    hub = Hub()
    async with listening(hub, {"events 0": NOON, "jobs": NOON}) as intake:
        assert hub.asked == [{"0": NOON - OVERLAP, "1": NOON + timedelta(minutes=10) - OVERLAP}]
        assert intake.waiting().positions["events 1"] == NOON + timedelta(minutes=10), "that it is read is stored"


async def test_what_waits_is_given_until_it_is_stored() -> None:
    hub = Hub()
    async with listening(hub, {"events 0": NOON, "events 1": NOON}) as intake:
        await hub.gives("0", 5, body("TaskFailEvent"), b"nonsense")
        first = intake.waiting()
        assert [each.kind for each in first.events] == ["taskfailevent"]
        assert first.positions == {"events 0": NOON + timedelta(seconds=5), "events 1": NOON}
        await hub.gives("1", 3, body("PoolCreateEvent", "TaskStartEvent"))
        await hub.gives("0", 4)  # who is late does not set it back
        assert len(intake.waiting().events) == 3, "the look was lost: it is all there still"
        assert intake.waiting().positions == {f"events {n}": NOON + timedelta(seconds=5 - 2 * n) for n in (0, 1)}
        await hub.gives("0", 9, body("TaskStartEvent"))
        intake.settle(2)
        assert [each.kind for each in intake.waiting().events] == ["taskstartevent"]
        status = intake.status
        assert (status.heard, status.told, status.malformed, status.open, status.error) == (4, 2, 1, True, "")
        assert status.last and abs(status.late - 598.9) < 0.1


async def test_the_hub_keeps_what_there_is_no_room_for() -> None:
    hub = Hub()
    async with listening(hub, {}) as intake:
        await hub.gives("0", 5, *[body("TaskStartEvent", number=1000)] * (MOST // 1000))
        more = asyncio.create_task(hub.gives("0", 6, body("TaskFailEvent")))
        done, _ = await asyncio.wait([more], timeout=0.05)
        assert not done
        assert len(intake.waiting().events) == MOST
        intake.settle(0)
        await asyncio.wait_for(more, 5)
        assert [each.kind for each in intake.waiting().events] == ["taskfailevent"]


async def test_a_connection_that_is_lost_is_made_again_from_what_was_heard() -> None:
    hub = Hub()
    async with listening(hub, {"events 0": NOON, "events 1": NOON}) as intake:
        await hub.gives("0", 30, body("TaskFailEvent"))
        for error in (AzureError("NoConnection", "it is lost"), RuntimeError("what nobody thought of")):
            hub.refuses = [AzureError("Unauthorized", "you may not"), AzureError("Unauthorized", "you may not")]
            hub.ends(error)
            await hub.opened()
            status = intake.status
            assert (status.open, status.error, status.times) == (False, "Unauthorized: you may not", 3)
            assert status.since and not status.failing(status.since)
            assert status.failing(status.since + PATIENCE)
            assert hub.asked[-1]["0"] == NOON + timedelta(seconds=30) - OVERLAP
            await hub.gives("1", 0)
            assert intake.status.open and not intake.status.error and not intake.status.failing(NOON)
        assert len(intake.waiting().events) == 1


async def test_who_takes_over_begins_with_what_is_stored() -> None:
    hub = Hub()
    async with listening(hub, {"events 0": NOON, "events 1": NOON}) as intake:
        await hub.gives("0", 30, body("TaskFailEvent"))
        intake.waiting()
    hub.heard = None
    later = NOON + timedelta(minutes=5)
    async with listening(hub, {"events 0": later, "events 1": later}, intake):
        intake.settle(1)  # of a look that was taken before
        assert not intake.waiting().events
        assert hub.asked[-1]["0"] == later - OVERLAP


def test_nothing_is_said_before_it_was_tried() -> None:
    status = Intake("farm", ACCOUNT, Hub(), Clock(), lambda: NOON).status
    assert status == IntakeStatus() and not status.failing(NOON)
