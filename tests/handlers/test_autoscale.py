"""Autoscale on cards: what a formula does, what is wrong with it, and what it would have done, on every platform."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

import pytest

from cards.card import Actions, Button, Card, Picture, plain
from cards.charts.scaling import Scaling
from storage.port.core_use import CoreUse
from storage.port.samples import Sample, Work
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.test_cards import still

ACCOUNT = "render-prod"


async def lived(
    scene: Scene, pool: str, *, days: float = 7, nodes: int = 8, slots: int = 4, counted: bool = True
) -> None:
    """A past of a pool: by day four dozen tasks an hour of twenty minutes each, by night none."""
    until = scene.world.time
    steps = round(days * 1440)
    done = 0.0
    samples = []
    for n in range(steps):
        at = until - timedelta(minutes=steps - n)
        load = max(0.0, math.sin((at.hour * 60 + at.minute) / 1440 * 2 * math.pi))
        pending = round(10 * slots * load)
        running = min(pending, nodes * slots)
        done += running / 20
        work = Work(pending - running, running, int(done), 0) if counted else None
        busy = running * 8.0 / slots
        samples.append(
            Sample(ACCOUNT, pool, at, 60.0, CoreUse(busy, unused=nodes * 8.0 - busy), nodes=nodes, work=work)
        )
    for n in range(0, len(samples), 1000):
        await scene.store.add_samples(samples[n : n + 1000])


def buttons(card: Card) -> Iterator[Button]:
    for block in card.blocks:
        if isinstance(block, Actions):
            yield from (item for item in block.items if isinstance(item, Button))


@pytest.mark.parametrize(
    ("name", "command"),
    {
        "show": "pool autoscale render-cpu",
        "fixed": "pool autoscale render-gpu",
        "lint": "pool autoscale lint render-cpu",
        "lint-mistake": "pool autoscale lint ```\nx = 1;\n$TargetDedicatedNodes = mx(x, $PendingTask);\n```",
        "lint-unreadable": "pool autoscale lint $TargetDedicatedNodes = (4;",
        "lint-risks": 'pool autoscale lint pool:render-cpu "$TargetDedicated = avg($ActiveTasks.GetSample(30 * '
        'TimeInterval_Second)) + ($CPUPercent.GetSample(1) > 0.7);"',
        "lint-nothing": "pool autoscale lint",
        "evaluate": "pool autoscale evaluate render-cpu",
        "evaluate-unreadable": "pool autoscale evaluate render-cpu x = ;",
        "unknown-pool": "pool autoscale rendr-cpu",
    }.items(),
)
async def test_the_card_of_each_command(scene: Scene, name: str, command: str) -> None:
    await lived(scene, "render-cpu", days=0.1)
    card = await scene.ask(command)
    check(f"autoscale-{name}", still(card, scene))


async def test_what_if_over_a_week_of_a_pool(scene: Scene) -> None:
    await lived(scene, "render-cpu")
    card = await scene.ask("pool what-if render-cpu")
    assert not card.refused
    check("what-if", still(card, scene))
    [picture] = [block for block in card.blocks if isinstance(block, Picture)]
    assert isinstance(picture.chart, Scaling)
    assert 300 <= len(picture.chart.points) <= 337
    assert "Node-hours" in picture.alt
    for button in buttons(card):
        assert not (await scene.ask(button.command)).refused


async def test_what_if_of_a_fixed_pool_whose_tasks_were_not_counted(scene: Scene) -> None:
    await lived(scene, "render-gpu", days=1, slots=1, counted=False)
    card = await scene.ask("pool what-if render-gpu days:1")
    assert not card.refused
    check("what-if-fixed", still(card, scene))


async def test_what_if_needs_samples_a_formula_that_can_be_read_and_days_that_are_kept(scene: Scene) -> None:
    check("what-if-no-samples", still(await scene.ask("pool what-if render-cpu"), scene))
    await lived(scene, "render-cpu", days=0.2)
    check("what-if-unfit", still(await scene.ask("pool what-if render-cpu $Targt = 4;"), scene))
    refused = await scene.ask("pool what-if render-cpu days:9")
    assert refused.refused
    assert "from 1 to 7" in str(refused.blocks) + plain(refused.title)


async def test_formulas_may_be_typed_as_they_come(scene: Scene) -> None:
    """As code, in quotes of any kind, with entities, or just so: it is the same formula."""
    await lived(scene, "render-gpu", days=0.2)
    ways = (
        "pool what-if render-gpu $TargetDedicatedNodes = 3 < 4 ? 5 : 6; days:1",
        "pool what-if render-gpu ```\n$TargetDedicatedNodes = 3 < 4 ? 5 : 6;\n``` days:1",
        "pool what-if render-gpu “$TargetDedicatedNodes = 3 < 4 ? 5 : 6;” days:1",
        "pool what-if render-gpu '$TargetDedicatedNodes = 3 &lt; 4 ? 5 : 6;' days:1",
    )
    cards = [still(await scene.ask(typed), scene) for typed in ways]
    assert not cards[0].refused
    assert all(card == cards[0] for card in cards)


async def test_quotes_and_lines_inside_a_formula_are_kept(scene: Scene) -> None:
    typed = (
        'pool autoscale lint pool:render-gpu late = time() > time("2026-11-24"); // so\n$TargetDedicatedNodes = late;'
    )
    card = await scene.ask(typed)
    assert "no deallocation" not in plain(card.title)
    assert 'time("2026-11-24"); // so\n$TargetDedicatedNodes' in str(card.blocks).encode().decode("unicode_escape")


async def test_a_fixed_pool_is_evaluated_from_the_bots_own_samples(scene: Scene) -> None:
    await lived(scene, "render-gpu", days=0.1, slots=1, counted=False)
    card = await scene.ask(
        "pool autoscale evaluate render-gpu $TargetDedicatedNodes = min(9, $RunningTasks.GetSample(1));"
    )
    assert not card.refused
    check("autoscale-evaluate-own", still(card, scene))


async def test_an_evaluation_that_fails_says_where(scene: Scene) -> None:
    card = await scene.ask(
        "pool autoscale evaluate render-gpu $TargetDedicatedNodes = avg($PendingTasks.GetSample(5));"
    )
    check("autoscale-evaluate-failed", still(card, scene))


async def test_a_run_that_failed_and_one_that_is_late_stand_out(scene: Scene) -> None:
    pool = scene.world.accounts[ACCOUNT].pools["render-cpu"]
    pool.autoscale_fault = "error"
    scene.advance(minutes=6)
    check("autoscale-run-failed", still(await scene.ask("pool autoscale render-cpu"), scene))
    pool.autoscale_fault = "stale"
    scene.advance(minutes=40)
    card = await scene.ask("pool autoscale render-cpu")
    assert "does not evaluate the formula any more" in str(card.blocks)
