"""Pools are changed as they were meant to be, and what Azure would refuse is refused before it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.requests.context import Context
from cards.card import plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, buttons, operated
from tests.handlers.test_cards import still


@pytest.fixture
async def operator(scene: Scene) -> AsyncIterator[Operator]:
    async with operated(scene, WorldClock(scene)) as operations:
        yield Operator(scene, operations)


async def test_a_pool_is_deleted_after_what_goes_with_it_was_shown(operator: Operator) -> None:
    asked = await operator.question("pool delete win-build account:sim-dev")
    assert "4 running tasks go" in str(asked)
    assert "standard_d4s_v3" in str(asked)
    assert operator.pool("win-build").body.state == "active"
    card = await operator.ask("pool delete win-build account:sim-dev", name="win-build")
    assert plain(card.title) == "Pool win-build is deleted"
    assert "win-build" not in operator.scene.world.accounts["sim-dev"].pools
    check("pool-delete", still(card, operator.scene))
    again = await operator.question("pool delete win-build account:sim-dev")
    assert "There is no pool" in plain(again.title)


async def test_a_resize_is_stopped_and_taken_back(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "now", lambda _: operator.scene.world.time)
    refused = await operator.question("pool stop-resize old-experiment account:sim-dev")
    assert plain(refused.title) == "Pool old-experiment is steady: there is no resize to stop."
    scaling = await operator.question("pool stop-resize render-cpu account:render-prod")
    assert "Azure stops no resize of such a pool" in plain(scaling.title)
    pool = operator.pool("old-experiment")
    operator.scene.world.accounts["sim-dev"].allocator.resize(pool, 4, 0)
    card = await operator.ask("pool stop-resize old-experiment account:sim-dev")
    assert plain(card.title).startswith("The resize of pool old-experiment stopped: it has 2 dedicated")
    assert pool.body.allocation_state == "steady"
    assert (pool.body.current_dedicated_nodes, pool.body.target_dedicated_nodes) == (2, 4)
    check("pool-stop-resize", still(card, operator.scene))
    undo = next(each for each in buttons(card) if each.text == "Undo")
    back = await operator.ask(undo.command)
    assert plain(back.title) == "Pool old-experiment has 4 dedicated and 0 spot nodes"


async def test_broken_nodes_are_replaced(operator: Operator) -> None:
    pool = operator.pool("montecarlo")
    broken = {node.id for node in pool.nodes.values() if node.state == "starttaskfailed"}
    operator.scene.world.accounts["sim-dev"].inject.heal("cfd")
    card = await operator.ask("pool replace-broken montecarlo account:sim-dev")
    assert plain(card.title).startswith("Replaced 1 node of pool montecarlo")
    assert not broken & set(pool.nodes)
    assert len(pool.nodes) == pool.body.target_dedicated_nodes == 11
    check("pool-replace-broken", still(card, operator.scene))
    none = await operator.question("pool replace-broken cfd account:sim-dev")
    assert plain(none.title) == "No node of pool cfd is unusable or failed its start task."


async def test_alerts_and_cards_offer_what_mends_it(operator: Operator) -> None:
    show = await operator.question("pool show win-build account:sim-dev")
    assert "Replace broken nodes" in [each.text for each in buttons(show)]
    check("pool-show-operator", still(show, operator.scene))
    listed = await operator.question("pool list account:sim-dev")
    check("pool-list-operator", still(listed, operator.scene))
    nodes = await operator.question("node list montecarlo state:bad account:sim-dev")
    check("node-list-operator", still(nodes, operator.scene))
    bad = next(node.id for node in operator.pool("montecarlo").nodes.values() if node.state == "starttaskfailed")
    node = await operator.question(f"node show montecarlo {bad} account:sim-dev")
    check("node-show-operator", still(node, operator.scene))
