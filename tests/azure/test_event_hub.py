"""An event hub, read as the bot reads it: with Azure's own client, over AMQP from a peer of Qpid Proton."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.azure import event_hub
from bot.azure.errors import AzureError
from bot.azure.event_hub import Arrived, EventHub
from bot.clock import end_tasks
from tests.doctor.test_events import reached

NOW = datetime.now(UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def heard(hub: EventHub, since: dict[str, datetime], number: int) -> dict[str, list[bytes]]:
    """So many events, by partition."""
    found: dict[str, list[bytes]] = {}
    enough = asyncio.Event()

    async def hear(partition: str, arrived: Sequence[Arrived]) -> None:
        found.setdefault(partition, []).extend(each.body for each in arrived)
        if sum(map(len, found.values())) >= number:
            enough.set()

    reading, waiting = asyncio.create_task(hub.receive(since, hear)), asyncio.create_task(enough.wait())
    try:
        await asyncio.wait((reading, waiting), return_when=asyncio.FIRST_COMPLETED, timeout=60)
        if not waiting.done():
            await reading
    finally:
        await end_tasks([reading, waiting])
    return found


async def test_each_partition_is_read_from_its_own_instant_on(tmp_path: Path) -> None:
    async with reached(tmp_path) as (made, hub, _):
        for number in range(6):
            made.emit(number % 2, b"%d" % number, after(number))
        assert await hub.partitions() == ["0", "1"]
        found = await heard(hub, {"0": after(2), "1": after(3.5)}, 3)
        assert found == {"0": [b"2", b"4"], "1": [b"5"]}, "the very instant is among them"
        made.emit(1, b"6", after(6))
        assert (await heard(hub, {"1": after(5.5), "0": after(9)}, 1))["1"] == [b"6"]


async def test_a_hub_that_has_events_and_does_not_give_them_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_hub, "_PROBE", 0.3)
    async with reached(tmp_path) as (made, hub, _):
        made.emit(0, b"1", after(0))
        made.mute = True
        with pytest.raises(AzureError, match="has events that do not come"):
            await heard(hub, {"0": after(-9), "1": after(-9)}, 1)


async def test_what_fails_is_told_with_its_code(tmp_path: Path) -> None:
    async with reached(tmp_path) as (made, hub, _):
        made.refuses = "Unauthorized access. 'Listen' claim(s) are required to perform this operation."
        for work in (hub.partitions(), heard(hub, {"0": NOW}, 1)):
            with pytest.raises(AzureError) as error:
                await work
            assert error.value.code == "Unauthorized"
            assert error.value.message.startswith("batchbot-test.servicebus.windows.net: ")
