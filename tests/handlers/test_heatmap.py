"""The heat map of nodes, and what is wrong with them in words."""

from __future__ import annotations

import msgspec
import pytest

from bot.azure.models import Node
from bot.domain.advice import of_node
from cards.card import Actions, Bullets, Button, Card, Mark, Menu, Picture, plain
from cards.charts.draw import draw
from cards.charts.heatmap import HeatMap, counted
from cards.charts.node_states import STYLES
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still


def chart(card: Card) -> HeatMap:
    found = next(block.chart for block in card.blocks if isinstance(block, Picture))
    assert isinstance(found, HeatMap)
    return found


def told(card: Card) -> list[str]:
    return [plain(item) for block in card.blocks if isinstance(block, Bullets) for item in block.items]


def items(card: Card) -> list[Button | Menu]:
    return [
        item
        for block in card.blocks
        if isinstance(block, Actions)
        for item in block.items
        if isinstance(item, Button | Menu)
    ]


async def test_all_pools(scene: Scene) -> None:
    card = await scene.ask("node map account:sim-dev")
    check("command-node-map", still(card, scene))
    account = scene.world.accounts["sim-dev"]
    states = [node.body.state for pool in account.pools.values() for node in pool.ordered()]
    counts = {STYLES[state].state: count for state, count in counted(chart(card)).items()}
    assert counts == {state: states.count(state) for state in set(states)}
    assert card.mark is Mark.FAILED
    assert chart(card).sections[0].bad
    assert draw(chart(card)).startswith(b"\x89PNG")


async def test_one_pool_with_bad_nodes(scene: Scene) -> None:
    card = await scene.ask("node map montecarlo account:sim-dev")
    check("command-node-map-pool", still(card, scene))
    failed = await scene.ask(next(item.command for item in items(card) if "1 bad node" in _words(item)))
    assert "1 bad" in plain(failed.title)
    assert not failed.refused
    menu = next(item for item in items(card) if isinstance(item, Menu))
    node = await scene.ask(menu.command.replace("{}", menu.options[0].value))
    assert menu.options[0].value in plain(node.title)
    assert any("exit code" in each and "What to do: " in each for each in told(card))


def _words(item: Button | Menu) -> str:
    return item.text if isinstance(item, Button) else item.label


async def test_no_such_pool(scene: Scene) -> None:
    card = await scene.ask("node map mntecarlo account:sim-dev")
    assert card.refused
    assert next(item.command for item in items(card)) == "node map montecarlo account:sim-dev"


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_two_thousand_nodes(scene: Scene) -> None:
    card = await scene.ask("node map")
    assert sum(counted(chart(card)).values()) == 2000
    assert len(chart(card).sections) == 20
    assert len(draw(chart(card))) < 150_000


def node(state: str, **more: object) -> Node:
    return msgspec.convert({"id": "n", "state": state} | more, Node)


FAILED = {"state": "completed", "result": "failure"}


@pytest.mark.parametrize(
    ("found", "name", "cause"),
    [
        (node("unusable"), "no error reported", "cannot reach"),
        (node("unusable", errors=[{"code": "DiskFull", "message": "full"}]), "DiskFull", "disk is full"),
        (
            node("Unusable", errors=[{"code": "ContainerImagePullFailed"}]),
            "ContainerImagePullFailed",
            "container image",
        ),
        (node("unusable", errors=[{"code": "SunSpots"}]), "SunSpots", "this error is not known to the bot"),
        (node("offline"), "offline", "disabled scheduling"),
        (node("unknown"), "unknown", "lost contact"),
        (node("starttaskfailed"), "start task failed", "start task failed"),
        (node("starttaskfailed", startTaskInfo=FAILED | {"exitCode": 137}), "exit code 137", "out of memory"),
        (node("starttaskfailed", startTaskInfo=FAILED | {"exitCode": 3}), "exit code 3", "an error of its own"),
        (
            node("starttaskfailed", startTaskInfo=FAILED | {"failureInfo": {"code": "BlobAccessDenied"}}),
            "BlobAccessDenied",
            "signature has expired",
        ),
        (node("idle", errors=[{"code": "DiskFull"}]), "DiskFull", "disk is full"),
    ],
)
def test_what_is_wrong_with_a_node(found: Node, name: str, cause: str) -> None:
    [trouble] = of_node(found)
    assert trouble.name == name
    assert cause in trouble.advice.cause
    assert trouble.advice.do


def test_nothing_is_wrong_with_a_node_that_works() -> None:
    assert of_node(node("running")) == of_node(node("preempted")) == ()
