"""How an account and the tasks of a job hang together."""

from __future__ import annotations

import pytest

from cards.card import Actions, Bullets, Card, Mark, Menu, Picture, plain
from cards.charts.draw import draw
from cards.charts.topology import Topology
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still


def chart(card: Card) -> Topology:
    found = next(block.chart for block in card.blocks if isinstance(block, Picture))
    assert isinstance(found, Topology)
    return found


def told(card: Card) -> str:
    return "\n".join(plain(item) for block in card.blocks if isinstance(block, Bullets) for item in block.items)


def menus(card: Card) -> list[Menu]:
    return [
        item for block in card.blocks if isinstance(block, Actions) for item in block.items if isinstance(item, Menu)
    ]


@pytest.mark.parametrize("account", ["render-prod", "sim-dev"])
async def test_an_account(scene: Scene, account: str) -> None:
    card = await scene.ask(f"topology account:{account}")
    check(f"command-topology-{account}", still(card, scene))
    world = scene.world.accounts[account]
    living = [job for job in world.jobs.values() if job.body.state != "completed"]
    boxes = chart(card).boxes
    assert sum(box.of for box in boxes if box.layer == 1) == len(living)
    assert sum(box.of for box in boxes if box.layer == 2) == len(world.pools)
    keys = {box.key for box in boxes}
    assert all(tie.source in keys and tie.target in keys for tie in chart(card).ties)
    for job in living:
        assert job.id in told(card) or "more" in told(card)
    assert draw(chart(card)).startswith(b"\x89PNG")
    for menu in menus(card):
        opened = await scene.ask(menu.command.replace("{}", f"'{menu.options[0].value}'"))
        assert not opened.refused, menu.command


async def test_failing_parts_stand_out(scene: Scene) -> None:
    card = await scene.ask("topology account:sim-dev")
    marks = {box.label: box.mark for box in chart(card).boxes}
    assert marks["montecarlo"] == "failed", "it has a node whose start task failed"
    assert marks["cfd"] == "plain"
    assert card.mark is Mark.WARNING


@pytest.mark.parametrize("scene", ["performance"], indirect=True)
async def test_fifty_jobs_and_a_hundred_thousand_tasks(scene: Scene) -> None:
    card = await scene.ask("topology")
    boxes = chart(card).boxes
    assert sum(box.of for box in boxes if box.layer == 1) == 50
    assert sum(part.count for box in boxes if box.layer == 1 for part in box.parts) == pytest.approx(100_000, rel=0.01)
    assert len(draw(chart(card))) < 300_000


async def test_a_job_whose_first_task_failed(scene: Scene) -> None:
    card = await scene.ask("topology job layout-chain account:sim-dev")
    check("command-topology-job", still(card, scene))
    assert "blocked for ever by 1 that failed" in plain(card.title)
    assert {tie.failing for tie in chart(card).ties} == {True}
    assert draw(chart(card)).startswith(b"\x89PNG")


async def test_a_job_whose_tasks_do_not_wait(scene: Scene) -> None:
    job = next(job for job in scene.world.accounts["sim-dev"].jobs.values() if not job.body.uses_task_dependencies)
    card = await scene.ask(f"topology job {job.id} account:sim-dev")
    assert "do not wait for each other" in plain(card.title)
    assert not card.refused


async def test_no_such_job(scene: Scene) -> None:
    card = await scene.ask("topology job layout-chian account:sim-dev")
    assert card.refused
    assert "layout-chain" in str(card.blocks)
