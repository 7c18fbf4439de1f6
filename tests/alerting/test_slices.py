"""A decision is worked off in slices: whoever reads in between finds whole indexes, whoever changes something waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.alerting import slices
from bot.chat.request import Author
from tests.alerting.alert_room import finding, room
from tests.alerting.test_state_is_indexed import check_state, indexed, scanned

ME = Author("slack:U1", "somebody")


@pytest.fixture(autouse=True)
def smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every slice is as small as can be."""
    monkeypatch.setattr(slices, "SLICE", 0.0)


async def test_readers_between_two_slices_find_whole_indexes(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        read = 0

        async def reads() -> None:
            nonlocal read
            while True:
                index = ops.alerts._state.notifications
                assert indexed(index) == scanned(index)
                assert all(each.open for each in ops.alerts.incidents.open())
                read += 1
                await asyncio.sleep(0)

        reader = asyncio.create_task(reads())
        for count in (1, 2, 0):
            ops.found["node.unusable"] = [finding(f"pool-{number}", count=count) for number in range(60) if count]
            await ops.look(30)
        assert not reader.done()
        reader.cancel()
        assert read > 100
        check_state(ops)


async def test_a_click_in_the_middle_of_a_decision_waits_for_its_end(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding("a")]
        await ops.look()
        [incident] = ops.alerts.incidents.open()
        ops.found["node.unusable"] = [finding("a", count=2), *(finding(f"p{number}") for number in range(40))]
        look = asyncio.create_task(ops.look(30))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not look.done()
        await ops.alerts.acknowledge(incident.id, ME)
        await look
        [known] = [each for each in ops.alerts.incidents.open() if each.id == incident.id]
        assert known.acknowledged == ME
        assert known.headline == "pool a has 2 unusable nodes"
        check_state(ops)


async def test_a_decision_that_is_cut_off_was_not_made(tmp_path: Path) -> None:
    async with room(tmp_path) as ops:
        ops.found["node.unusable"] = [finding(f"pool-{number}") for number in range(40)]
        look = asyncio.create_task(ops.look())
        for _ in range(20):
            await asyncio.sleep(0)
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
        assert ops.entries.written == {}
        assert await ops.store.incidents() == []
        await ops.look(30)
        assert ops.entries.titles() == ["▲ 40 alerts: 40 × node.unusable"]
        check_state(ops)
