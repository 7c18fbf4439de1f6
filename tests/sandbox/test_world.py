"""The world over simulated days: sound at every look, repeatable, and the same however often one looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios import build
from bot.sandbox.world.scenarios.long import DONE, EVERY, TASKS

from .world_check import Watch, dump

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def begin(scenario: str, seed: int = 1) -> World:
    return build(scenario, seed, Clock(START, paused=True))


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3, 4))])
def test_days_of_the_demo_are_sound(seed: int) -> None:
    world = begin("demo", seed)
    watch = Watch(world)
    for _ in range(48):
        world.clock.advance(timedelta(minutes=61))
        watch.look()


@pytest.mark.slow
def test_hours_of_the_performance_case_are_sound() -> None:
    world = begin("performance")
    watch = Watch(world)
    for _ in range(2):
        watch.look()
        world.clock.advance(timedelta(hours=1))
    account = world.accounts["performance"]
    assert len(account.pools) == 20
    assert sum(len(pool.nodes) for pool in account.pools.values()) == 2000
    assert sum(job.state == "active" for job in account.jobs.values()) == 50
    assert sum(len(job.tasks) for job in account.jobs.values()) >= 100_000


@pytest.mark.parametrize(("jobs", "runs", "waits"), [(1, 1, 0), (10, 2, 4), (50, 3, 24), (300, 16, 142)])
def test_in_a_crowd_few_jobs_run_and_the_others_stay_active(jobs: int, runs: int, waits: int) -> None:
    world = begin(f"crowded-{jobs}")
    watch = Watch(world)
    for _ in range(3):
        world.clock.advance(timedelta(minutes=10))
        watch.look()
    account = world.accounts["crowded"]
    assert account.active_jobs == len(account.jobs) == jobs
    running = [job for job in account.jobs.values() if job.running]
    waiting = [job for job in account.jobs.values() if job.counts[0] and not job.running]
    assert len(running) == runs
    assert len(waiting) == waits
    assert {job.pool.id for job in waiting if job.pool} <= {"queue"}
    assert account.pool("farm").counts[True]["idle"] >= 16


def test_a_crowd_may_keep_very_many_nodes_busy() -> None:
    world = begin("crowded-nodes")
    world.clock.advance(timedelta(minutes=10))
    world.settle()
    farm = world.accounts["crowded"].pool("farm")
    assert farm.total(True) == 2_000
    assert farm.counts[True]["running"] > 1_500


def test_the_long_job_is_long_and_goes_on() -> None:
    world = begin("long")
    (job,) = world.accounts["long"].jobs.values()
    assert len(job.tasks) == TASKS
    done = [task for task in job.tasks.values() if task.state == "completed"]
    assert len(done) == DONE
    assert sum(task.execution_info.result == "failure" for task in done) == DONE // EVERY
    world.clock.advance(timedelta(minutes=30))
    world.settle()
    assert sum(task.state == "completed" for task in job.tasks.values()) > DONE
    Watch(world).look()


@pytest.mark.parametrize("scenario", ["demo", "tiny"])
def test_one_seed_is_one_history_however_often_one_looks(scenario: str) -> None:
    once, often = begin(scenario), begin(scenario)
    once.clock.advance(timedelta(hours=7))
    for _ in range(420):
        often.clock.advance(timedelta(minutes=1))
        often.settle()
    assert dump(once) == dump(often)


def test_seeds_differ() -> None:
    one, other = begin("demo", 1), begin("demo", 2)
    for world in (one, other):
        world.clock.advance(timedelta(hours=1))
    assert dump(one) != dump(other)


@pytest.mark.parametrize("scenario", ["demo", "tiny"])
def test_nothing_happens_while_the_clock_stands(scenario: str) -> None:
    world = begin(scenario)
    world.settle()
    before = dump(world)
    assert world.settle() == 0
    assert dump(world) == before


def test_the_demo_shows_its_troubles() -> None:
    world = begin("demo")
    world.clock.advance(timedelta(hours=24))
    world.settle()
    studio, engineering = world.accounts["render-prod"], world.accounts["sim-dev"]
    assert studio.facts.subscription != engineering.facts.subscription
    errors = studio.pool("render-gpu").body.resize_errors or []
    assert [error.code for error in errors] == ["AccountVMSeriesCoreQuotaReached"]
    assert studio.job("aurora-matte-hold").state == "disabled"
    assert studio.schedule("legacy-export").state == "disabled"
    assert any(job.id.startswith("thumbnails:job-") for job in studio.jobs.values())
    bakes = [job for job in studio.jobs.values() if job.id.startswith("texture-bake")]
    assert any(job.state == "active" and job.counts[3] > 20 for job in bakes)
    assert engineering.pool("win-build").counts[True]["unusable"] == 1
    forgotten = engineering.pool("old-experiment")
    assert all(node.state == "idle" and not node.recent for node in forgotten.nodes.values())
    assert engineering.job("layout-chain").counts == [2, 0, 0, 1]
    assert engineering.pool("montecarlo").counts[True]["starttaskfailed"] >= 1


def test_tasks_of_the_demo_are_retried_and_requeued() -> None:
    world = begin("demo")
    retried = requeued = 0
    for _ in range(24):
        world.clock.advance(timedelta(hours=1))
        world.settle()
        for job in world.accounts["render-prod"].jobs.values():
            retried += any(task.execution_info.retry_count for task in job.tasks.values())
            requeued += any(task.execution_info.requeue_count for task in job.tasks.values())
    assert retried
    assert requeued


@pytest.mark.slow
def test_a_demo_that_runs_for_a_week_does_not_grow() -> None:
    world = begin("demo")
    sizes, jobs = [], []
    for _ in range(7):
        world.clock.advance(timedelta(days=1))
        world.settle()
        sizes.append(sum(len(job.tasks) for account in world.accounts.values() for job in account.jobs.values()))
        jobs.append(sum(len(account.jobs) for account in world.accounts.values()))
    assert max(sizes) < 8000
    assert max(jobs) < 150


@pytest.mark.slow
def test_usage_follows_the_day() -> None:
    world = begin("demo")
    studio = world.accounts["render-prod"]
    cores: dict[int, int] = {}
    for hour in range(48):
        world.clock.advance(timedelta(hours=1))
        world.settle()
        cores[hour] = studio.cores[True]
    day = [cores[hour] for hour in cores if 15 <= (START.hour + 1 + hour) % 24 < 23]
    night = [cores[hour] for hour in cores if 2 <= (START.hour + 1 + hour) % 24 < 7]
    assert sum(day) / len(day) > 1.3 * sum(night) / len(night)


def test_an_unknown_scenario_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        build("nowhere")


def test_a_scene_goes_on_when_people_take_its_pools_away_or_spend_its_quota() -> None:
    world = begin("demo")
    watch = Watch(world)
    for account in world.accounts.values():
        for pool_id in list(account.pools):
            account.commands.delete_pool(pool_id)
        account.facts.job_quota = 8
    for _ in range(15):
        world.clock.advance(timedelta(hours=2))
        watch.look()
    assert not any(account.pools for account in world.accounts.values())
