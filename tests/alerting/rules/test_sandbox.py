"""What is told of a living account: its troubles are made in the sandbox, seen over the wire, and judged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.domain.findings import Finding
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.world.behaviour import MachineBehaviour, Work, exited
from bot.sandbox.world.scenarios.parts import UBUNTU, Batch, install, on, submit
from bot.settings import WatchSettings
from tests.alerting.rules.scenes import KINDS
from tests.monitor.observed_sandbox import Stage, staged

HOUR, MINUTE = 3600.0, 60.0


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        await stage.observer.load()
        await stage.look()
        yield stage


def add_pool(stage: Stage, name: str, nodes: int, machines: MachineBehaviour | None = None) -> None:
    spec = PoolSpecification(
        vm_size="Standard_D2s_v3",
        virtual_machine_configuration=UBUNTU,
        target_dedicated_nodes=nodes,
        start_task=install("./setup.sh"),
    )
    stage.state.allocator.add(name, spec, machines or MachineBehaviour())


def add_job(stage: Stage, name: str, pool: str, *, tasks: int, work: Work, ends: bool = False) -> None:
    batch = Batch(count=tasks, task_id="t{n:02}", command="./work.sh {n}", spec=TaskSpecification(), work=work)
    submit(stage.state, name, JobSpecification(pool_info=on(pool)), batch, ends=ends)


async def told(stage: Stage, seconds: float) -> dict[tuple[str, str], list[Finding]]:
    """What every look within this time tells, by kind and by whom it is about."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for look in await stage.watch(seconds, every=MINUTE):
        for kind in KINDS.values():
            if set(kind.reads) <= look.scene.read:
                for finding in kind.judge(look.scene):
                    found.setdefault((kind.name, finding.entity.id), []).append(finding)
    return found


def headlines(findings: list[Finding]) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(finding.headline for finding in findings))


async def test_a_pool_that_meets_its_quota(stage: Stage) -> None:
    add_pool(stage, "short", 40)
    add_job(stage, "waiting", "short", tasks=900, work=Work(median=HOUR))
    found = await told(stage, 30 * MINUTE)
    failed = found["pool.resize_failed", "short"][-1]
    assert failed.headline == "pool short has 7 of the 40 nodes it wants"
    assert "Quota" in failed.evidence
    assert dict(failed.figures)["Waiting"].startswith("1 job with ")
    assert headlines(found["pool.created", "short"]) == ["pool short was created"]
    assert ("pool.resized", "short") not in found
    assert ("pool.down", "short") not in found
    assert headlines(found["job.started", "waiting"]) == ["job waiting has started"]


async def test_a_start_task_that_fails(stage: Stage) -> None:
    add_pool(stage, "broken", 2, MachineBehaviour(start_task_failure=1.0, start_task_cause=exited(127)))
    add_job(stage, "waiting", "broken", tasks=9, work=Work(median=MINUTE))
    found = await told(stage, 40 * MINUTE)
    failing = found["pool.start_task_failing", "broken"][-1]
    assert failing.headline == "pool broken: the start task fails on 2 of 2 nodes"
    assert failing.cause == "the command was not found: a typo, a missing package, or a PATH that lacks it"
    assert headlines(found["pool.resized", "broken"]) == ["pool broken has 2 nodes after its resize"]
    assert found["job.stuck", "waiting"][-1].cause == ("no node of its pool broken can work: 2 nodes start task failed")


async def test_tasks_that_fail_and_the_end_of_their_job(stage: Stage) -> None:
    work = Work(median=2 * MINUTE, failures=((1.0, exited(137)),))
    add_job(stage, "doomed", "pool1", tasks=12, work=work, ends=True)
    found = await told(stage, 60 * MINUTE)
    states = [finding.state for finding in found["task.failed", "doomed"]]
    assert states[0] == "open"
    assert states[-1] == "resolved"
    assert found["task.failed", "doomed"][-1].headline == "job doomed ended: 12 of 12 tasks failed"
    assert found["task.failed", "doomed"][-1].cause == "exit code 137: the program has no memory left"
    assert headlines(found["job.failed", "doomed"]) == ["job doomed has failed: 12 of 12 tasks failed"]
    assert ("job.completed", "doomed") not in found


async def test_nodes_that_nobody_needs(stage: Stage) -> None:
    add_pool(stage, "lazy", 2)
    found = await told(stage, 50 * MINUTE)
    assert found["pool.idle", "lazy"][0].headline.startswith("pool lazy: 2 nodes idle for 30 min")
    stage.state.allocator.delete(stage.state.pools["lazy"])
    found = await told(stage, 10 * MINUTE)
    assert headlines(found["pool.deleted", "lazy"]) == ["pool lazy was deleted"]
    assert found.get(("pool.idle", "lazy"), []) == []


async def test_an_account_that_goes_on_as_ever_is_quiet(stage: Stage) -> None:
    """Nothing is wrong with a pool that works and a job that goes on, but the few tasks that fail, and the nodes that
    have been idle since before anybody looked.
    """
    found = await told(stage, 8 * MINUTE)
    assert {name for name, _ in found if not KINDS[name].quiet} <= {"task.failed", "pool.idle"}


async def test_tasks_that_begin_and_end_are_news_where_all_are_watched() -> None:
    async with staged(settings=WatchSettings(tasks="all")) as stage:
        await stage.observer.load()
        await stage.look()
        add_job(stage, "short", "pool1", tasks=3, work=Work(median=3 * MINUTE))
        found = await told(stage, 8 * MINUTE)
        names = {name for _, name in found if name.startswith("t0")}
        assert names == {"t01", "t02", "t03"}
        for name in names:
            assert headlines(found["task.started", name]) == [f"task {name} of short has started"]
            assert headlines(found["task.completed", name]) == [f"task {name} of short has completed"]
            assert len(found["task.started", name]) == 1
