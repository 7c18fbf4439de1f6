"""What a poll keeps of how long nodes took to boot, against the sandbox's own truth."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.azure.models import NodeRow
from bot.settings import WatchSettings
from tests.monitor.observed_sandbox import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(settings=WatchSettings()) as stage:
        await stage.look()
        yield stage


async def test_the_boots_of_new_nodes_are_kept(stage: Stage) -> None:
    known = set(stage.state.pools["pool1"].nodes)
    stage.state.commands.resize("pool1", dedicated=5)
    boots = [each for look in await stage.watch(1800) for each in look.batch.boots]
    assert {each.node for each in boots} == set(stage.state.pools["pool1"].nodes) - known
    rows, _ = await stage.account.every(NodeRow, stage.account.nodes("pool1"), select="id,allocationTime,lastBootTime")
    truth = {row.id: (row.allocation_time, row.last_boot_time) for row in rows}
    for each in boots:
        allocated, booted = truth[each.node]
        assert allocated and booted
        assert (each.allocated, each.seconds) == (allocated, (booted - allocated).total_seconds())
        assert each.vm_size and not each.spot
