"""Why tasks wait though their pool has nodes for them: seen in a poll, told by the alert, as the sandbox has it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.alerting.rules import discover
from bot.domain.findings import Finding
from bot.domain.knowledge import row
from bot.monitor import held_jobs
from bot.sandbox.world.account import AccountState
from bot.settings import WatchSettings
from tests.knowledge import situations
from tests.knowledge.situations import Named
from tests.monitor.observed_sandbox import staged


def stuck(poll: object) -> dict[str, Finding]:
    scene = poll.scene  # type: ignore[attr-defined]
    return {each.entity.id: each for each in discover()["job.stuck"].judge(scene)}


@pytest.mark.parametrize(
    ("situation", "id_", "cause", "step"),
    [
        (
            situations.SITUATIONS["task.parent_failed"],
            "task.parent_failed",
            "1 task depends on parent, which failed, so it never runs",
            "task reactivate parent-failed parent",
        ),
        (situations.SITUATIONS["task.slots"], "task.slots", row("task.slots").cause, "job move too-wide"),
        (
            situations.SITUATIONS["job.preparation_failed"],
            "job.preparation_failed",
            row("job.preparation_failed").cause,
            "job clone",
        ),
        (
            situations.SITUATIONS["job.tasks_not_started"],
            "job.tasks_not_started",
            row("job.tasks_not_started").cause + ": tasks that they depend on",
            "topology job not-started",
        ),
        (
            situations.SITUATIONS["job.enabled_too_late"],
            "job.enabled_too_late",
            row("job.enabled_too_late").cause,
            "job clone half-a-year",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
async def test_an_alert_tells_what_the_tasks_show(
    situation: Callable[[AccountState], Named], id_: str, cause: str, step: str
) -> None:
    async with staged() as stage:
        await stage.observer.load()
        await stage.look()
        named = situation(stage.state)
        name = named.parent if named.kind == "task" else named.id
        await stage.look()
        poll = await stage.look(seconds=1200)
        held = poll.scene.jobs[name].held
        assert held is not None
        assert held.id == id_
        told = stuck(poll)[name]
        assert told.cause.startswith(cause)
        assert told.actions[0].command.startswith(step)
        await stage.restart()
        assert (await stage.look(seconds=30)).scene.jobs[name].held == held, "it is known after a restart"


async def test_what_was_seen_is_forgotten_when_the_job_goes_on() -> None:
    async with staged() as stage:
        await stage.observer.load()
        named = situations.SITUATIONS["task.slots"](stage.state)
        await stage.look()
        poll = await stage.look(seconds=1200)
        assert poll.scene.jobs[named.parent].held is not None
        job = stage.state.jobs[named.parent]
        situations.task_of(stage.state, job, "narrow")
        polls = await stage.watch(120)
        assert any(each.scene.jobs[named.parent].running for each in polls)
        assert polls[-1].scene.jobs[named.parent].held is None


async def test_looking_into_many_jobs_takes_few_calls_of_a_poll() -> None:
    """A few jobs in a poll, what nobody has seen first, and each again only when what was seen may be old."""
    async with staged(settings=WatchSettings()) as stage:
        await stage.observer.load()
        pool = situations.pool_of(stage.state, "roomy", 2)
        names = []
        for number in range(5):
            job = situations.job_of(stage.state, f"wide-{number}", pool.id)
            situations.task_of(stage.state, job, required_slots=4)
            names.append(job.id)
        await stage.look()
        before = (await stage.look()).calls
        first = await stage.look(seconds=1200)
        assert first.calls <= before + held_jobs.AT_MOST * held_jobs.CALLS + 10
        polls = [first, *await stage.watch(60)]
        seen = [sum(poll.scene.jobs[name].held is not None for name in names) for poll in polls]
        assert seen == [2, 4, 5]
        read = {name: polls[-1].scene.jobs[name].held for name in names}
        later = await stage.watch(held_jobs.AGAIN.total_seconds() - 120, every=60)
        assert {name: later[-1].scene.jobs[name].held for name in names} == read
        again = await stage.watch(240)
        for name in names:
            held, was = again[-1].scene.jobs[name].held, read[name]
            assert held is not None
            assert was is not None
            assert held.read - was.read >= held_jobs.AGAIN - timedelta(seconds=1)
