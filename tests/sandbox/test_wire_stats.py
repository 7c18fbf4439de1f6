"""Statistics of pools and jobs: told where they are asked for, half an hour late, and true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH
from bot.sandbox.world.durations import seconds
from tests.sandbox.conformance import conformance
from tests.sandbox.money_sandbox import START, money_sandbox

NOW = START + timedelta(hours=3)
UPDATED = NOW.replace(minute=30, second=0)


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    async with money_sandbox() as sandbox:
        yield sandbox


async def ask(sandbox: AzureSandbox, path: str, account: str = "render-prod") -> Any:
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    mark = "&" if "?" in path else "?"
    url = f"{sandbox.endpoints[account]}{path}{mark}api-version=2024-07-01.20.0"
    async with ClientSession(headers=headers) as session, session.get(url) as answer:
        assert answer.status == 200
        return await answer.json(content_type=None)


async def test_a_pools_core_time_and_traffic_are_the_ledgers(sandbox: AzureSandbox) -> None:
    account = sandbox.world.accounts["render-prod"]
    for pool in (await ask(sandbox, "/pools?$expand=stats"))["value"]:
        made = datetime.fromisoformat(pool["creationTime"])
        use = account.ledger.core_seconds(pool["id"], made, UPDATED)
        stats = pool["stats"]
        assert datetime.fromisoformat(stats["lastUpdateTime"]) == UPDATED
        assert datetime.fromisoformat(stats["startTime"]) == made
        assert seconds(stats["usageStats"]["dedicatedCoreTime"]) == pytest.approx(use.dedicated.cores, abs=0.01)
        traffic = stats["resourceStats"]
        assert bool(traffic["networkReadGiB"]) == bool(traffic["networkWriteGiB"]) == bool(use.total.busy)
        assert traffic["networkReadGiB"] / 0.35 == pytest.approx(use.total.busy / 3600)


async def test_what_left_the_pools_of_a_day_is_what_is_billed_as_bandwidth(sandbox: AzureSandbox) -> None:
    ledger = sandbox.world.accounts["render-prod"].ledger
    day = (START - timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
    busy = ledger.core_seconds(None, day, day + timedelta(days=1)).total.busy
    billed = sum(charge.quantity for charge in ledger.bill(day.date()) if charge.category == "Bandwidth")
    assert billed == pytest.approx(busy / 3600 * 0.05)


async def test_a_jobs_tasks_are_counted(sandbox: AzureSandbox) -> None:
    account = sandbox.world.accounts["render-prod"]
    done = 0
    for body in (await ask(sandbox, "/jobs?$expand=stats"))["value"]:
        job, stats = account.jobs[body["id"]], body["stats"]
        ended = [
            task.execution_info
            for task in job.tasks.values()
            if task.execution_info.start_time and task.execution_info.end_time
            and task.execution_info.end_time <= max(UPDATED, job.body.creation_time)
        ]  # fmt: skip
        assert int(stats["numSucceededTasks"]) + int(stats["numFailedTasks"]) == len(ended)
        assert int(stats["numTaskRetries"]) == sum(info.retry_count for info in ended)
        done += len(ended)
    assert done > 100


async def test_they_are_told_only_where_asked_for_and_conform(sandbox: AzureSandbox) -> None:
    assert not any("stats" in pool for pool in (await ask(sandbox, "/pools"))["value"])
    with conformance(sandbox) as seen:
        for path in ("/pools/render-cpu?$expand=stats", "/pools?$expand=stats", "/jobs?$expand=stats"):
            await ask(sandbox, path)
    assert seen.answers == 3
