"""Completion against a living account: every kind of name, over the real client and wire."""

from __future__ import annotations

import pytest

from bot.azure.models import Job, Node, Pool, Task
from bot.monitor.names import Names
from tests.handlers.conftest import Scene


async def test_every_kind_of_name_is_found(scene: Scene) -> None:
    account = scene.accounts.get()
    names = Names(scene.accounts)
    pools, _ = await account.every(Pool, "/pools", select="id")
    jobs, _ = await account.every(Job, "/jobs", select="id,state")
    assert set(await names.find("pool", "", {}, account.name)) == {pool.id for pool in pools}
    found = await names.find("job", "", {}, account.name, limit=10_000)
    assert set(found) == {job.id for job in jobs}
    active = {job.id for job in jobs if job.state == "active"}
    assert set(found[: len(active)]) == active
    assert await names.find("schedule", "", {}, account.name)
    assert await names.find("application", "", {}, account.name)
    for pool in pools:
        nodes, _ = await account.every(Node, account.nodes(pool.id), select="id")
        assert set(await names.find("node", "", {"pool": pool.id}, account.name)) == {node.id for node in nodes}
    assert await names.find("task", "", {"job": "no such job"}, account.name) == []
    await names.close()


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_a_task_behind_the_first_page_is_found_by_its_beginning(scene: Scene) -> None:
    account = scene.accounts.get()
    names = Names(scene.accounts)
    jobs, _ = await account.every(Job, "/jobs", select="id")
    for job in jobs:
        page = await account.window(Task, account.tasks(job.id), offset=1_500, limit=1, select="id")
        if page.items:
            break
    else:
        raise AssertionError("no job has so many tasks")
    wanted = page.items[0].id
    calls = 0
    while wanted not in await names.find("task", wanted, {"job": job.id}, account.name):
        calls += 1
        assert calls < 50, "a read that takes longer serves the next keystroke"
    await names.close()
