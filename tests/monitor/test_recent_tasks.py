"""What the nodes of a pool tell of its tasks, and what is asked where they tell too little, on the living sandbox."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bot.azure.answers import Page
from bot.azure.models.watched import WorkingNode
from bot.monitor.observer import Poll
from bot.monitor.pending_state import PendingState
from bot.monitor.recent_tasks import TOLD, JobsOfPools, fold_work
from bot.monitor.scene import JobView, PoolView
from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.entity_specs import JobSpecification, MultiInstanceSettings, TaskSpecification
from bot.sandbox.world.behaviour import BLOB_NOT_FOUND, Cause, Work, exited
from bot.sandbox.world.live import LiveJob
from bot.sandbox.world.scenarios.parts import on
from tests.monitor.observed_sandbox import Stage, staged

SHORT = Work(median=2.0, spread=0.01, prepare=0.1)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The tiny scenario, looked at twice: pool1 has three nodes of two slots, and none of its jobs runs."""
    async with staged() as stage:
        await stage.observer.load()
        await stage.watch(60)
        yield stage


def job(stage: Stage, name: str = "job") -> LiveJob:
    return stage.state.job_lifecycle.add(name, JobSpecification(pool_info=on("pool1")))


def run(stage: Stage, live: LiveJob, *names: str, cause: Cause | None = None, work: Work = SHORT, **spec: Any) -> None:
    failures = ((1.0, cause),) if cause else ()
    does = Work(median=work.median, spread=work.spread, prepare=work.prepare, failures=failures)
    for name in names:
        stage.state.runner.add(live, name, "work", TaskSpecification(**spec), work=does)


def failed(stage: Stage, name: str = "job") -> dict[str, str]:
    """The tasks of a job that were told to have failed, by id, and what was said of it."""
    return {
        each.id: each.details
        for each in stage.store.told.values()
        if (each.entity, each.parent, each.after) == ("task", name, "failed")
    }


@pytest.fixture
def asked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lists and counts that are asked for, without their pages."""
    paths: list[str] = []
    pages, counts = stage.account.pages, stage.account.task_counts

    def listed(kind: type[Any], path: str, **more: Any) -> AsyncIterator[Page[Any]]:
        paths.append(path)
        return pages(kind, path, **more)

    def counted(name: str) -> Any:
        paths.append(f"/jobs/{name}/taskcounts")
        return counts(name)

    monkeypatch.setattr(stage.account, "pages", listed)
    monkeypatch.setattr(stage.account, "task_counts", counted)
    return paths


def of_jobs(paths: list[str]) -> Counter[str]:
    return Counter(path for path in paths if re.match(r"/jobs/", path))


async def test_failures_are_drawn_from_the_nodes_and_no_job_is_asked(stage: Stage, asked: list[str]) -> None:
    live = job(stage)
    await stage.look(seconds=5)  # it is counted once, as every new job
    run(stage, live, "good", "bad", "worse", cause=None)
    run(stage, live, "fails", cause=exited(7))
    asked.clear()
    look = await stage.look(seconds=30)
    assert set(failed(stage)) == {"fails"}
    assert '"exitCode":7' in failed(stage)["fails"]
    assert set(of_jobs(asked)) <= {"/jobs/job/taskcounts"}, "all of it is over: it is counted exactly, and that is all"
    view = look.scene.jobs["job"]
    assert (view.active, view.running, view.succeeded, view.failed, view.failures) == (0, 0, 3, 1, 1)


def test_jobs_are_found_by_their_pool_however_they_spell_it() -> None:
    now = datetime(2026, 11, 18, 12, tzinfo=UTC)
    jobs = {name: JobView(name, pool=pool) for name, pool in (("a", "Render"), ("b", "render"), ("c", "other"))}
    tasks = {"a": now - timedelta(minutes=2), "b": now - timedelta(minutes=3), "c": now + timedelta(minutes=1)}
    pending = PendingState(jobs=jobs, tasks=tasks, at=now)
    found = JobsOfPools(pending)
    pending.job("a").priority = 7
    assert [list(found.of(pool)) for pool in ("RENDER", "other", "none")] == [["a", "b"], ["c"], []]
    assert found.of("render")["a"].priority == 7, "as it is now"
    starts = [found.begin_of(pool) for pool in ("render", "other", "none")]
    assert starts == [now - timedelta(minutes=3), now, now], "never from ahead of the poll"


async def test_a_list_of_nodes_that_lags_adds_nothing_to_the_last_counts_of_a_job_that_is_over() -> None:
    now = datetime(2026, 11, 18, 12, tzinfo=UTC)
    runs = {"executionInfo": {"startTime": now - timedelta(seconds=40)}, "jobId": "job", "taskState": "running"}
    row = {"id": "tvm-1", "runningTasksCount": 2, "recentTasks": [{**runs, "taskId": task} for task in "ab"]}
    node = msgspec.convert(row, WorkingNode)
    for final, total in ((True, 4), (False, 6)):
        counts = {"active": 0, "succeeded": 2, "failed": 2, "failures": 2, "exact": now, "counted": now}
        view = JobView("job", pool="pool", state="completed", final=final, **counts)  # type: ignore[arg-type]
        pending = PendingState(jobs={"job": view}, pools={"pool": PoolView("pool")}, tasks={"job": now}, at=now)
        await fold_work(pending, "pool", [node], JobsOfPools(pending))
        assert pending.jobs["job"].total == total
        assert ("job" in pending.recounted) is not final, "others are counted anew"


async def test_between_two_counts_a_job_is_counted_by_what_its_nodes_tell(stage: Stage, asked: list[str]) -> None:
    live = job(stage)
    run(stage, live, *(f"t{number:02}" for number in range(20)), work=Work(median=45.0, spread=0.01, prepare=0.1))
    run(stage, live, "bad", cause=exited(3), work=Work(median=20.0, spread=0.01, prepare=0.1))
    await stage.look(seconds=1)
    asked.clear()
    for _ in range(5):
        view = (await stage.look(seconds=30)).scene.jobs["job"]
        states = Counter(task.execution_info.result or task.state for task in live.tasks.values())
        running = states["running"] + states["preparing"]
        assert (view.succeeded, view.failed) == (states["success"], states["failure"])
        assert (view.running, view.active) == (running, states["active"])
        assert view.running_slots == running
    assert of_jobs(asked) == {}, "nobody asked the job"


async def test_more_short_tasks_than_a_node_tells_of_are_found_in_the_list_of_their_job(
    stage: Stage, asked: list[str]
) -> None:
    live = job(stage)
    await stage.look(seconds=5)
    names = [f"t{number:03}" for number in range(3 * 2 * TOLD)]
    run(stage, live, *names, cause=exited(1), work=Work(median=1.0, spread=0.01, prepare=0.05))
    await stage.look(seconds=30)
    assert set(failed(stage)) == set(names)
    assert "/jobs/job/tasks" in asked
    await stage.watch(120)
    asked.clear()
    await stage.watch(60)
    assert "/jobs/job/tasks" not in asked, "it is owed nothing any more"
    assert stage.store.doubled == []


async def test_how_tasks_ended_on_a_node_that_left_is_asked(stage: Stage) -> None:
    live = job(stage)
    run(stage, live, "bad", cause=exited(4), work=Work(median=40.0, spread=0.01, prepare=0.1))
    await stage.look(seconds=20)
    [node] = [node for node in stage.state.pools["pool1"].nodes.values() if node.running]
    stage.go(22)
    assert live.tasks["bad"].state == "completed"
    stage.state.commands.remove_nodes("pool1", [node.id])
    stage.go(120)
    assert node.id not in {each.id for each in stage.state.pools["pool1"].nodes.values()}
    await stage.look(seconds=3)
    assert set(failed(stage)) == {"bad"}


async def test_the_parts_of_a_task_that_fails_are_one_failure(stage: Stage) -> None:
    live = job(stage)
    many = MultiInstanceSettings(number_of_instances=3, coordination_command_line="start")
    run(stage, live, "mpi", cause=exited(9), work=Work(median=40.0, spread=0.01), multi_instance_settings=many)
    view = (await stage.look(seconds=30)).scene.jobs["job"]
    assert view.running == 1
    await stage.watch(120)
    assert set(failed(stage)) == {"mpi"}
    assert stage.store.doubled == []


async def test_a_task_whose_files_are_missing_is_told_by_its_node(stage: Stage) -> None:
    run(stage, job(stage), "bad", cause=BLOB_NOT_FOUND)
    await stage.look(seconds=30)
    assert "BlobNotFound" in failed(stage)["bad"]


async def test_a_task_that_was_ended_while_it_waited_is_found_by_the_count_of_its_job(stage: Stage) -> None:
    """No node has heard of it."""
    live = job(stage)
    run(stage, live, *(f"long{number}" for number in range(6)), work=Work(median=7200.0, spread=0.01))
    run(stage, live, "waits")
    await stage.look(seconds=30)
    stage.state.runner.terminate(live, live.tasks["waits"])
    await stage.watch(1200, every=60)
    assert "TaskEnded" in failed(stage)["waits"]
    view = (await stage.look(seconds=30)).scene.jobs["job"]
    assert (view.failed, view.failures, view.unseen) == (1, 1, 0)


async def test_whether_a_task_has_used_up_its_retries_is_asked(stage: Stage) -> None:
    run(stage, job(stage), "bad", cause=exited(2), constraints=TaskConstraints(max_task_retry_count=2))
    looks = await stage.watch(120)
    view = looks[-1].scene.jobs["job"]
    assert (view.failures, view.exhausted) == (1, 1)
    assert '"retries":2' in failed(stage)["bad"]


async def test_tasks_that_are_run_again_and_again_are_seen_in_every_look(stage: Stage) -> None:
    endless = TaskConstraints(max_task_retry_count=-1)
    run(stage, job(stage), "bad", cause=exited(2), constraints=endless, work=Work(median=4.0, spread=0.01, prepare=0.1))
    seen = [look.scene.jobs["job"].retried["bad"].times for look in await stage.watch(120)]
    assert seen == sorted(set(seen)), "more in each"
    assert seen[-1] >= 20


async def test_a_job_that_is_deleted_while_it_runs_is_missed_at_once(stage: Stage) -> None:
    run(stage, job(stage), "long", work=Work(median=7200.0))
    await stage.look(seconds=30)
    stage.state.inject.delete_job("job", at_once=True)
    await stage.look(seconds=30)
    assert stage.store.of("job", "job")[-1][1] == "deleted"


async def test_jobs_that_wait_cost_nothing_and_those_that_run_no_more_than_their_pool(
    stage: Stage, asked: list[str]
) -> None:
    for number in range(60):
        run(stage, job(stage, f"waits-{number:02}"), "long", work=Work(median=36_000.0, spread=0.01))
    await stage.watch(10_800, every=300)
    asked.clear()
    looks = await stage.watch(300)
    assert sum(view.running for view in looks[-1].scene.jobs.values()) == 6
    assert Counter(path.split("/")[1] for path in asked)["jobs"] <= 10 + 10, "the list of jobs, and a few counts"
    assert asked.count("/pools/pool1/nodes") == 10


@pytest.mark.parametrize("every", [20, 60])
async def test_a_program_that_is_restarted_all_the_time_tells_each_failure_once(stage: Stage, every: int) -> None:
    """What is owed survives, and so does what was told."""
    live = job(stage)
    run(stage, live, *(f"t{number:03}" for number in range(150)), cause=exited(1), work=Work(median=4.0, spread=0.3))
    for _ in range(20):
        await stage.look(seconds=every)
        await stage.restart()
    assert set(failed(stage)) == set(live.tasks)
    assert stage.store.doubled == []


async def test_what_cannot_be_read_within_the_budget_is_known_to_be_late(stage: Stage) -> None:
    live = job(stage)
    await stage.look(seconds=5)
    stage.sandbox.faults[stage.account.name].add("error", path="/pools/pool1/nodes", status=500)
    begun = (await stage.look(seconds=30)).scene
    run(stage, live, "bad", cause=exited(1))
    late: list[Poll] = await stage.watch(300)
    assert [round((look.scene.at - look.scene.behind["tasks"]).total_seconds()) for look in late] == sorted(
        round((look.scene.at - look.scene.behind["tasks"]).total_seconds()) for look in late
    )
    assert late[-1].scene.behind["tasks"] <= begun.at
    assert late[-1].scene.at - late[-1].scene.behind["tasks"] >= timedelta(seconds=300)
    stage.sandbox.faults[stage.account.name].clear()
    assert (await stage.look(seconds=30)).scene.behind == {}
    assert set(failed(stage)) == {"bad"}
