"""Older api-versions: what they do not know is neither answered nor taken, on both planes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.sandbox.entity_parts import OSDisk, UpgradePolicy
from bot.sandbox.wire.tokens import MANAGEMENT
from bot.sandbox.wire.versions import DATA_PLANE, RESOURCE_MANAGER
from tests.sandbox import still_world
from tests.sandbox.writable_sandbox import POOL, Stage, opened


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with opened() as stage:
        body = stage.account.pools["busy"].body
        body.upgrade_policy = UpgradePolicy(mode="manual")
        body.resource_tags = {"a": "b"}
        body.target_node_communication_mode = "simplified"
        assert body.virtual_machine_configuration is not None
        body.virtual_machine_configuration.os_disk = OSDisk(caching="readonly", disk_size_gb=64)
        yield stage


FIRST = {
    "allowTaskPreemption": ("jobs/job", "2022-01-01.15.0"),
    "targetNodeCommunicationMode": ("pools/busy", "2022-10-01.16.0"),
    "resourceTags": ("pools/busy", "2023-11-01.18.0"),
    "upgradePolicy": ("pools/busy", "2024-02-01.19.0"),
}
LAST = {"targetNodeCommunicationMode": "2024-07-01.20.0", "resourceTags": "2024-07-01.20.0"}


@pytest.mark.parametrize("version", DATA_PLANE)
async def test_each_version_has_its_names(stage: Stage, version: str) -> None:
    assert (
        await stage.send("POST", "/jobs", {"id": "job", "poolInfo": {"poolId": "busy"}}, version=version)
    ).status == 201
    for name, (path, first) in FIRST.items():
        told = (await stage.send("GET", f"/{path}", version=version)).body
        assert (name in told) is (first <= version <= LAST.get(name, version)), name
    pool = (await stage.send("GET", "/pools/busy", version=version)).body
    assert ("caching" in pool["virtualMachineConfiguration"]["osDisk"]) is (version >= "2023-11")
    assert ("certificateReferences" in pool) is (version != "2025-06-01")
    counts = (await stage.send("GET", "/nodecounts", version=version)).body["value"][0]["dedicated"]
    assert ("upgradingOS" in counts, "deallocated" in counts) == (version >= "2024-02", version >= "2024-07")


@pytest.mark.parametrize("version", DATA_PLANE)
async def test_each_version_takes_its_names(stage: Stage, version: str) -> None:
    machines = POOL["virtualMachineConfiguration"]
    disks = [{"lun": 0, "diskSizeGB": 9, "caching": "none"}]
    for number, (change, first, last) in enumerate(
        [
            ({"resourceTags": {"a": "b"}}, "2023-11", "2024-07-01.20.0"),
            ({"upgradePolicy": {"mode": "manual"}}, "2024-02", version),
            ({"taskSchedulingPolicy": {"nodeFillType": "pack", "jobDefaultOrder": "none"}}, "2025-06-01", version),
            ({"virtualMachineConfiguration": machines | {"osDisk": {"caching": "none"}}}, "2023-11", version),
            ({"virtualMachineConfiguration": machines | {"dataDisks": disks}}, "", version),
            ({"certificateReferences": []}, "", "2024-07-01.20.0"),
        ]
    ):
        body: dict[str, Any] = POOL | change | {"id": f"made{number}"}
        answer = await stage.send("POST", "/pools", body, version=version)
        assert answer.status == (201 if first <= version <= last else 400), (change, answer.body)


async def test_what_is_selected_has_to_be_known(stage: Stage) -> None:
    for version, status in (("2023-11-01.18.0", 400), ("2024-02-01.19.0", 200)):
        answer = await stage.send("GET", "/pools?$select=id,upgradePolicy", version=version)
        assert answer.status == status
    assert (await stage.send("GET", "/pools", version="2020-09-01.12.0")).code == "InvalidQueryParameterValue"


async def test_files_for_remote_desktops_are_history(stage: Stage) -> None:
    where = f"/pools/busy/nodes/{next(iter(stage.account.pools['busy'].nodes))}/rdp"
    assert (await stage.send("GET", where, version="2024-02-01.19.0")).code == "OperationNotValidOnNode"
    assert (await stage.send("GET", where)).code == "ResourceNotFound"


@pytest.mark.parametrize("version", RESOURCE_MANAGER)
async def test_each_version_of_resource_manager(stage: Stage, version: str) -> None:
    subscription = f"/subscriptions/{still_world.SUBSCRIPTION}"
    home = f"{subscription}/resourceGroups/batch-rg/providers/Microsoft.Batch/batchAccounts/render"
    headers = {"Authorization": f"Bearer {stage.sandbox.tokens.issue(MANAGEMENT)}"}
    async with ClientSession(stage.sandbox.arm_url, headers=headers) as arm:
        async with arm.get(home, params={"api-version": version}) as answer:
            account = (await answer.json())["properties"]
        async with arm.get(f"{home}/pools/busy", params={"api-version": version}) as answer:
            pool = (await answer.json())["properties"]
    assert ("nodeManagementEndpoint" in account) is (version >= "2022-06")
    assert ("targetNodeCommunicationMode" in pool) is ("2022-10" <= version < "2025")
    assert ("upgradePolicy" in pool) is (version >= "2024-02")


async def test_an_answer_that_is_lost_after_the_work(stage: Stage) -> None:
    stage.sandbox.faults["render"].add("error", method="POST", path="/pools", performed=True, count=1)
    answer = await stage.send("POST", "/pools", POOL)
    assert (answer.status, answer.code) == (500, "OperationTimedOut")
    assert (await stage.send("POST", "/pools", POOL)).code == "PoolExists"
