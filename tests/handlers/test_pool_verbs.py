"""Pools are changed as they were meant to be, and what Azure would refuse is refused before it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from bot.azure.account import Account
from bot.azure.models import Pool
from bot.azure.models.base import Untold
from bot.requests.context import Context
from cards.card import Actions, Mark, Menu, plain
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


async def test_the_form_of_a_resize_opens_with_what_there_is_and_follows_what_is_filled_in(operator: Operator) -> None:
    pool = operator.pool("win-build").body
    now = str(pool.target_dedicated_nodes), str(pool.target_low_priority_nodes or 0)
    form = await operator.form("pool resize win-build account:sim-dev")
    values = {field.name: field.value for field in form.fields}
    assert (values["dedicated"], values["spot"]) == now
    shown = [plain(note.text) for note in form.notes]
    assert "as now" in shown[0]
    assert shown[1].startswith("The quotas leave room for ")
    assert not form.errors
    assert not [note for note in form.notes if note.mark is Mark.WARNING], "nothing was typed yet"
    check("pool-resize-form", form)
    fewer = await operator.form("pool resize", {"pool": "win-build", "spot": "1", "account": "sim-dev"})
    assert plain(fewer.notes[0].text) == f"Spot nodes: {now[1]} → 1", "a target that is left out stays"
    many = await operator.form("pool resize", {**values, "dedicated": "5000"})
    assert list(many.errors) == ["dedicated"]
    wrong = await operator.form("pool resize", {**values, "dedicated": "-1"})
    assert wrong.errors == {"dedicated": "0 at least, not -1."}


async def test_a_resize_without_numbers_offers_the_form(operator: Operator) -> None:
    card = await operator.question("pool resize win-build account:sim-dev")
    assert card.refused
    assert plain(card.title) == "How many nodes?"
    form = buttons(card)[0]
    assert (form.command, form.how) == ("pool resize win-build account:sim-dev", "form")


async def test_a_pool_is_not_changed_for_another_in_the_form_that_deletes_it(operator: Operator) -> None:
    form = await operator.form("pool delete win-build account:sim-dev")
    assert form.danger
    assert "pool" not in [field.name for field in form.fields]
    assert form.intro.endswith("Pool: win-build\nAccount: sim-dev")
    assert "4 running tasks go" in "\n".join(plain(note.text) for note in form.notes)
    check("pool-delete-form", form)


async def test_the_menu_of_what_is_new_opens_the_forms(operator: Operator) -> None:
    home = await operator.question("home account:sim-dev")
    menus = [each for block in home.blocks if isinstance(block, Actions) for each in block.items]
    menu = next(each for each in menus if isinstance(each, Menu) and each.label == "+ New")
    assert menu.how == "form"
    assert "pool" in [each.value for each in menu.options]
    form = await operator.form(menu.command.replace("{}", "pool"))
    assert (form.title, form.submit) == ("Make a pool", "Make")


@pytest.mark.parametrize(
    "verb", ["pool resize win-build 3", "pool autoscale enable win-build '$TargetDedicatedNodes=1;'"]
)
@pytest.mark.parametrize("untold", [None, Untold(0)])
async def test_a_pool_that_does_not_say_what_it_wants_is_not_changed(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, verb: str, untold: int | None
) -> None:
    """To take it back would leave it with no nodes."""
    fetch = Account.fetch

    async def oddly(self: Account, kind: Any, *asked: Any, **more: Any) -> Any:
        found = await fetch(self, kind, *asked, **more)
        return replace(found, value=replace(found.value, target_dedicated_nodes=untold)) if kind is Pool else found

    monkeypatch.setattr(Account, "fetch", oddly)
    card = await operator.question(f"{verb} account:sim-dev")
    assert card.refused
    assert "how many nodes pool win-build wants" in str(card)
