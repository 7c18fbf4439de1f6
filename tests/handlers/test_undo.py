"""Undo goes back to what was there, and asks where somebody has changed that since; operations say who began them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.policy.approvals import ApprovalRules
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.policy.settings import ApprovalSettings
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.settings import AccessSettings
from cards.card import Card, plain
from handlers.pool import steps
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, buttons, operated

POOL = "old-experiment"
RESIZE = f"pool resize {POOL} {{}} account:sim-dev"


@pytest.fixture
async def operator(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    monkeypatch.setattr(Context, "now", lambda _: scene.world.time)
    async with operated(scene, WorldClock(scene)) as operations:
        yield Operator(scene, operations)


def undo_of(card: Card) -> str:
    return next(each.command for each in buttons(card) if each.text == "Undo")


async def test_nothing_is_asked_where_nothing_has_changed(operator: Operator) -> None:
    first = await operator.ask(RESIZE.format(1))
    card = await operator.ask(RESIZE.format(2))
    assert "Undo: back to 1 dedicated and 0 spot nodes" in str(card)
    assert "sim-dev" in str(card), "there are several accounts"
    back = await operator.question(undo_of(card))
    assert plain(back.title) == f"Pool {POOL} has 1 dedicated and 0 spot nodes"
    id_ = undo_of(card).split()[1]
    assert f"undo of {id_}" in str(back)
    listed = str(await operator.question("operation list"))
    assert f"undo of {id_}" in listed
    assert "in sim-dev" in listed
    [line, *_] = [
        each for each in reversed(await operator.scene.store.audit(operator.scene.world.time.min.replace(
            year=2000, tzinfo=operator.scene.world.time.tzinfo))) if "undo" in each.how
    ]  # fmt: skip
    assert line.how.endswith(f"undo {id_}")
    assert plain(first.title) == f"Pool {POOL} has 1 dedicated and 0 spot nodes"


async def test_what_somebody_set_since_is_not_overwritten_unasked(operator: Operator) -> None:
    await operator.ask(RESIZE.format(1))
    card = await operator.ask(RESIZE.format(2))
    operator.scene.world.accounts["sim-dev"].allocator.resize(operator.pool(POOL), 4, 0)
    operator.scene.advance(minutes=5)
    asked = await operator.question(undo_of(card))
    assert plain(asked.title).startswith(f"Resize pool {POOL} to 1 dedicated and 0 spot nodes")
    assert "which undoes" in plain(asked.title)
    assert "Dedicated nodes: 2 → 4" in str(asked)
    assert operator.pool(POOL).body.target_dedicated_nodes == 4
    back = await operator.ask(undo_of(card))
    assert plain(back.title) == f"Pool {POOL} has 1 dedicated and 0 spot nodes"
    assert "undo of" in str(back), "also when it was confirmed"


async def test_what_the_bot_changed_since_is_named(operator: Operator) -> None:
    await operator.ask(RESIZE.format(1))
    card = await operator.ask(RESIZE.format(2))
    await operator.ask(RESIZE.format(3))
    asked = str(await operator.question(undo_of(card)))
    assert "Dedicated nodes: 2 → 3" in asked
    assert "text:viewer" in asked or "viewer" in asked
    assert operator.pool(POOL).body.target_dedicated_nodes == 3


async def test_a_resize_that_was_stopped_is_no_success(operator: Operator) -> None:
    await operator.ask(RESIZE.format(1))
    pool, account = operator.pool(POOL), operator.scene.world.accounts["sim-dev"]
    resize = type(account.allocator).resize

    def other(self: object, *args: object, **more: object) -> object:
        """Somebody asks for less while the nodes are on their way."""
        del self, args, more
        return resize(account.allocator, pool, 2, 0)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(account.allocator), "resize", other)
        card = await operator.ask(RESIZE.format(4))
    assert plain(card.title) == f"Pool {POOL} stopped at 2 of 4 nodes"
    assert card.mark.name == "WARNING"
    rows = await operator.scene.store.operations(limit=1)
    assert rows[0].state == "stopped"


async def test_shrinking_a_pool_with_work_asks_and_growing_does_not(operator: Operator) -> None:
    asked = await operator.question("pool resize win-build 0 account:sim-dev")
    assert plain(asked.title).startswith("Resize pool win-build to 0 dedicated")
    assert plain(asked.title).endswith(" in sim-dev?")


async def test_the_form_has_asked_already(operator: Operator) -> None:
    values = {"pool": "win-build", "dedicated": "1", "spot": "0", "account": "sim-dev"}
    card = (await operator.cards("pool resize", values=values))[-1]
    assert not any(each.command.startswith("confirm") for each in buttons(card)), plain(card.title)


async def test_nodes_are_replaced_in_a_pool_that_was_short_before(operator: Operator) -> None:
    account, pool = operator.scene.world.accounts["sim-dev"], operator.pool(POOL)
    await operator.ask(RESIZE.format(1))
    account.allocator.resize(pool, 6, 0)
    operator.scene.advance(minutes=10)
    had = pool.body.current_dedicated_nodes
    assert 0 < had < 6, "the quota ended it"
    account.inject.break_nodes(POOL)
    card = await operator.ask(f"pool replace-broken {POOL} account:sim-dev")
    now = pool.body.current_dedicated_nodes
    assert had <= now < 6
    assert plain(card.title) == f"Replaced 1 node of pool {POOL}; it has {now} of 6 nodes, and was short before"
    assert not card.refused
    assert "Try again" not in [each.text for each in buttons(card)]


async def test_trying_again_is_not_offered_where_a_quota_ended_it(operator: Operator) -> None:
    account, pool = operator.scene.world.accounts["sim-dev"], operator.pool(POOL)
    account.allocator.resize(pool, 6, 0)
    operator.scene.advance(minutes=10)
    assert steps.may_help((("AllocationFailed", "There is no capacity."),))
    assert not steps.may_help(tuple((error.code, error.message) for error in pool.body.resize_errors))


async def test_what_goes_on_can_be_opened_and_stopped(operator: Operator) -> None:
    await operator.ask(RESIZE.format(1))
    cards = await operator.cards(RESIZE.format(2))
    running = [card for card in cards if plain(card.title) == f"Resizing pool {POOL} · under way"]
    offered = {each.text: each.command for card in running for each in buttons(card)}
    assert offered["Stop the resize"] == f"pool stop-resize {POOL} account:sim-dev"
    assert offered["Open"] == f"pool show {POOL} account:sim-dev"
    assert all("by viewer · sim-dev" in str(card) for card in cards)


async def test_what_others_agreed_to_is_still_known_to_take_something_back(operator: Operator) -> None:
    await operator.ask(RESIZE.format(1))
    card = await operator.ask(RESIZE.format(2))
    id_ = undo_of(card).split()[1]
    services = operator.scene.dispatcher.services
    rule = ApprovalSettings(nodes=0, approvers=["text:viewer"], self_approval=True, name="all")
    policy = Policy(Access(AccessSettings(admins=["text:viewer"])), approvals=ApprovalRules([rule]))
    operator.scene.dispatcher = Dispatcher(replace(services, policy=policy))
    why = next(each.command for each in buttons(await operator.question(undo_of(card))) if each.text == "Say why…")
    waits = await operator.question(f"{why} 'it was too much'")
    assert "waits for an approval" in plain(waits.title)
    [approval], _ = await operator.scene.store.approvals(["pending"])
    assert f"operation {id_}" in str(await operator.question(f"approval show {approval.id}"))
    await operator.question(f"approve {approval.id}")
    back = await operator.question(f"approval run {approval.id}")
    assert plain(back.title) == f"Pool {POOL} has 1 dedicated and 0 spot nodes"
    assert f"undo of {id_}" in str(back)
