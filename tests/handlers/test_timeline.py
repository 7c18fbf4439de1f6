"""When tasks waited, for what, and where they ran; of jobs, tasks and nodes."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.live import LiveJob
from cards.card import Actions, Button, Card, Picture
from cards.charts.draw import draw
from cards.charts.timeline import Timeline
from storage.port.black_box import KeptFile, KeptTask
from storage.port.changes import ChangeSet
from storage.port.monitoring import Transition
from storage.port.runs import JobRun
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.reads import calls_of
from tests.handlers.test_cards import still

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def chart(card: Card) -> Timeline:
    found = next(block.chart for block in card.blocks if isinstance(block, Picture))
    assert isinstance(found, Timeline)
    return found


def alive(account: AccountState, state: str) -> LiveJob:
    """A job in that state with most tasks."""
    return max((job for job in account.ordered_jobs() if job.body.state == state), key=lambda job: len(job.tasks))


async def test_of_a_job(scene: Scene) -> None:
    account = scene.world.accounts["render-prod"]
    for state in ("active", "completed"):
        job = alive(account, state)
        with calls_of(scene) as seen:
            card = await scene.ask(f"timeline job {job.id} account:render-prod")
        check(f"command-timeline-job-{state}", still(card, scene))
        assert len(seen["render-prod"]) <= 5, seen
        found = chart(card)
        over = all(task.state == "completed" for task in job.tasks.values())
        assert ("so far" in found.headline) is not over
        assert draw(found).startswith(b"\x89PNG")
        runs = [span for row in found.rows for lane in row.lanes for span in lane if span.kind in ("run", "failed")]
        assert len(runs) == sum(task.execution_info.start_time is not None for task in job.tasks.values())
    for button in (item for block in card.blocks if isinstance(block, Actions) for item in block.items):
        if isinstance(button, Button):
            assert not (await scene.ask(button.command)).refused, button.command
    assert (await scene.ask("timeline job nosuchjob account:render-prod")).refused


async def test_of_a_task(scene: Scene) -> None:
    account = scene.world.accounts["render-prod"]
    jobs = account.ordered_jobs()
    every = [(job, task) for job in jobs for task in job.tasks.values()]
    bound = [(job, task) for job, task in every if account.task_body(job, task).depends_on]
    waiting = [(job, task) for job, task in every if task.state == "active"]
    for name, found in (("depends", bound), ("waits", waiting)):
        job, task = found[0]
        with calls_of(scene) as seen:
            card = await scene.ask(f"timeline task {job.id} {task.id} account:render-prod")
        check(f"command-timeline-task-{name}", still(card, scene))
        assert len(seen["render-prod"]) <= 8, seen
        assert chart(card).rows[-1].name == task.id
        assert draw(chart(card)).startswith(b"\x89PNG")
    assert (await scene.ask(f"timeline task {jobs[0].id} nosuchtask account:render-prod")).refused


async def test_of_a_node(scene: Scene) -> None:
    account = scene.world.accounts["render-prod"]
    nodes = [(pool.id, node) for pool in account.ordered_pools() for node in pool.nodes.values()]
    ran = [each for each in nodes if each[1].recent]
    long, short = (
        max(ran, key=lambda each: each[1].body.total_tasks_run),
        min(ran, key=lambda each: each[1].body.total_tasks_run),
    )
    for name, (pool, node) in (("long", long), ("short", short)):
        with calls_of(scene) as seen:
            card = await scene.ask(f"timeline node {pool} {node.id} account:render-prod")
        check(f"command-timeline-node-{name}", still(card, scene))
        assert len(seen["render-prod"]) == 1, seen
        assert draw(chart(card)).startswith(b"\x89PNG")
    assert (await scene.ask("timeline node render-gpu nosuchnode account:render-prod")).refused


async def test_of_what_batch_has_forgotten(scene: Scene) -> None:
    at = scene.world.time.replace(microsecond=0) - 3 * HOUR

    def change(entity: str, name: str, after: str, minutes: float, before: str = "", parent: str = "") -> Transition:
        return Transition("render-prod", entity, parent, name, before, after, at + minutes * MINUTE)

    files = (KeptFile("stderr.txt", "ValueError: no such frame 7\n"),)
    failed = KeptTask(
        "render-prod", "old-7", "frame-1", at + 30 * MINUTE, scene.world.time, exit_code=1, pool="render-cpu",
        node="tvm-9", started=at + 12 * MINUTE, line="ValueError: no such frame 7", line_in="stderr.txt", files=files,
    )  # fmt: skip
    before = msgspec.structs.replace(failed, at=at - 90 * MINUTE, started=at - 100 * MINUTE)
    run = JobRun(
        account="render-prod", job="old-7", pool="render-cpu", started=at, ended=at + 60 * MINUTE, tasks=40, failed=1,
        queue=300.0, core_seconds=7200.0,
    )  # fmt: skip
    first = msgspec.structs.replace(failed, at=at + 8 * MINUTE, started=at + 5 * MINUTE)
    await scene.store.keep([failed, before, first])
    seen = [
        change("job", "old-7", "active", -120),
        change("job", "old-7", "deleted", -60, "completed"),
        change("job", "old-7", "active", 0),
        change("job", "old-7", "disabled", 20, "active"),
        change("job", "old-7", "active", 25, "disabled"),
        change("job", "old-7", "completed", 60, "active"),
        change("job", "old-7", "deleted", 90, "completed"),
        change("task", "frame-1", "failed", 30, "running", "old-7"),
        change("task", "frame-2", "running", 15, "active", "old-7"),
        change("task", "frame-2", "completed", 40, "running", "old-7"),
    ]
    await scene.store.record(ChangeSet(transitions=seen, runs=[run]))
    card = await scene.ask("timeline job OLD-7 account:render-prod")
    check("command-timeline-job-gone", still(card, scene))
    found = chart(card)
    assert [row.name for row in found.rows] == ["the job", "frame-1", "frame-2"]
    kinds = [span.kind for row in found.rows for lane in row.lanes for span in lane]
    assert kinds == ["unknown", "failed", "failed", "run"]
    assert [mark.words for mark in found.marks] == ["disabled", "active", "completed", "gone"]
    assert found.since == at, "an earlier job of this id is another one"
    assert draw(found).startswith(b"\x89PNG")
    card = await scene.ask("timeline task old-7 frame-1 account:render-prod")
    check("command-timeline-task-gone", still(card, scene))
    assert [span.kind for span in chart(card).rows[0].lanes[0]] == ["failed", "unknown", "failed"]
    for button in (item for block in card.blocks if isinstance(block, Actions) for item in block.items):
        if isinstance(button, Button) and "tvm-9" not in button.command:
            assert not (await scene.ask(button.command)).refused, button.command
    nothing = await scene.ask("timeline task old-7 frame-9 account:render-prod")
    assert nothing.refused, "of this one nothing was seen"
