"""The observer against a living account, over the real wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.alerting.rules import discover
from bot.clock import Clock
from bot.domain.findings import Severity
from bot.domain.states import total
from bot.monitor import observer
from bot.monitor.job_changes import LAST_WORD
from bot.monitor.observer import LONGEST_BACKOFF, Observer, Poll
from bot.monitor.plan import SLOW
from bot.monitor.scene import MONEY_AGE, MoneyView, Scene
from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.entity_specs import JobSpecification, PoolInformation, Schedule, TaskSpecification
from bot.sandbox.world.behaviour import Work, exited
from bot.sandbox.world.live import LiveTask
from bot.settings import WatchSettings
from storage.port.errors import StoreError
from storage.sqlite.store import SqliteStore
from tests.monitor.late_account import Change, LateAccount, after
from tests.monitor.observed_sandbox import MemoryStore, Stage, staged


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The tiny scenario: pool1 with three nodes of two slots, job1 that is done but goes on."""
    async with staged() as stage:
        await stage.observer.load()
        yield stage


def failed(stage: Stage, since: datetime) -> set[tuple[str, str]]:
    """Job and id of every task that failed since."""

    def did(task: LiveTask) -> bool:
        return task.execution_info.result == "failure" and task.state_transition_time > since

    return {(job.id, task.id) for job in stage.state.jobs.values() for task in job.tasks.values() if did(task)}


def told(stage: Stage) -> set[tuple[str, str]]:
    """The same as it was told."""
    return {
        (each.parent, each.id) for each in stage.store.told.values() if (each.entity, each.after) == ("task", "failed")
    }


def troubled(scene: Scene, pool: str = "pool1") -> dict[str, str]:
    return {name: node.state for name, node in scene.pools[pool].troubled.items()}


async def test_the_first_look_is_no_news_and_all_is_seen(stage: Stage) -> None:
    [broken] = stage.state.inject.break_nodes("pool1")
    stage.state.inject.fail_resize("pool1", "AllocationFailed", "no capacity", 5)
    scene = (await stage.look(seconds=60)).scene
    assert scene.read == {"pools", "nodes", "jobs", "tasks", "schedules", "quota"}
    assert (scene.news, scene.ended, scene.blind) == ((), (), None)
    view = scene.pools["pool1"]
    assert view.resize_errors[0][0] == "AllocationFailed"
    assert troubled(scene) == {broken: "unusable"}
    assert (view.slots, view.vm_size, sum(counts.total for counts in view.counts)) == (2, "standard_d2s_v3", 3)
    job = scene.jobs["job1"]
    assert (job.state, job.pool, job.total, job.failures) == ("active", "pool1", 24, 2), "with those from before"
    quota = {what: (used, limit) for what, used, limit in scene.quota.rows}
    assert quota["dedicated cores"] == (6, 20)
    assert quota["active jobs and schedules"][0] == 1


async def test_money_counts_as_read_while_it_was_looked_at_lately(stage: Stage) -> None:
    now = datetime.now(UTC)
    stage.observer.money = MoneyView("USD", as_of=now - MONEY_AGE + timedelta(minutes=10))
    assert "money" in (await stage.look()).scene.read
    stage.observer.money = MoneyView("USD", as_of=now - MONEY_AGE - timedelta(minutes=1))
    assert "money" not in (await stage.look()).scene.read


async def test_nothing_new_is_nothing_to_store_but_cursors(stage: Stage) -> None:
    await stage.look()
    look = await stage.look(seconds=30)
    assert (look.batch.transitions, look.batch.snapshots) == ([], [])
    assert {cursor.stream for cursor in look.batch.cursors} >= {"jobs", "schedules"}


async def test_a_storm_is_told_task_by_task_and_summed_up_by_cause(stage: Stage) -> None:
    begun = (await stage.look()).scene.at
    stage.state.inject.storm(["storm"], ["exit-137", "disk-full"], 1200, 60.0, pool_id="pool1")
    looks = await stage.watch(180)
    assert told(stage) == failed(stage, begun)
    assert len(told(stage)) == 1200
    view = looks[-1].scene.jobs["storm"]
    assert (view.failures, view.failed) == (1200, 1200)
    causes = {tally.cause: tally.count for tally in view.causes.values()}
    disk = "DiskFull: There is not enough disk space on the node to run the task"
    assert causes == {"exit code 137": 600, disk: 600}
    assert view.failing_since is not None
    assert view.failing_since < view.failed_at  # type: ignore[operator]
    details = json.loads(next(each.details for each in stage.store.told.values() if "DiskFull" in each.details))
    assert details["pool"] == "pool1"
    assert details["category"] == "UserError"
    assert stage.store.doubled == []


async def test_a_list_that_breaks_off_between_its_pages_is_read_again(stage: Stage) -> None:
    begun = (await stage.look()).scene.at
    stage.state.inject.storm(["storm"], ["exit-1"], 1500, pool_id="pool1")
    stage.sandbox.faults[stage.account.name].add("error", path="/tasks.*skiptoken", status=500, count=4)
    look = await stage.look(seconds=30)
    assert look.scene.blind is None, "that is one list: the account can be read"
    nodes = stage.state.pools["pool1"].nodes
    assert 0 < len(told(stage)) <= 10 * len(nodes), "a list is whole or not read at all: the nodes alone have told"
    look = await stage.look(seconds=300)
    assert "tasks" in look.scene.read
    assert told(stage) == failed(stage, begun)
    assert stage.store.doubled == []


async def test_everything_shows_late(stage: Stage) -> None:
    begun = (await stage.look()).scene.at
    stage.state.list_lag.seconds = 45.0
    stage.state.inject.add_job("short", "pool1", 40, seconds=10, failing=0.5)
    stage.state.commands.set_on_all_tasks_complete("short", "terminatejob")
    [broken] = stage.state.inject.break_nodes("pool1")
    for number in range(20):
        await stage.watch(30, every=30 - number % 3)
    stage.state.inject.heal("pool1")
    await stage.watch(600)
    assert told(stage) == failed(stage, begun)
    states = [state for _, state in stage.store.of("job", "short")]
    assert (states[0], states[-1], len(states)) == ("active", "completed", len(set(states)))
    assert stage.store.of("node", broken)[0] == ("", "unusable")
    assert stage.store.of("node", broken)[-1][1] not in ("unusable", "gone")
    assert stage.store.doubled == []


@pytest.mark.parametrize("minutes", [-5, 5])
async def test_our_own_clock_makes_no_difference(stage: Stage, minutes: int) -> None:
    clock = Clock(start=stage.sandbox.world.clock.now() + timedelta(minutes=minutes))
    stage.observer = Observer(stage.account, stage.store, clock, stage.settings)
    begun = (await stage.look()).scene.at
    stage.state.inject.add_job("short", "pool1", 20, seconds=10, failing=1.0)
    await stage.watch(300)
    assert told(stage) == failed(stage, begun)
    assert len(told(stage)) == 20
    assert stage.store.doubled == []


async def test_what_happened_while_the_program_was_down_is_told(stage: Stage) -> None:
    stage.state.inject.add_job("before", "pool1", 6, seconds=30, failing=1.0)
    begun = (await stage.look(seconds=5)).scene.at
    stage.state.commands.set_on_all_tasks_complete("before", "terminatejob")
    stage.state.inject.add_job("meanwhile", "pool1", 4, seconds=10, failing=1.0)
    stage.state.commands.set_on_all_tasks_complete("meanwhile", "terminatejob")
    [broken] = stage.state.inject.break_nodes("pool1")
    stage.go(7200)
    await stage.restart()
    look = await stage.look()
    assert {view.id for view in look.scene.ended} == {"before", "meanwhile"}
    assert {view.id: (view.failures, view.failed) for view in look.scene.ended} == {
        "before": (6, 6),
        "meanwhile": (4, 4),
    }
    assert told(stage) == failed(stage, begun)
    assert stage.store.of("job", "meanwhile")[0] == ("", "active")
    assert stage.store.of("job", "meanwhile")[-1][1] == "completed"
    assert stage.store.of("job", "before")[-1][1] == "completed"
    assert stage.store.of("node", broken) == [("", "unusable")]
    looks = await stage.watch(180)
    assert [view.id for look in looks for view in look.scene.ended] == [], "no more can come of what ended so long ago"
    assert set(looks[-1].scene.jobs) == {"job1"}
    assert stage.store.doubled == []


async def test_a_job_that_failed_for_long_and_ended_while_the_program_was_down_is_a_warning(stage: Stage) -> None:
    await stage.look(seconds=5)
    stage.state.inject.add_job("meanwhile", "pool1", 300, seconds=30, failing=0.3)
    stage.state.commands.set_on_all_tasks_complete("meanwhile", "terminatejob")
    stage.go(7200)
    await stage.restart()
    scene = (await stage.look()).scene
    [view] = scene.ended
    assert view.ended - view.failing_since > timedelta(minutes=15)  # type: ignore[operator]
    [told_of] = discover()["job.failed"].judge(scene)
    assert told_of.severity is Severity.WARNING, "nobody can have heard of its failures while it ran"


async def test_what_failed_long_before_the_program_came_back_is_told_while_the_job_goes_on(stage: Stage) -> None:
    stage.state.inject.add_job("meanwhile", "pool1", 6, seconds=3e6)
    await stage.look(seconds=120)
    stage.state.inject.storm(["meanwhile"], ["exit-137"], 2)
    stage.go(7200)
    await stage.restart()
    scene = (await stage.look()).scene
    assert scene.at - scene.jobs["meanwhile"].failed_at > timedelta(hours=1)  # type: ignore[operator]
    [told_of] = [each for each in discover()["task.failed"].judge(scene) if each.entity.id == "meanwhile"]
    assert told_of.state == "open"


def ends(looks: list[Poll], name: str) -> list[tuple[int, bool]]:
    """How every look tells that a job is over: tasks that succeeded, and whether its last counts were read."""
    return [(view.succeeded, view.final) for look in looks for view in look.scene.ended if view.id == name]


async def test_the_end_of_a_job_is_told_in_the_look_that_sees_it(stage: Stage) -> None:
    stage.state.inject.add_job("one", "pool1", 4, seconds=10)
    await stage.watch(120)
    stage.state.commands.terminate_job("one")
    look = await stage.look(seconds=30)
    assert ends([look], "one") == [(4, True)]
    assert "one" in look.scene.jobs
    looks = await stage.watch(180)
    assert set(ends(looks, "one")) == {(4, True)}, "again, while failures may still show"
    assert "one" not in looks[-1].scene.jobs


async def test_an_end_is_told_without_its_last_counts_and_they_come_after_restarts(stage: Stage) -> None:
    """Neither of them waits for the other, and what waits is not begun anew by a program that starts again."""
    stage.state.inject.add_job("one", "pool1", 4, seconds=45)
    await stage.watch(60)
    stage.sandbox.faults[stage.account.name].add("error", path="/jobs/one/taskcounts")
    stage.state.inject.storm(["one"], ["exit-1"], 1)
    stage.state.commands.terminate_job("one")
    assert [final for _, final in ends([await stage.look(seconds=30)], "one")] == [False]
    for _ in range(5):
        await stage.restart()
        assert [final for _, final in ends([await stage.look(seconds=60)], "one")] == [False]
    stage.sandbox.faults[stage.account.name].clear()
    await stage.restart()
    look = await stage.look(seconds=60)
    assert [final for _, final in ends([look], "one")] == [True]
    assert ends(await stage.watch(120), "one") == []


async def test_last_counts_that_never_come_are_given_up_however_often_it_is_restarted(stage: Stage) -> None:
    stage.state.inject.add_job("one", "pool1", 4, seconds=10)
    await stage.watch(120)
    stage.sandbox.faults[stage.account.name].add("error", path="/jobs/one/taskcounts")
    stage.state.commands.terminate_job("one")
    begun = (await stage.look(seconds=30)).scene.at
    known = stage.observer._state.jobs["one"].succeeded
    while stage.observer._state.reported:
        await stage.restart()
        look = await stage.look(seconds=240)
        assert look.scene.at - begun <= LAST_WORD + timedelta(seconds=300)
    assert "one" not in look.scene.jobs
    assert known == 4, "what was counted before is what was told"


async def test_an_end_is_told_though_the_rest_of_the_account_refuses(stage: Stage) -> None:
    stage.state.inject.add_job("one", "pool1", 4, seconds=10)
    await stage.watch(120)
    stage.state.commands.terminate_job("one")
    stage.sandbox.faults[stage.account.name].add("error", path="/nodecounts", status=403)
    look = await stage.look(seconds=30)
    assert look.scene.blind is not None
    assert ends([look], "one") == [(4, False)]
    stage.sandbox.faults[stage.account.name].clear()
    assert ends([await stage.look(seconds=30)], "one") == [(4, True)]


async def test_two_hundred_jobs_that_end_together_are_all_told_in_one_look(stage: Stage) -> None:
    names = [stage.state.inject.add_job(f"many-{n:03}", "pool1", 1, seconds=3e6).id for n in range(200)]
    await stage.watch(60)
    for name in names:
        stage.state.commands.terminate_job(name)
    look = await stage.look(seconds=30)
    assert {view.id for view in look.scene.ended} >= set(names)
    assert look.calls <= 65
    await stage.restart()
    looks = await stage.watch(600)
    exact = {view.id for look in looks for view in look.scene.ended if view.final}
    assert exact >= set(names), "their last counts come, some in each look"
    assert stage.store.doubled == []


async def test_what_it_takes_is_counted(stage: Stage) -> None:
    await stage.look()  # sizes and prices are read aside
    calls, size = stage.account.traffic.calls, stage.account.traffic.bytes
    looks = await stage.watch(120)
    assert stage.account.traffic.calls - calls == sum(look.calls for look in looks)
    assert stage.account.traffic.bytes > size
    assert (stage.observer.effort.polls, stage.observer.effort.blind) == (5, 0)


async def test_after_a_restart_nothing_is_told_again(stage: Stage) -> None:
    await stage.look()
    stage.state.inject.add_job("short", "pool1", 20, seconds=10, failing=1.0)
    stage.state.commands.set_on_all_tasks_complete("short", "terminatejob")
    for _ in range(20):
        await stage.watch(30, every=10)
        await stage.restart()
    assert len(told(stage)) == 20
    assert stage.store.doubled == []


async def test_the_real_store_knows_nothing_twice(stage: Stage, tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "bot.db")
    seen, new = 0, 0
    stage.observer = Observer(stage.account, store, Clock())
    for number in range(12):
        if number % 2:  # every other look is made by a new process
            stage.observer = Observer(stage.account, store, Clock())
            await stage.observer.load()
        if number == 1:
            stage.state.inject.storm(["storm"], ["exit-137"], 1100, 60.0, pool_id="pool1")
            stage.state.inject.break_nodes("pool1")
        look = await stage.observer.poll()
        seen += len(look.batch.transitions)
        new += await store.record(look.batch)
        stage.observer.stored()
        stage.go(20)
    assert seen == new > 1100
    assert look.scene.jobs["storm"].failures == 1100
    assert len(troubled(look.scene)) == 1
    await store.close()


async def test_what_could_not_be_stored_is_seen_again(stage: Stage) -> None:
    begun = (await stage.look()).scene.at
    stage.state.inject.add_job("short", "pool1", 20, seconds=10, failing=1.0)
    stage.store.broken = True
    for _ in range(4):
        with pytest.raises(StoreError):
            await stage.look(seconds=60)
    stage.store.broken = False
    look = await stage.look()
    assert told(stage) == failed(stage, begun)
    assert look.scene.jobs["short"].failures == 20
    assert stage.store.doubled == []


async def test_deleted_jobs_are_found_and_trouble_nobody(stage: Stage) -> None:
    for name in ("one", "two"):
        stage.state.inject.add_job(name, "pool1", 4, seconds=600)
    await stage.look(seconds=60)
    stage.state.inject.delete_job("one", at_once=True)
    stage.state.inject.stick_job("two")
    look = await stage.look(seconds=30)
    assert (look.scene.blind, "tasks" in look.scene.read) == (None, True)
    assert stage.store.of("job", "one") == [("active", "deleted")]
    assert [view.id for view in look.scene.ended] == ["one"]
    stage.state.inject.delete_job("two", at_once=True)
    await stage.watch(600, every=60)
    assert stage.store.of("job", "two") == [("active", "deleted")]


async def test_the_sweep_finds_what_nobody_asks_for() -> None:
    async with staged(settings=WatchSettings(requests_per_minute=10, sweep_hours=1)) as stage:
        await stage.observer.load()
        names = {f"quiet-{number:02}" for number in range(40)}
        for name in sorted(names):
            stage.state.inject.add_job(name, "pool1")
        await stage.look()
        for name in sorted(names):
            stage.state.inject.delete_job(name, at_once=True)
        before = stage.observer.effort.calls
        looks = [await stage.look(seconds=3600), *await stage.watch(600)]
        assert set(looks[-1].scene.jobs) == {"job1"}
        assert stage.store.of("job") == [(name, "deleted") for name, _ in stage.store.of("job")]
        assert {name for name, _ in stage.store.of("job")} == names
        assert (stage.observer.effort.calls - before) / len(looks) < 16


async def test_while_the_account_is_not_well_it_is_asked_little(stage: Stage) -> None:
    stage.state.inject.add_job("long", "pool1", 50, seconds=600)
    await stage.watch(90)
    stage.sandbox.faults[stage.account.name].add("error", status=403, code="AuthorizationFailure")
    look = await stage.look(seconds=30)
    assert look.scene.blind is not None
    assert (look.scene.blind.code, look.scene.read) == ("AuthorizationFailure", frozenset())
    assert look.calls == 4
    assert set(look.scene.jobs) == {"job1", "long"}, "what was known is still known"


async def test_nodes_in_and_out_of_trouble(stage: Stage) -> None:
    await stage.look()
    broken = stage.state.inject.break_nodes("pool1", 1)[0]
    start = stage.state.inject.fail_start_tasks("pool1", 1)[0]
    scene = (await stage.watch(60))[-1].scene
    assert troubled(scene)[broken] == "unusable"
    assert (await stage.watch(300))[-1].scene.pools["pool1"].troubled[start].start_task is not None
    stage.state.inject.heal("pool1")
    scene = (await stage.watch(900))[-1].scene
    assert troubled(scene) == {}
    assert stage.store.of("node", broken)[0] == ("", "unusable")
    before, now = stage.store.of("node", broken)[-1]
    assert (before, now in ("starting", "idle", "running", "waitingforstarttask", "rebooting")) == ("unusable", True)


async def test_a_node_that_left_its_pool_is_gone(stage: Stage) -> None:
    await stage.look()
    [broken] = stage.state.inject.break_nodes("pool1")
    await stage.watch(30)
    stage.state.commands.remove_nodes("pool1", [broken])
    scene = (await stage.watch(900))[-1].scene
    assert troubled(scene) == {}
    assert stage.store.of("node", broken)[-1][1] in ("gone", "leavingpool")


async def test_pools_come_resize_and_go(stage: Stage) -> None:
    await stage.look()
    spec = stage.state.pools["pool1"].body
    stage.state.commands.resize("pool1", 2)
    looks = await stage.watch(600)
    assert [after for _, after in stage.store.of("allocation", "pool1")] == ["resizing", "steady"]
    moved = [each for each in stage.store.told.values() if each.entity == "allocation"]
    resizing, over = (json.loads(each.details) for each in sorted(moved, key=lambda each: each.at))
    assert (resizing["targetDedicated"], resizing["targetSpot"]) == (over["dedicated"], over["spot"]) == (2, 0)
    assert "errors" not in over, "nothing was refused"
    assert looks[-1].scene.pools["pool1"].dedicated == 2
    assert spec.id == "pool1"
    stage.state.inject.delete_pool("pool1", at_once=True)
    scene = (await stage.look(seconds=30)).scene
    assert scene.pools == {}
    assert stage.store.of("pool", "pool1") == [("active", "deleted")]


async def test_throttling_slows_down_and_is_told(stage: Stage) -> None:
    await stage.look()
    fault = stage.sandbox.faults[stage.account.name]
    fault.add("throttle", status=429, retry_after=1200)
    look = await stage.look(seconds=30)
    blind = look.scene.blind
    assert blind is not None
    assert (look.scene.read, blind.times, look.batch.transitions) == (frozenset(), 1, [])
    assert stage.observer.wait == 1200, "what the service asks for is kept"
    fault.clear()
    fault.add("throttle", status=503)
    waits = []
    for _ in range(8):
        again = (await stage.look(seconds=30)).scene.blind
        assert again is not None
        assert again.since == blind.since
        waits.append(stage.observer.wait)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_BACKOFF
    fault.clear()
    assert (await stage.look(seconds=30)).scene.blind is None
    assert stage.observer.wait == 30, "it recovers at once"
    assert stage.account.traffic.throttled >= 9


async def test_while_blind_nothing_is_lost(stage: Stage) -> None:
    begun = (await stage.look()).scene.at
    stage.state.inject.add_job("short", "pool1", 20, seconds=10, failing=1.0)
    stage.sandbox.faults[stage.account.name].add("cut", count=60)
    stage.go(60)
    for _ in range(30):
        look = await stage.look(seconds=60)
    assert look.scene.blind is None
    assert told(stage) == failed(stage, begun)
    assert len(told(stage)) == 20
    assert stage.store.doubled == []


async def test_the_budget_stretches_turns_and_starves_none() -> None:
    settings = WatchSettings(requests_per_minute=24)
    async with staged(settings=settings) as stage:
        await stage.observer.load()
        await stage.look()
        begun = stage.sandbox.world.clock.now()
        for number in range(30):
            stage.state.inject.add_job(f"job-{number:02}", "pool1", 1, seconds=5, failing=1.0)
        looks = await stage.watch(1800)
        assert sum(look.calls for look in looks[5:]) / len(looks[5:]) <= 14
        assert told(stage) == failed(stage, begun)
        assert len(told(stage)) == 30
        assert all(look.scene.read >= {"pools", "nodes", "jobs"} for look in looks)
        assert all(view.active is not None for view in looks[-1].scene.jobs.values())


async def test_in_a_budget_that_is_too_small_failures_come_first_and_news_on_request_last() -> None:
    """Eight calls a look: four lists and one of nodes, so that few jobs can be asked for what begins and ends."""
    async with staged(settings=WatchSettings(requests_per_minute=16, tasks="all", nodes="all")) as stage:
        await stage.observer.load()
        await stage.look()
        begun = stage.sandbox.world.clock.now()
        for number in range(4):
            fail_twice(stage, f"bad-{number}")
        for number in range(60):
            stage.state.inject.add_job(f"many-{number:02}", "pool1", 1, seconds=15)
        behind: set[str] = set()
        for _ in range(12):
            look = await stage.look(seconds=30)
            assert told(stage) == failed(stage, begun), "known in the look after it, whatever else there is to read"
            behind |= look.scene.behind.keys()
        assert "starts" in behind and "tasks" not in behind
        assert len(told(stage)) == 4
        await stage.watch(1800)
        ends = {(each.parent, each.after) for each in stage.store.told.values() if each.entity == "task"}
        assert ends >= {(f"many-{number:02}", "completed") for number in range(60)}, "what is late is told all the same"
        assert {after for _, after in stage.store.of("node")} >= {"running", "idle"}
        assert stage.store.doubled == []


def fail_twice(stage: Stage, name: str) -> None:
    """A job whose task fails and is run again once: that it has used up its retries stands in its own row alone."""
    job = stage.state.job_lifecycle.add(name, JobSpecification(pool_info=PoolInformation(pool_id="pool1")))
    spec = TaskSpecification(constraints=TaskConstraints(max_task_retry_count=1))
    work = Work(median=8.0, spread=0.1, failures=((1.0, exited(1)),))
    stage.state.runner.add(job, "task-1", "./work.sh 1", spec, work=work)


async def test_every_pool_has_its_turn_to_tell_the_states_of_its_nodes() -> None:
    async with staged("demo", settings=WatchSettings(requests_per_minute=16, nodes="all")) as stage:
        await stage.observer.load()
        looks = await stage.watch(600)
        pools = {name for name, view in looks[-1].scene.pools.items() if any(total(each) for each in view.counts)}
        assert len(pools) > 2
        assert any("states" in look.scene.behind for look in looks), "not all of them fit"
        assert {each.parent for each in stage.store.told.values() if each.entity == "node"} <= pools | set(
            looks[0].scene.pools
        )
        state = stage.observer._state
        read = {name: state.read[f"states {name}"] for name in pools}
        assert min(read.values()) > looks[0].scene.at, "each was read"
        assert state.cursors["nodes"] <= min(read.values()), "a restart begins where the one stood that waited longest"


async def test_a_job_that_somebody_watches_is_counted_in_every_look(stage: Stage) -> None:
    stage.state.inject.add_job("long", "pool1", 50, seconds=60)
    stage.observer.watched_jobs.add("long")
    looks = await stage.watch(300)
    assert all(look.scene.jobs["long"].counted == look.scene.at for look in looks)
    view = looks[-1].scene.jobs["long"]
    assert (view.total, len(view.rate)) == (50, 10)
    assert view.rate[-1][1] > view.rate[0][1]


async def test_all_tasks_and_nodes_where_that_is_wanted() -> None:
    async with staged(settings=WatchSettings(tasks="all", nodes="all")) as stage:
        await stage.observer.load()
        await stage.look()
        stage.state.inject.add_job("short", "pool1", 10, seconds=20, failing=0.5)
        await stage.watch(600)
        assert {name for name, _ in stage.store.of("task")} == set(stage.state.jobs["short"].tasks)
        assert {after for _, after in stage.store.of("task")} == {"running", "completed", "failed"}
        begun = [each for each in stage.store.told.values() if (each.entity, each.after) == ("task", "running")]
        assert {each.parent for each in begun} == {"short"}
        assert len({each.id for each in begun}) == len(begun)
        assert {after for _, after in stage.store.of("node")} == {"running", "idle"}
        assert stage.store.doubled == []


async def test_schedules_their_jobs_and_what_was_missed() -> None:
    async with staged("demo", hours=1.0) as stage:
        await stage.observer.load()
        scene = (await stage.look()).scene
        regular = next(
            view for view in scene.schedules.values() if view.state == "active" and (view.interval or 1e9) < 7200
        )
        stage.state.inject.block_schedule(regular.id)
        looks = await stage.watch(7200, every=60)
        assert looks[-1].scene.schedules[regular.id].missed is not None
        stage.state.inject.block_schedule(regular.id, blocked=False)
        looks = await stage.watch(7200, every=60)
        last = looks[-1].scene
        assert last.schedules[regular.id].missed is None
        made = {job.schedule for look in looks for job in look.scene.jobs.values()}
        assert regular.id in made
        stage.state.commands.disable_schedule(regular.id)
        await stage.watch(60)
        assert stage.store.of("schedule", regular.id) == [("active", "disabled")]
        stage.state.inject.delete_schedule(regular.id, at_once=True)
        await stage.watch(60, every=60)
        assert stage.store.of("schedule", regular.id)[-1] == ("disabled", "deleted")
        assert stage.store.doubled == []


async def test_a_schedule_is_gone_once_it_is_asked_for_and_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged("demo", hours=1.0) as stage:
        await stage.observer.load()
        first, second, *_ = (await stage.look()).scene.schedules
        listed = observer.missing_of
        monkeypatch.setattr(observer, "missing_of", lambda *given: [first, *listed(*given)])  # a list that lags
        fault = stage.sandbox.faults[stage.account.name]
        fault.add("error", path=f"/jobschedules/{second}", status=500)
        stage.state.inject.delete_schedule(second, at_once=True)
        scene = (await stage.look(seconds=30)).scene
        assert {first, second} <= set(scene.schedules)
        assert "schedules" in scene.read
        assert (second, "deleted") not in stage.store.of("schedule"), "it may still be there"
        fault.clear()
        monkeypatch.undo()
        look = await stage.look(seconds=30)
        assert (second, "deleted") in stage.store.of("schedule")
        assert set(look.scene.schedules) == set(scene.schedules) - {second}


async def test_more_schedules_than_a_page_has_are_listed_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "PAGE", 1)
    async with staged() as stage:
        spec = JobSpecification(pool_info=PoolInformation(pool_id="pool1"))
        for number in range(2):
            stage.state.commands.add_schedule(f"s{number}", Schedule(recurrence_interval="P1D"), spec)
        await stage.look()
        stage.state.inject.delete_schedule("s0", at_once=True)
        await stage.watch(SLOW.total_seconds() - 30)
        assert stage.store.of("schedule", "s0") == []
        await stage.watch(60)
        assert stage.store.of("schedule", "s0") == [("active", "deleted")]


async def test_autoscale_that_fails_and_works_again() -> None:
    async with staged("demo", hours=2.0) as stage:
        await stage.observer.load()
        scene = (await stage.look()).scene
        pool = next(view.id for view in scene.pools.values() if view.autoscale)
        stage.state.inject.break_autoscale(pool, "error")
        looks = await stage.watch(3600, every=60)
        assert looks[-1].scene.pools[pool].autoscale_error is not None
        stage.state.inject.break_autoscale(pool, None)
        looks = await stage.watch(3600, every=60)
        assert looks[-1].scene.pools[pool].autoscale_error is None
        runs = [after for _, after in stage.store.of("autoscale", pool)]
        assert "failed" in runs
        assert runs[len(runs) - runs[::-1].index("failed")] == "ok"


async def test_a_defect_is_told_and_not_raised(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.look()
    monkeypatch.setattr("bot.monitor.observer.fold_pools", None)
    look = await stage.observer.poll()
    assert look.scene.blind is not None
    assert (look.scene.blind.code, look.scene.read, look.batch.transitions) == ("Unexpected", frozenset(), [])
    assert set(look.scene.pools) == {"pool1"}, "what was known is still known"
    assert look.scene.at.tzinfo == UTC


async def test_a_look_that_was_lost_is_not_known_even_if_it_is_said_to_be_stored(stage: Stage) -> None:
    await stage.look()
    stage.state.inject.add_job("short", "pool1", 4, seconds=600)
    stage.go(30)
    lost = await stage.observer.poll()
    assert ("short", "active") in [(each.id, each.after) for each in lost.batch.transitions]
    stage.observer.lost()
    stage.observer.stored()
    again = await stage.observer.poll()
    assert ("short", "active") in [(each.id, each.after) for each in again.batch.transitions]


async def test_a_sweep_whose_finds_do_not_fit_into_one_look_is_made_again_at_once() -> None:
    async with staged(settings=WatchSettings(requests_per_minute=20, sweep_hours=1)) as stage:
        await stage.observer.load()
        names = {f"quiet-{number:02}" for number in range(60)}
        for name in sorted(names):
            stage.state.inject.add_job(name, "pool1")
        await stage.look()
        for name in sorted(names):
            stage.state.inject.delete_job(name, at_once=True)
        swept = (await stage.look(seconds=3600)).scene.at
        assert {name for name, _ in stage.store.of("job")} < names, "they do not fit, or this shows nothing"
        assert await sweep(stage) < swept, "it is not done: a program that starts now sweeps again too"
        await stage.watch(900)
        assert {name for name, _ in stage.store.of("job")} == names
        assert await sweep(stage) > swept


async def sweep(stage: Stage) -> datetime:
    """When all jobs were last listed, and all that were missing among them looked for."""
    [at] = [each.at for each in await stage.store.cursors(stage.account.name) if each.stream == "sweep"]
    return at


async def test_failures_that_show_after_the_end_of_their_job_was_told_are_told() -> None:
    """The end shows at once, what failed in the last moment three quarters of a minute later."""
    job = [Change("active", after(1)), Change("completed", after(100))]
    tasks = {("j", f"task-{number}"): Change("completed", after(99), lag) for number, lag in enumerate((0.0, 45.0))}
    account, store = LateAccount({"j": job}, tasks), MemoryStore()
    observer = Observer(account, store, Clock())  # type: ignore[arg-type]
    ended: dict[str, datetime] = {}
    for seconds in range(0, 600, 10):
        account.moment = after(seconds)
        look = await observer.poll()
        store.record(look.batch)
        observer.stored()
        ended = {view.id: look.scene.at for view in look.scene.ended} | ended
    assert ended["j"] < after(144), "the end did not wait for what shows late"
    told = [(each.parent, each.id) for each in store.told.values() if each.entity == "task"]
    assert sorted(told) == [("j", "task-0"), ("j", "task-1")]
    assert "j" not in look.scene.jobs, "in the end it is forgotten"


async def test_a_pool_that_goes_to_work_is_known_to_have_idled_where_that_was_long() -> None:
    async with staged(hours=3.0) as stage:
        await stage.observer.load()
        await stage.look()
        await stage.look(seconds=30)
        stage.state.inject.add_job("short", "pool1", 1, seconds=60)
        look = await stage.look(seconds=30)
        rest = look.scene.pools["pool1"].rested
        assert rest is not None
        assert rest.nodes > 0
        assert rest.until - rest.since > timedelta(minutes=30)
        await stage.watch(600)
        stage.state.inject.add_job("again", "pool1", 1, seconds=60)
        look = await stage.look(seconds=30)
        assert look.scene.pools["pool1"].idle_since is None
        assert look.scene.pools["pool1"].rested == rest, "a break of ten minutes is none that is told"


async def test_when_a_pool_last_had_an_idle_node_is_known() -> None:
    async with staged(hours=3.0) as stage:
        await stage.observer.load()
        first = await stage.look()
        assert first.scene.pools["pool1"].free_at is None, "it has idle nodes"
        stage.state.inject.add_job("full", "pool1", 6, seconds=600)
        look = await stage.look(seconds=30)
        assert look.scene.pools["pool1"].free_at == first.scene.at
        [later, *_] = await stage.watch(60)
        assert later.scene.pools["pool1"].free_at == first.scene.at
