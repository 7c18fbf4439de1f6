"""A sandbox to write to: the real client on one side, the world and its clock on the other."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential

from bot.sandbox.entities import VirtualMachineFamilyCoreQuota
from bot.sandbox.entity_parts import ImageReference, VirtualMachineConfiguration
from bot.sandbox.entity_specs import PoolSpecification
from bot.sandbox.server import AzureSandbox
from bot.sandbox.wire.tokens import BATCH
from bot.sandbox.world import AccountState, Clock, LivePool, World
from tests.sandbox import still_world
from tests.sandbox.conformance import conformance
from tests.shared import ROOT

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
VERSION = "2025-06-01"
MACHINES: dict[str, Any] = {
    "imageReference": {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"},
    "nodeAgentSKUId": "batch.node.ubuntu 22.04",
}
POOL: dict[str, Any] = {"id": "made", "vmSize": "STANDARD_D2S_V3", "virtualMachineConfiguration": MACHINES}


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def values(self) -> dict[str, str]:
        return {value["key"]: value["value"] for value in self.body.get("values", [])}


@dataclass
class Stage:
    """One account with pool `busy` (four idle nodes) and `empty`; the clock stands still but for `wait`."""

    sandbox: AzureSandbox
    account: AccountState
    client: BatchClient
    session: ClientSession

    @property
    def now(self) -> datetime:
        return self.account.world.clock.now()

    def wait(self, seconds: float) -> None:
        self.account.world.clock.advance(timedelta(seconds=seconds))
        self.account.world.settle()

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        version: str = VERSION,
        content: str = "application/json",
        **headers: str,
    ) -> Answer:
        """A plain request; `body` is JSON, text that is sent as it is, or None for none."""
        text = None if body is None else body if isinstance(body, str) else json.dumps(body)
        data = None if text is None else io.BytesIO(text.encode())
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if data is not None:
            named["Content-Type"] = content
        where = f"{path}{'&' if '?' in path else '?'}api-version={version}"
        async with self.session.request(method, where, data=data, headers=named) as answer:
            told = await answer.read()
            return Answer(answer.status, answer.headers, json.loads(told) if told else None)


def add_pool(account: AccountState, pool_id: str, nodes: int, **more: Any) -> LivePool:
    """A pool with idle nodes."""
    machines = VirtualMachineConfiguration(
        image_reference=ImageReference(publisher="canonical", offer="0001-com-ubuntu-server-jammy", sku="22_04-lts"),
        node_agent_sku_id="batch.node.ubuntu 22.04",
    )
    spec = PoolSpecification(
        vm_size="standard_d2s_v3", virtual_machine_configuration=machines, target_dedicated_nodes=nodes, **more
    )
    return account.allocator.add(pool_id, spec, since=START - timedelta(hours=1))


@asynccontextmanager
async def opened() -> AsyncIterator[Stage]:
    """A stage that ends with the block."""
    world = World(seed=5, clock=Clock(START, paused=True))
    families = [VirtualMachineFamilyCoreQuota(name="standardDSv3Family", core_quota=400)]
    account = world.add_account(still_world.account(families=families))
    add_pool(account, "busy", 4)
    add_pool(account, "empty", 0)
    sandbox = AzureSandbox(world)
    await sandbox.start()
    headers = {"Authorization": f"Bearer {sandbox.tokens.issue(BATCH)}"}
    endpoint = sandbox.endpoints["render"]
    client = BatchClient(endpoint, AzureNamedKeyCredential("render", still_world.KEY))
    # Where Microsoft's documents are at hand, every answer has to be in them.
    held = conformance(sandbox) if (ROOT / "azure/specs").exists() else nullcontext()
    try:
        with held:
            async with client, ClientSession(endpoint, headers=headers) as session:
                yield Stage(sandbox, account, client, session)
    finally:
        await sandbox.close()
