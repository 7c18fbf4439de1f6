"""Receipts that are read over real HTTP, against what the sandbox knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.accounting.town import small, town


async def test_a_receipt_agrees_with_the_truth_once_statistics_have_come(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await here.watched(hours=1.5)
        early = await here.receipt("flaky")
        assert early.ended
        assert early.tasks.retries > 0
        assert early.tasks.unknown_runs == 0 or early.at_least
        here.world.clock.advance(timedelta(minutes=31))
        here.world.settle()
        found = await here.receipt("FLAKY")
        truth = here.truth.ledger.job_core_seconds("flaky").total.busy
        assert found.own.core_hours.total * 3600 == pytest.approx(truth, rel=1e-3)
        assert not found.at_least
        assert found.tasks.lost.core_hours.total > 0
        assert early.own.core_hours.total <= found.own.core_hours.total
        assert found.own_cost
        assert found.idle_cost
        assert found.seen > 0.97
        assert sum(line.money for line in found.parts()) == pytest.approx(found.cost)


async def test_what_a_job_cost_is_known_after_a_restart_when_its_pool_is_gone(tmp_path: Path) -> None:
    async with town(small(), tmp_path) as here:
        await here.watched(hours=1.2)
        before = await here.receipt("nightly:job-1")
        assert before.own_cost
        await here.restarted()
        del here.truth.pools["gpu"]
        after = await here.receipt("nightly:job-1")
        assert after.own_cost == pytest.approx(before.own_cost)
