"""What is in trouble stands out: first in the list of jobs, with its retries; on its timeline with what blocks it."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from bot.domain.retries import Retried
from bot.monitor.account_state import JobRecord
from bot.monitor.scene import JobView
from bot.sandbox.entity_specs import TaskDependencies
from bot.sandbox.world.behaviour import exited
from cards.card import Card, Table, Words, plain
from storage.port.changes import ChangeSet
from storage.port.monitoring import EntitySnapshot
from tests.handlers.conftest import Scene
from tests.handlers.failing import ACCOUNT, a_job, farm, ran


def rows(card: Card) -> list[list[str]]:
    table = next(block for block in card.blocks if isinstance(block, Table))
    return [[plain(cell) for cell in row.cells] for row in table.rows]


async def seen(scene: Scene, *views: JobView) -> None:
    """What watching saw of jobs last."""
    await scene.store.record(
        ChangeSet(
            snapshots=[
                EntitySnapshot(ACCOUNT, "job", view.id, msgspec.msgpack.encode(JobRecord(view))) for view in views
            ]
        )
    )


async def test_the_worst_job_is_first_and_retries_are_seen(scene: Scene) -> None:
    pool = farm(scene, "farm", 2, 0)
    bad = a_job(scene, "zz-bad", pool)
    ran(scene, bad, pool.ordered(), 31, exited(1))
    ran(scene, bad, pool.ordered(), 5, first=100)
    scene.advance(minutes=1)
    for name in ("aa-well", "mm-again"):
        a_job(scene, name, pool)

    retried = {f"t{each}": Retried(f"t{each}", 155, scene.world.time - timedelta(minutes=1)) for each in range(4)}
    await seen(
        scene,
        JobView("zz-bad", state="active", failed=31, succeeded=5, active=0),
        JobView("MM-again", state="active", active=0, running=4, retried=retried),
    )
    card = await scene.ask("job list pool:farm")
    assert [row[0] for row in rows(card)] == ["mm-again", "zz-bad", "aa-well"]
    assert rows(card)[0][4] == "▲ 620 retries", "what never completes never counts as failed"
    assert rows(card)[1][4] == "▲ 31 of 36 failed"
    assert "1 failing again and again" in plain(card.title)
    first = await scene.ask("job list")
    assert {"mm-again", "zz-bad"} <= {row[0] for row in rows(first)[:3]}, "and so among all the others"
    by_name = await scene.ask("job list pool:farm sort:name")
    assert [row[0] for row in rows(by_name)] == ["aa-well", "mm-again", "zz-bad"], "who asks for an order gets it"


async def test_the_timeline_of_a_job_that_is_blocked_says_by_what(scene: Scene) -> None:
    pool = farm(scene, "farm", 2, 0)
    job = a_job(scene, "chain", pool)
    job.body.uses_task_dependencies = True
    (parent,) = ran(scene, job, pool.ordered(), 1, exited(3), named="prepare")
    behind = TaskDependencies(task_ids=[parent])
    scene.world.accounts[ACCOUNT].commands.add_task("chain", "render", "true", depends_on=behind)
    scene.advance(minutes=5)
    card = await scene.ask("timeline job chain")
    said = " ".join(plain(block.text) for block in card.blocks if isinstance(block, Words))
    assert "1 task depends on prepare, which failed, so it never runs" in said
