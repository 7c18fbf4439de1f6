"""One pool's, one job's or one account's trouble never hides another's."""

from __future__ import annotations

import pytest

from tests.handlers.conftest import Scene, scene
from tests.monitor.observed_sandbox import staged

__all__ = ["scene"]


@pytest.mark.parametrize("status", [500, 403, 404, 409])
async def test_a_job_that_cannot_be_counted_hides_no_other(status: int) -> None:
    async with staged("demo") as stage:
        await stage.look()
        job = next(job for job in stage.state.ordered_jobs() if job.state == "active" and job.running)
        stage.sandbox.faults[stage.account.name].add("error", path=f"/jobs/{job.id}/task", status=status)
        polls = await stage.watch(360)
        assert all({"tasks", "jobs", "pools", "nodes"} <= each.scene.read for each in polls)
        assert all(each.scene.blind is None for each in polls)
        others = [view for name, view in polls[-1].scene.jobs.items() if name != job.id and view.state == "active"]
        assert others
        assert all(view.counted is not None for view in others)


@pytest.mark.parametrize("status", [500, 403, 409])
async def test_a_pool_whose_nodes_cannot_be_listed_hides_no_other(status: int) -> None:
    async with staged("demo") as stage:
        await stage.look()
        await stage.look(seconds=30)
        first, second, *_ = [pool for pool in stage.state.ordered_pools() if len(pool.nodes) > 1]
        for pool in (first, second):
            stage.state.inject.break_nodes(pool.id, 1)
        stage.sandbox.faults[stage.account.name].add("error", path=f"/pools/{first.id}/nodes", status=status)
        polls = await stage.watch(120)
        assert "nodes" in polls[-1].scene.read
        assert polls[-1].scene.pools[second.id].troubled
        assert polls[-1].scene.blind is None


async def test_accounts_answer_each_for_itself(scene: Scene) -> None:
    for fault in ({"status": 500}, {"status": 403}):
        scene.sandbox.faults["render-prod"].add("error", **fault)
        for command in ("home", "pool list", "job list", "topology", "node map", "schedule list"):
            assert not (await scene.ask(f"{command} account:sim-dev")).refused
        listed = await scene.ask("account list")
        assert not listed.refused
        scene.sandbox.faults["render-prod"].clear()
