"""The observer against a living account, over the real wire."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.watch.watching import Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        await stage.observer.load()
        yield stage


async def test_the_first_look_is_no_news_and_all_is_seen(stage: Stage) -> None:
    look = await stage.look()
    scene = look.scene
    assert scene.read == {"pools", "nodes", "jobs", "tasks", "schedules", "quota"}
    assert (scene.news, scene.ended, scene.blind) == ((), (), None)
    assert set(scene.pools) == {pool.id for pool in stage.state.pools.values()}
    for name, view in scene.pools.items():
        live = stage.state.pools[name]
        assert sum(counts.total for counts in view.counts) == live.total(True) + live.total(False)
    assert set(scene.jobs) == {job.id for job in stage.state.jobs.values() if job.state != "completed"}
    assert ("dedicated cores", stage.state.facts.dedicated_core_quota) in {(row[0], row[2]) for row in scene.quota.rows}
