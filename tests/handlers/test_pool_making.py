"""Pools are made, cloned and changed, and nothing of them is lost that nobody meant to change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from bot.requests.context import Context
from cards.card import plain
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.operated import Operator, WorldClock, buttons, operated
from tests.handlers.test_cards import still


@pytest.fixture
async def operator(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operator]:
    monkeypatch.setattr(Context, "now", lambda _: scene.world.time)
    async with operated(scene, WorldClock(scene)) as operations:
        yield Operator(scene, operations)


async def body(operator: Operator, pool: str) -> dict[str, object]:
    """A pool as the service tells it, but for what moves by itself."""
    source = operator.scene.accounts.get("sim-dev")
    raw = (await source.fetch(dict, source.pool(pool))).raw
    moving = {"eTag", "lastModified", "stateTransitionTime", "allocationStateTransitionTime", "odata.metadata"}
    return {name: value for name, value in json.loads(raw).items() if name not in moving}


async def test_a_pool_is_made_and_its_nodes_come(operator: Operator) -> None:
    made = "pool create fresh size:d2s_v3 image:ubuntu-24_04 dedicated:2 start:'echo hello' account:sim-dev"
    card = await operator.ask(made)
    assert plain(card.title) == "Pool fresh has 2 dedicated and 0 spot nodes"
    pool = operator.pool("fresh")
    assert pool.body.vm_size == "standard_d2s_v3"
    assert pool.body.start_task
    assert pool.body.start_task.command_line == "echo hello"
    assert [node.state for node in pool.nodes.values()] == ["idle", "idle"]
    check("pool-create", still(card, operator.scene))
    again = await operator.question(made)
    assert plain(again.title) == "There is a pool fresh already."
    assert [each.text for each in buttons(again)] == ["Choose another id"]


async def test_the_form_offers_what_there_is_and_says_what_it_costs(operator: Operator) -> None:
    empty = await operator.form("pool create account:sim-dev")
    fields = {field.name: field for field in empty.fields}
    assert [field.name for field in empty.fields if not field.more][:6] == [
        "pool", "size", "image", "dedicated", "spot", "start"
    ]  # fmt: skip
    assert any("room for" in option.text for option in fields["size"].options)
    assert any("ubuntu" in option.text for option in fields["image"].options)
    values = {"pool": "fresh", "size": "Standard_D2s_v3", "dedicated": "2", "account": "sim-dev"}
    values["image"] = next(o.value for o in fields["image"].options if "ubuntu" in o.value)
    filled = await operator.form("pool create", values)
    assert filled.errors == {}
    assert "/h" in "\n".join(plain(note.text) for note in filled.notes)
    check("pool-create-form", filled)
    many = await operator.form("pool create", {**values, "dedicated": "5000"})
    assert "do not fit" in many.errors["dedicated"]
    assert not any("do not fit" in plain(note.text) for note in many.notes), "said once, below the field"


@pytest.mark.parametrize(
    ("wrong", "at", "said"),
    [
        ({"pool": "not an id"}, "pool", "1 to 64 letters"),
        ({"metadata": "x"}, "metadata", "write name=value"),
        ({"slots": "9"}, "slots", "8 task slots at most"),
        ({"dedicated": "-1"}, "dedicated", "0 at least"),
        ({"minutes": "4"}, "minutes", "5 at least"),
        ({"packages": ",".join(f"p{n}" for n in range(11))}, "packages", "more than 10"),
    ],
)
async def test_what_is_wrong_stands_below_its_own_field_and_goes_when_it_is_mended(
    operator: Operator, wrong: dict[str, str], at: str, said: str
) -> None:
    values = {"pool": "fresh", "size": "Standard_D2s_v3", "image": "canonical:ubuntu-24_04-lts:server"}
    values["account"] = "sim-dev"
    filled = await operator.form("pool create", values | wrong)
    assert list(filled.errors) == [at]
    assert said in filled.errors[at]
    assert not any(said in plain(note.text) for note in filled.notes)
    assert (await operator.form("pool create", values)).errors == {}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("size:d2s_v3 image:ubuntu-24_04 dedicated:9000", "do not fit"),
        ("size:nonsense image:ubuntu-24_04", "The region has no VM size “nonsense”."),
        ("size:d2s_v3 image:beos", "no image that the service offers"),
        ("size:d2s_v3 image:ubuntu-24_04 slots:9", "A node of Standard_D2s_v3 has 8 task slots at most."),
        ("size:d2s_v3", "A pool needs a VM size and an image."),
        ("size:d2s_v3 image:ubuntu-24_04 dedicated:1 upto:4", "Give either a number of nodes or upto"),
        ("size:d2s_v3 image:ubuntu-24_04 metadata:x", "“x” is no metadata"),
    ],
)
async def test_what_azure_would_refuse_is_refused_before(operator: Operator, typed: str, said: str) -> None:
    card = await operator.question(f"pool create fresh {typed} account:sim-dev")
    assert card.refused
    assert said in plain(card.title)
    assert "fresh" not in operator.scene.world.accounts["sim-dev"].pools


async def test_a_pool_that_grows_with_its_tasks(operator: Operator) -> None:
    card = await operator.ask("pool create grow size:d2s_v3 image:ubuntu-24_04 upto:6 slots:2 account:sim-dev")
    assert plain(card.title) == "Pool grow is made; its formula decides how many nodes it has"
    assert "min(6, ceil(tasks / 2))" in (operator.pool("grow").body.auto_scale_formula or "")


async def test_a_pool_is_only_shown_as_bicep(operator: Operator) -> None:
    card = await operator.question("pool create fresh size:d2s_v3 image:ubuntu-24_04 as:bicep account:sim-dev")
    assert "Microsoft.Batch/batchAccounts/pools" in str(card.blocks)
    assert "fresh" not in operator.scene.world.accounts["sim-dev"].pools


async def test_a_clone_is_like_the_first_one(operator: Operator) -> None:
    refused = await operator.question("pool clone win-build win-2 dedicated:0 account:sim-dev")
    assert "Azure never tells the password of user builder" in plain(refused.title)
    assert buttons(refused)[0].text == "Clone without what needs them"
    card = await operator.ask(buttons(refused)[0].command)
    assert plain(card.title) == "Pool win-2 is made; it has no nodes"
    one, other = await body(operator, "win-build"), await body(operator, "win-2")
    for name in ("vmSize", "virtualMachineConfiguration", "taskSlotsPerNode", "metadata"):
        assert other[name] == one[name], name
    assert "userAccounts" not in other or not other["userAccounts"]


async def test_one_property_is_changed_and_the_rest_stays(operator: Operator) -> None:
    before = await body(operator, "montecarlo")
    card = await operator.ask("pool set montecarlo metadata:cost=42 account:sim-dev")
    assert plain(card.title) == "Pool montecarlo is changed"
    after = await body(operator, "montecarlo")
    assert {"name": "cost", "value": "42"} in after["metadata"]  # type: ignore[operator]
    assert {name: value for name, value in after.items() if name != "metadata"} == {
        name: value for name, value in before.items() if name != "metadata"
    }
    await operator.ask(next(each.command for each in buttons(card) if each.text == "Undo"))
    assert (await body(operator, "montecarlo")).get("metadata") == before.get("metadata")


async def test_a_changed_start_task_reaches_nodes_that_are_rebooted(operator: Operator) -> None:
    card = await operator.ask("pool set montecarlo start:'echo new' account:sim-dev")
    reboot = next(each for each in buttons(card) if each.text.startswith("Reboot"))
    assert (reboot.text, reboot.how) == ("Reboot 11 nodes to apply", "form")
    check("pool-set", still(card, operator.scene))
    start = operator.pool("montecarlo").body.start_task
    assert start
    assert start.command_line == "echo new"
    gone = await operator.ask("pool set montecarlo start:none account:sim-dev")
    assert plain(gone.title) == "Pool montecarlo is changed"
    assert operator.pool("montecarlo").body.start_task is None
    none = await operator.question("pool set montecarlo retries:3 account:sim-dev")
    assert "has no start task" in plain(none.title)


async def test_what_only_an_empty_pool_takes_is_one_chain(operator: Operator) -> None:
    form = await operator.form("pool rebuild old-experiment account:sim-dev size:Standard_D8ds_v5")
    told = "\n".join(plain(note.text) for note in form.notes)
    assert "Both nodes go, then the change, then 2 dedicated and 0 spot nodes come again." in told
    check("pool-rebuild-form", form)
    cards = await operator.cards("pool rebuild old-experiment size:d8ds_v5 account:sim-dev")
    if yes := [each for each in buttons(cards[-1]) if each.command.startswith("confirm ")]:
        cards = await operator.cards(yes[0].command)
    assert plain(cards[-1].title) == "Pool old-experiment is changed and has 2 dedicated and 0 spot nodes"
    pool = operator.pool("old-experiment")
    assert (pool.body.vm_size, len(pool.nodes)) == ("standard_d8ds_v5", 2)
    check("pool-rebuild", still(cards[-1], operator.scene))


async def test_a_pool_is_made_of_a_template_and_of_json(operator: Operator) -> None:
    saved = await operator.ask(
        "template save dev from:pool/old-experiment 'targetDedicatedNodes={nodes:0}' account:sim-dev"
    )
    assert not saved.refused
    card = await operator.ask("pool create dev-2 template:dev values:nodes=1 account:sim-dev")
    assert plain(card.title) == "Pool dev-2 has 1 dedicated and 0 spot nodes"
    assert operator.pool("dev-2").body.vm_size == operator.pool("old-experiment").body.vm_size
    pasted = json.dumps(await body(operator, "old-experiment") | {"targetDedicatedNodes": 0})
    asked = operator.request("pool create", values={"pool": "dev-3", "body": pasted, "account": "sim-dev"})
    cards = [each async for each in operator.scene.dispatcher.cards(asked)]
    assert plain(cards[-1].title) == "Pool dev-3 is made; it has no nodes"
    assert operator.pool("dev-3").body.vm_size == operator.pool("old-experiment").body.vm_size
    secret = pasted.replace('"id": "old-experiment"', '"id": "x", "userAccounts": [{"name": "a", "password": "P4ss"}]')
    asked = operator.request("pool create", values={"pool": "dev-4", "body": secret, "account": "sim-dev"})
    cards = [each async for each in operator.scene.dispatcher.cards(asked)]
    assert cards[-1].refused
    assert "P4ss" not in str(cards[-1])
    assert "none is taken here" in plain(cards[-1].title)
