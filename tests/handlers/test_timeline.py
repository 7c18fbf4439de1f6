"""When tasks waited, for what, and where they ran; of jobs, tasks and nodes."""

from __future__ import annotations

from bot.sandbox.world.account import AccountState
from bot.sandbox.world.live import LiveJob
from cards.card import Actions, Button, Card, Picture
from cards.charts.draw import draw
from cards.charts.timeline import Timeline
from tests.golden import check
from tests.handlers.conftest import Scene
from tests.handlers.reads import calls_of
from tests.handlers.test_cards import still


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
