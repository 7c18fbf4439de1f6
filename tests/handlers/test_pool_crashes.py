"""Chains on pools go on after a crash, send nothing twice, and never write over what somebody else changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.azure.writes import pools
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.requests.context import Context
from cards.card import Card, plain
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, operated

Sent = list[tuple[str, ...]]


@pytest.fixture
async def operator(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    monkeypatch.setattr(Context, "now", lambda _: scene.world.time)
    async with operated(scene, WorldClock(scene)) as operations:
        yield Operator(scene, operations)


@pytest.fixture
def died() -> asyncio.Event:
    """Set where the program has died."""
    return asyncio.Event()


@pytest.fixture
def removals(monkeypatch: pytest.MonkeyPatch, died: asyncio.Event) -> Sent:
    """The nodes of every removal that was sent; the program dies after the second one, once."""
    sent: Sent = []
    real = pools.remove_nodes

    async def dying(writer: Any, pool: str, nodes: list[str], **more: Any) -> Written:
        answer = await real(writer, pool, nodes, **more)
        sent.append(tuple(nodes))
        if len(sent) == 2:
            died.set()
            raise asyncio.CancelledError
        return answer

    monkeypatch.setattr(pools, "remove_nodes", dying)
    return sent


async def _to_the_end(operator: Operator, id_: str) -> Card:
    """What another start of the program makes of an operation."""
    services = operator.scene.dispatcher.services
    scene = operator.scene
    again = Operations(scene.store, scene.accounts, services.registry.workflows, Audit(scene.store), WorldClock(scene))
    operator.scene.advance(hours=1)  # whoever held it does no more
    assert await again.resume() == 1
    cards = [card async for card in again.follow(id_)]
    await again.drain()
    return cards[-1]


async def test_a_removal_of_hundreds_is_gone_on_with(operator: Operator, removals: Sent, died: asyncio.Event) -> None:
    account = operator.scene.world.accounts["render-prod"]
    account.facts = msgspec.structs.replace(account.facts, low_priority_core_quota=9000)
    pool = operator.pool("amber-comp")
    account.allocator.resize(pool, 0, 230)
    operator.scene.advance(minutes=40)
    had = set(pool.nodes)
    waiting = asyncio.create_task(operator.ask("node remove amber-comp all account:render-prod"))
    async with asyncio.timeout(60):
        await died.wait()
    await operator.operations.drain()
    waiting.cancel()
    rows = await operator.scene.store.operations(running=True)
    assert len(rows) == 1
    card = await _to_the_end(operator, rows[0].id)
    assert plain(card.title) == f"Removed {len(had)} nodes from pool amber-comp"
    assert not pool.nodes
    gone = [node for portion in removals for node in portion]
    assert len(removals) == 3
    assert (len(gone), set(gone)) == (len(had), had)


async def test_what_somebody_else_changed_is_not_written_over(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pools.patch

    async def late(writer: Any, pool: str, changes: Any, **more: Any) -> Written:
        account = operator.scene.world.accounts["sim-dev"]
        account.allocator.resize(account.pools[pool], 3, 0)  # somebody resizes it in between
        return await real(writer, pool, changes, **more)

    monkeypatch.setattr(pools, "patch", late)
    card = await operator.ask("pool set old-experiment metadata:cost=42 account:sim-dev")
    assert card.refused
    assert "Somebody changed it since you looked." in str(card.blocks)
    assert "cost" not in str(operator.pool("old-experiment").body.metadata)


async def test_a_rebuild_that_azure_refuses_gives_the_nodes_back(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pools.patch

    async def wrong(writer: Any, pool: str, changes: Any, **more: Any) -> Written:
        return await real(writer, pool, {**changes, "taskSlotsPerNode": 9999}, **more)

    monkeypatch.setattr(pools, "patch", wrong)
    card = await operator.ask("pool rebuild old-experiment size:d8ds_v5 account:sim-dev")
    assert plain(card.title) == (
        "Azure refused to change pool old-experiment; it has 2 dedicated and 0 spot nodes again"
    )
    assert operator.pool("old-experiment").body.vm_size == "standard_d16ds_v5"


async def test_every_write_of_a_pool_that_takes_an_etag_has_one(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, bool]] = []
    real = Writer.send

    async def noting(self: Writer, method: str, path: str, *given: Any, **more: Any) -> Written:
        sent.append((f"{method} {path.rsplit('/', 1)[-1]}", bool(more.get("if_match"))))
        return await real(self, method, path, *given, **more)

    monkeypatch.setattr(Writer, "send", noting)
    pool, account = operator.pool("old-experiment"), operator.scene.world.accounts["sim-dev"]
    node = min(pool.nodes)
    for typed in (
        "pool create e1 size:d2s_v3 image:ubuntu-24_04",
        "pool resize old-experiment 3",
        f"node reboot old-experiment {node}",
        f"node disable-scheduling old-experiment {node}",
        f"node remove old-experiment {node} regrow",
        "pool set old-experiment metadata:a=b",
        "pool rebuild old-experiment slots:2",
    ):
        card = await operator.ask(f"{typed} account:sim-dev")
        assert not card.refused, typed
    account.allocator.resize(pool, 4, 0)
    await operator.ask("pool stop-resize old-experiment account:sim-dev")
    await operator.ask("pool delete e1 account:sim-dev")
    assert sent == [
        ("POST pools", False),
        ("POST resize", True),
        ("POST reboot", False),
        ("POST disablescheduling", False),
        ("POST removenodes", True),
        ("POST resize", True),
        ("PATCH old-experiment", True),
        ("POST resize", True),
        ("PATCH old-experiment", True),
        ("POST resize", True),
        ("POST stopresize", True),
        ("DELETE e1", True),
    ]
