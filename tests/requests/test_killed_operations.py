"""kill -9 at every step of an operation: started again it finishes, nothing is done twice, and one message says so."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.sandbox.entity_specs import JobSpecification, PoolInformation
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world import World
from tests.kills import kills_of
from tests.requests.killed_operations import SPEED, Begun
from tests.requests.killing import Ended, Stage, audit, killed_at
from tests.sandbox import still_world
from tests.sandbox.writable_sandbox import add_pool

GONE, LEFT = 40, 3
"""Tasks that a bulk delete is about, and that its filter leaves out."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    begun = Begun(datetime.now(UTC), time.monotonic())
    world = World(seed=5, clock=WorldClock(begun.at, speed=SPEED))
    account = world.add_account(still_world.account(families=[], families_enforced=False, dedicated_core_quota=10_000))
    sandbox = AzureSandbox(world)
    await sandbox.start()
    yield Stage(sandbox, account, tmp_path, begun)
    await sandbox.close()


def told(stage: Stage, ended: Ended) -> None:
    """What happened is in the audit trail, once."""
    results = audit(stage.folder / ended.name)
    assert results[-1] == "done", ended
    assert results.count("done") == 1


def interrupted(ended: list[Ended]) -> int:
    """How many died before their operation was begun."""
    return sum(not each.begun for each in ended)


@pytest.mark.timeout(1800)
async def test_an_account_is_made_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("accounts", "locations"):
        monkeypatch.setattr(f"bot.sandbox.wire.arm.{module}.ACCOUNT_QUOTA", 10_000)

    def named(name: str) -> str:
        return name.replace("-", "")

    kills = kills_of("account create")
    ended = await killed_at(stage, kills, lambda name: f"account create {named(name)}", lambda name: None)
    for each in ended:
        made = stage.sent("PUT", f"/{named(each.name)}")
        if each.begun:
            assert each.titles[-1] == f"Batch account {named(each.name)} is there"
            assert made == 1, each
            assert named(each.name) in stage.sandbox.world.accounts
            told(stage, each)
        else:
            assert made == 0, each
    assert interrupted(ended) <= kills // 3


@pytest.mark.timeout(1800)
async def test_a_pool_is_made_once(stage: Stage) -> None:
    kills = kills_of("pool create")
    asked = "pool create {} size:d2s_v3 image:ubuntu-24_04-lts dedicated:1"
    ended = await killed_at(stage, kills, asked.format, lambda name: None, asks=True)
    for each in ended:
        made = stage.sent("POST", "/pools", each.name)
        if each.begun:
            assert each.titles[-1].startswith(f"Pool {each.name} has 1 "), each
            assert made == 1, each
            assert len(stage.account.pools[each.name].nodes) == 1
            told(stage, each)
        else:
            assert made == 0, each
            assert each.name not in stage.account.pools
    assert interrupted(ended) <= kills // 3


@pytest.mark.timeout(1800)
async def test_a_pool_is_resized_once(stage: Stage) -> None:
    kills = kills_of("pool resize")
    prepare = lambda name: add_pool(stage.account, name, 1)  # noqa: E731
    ended = await killed_at(stage, kills, lambda name: f"pool resize {name} 3", prepare)
    for each in ended:
        asked = stage.sent("POST", f"/pools/{each.name}/resize")
        if each.begun:
            assert asked == 1, each
            assert each.titles[-1].startswith(f"Pool {each.name} has 3 dedicated"), each
            assert len(stage.account.pools[each.name].nodes) == 3
            told(stage, each)
        else:
            assert asked == 0, each
    assert interrupted(ended) <= kills // 3


@pytest.mark.timeout(1800)
async def test_nodes_are_removed_once(stage: Stage) -> None:
    chosen: dict[str, str] = {}

    def text(name: str) -> str:
        chosen[name] = next(iter(stage.account.pools[name].nodes))
        return f"node remove {name} {chosen[name]}"

    kills = kills_of("node remove")
    prepare = lambda name: add_pool(stage.account, name, 4)  # noqa: E731
    ended = await killed_at(stage, kills, text, prepare, asks=True)
    for each in ended:
        asked, left = stage.sent("POST", f"/pools/{each.name}/removenodes"), stage.account.pools[each.name].nodes
        if each.begun:
            assert asked == 1, each
            assert len(left) == 3
            assert chosen[each.name] not in left
            told(stage, each)
        else:
            assert asked == 0, each
            assert len(left) == 4
    assert interrupted(ended) <= kills // 3


@pytest.mark.timeout(1800)
async def test_tasks_on_a_filter_are_deleted_once(stage: Stage) -> None:
    def prepare(name: str) -> None:
        stage.account.commands.add_job(name, JobSpecification(pool_info=PoolInformation(pool_id="none")))
        for number in range(GONE + LEFT):
            kind = "old" if number < GONE else "new"
            stage.account.commands.add_task(name, f"{kind}-{number:02}", "sleep 1")

    kills = kills_of("task delete")
    ended = await killed_at(stage, kills, lambda name: f"task delete {name} id:old-*", prepare, asks=True)
    for each in ended:
        sent = [stage.sent("DELETE", f"/jobs/{each.name}/tasks/old-{number:02}") for number in range(GONE)]
        left = set(stage.account.jobs[each.name].tasks)
        if each.begun:
            assert each.titles[-1] == f"{GONE} tasks of job {each.name} were deleted", each
            assert sent == [1] * GONE, each
            assert left == {f"new-{number:02}" for number in range(GONE, GONE + LEFT)}
            told(stage, each)
        else:
            assert sent == [0] * GONE, each
            assert len(left) == GONE + LEFT
    assert interrupted(ended) <= kills // 3
