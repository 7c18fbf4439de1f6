"""What a poll keeps of how long jobs and boots took, against the sandbox's own truth."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.azure.models import NodeRow
from bot.settings import WatchSettings
from storage.port.timings import JobTimes
from tests.monitor.observed_sandbox import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged(settings=WatchSettings()) as stage:
        await stage.look()
        yield stage


async def run_two_jobs(stage: Stage) -> list[JobTimes]:
    """What is kept of two jobs that end: one with tasks that fail, one that is terminated."""
    for name, failing in (("short", 0.5), ("other", 0.0)):
        stage.state.inject.add_job(name, "pool1", 8, seconds=40, failing=failing)
        stage.state.commands.set_on_all_tasks_complete(name, "terminatejob")
    looks = await stage.watch(1200)
    assert not any(look.scene.blind for look in looks)
    return [each for look in looks for each in look.batch.job_times]


async def test_a_job_that_ends_is_kept_once_with_what_its_tasks_took(stage: Stage) -> None:
    kept = {each.job: each for each in await run_two_jobs(stage)}
    assert set(kept) == {"short", "other"}
    for name, each in kept.items():
        tasks = list(stage.state.jobs[name].tasks.values())
        took = sorted((task.execution_info.end_time - task.execution_info.start_time).total_seconds() for task in tasks)
        assert (each.tasks, each.read, each.runs.total, each.waits.total) == (8, 8, 8, 8)
        assert each.failed == sum(task.execution_info.result == "failure" for task in tasks)
        longest = each.runs.percentile(1)
        assert longest is not None and abs(longest / took[-1] - 1) < 0.05
        assert each.pool == "pool1" and each.seconds >= took[-1]


async def test_without_a_budget_a_job_is_kept_without_its_tasks(stage: Stage) -> None:
    stage.observer._settings = WatchSettings(requests_per_minute=10, poll_seconds=30)
    kept = await run_two_jobs(stage)
    assert {each.job for each in kept} == {"short", "other"}
    assert all(each.read == 0 and each.seconds > 0 for each in kept)


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
