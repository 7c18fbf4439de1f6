"""Nodes are changed one by one and in bulk, each once, and none that is not the one that was meant any more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bot.operations.run_once import RunOnce
from bot.requests.context import Context
from cards import text
from cards.build import forget_shown_secrets
from cards.card import Card, plain
from cards.text_fit import elide
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, buttons, operated
from tests.handlers.test_cards import still


@pytest.fixture
async def operator(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    monkeypatch.setattr(Context, "now", lambda _: scene.world.time)
    async with operated(scene, WorldClock(scene)) as operations:
        yield Operator(scene, operations)


def nodes(operator: Operator, pool: str, *states: str) -> list[str]:
    return sorted(node.id for node in operator.pool(pool).nodes.values() if not states or node.state in states)


async def test_one_node_is_rebooted_by_its_id(operator: Operator) -> None:
    node = operator.pool("old-experiment").nodes[nodes(operator, "old-experiment")[0]]
    before = node.body.last_boot_time
    card = await operator.ask(f"node reboot old-experiment {node.id} account:sim-dev")
    assert plain(card.title) == f"Rebooted node {elide(node.id, 22)} of pool old-experiment"
    assert node.state == "idle"
    assert node.body.last_boot_time != before
    check("node-reboot", still(card, operator.scene))


async def test_what_runs_on_the_nodes_is_said_before(operator: Operator) -> None:
    form = await operator.form("node reboot cfd all account:sim-dev")
    told = "\n".join(plain(note.text) for note in form.notes)
    assert "Reboot 3 nodes of pool cfd" in told
    assert "3 running tasks: back into the queue, to start anew." in told
    check("node-reboot-form", form)
    card = await operator.ask("node reboot cfd all account:sim-dev")
    assert plain(card.title) == "Rebooted 3 nodes of pool cfd"


async def test_nodes_that_cannot_take_it_are_left_out(operator: Operator) -> None:
    first, second = nodes(operator, "old-experiment")
    await operator.ask(f"node deallocate old-experiment {first} account:sim-dev")
    assert operator.pool("old-experiment").nodes[first].state == "deallocated"
    form = await operator.form("node reboot old-experiment all account:sim-dev")
    assert "1 of the 2 are left out: 1 deallocated." in str(form.notes)
    refused = await operator.question(f"node reboot old-experiment {first} account:sim-dev")
    assert plain(refused.title) == f"Node {elide(first, 22)} is deallocated: that cannot be done now."
    card = await operator.ask("node start old-experiment state:deallocated account:sim-dev")
    assert plain(card.title) == f"Started node {elide(first, 22)} of pool old-experiment"
    assert operator.pool("old-experiment").nodes[first].state == "idle"
    assert second in nodes(operator, "old-experiment", "idle")


async def test_scheduling_is_switched_off_and_taken_back(operator: Operator) -> None:
    card = await operator.ask("node disable-scheduling old-experiment all account:sim-dev")
    assert plain(card.title) == "No tasks go to 2 nodes of pool old-experiment"
    check("node-disable-scheduling", still(card, operator.scene))
    states = {node.body.scheduling_state for node in operator.pool("old-experiment").nodes.values()}
    assert states == {"disabled"}
    again = await operator.question("node disable-scheduling old-experiment all account:sim-dev")
    assert plain(again.title) == "None of the 2 nodes can take it: 2 taking no tasks already."
    await operator.ask(next(each.command for each in buttons(card) if each.text == "Undo"))
    states = {node.body.scheduling_state for node in operator.pool("old-experiment").nodes.values()}
    assert states == {"enabled"}


async def test_nodes_are_removed_and_the_pool_gets_smaller(operator: Operator) -> None:
    gone = nodes(operator, "old-experiment")[0]
    asked = await operator.form(f"node remove old-experiment {gone} account:sim-dev")
    check("node-remove-form", asked)
    card = await operator.ask(f"node remove old-experiment {gone} account:sim-dev")
    assert plain(card.title) == "Removed 1 node from pool old-experiment"
    assert gone not in operator.pool("old-experiment").nodes
    assert operator.pool("old-experiment").body.target_dedicated_nodes == 1
    check("node-remove", still(card, operator.scene))
    back = await operator.ask(next(each.command for each in buttons(card) if each.text == "Undo"))
    assert plain(back.title) == "Pool old-experiment has 2 dedicated and 0 spot nodes"


async def test_more_than_a_hundred_nodes_go_in_several_calls(operator: Operator) -> None:
    account = operator.scene.world.accounts["render-prod"]
    account.facts = msgspec.structs.replace(account.facts, low_priority_core_quota=9000)
    pool = operator.pool("amber-comp")
    account.allocator.resize(pool, 0, 230)
    operator.scene.advance(minutes=40)
    assert len(pool.nodes) > 200
    had = len(pool.nodes)
    cards = await operator.cards("node remove amber-comp all account:render-prod")
    if "confirm" in str(cards[-1]):
        cards = await operator.cards(next(b.command for b in buttons(cards[-1]) if b.command.startswith("confirm")))
    assert plain(cards[-1].title) == f"Removed {had} nodes from pool amber-comp"
    assert any("Remove 100 nodes (2 of 3)" in str(card) for card in cards)
    assert not pool.nodes


async def test_nobody_is_meant(operator: Operator) -> None:
    card = await operator.question("node reboot cfd account:sim-dev")
    assert plain(card.title).startswith("Which nodes?")
    card = await operator.question("node reboot cfd nobody account:sim-dev")
    assert plain(card.title) == "“nobody” matches no node of pool cfd."


async def test_reimage_says_what_does_the_same(operator: Operator) -> None:
    card = await operator.question("node reimage cfd tvm-1 account:sim-dev")
    assert [each.text for each in buttons(card)] == ["Remove and regrow", "Reboot", "Node"]
    check("node-reimage", still(card, operator.scene))


def stored(folder: Path) -> bytes:
    """All that the database holds."""
    return b"".join(path.read_bytes() for path in folder.glob("t.db*"))


async def journalled(operator: Operator, typed: str) -> Card:
    """The answer to a request as a platform hands it in: kept until it is answered."""
    store, request = operator.scene.store, operator.request(typed)
    now = datetime.now(UTC)
    body = msgspec.json.encode(request)
    assert await store.accept(request.key, body, now, holder="here", until=now + timedelta(minutes=1))
    cards = operator.scene.dispatcher.cards(request, RunOnce(store, request.key, "here"))
    return [card async for card in cards][-1]


async def test_a_temporary_user_is_shown_once_and_its_password_kept_nowhere(operator: Operator, tmp_path: Path) -> None:
    node = nodes(operator, "old-experiment")[0]
    form = await operator.form(f"node user old-experiment {node} account:sim-dev")
    assert form.errors == {}
    check("node-user-form", form)
    card = await journalled(operator, f"node user old-experiment {node} name:debug account:sim-dev")
    assert plain(card.title) == f"User debug on node {elide(node, 22)}"
    assert card.private
    assert len(card.secrets) == 1
    assert card.secrets[0] in str(text.render(card).payload)
    everything = stored(tmp_path)
    assert b"User debug on node" in everything  # what it came to is stored, but for the password
    assert card.secrets[0].encode() not in everything
    check("node-user", still(forget_shown_secrets(card), operator.scene))
    again = await operator.question(f"node user old-experiment {node} name:debug account:sim-dev")
    assert again.refused
    gone = await operator.ask(f"node delete-user old-experiment {node} debug account:sim-dev")
    assert plain(gone.title).startswith("User debug is deleted")


async def test_who_brings_a_key_gets_no_password(operator: Operator) -> None:
    node = nodes(operator, "cfd")[0]
    card = await operator.ask(f"node user cfd {node} key:'ssh-ed25519 AAAAC3Nza me' account:sim-dev")
    assert card.secrets == ()
    assert "Password" not in str(card.blocks)
    windows = nodes(operator, "win-build", "running", "idle")[0]
    refused = await operator.question(f"node user win-build {windows} key:'ssh-ed25519 AAAA' account:sim-dev")
    assert "takes no SSH key" in plain(refused.title)


async def test_agent_logs_go_by_an_identity_and_never_by_a_signature(operator: Operator) -> None:
    node = nodes(operator, "cfd")[0]
    upload = f"node upload-logs cfd {node} account:sim-dev container:https://logs.blob.core.windows.net/batch"
    none = await operator.question(upload)
    assert "has no managed identity" in plain(none.title)
    signed = await operator.question(f"{upload}?sv=2024&sig=abc")
    assert "carries a signature" in plain(signed.title)
    identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/logs"
    operator.pool("cfd").body.identity = {"type": "UserAssigned", "userAssignedIdentities": [{"resourceId": identity}]}
    card = await operator.ask(upload)
    assert not card.refused
    assert "log files of node" in plain(card.title)
    check("node-upload-logs", still(card, operator.scene))
