"""Failures that are the same stand together, with what they have in common, and what can be done."""

from __future__ import annotations

from bot.sandbox.world.behaviour import BLOB_NOT_FOUND, exited
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.failing import a_job, farm, ran
from tests.handlers.test_cards import still

JOB = "nightly"


def nightly(scene: Scene) -> None:
    """A job of 900 tasks: 198 out of memory on two spot nodes since a while, 12 without their input, 6 of a program."""
    pool = farm(scene, "farm", 8, 2)
    job = a_job(scene, JOB, pool)
    nodes = pool.ordered()
    spot = [node for node in nodes if node.id.endswith("_p")]
    own = [node for node in nodes if node.id.endswith("_d")]
    assert (len(own), len(spot)) == (8, 2)
    ran(scene, job, nodes, 1290, ago=18_000, every=10)
    ran(scene, job, spot, 198, exited(137), first=1400, ago=5_400, every=20)
    ran(scene, job, nodes, 12, BLOB_NOT_FOUND, first=2000, ago=13_000, every=900)
    ran(scene, job, own, 6, exited(42), first=3000, ago=4_000, every=60)


async def test_a_jobs_failures(scene: Scene) -> None:
    nightly(scene)
    card = await scene.ask(f"failures job {JOB}")
    check("failures-job", still(card, scene))
    keep(card, "job")
    for name, asked in (("pool", "failures pool farm"), ("account", "failures account 7d"), ("none", "failures pool render-cpu 1h"), ("schedule", "failures schedule nightly")):
        card = await scene.ask(asked)
        check(f"failures-{name}", still(card, scene))
        keep(card, name)


def keep(card, name):
    from cards.charts.draw import draw
    from cards.card import Picture
    for each in card.blocks:
        if isinstance(each, Picture):
            open(f"/tmp/fail-{name}.png", "wb").write(draw(each.chart))
