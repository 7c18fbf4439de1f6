"""The account against the sandbox: everything that it can read, read over the sandbox's wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.errors import AzureError
from bot.azure.models import Job, JobSchedule, Node, NodeRow, Pool, Task, TaskRow, select_of
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock
from bot.sandbox.world.scenarios import build
from bot.settings import AccountSettings


@pytest.fixture
async def sandbox() -> AsyncIterator[AzureSandbox]:
    """The tiny scenario, some hours after it began."""
    world = build("tiny", seed=1, clock=Clock(paused=True))
    world.clock.advance(timedelta(hours=3))
    world.settle()
    sandbox = AzureSandbox(world, seed=1)
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture(params=["shared_key", "managed_identity"])
async def account(
    request: pytest.FixtureRequest, sandbox: AzureSandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Account]:
    """The sandbox's account, reached either way."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", sandbox.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", sandbox.identity_header)
    name, endpoint = next(iter(sandbox.endpoints.items()))
    facts = sandbox.world.accounts[name].facts
    settings = AccountSettings(
        endpoint,
        facts.subscription,
        facts.resource_group,
        account=name,
        region=facts.location,
        credential=request.param,
        key_env="KEY",
        arm_endpoint=sandbox.arm_url,
    )
    accounts = Accounts({name: settings}, {"KEY": facts.keys[0]})
    yield accounts.get()
    await accounts.close()


async def test_everything_is_read(account: Account) -> None:
    pools, at = await account.every(Pool, "/pools")
    assert pools
    assert abs(account.now() - at) < timedelta(minutes=1)
    for pool in pools:
        assert (await account.fetch(Pool, Account.pool(pool.id))).value.id == pool.id
        nodes, _ = await account.every(Node, Account.nodes(pool.id))
        rows, _ = await account.every(NodeRow, Account.nodes(pool.id), select=select_of(NodeRow))
        assert [node.id for node in nodes] == [row.id for row in rows]
        for node in nodes[:2]:
            assert (await account.fetch(Node, Account.node(pool.id, node.id))).value.id == node.id
    jobs, _ = await account.every(Job, "/jobs")
    assert jobs
    for job in jobs:
        tasks, _ = await account.every(Task, Account.tasks(job.id))
        rows_of_tasks, _ = await account.every(TaskRow, Account.tasks(job.id), select=select_of(TaskRow))
        assert len(tasks) == len(rows_of_tasks)
        counts = (await account.task_counts(job.id)).value.task_counts
        assert counts.active + counts.running + counts.completed == len(tasks)
        for task in tasks[:2]:
            fetched = await account.fetch(Task, Account.task(job.id, task.id))
            assert (fetched.value.id, fetched.etag.strip('"')) == (task.id, fetched.value.etag)
    schedules, _ = await account.every(JobSchedule, "/jobschedules")
    for schedule in schedules:
        assert (await account.fetch(JobSchedule, Account.schedule(schedule.id))).value.id == schedule.id
        await account.every(Job, Account.schedule_jobs(schedule.id))
    counted, _ = await account.node_counts()
    assert {each.pool_id for each in counted} == {pool.id for pool in pools}


async def test_windows_are_the_list(account: Account) -> None:
    jobs, _ = await account.every(Job, "/jobs", select="id")
    longest: list[str] = []
    path = ""
    for job in jobs:
        tasks, _ = await account.every(TaskRow, Account.tasks(job.id), select="id")
        if len(tasks) > len(longest):
            longest, path = [task.id for task in tasks], Account.tasks(job.id)
    assert len(longest) > 3
    for offset, limit in ((0, 2), (2, 2), (1, 2), (0, len(longest)), (3, 50), (len(longest), 5)):
        window = await account.window(TaskRow, path, offset=offset, limit=limit, select="id")
        assert [task.id for task in window.items] == longest[offset : offset + limit]


async def test_filters_are_the_services(account: Account) -> None:
    pools, _ = await account.every(Pool, "/pools", filter="state eq 'active'", select="id,state")
    assert {pool.state for pool in pools} == {"active"}
    with pytest.raises(AzureError) as caught:
        await account.every(Pool, "/pools", filter="state eq")
    assert caught.value.status == 400
    assert "RequestId" not in str(caught.value)


async def test_what_does_not_exist_is_not_found(account: Account) -> None:
    for path, code in (
        (Account.pool("none"), "PoolNotFound"),
        (Account.job("none"), "JobNotFound"),
        (Account.schedule("none"), "JobScheduleNotFound"),
    ):
        with pytest.raises(AzureError) as caught:
            await account.fetch(Pool, path)
        assert (caught.value.code, caught.value.not_found) == (code, True)


async def test_resource_manager(account: Account, sandbox: AzureSandbox) -> None:
    if account.settings.credential == "shared_key":
        with pytest.raises(AzureError, match="NoTokenCredential"):
            await account.vm_sizes()
        return
    resource = (await account.resource()).value
    facts = sandbox.world.accounts[account.name].facts
    assert resource.name == account.name
    assert resource.properties.dedicated_core_quota == facts.dedicated_core_quota
    sizes = await account.vm_sizes()
    pools, _ = await account.every(Pool, "/pools")
    assert all(sizes[pool.vm_size.lower()].vcpus > 0 for pool in pools)


async def _pools(account: Account) -> object:
    return await account.every(Pool, "/pools", select="id")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "throttle", "retry_after": 0, "count": 1},
        {"kind": "throttle", "status": 503, "retry_after": 0, "count": 1},
        {"kind": "error", "count": 1},
        {"kind": "cut", "after": 10, "count": 1},
        {"kind": "cut", "count": 1},
        {"kind": "slow", "seconds": 0.05, "count": 1},
    ],
)
async def test_troubles_that_pass_are_not_seen(account: Account, sandbox: AzureSandbox, fault: dict[str, Any]) -> None:
    expected = await _pools(account)
    played = sandbox.faults[account.name].add(**fault)
    found = await _pools(account)
    assert played.struck == 1
    assert found[0] == expected[0]  # type: ignore[index]


async def test_a_wrong_key_is_refused(sandbox: AzureSandbox) -> None:
    name, endpoint = next(iter(sandbox.endpoints.items()))
    settings = AccountSettings(endpoint, "s", "g", account=name, credential="shared_key", key_env="KEY")
    accounts = Accounts({name: settings}, {"KEY": "d3Jvbmc="})
    with pytest.raises(AzureError) as caught:
        await accounts.get().every(Pool, "/pools")
    assert caught.value.status in (401, 403)
    assert "d3Jvbmc=" not in f"{caught.value} {caught.value.values}"
    await accounts.close()
