"""Single lives: a resize, a preemption, a retry, a schedule's night, told as the service tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.entity_parts import StartTask, TaskConstraints
from bot.sandbox.entity_specs import (
    ExitCodeMapping,
    ExitConditions,
    ExitOptions,
    JobConstraints,
    JobManagerTask,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    MultiInstanceSettings,
    PoolSpecification,
    Schedule,
    TaskDependencies,
    TaskSpecification,
)
from bot.sandbox.world import AccountState, Clock, LiveJob, LiveNode, LivePool, LiveTask, Refused, World
from bot.sandbox.world.behaviour import (
    CONTAINER_INVALID_IMAGE,
    DISK_FULL,
    Cause,
    MachineBehaviour,
    Work,
    exited,
    work_of,
)
from bot.sandbox.world.scenarios.parts import add_account, on

from .world_check import Watch, strict

START = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE = Work(median=60.0, spread=0.01)


class Place:
    """An account with room for ten nodes of four cores, and a hand on its clock."""

    def __init__(self) -> None:
        self.world = World(3, Clock(START, paused=True))
        families = {"standardDSv3Family": 40, "standardFSv2Family": 8}
        self.account: AccountState = add_account(
            self.world, "place", "westeurope", dedicated=44, spot=20, families=families, pools=4, jobs=5
        )
        strict(self.account)
        self.watch = Watch(self.world)

    @property
    def do(self) -> AccountState:
        return self.account

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(timedelta(seconds=seconds))
        self.watch.look()

    def pool(self, nodes: int = 2, *, spot: int = 0, slots: int = 1, old: bool = True, size: str = "Standard_D4s_v3",
             start: StartTask | None = None, machines: MachineBehaviour | None = None,
             pool_id: str = "pool") -> LivePool:  # fmt: skip
        spec = PoolSpecification(
            vm_size=size,
            target_dedicated_nodes=nodes,
            target_low_priority_nodes=spot,
            task_slots_per_node=slots,
            start_task=start,
        )
        since = START - timedelta(days=1) if old else None
        return self.account.allocator.add(pool_id, spec, machines or MachineBehaviour(), since=since)

    def job(self, job_id: str = "job", pool_id: str = "pool", **spec: object) -> LiveJob:
        return self.account.job_lifecycle.add(job_id, JobSpecification(pool_info=on(pool_id), **spec))  # type: ignore[arg-type]

    def task(self, job: LiveJob, task_id: str = "t", work: Work = MINUTE, spec: TaskSpecification | None = None,
             after: list[str] | None = None) -> LiveTask:  # fmt: skip
        depends = TaskDependencies(task_ids=after) if after else None
        return self.account.runner.add(job, task_id, "work", spec, work=work, depends_on=depends)


@pytest.fixture
def place() -> Place:
    return Place()


def fails(cause: Cause, median: float = 60.0) -> Work:
    return Work(median=median, spread=0.01, failures=((1.0, cause),))


def retries(number: int) -> TaskSpecification:
    return TaskSpecification(constraints=TaskConstraints(max_task_retry_count=number))


def node_of(job: LiveJob, task: LiveTask) -> LiveNode:
    return job.running[task]


# --- pools ------------------------------------------------------------------------------------------------------------


def test_a_new_pool_is_resized_and_its_nodes_boot(place: Place) -> None:
    pool = place.pool(3, old=False, start=StartTask(command_line="setup"))
    assert (pool.body.state, pool.body.allocation_state) == ("active", "resizing")
    seen = set()
    for _ in range(100):
        place.wait(5)
        seen |= {node.state for node in pool.nodes.values()}
    assert seen == {"creating", "starting", "waitingforstarttask", "idle"}
    assert pool.body.allocation_state == "steady"
    assert pool.body.resize_errors is None
    node = place.account.node_body(pool.ordered()[0])
    assert node.start_task_info
    assert (node.start_task_info.state, node.start_task_info.exit_code) == ("completed", 0)
    assert node.last_boot_time
    assert node.allocation_time < node.last_boot_time <= node.start_task_info.start_time


def test_a_quota_ends_a_resize_with_what_there_is_room_for(place: Place) -> None:
    pool = place.pool(2)
    place.do.commands.resize("pool", 30)
    assert pool.body.allocation_state == "resizing"
    place.wait(900)
    assert pool.body.allocation_state == "steady"
    codes = {error.code for error in pool.body.resize_errors or []}
    assert codes == {"AccountCoreQuotaReached", "AccountVMSeriesCoreQuotaReached"}
    body = place.account.pool_body(pool)
    assert (body.current_dedicated_nodes, body.target_dedicated_nodes) == (10, 30)
    place.do.commands.resize("pool", 5)
    assert pool.body.resize_errors is None
    place.wait(900)
    assert (pool.body.allocation_state, pool.total(True)) == ("steady", 5)


def test_a_spot_quota_has_its_own_code(place: Place) -> None:
    pool = place.pool(0, spot=8, old=False)
    place.wait(900)
    assert [error.code for error in pool.body.resize_errors or []] == ["AccountLowPriorityCoreQuotaReached"]
    assert pool.total(False) == 5


def test_missing_capacity_ends_in_a_timeout(place: Place) -> None:
    pool = place.pool(0, spot=4, old=False, machines=MachineBehaviour(spot_capacity=2))
    place.wait(880)
    assert pool.body.allocation_state == "resizing"
    place.wait(30)
    assert pool.body.allocation_state == "steady"
    assert [error.code for error in pool.body.resize_errors or []] == ["AllocationTimedOut"]
    assert pool.total(False) == 2


def test_a_stopped_resize_says_so_and_keeps_its_target(place: Place) -> None:
    pool = place.pool(2, machines=MachineBehaviour(allocation=600.0))
    place.do.commands.resize("pool", 6)
    place.wait(30)
    place.do.commands.stop_resize("pool")
    assert pool.body.allocation_state == "stopping"
    place.wait(30)
    assert pool.body.allocation_state == "steady"
    assert [error.code for error in pool.body.resize_errors or []] == ["ResizeStopped"]
    assert (pool.total(True), pool.body.target_dedicated_nodes) == (2, 6)


def test_a_shrinking_pool_lets_its_tasks_finish_if_told_so(place: Place) -> None:
    pool, job = place.pool(2), place.job()
    tasks = [place.task(job, f"t{number}", Work(median=400.0, spread=0.01)) for number in range(2)]
    place.wait(60)
    place.do.commands.resize("pool", 0, deallocation="taskcompletion")
    place.wait(60)
    assert [task.state for task in tasks] == ["running", "running"]
    place.wait(900)
    assert [task.execution_info.requeue_count for task in tasks] == [0, 0]
    assert not pool.nodes
    assert pool.body.allocation_state == "steady"


def test_a_deleted_pool_goes_with_its_last_node_and_its_job_waits(place: Place) -> None:
    pool, job = place.pool(2), place.job()
    task = place.task(job)
    place.wait(20)
    place.do.commands.delete_pool("POOL")
    assert pool.body.state == "deleting"
    assert task.state == "active"
    place.wait(600)
    assert "pool" not in place.account.pools
    place.pool(1)
    place.wait(300)
    assert task.execution_info.result == "success"
    assert task.execution_info.requeue_count == 1


def test_autoscale_follows_its_formula_and_tells_its_results(place: Place) -> None:
    pool, job = place.pool(0), place.job()
    for number in range(12):
        place.task(job, f"t{number:02}", Work(median=1200.0, spread=0.01))
    formula = (
        "n = min(6, $PendingTasks.GetSample(1)); $TargetDedicatedNodes = n; $NodeDeallocationOption = taskcompletion;"
    )
    place.do.commands.set_autoscale("pool", formula, "PT5M")
    run = pool.body.auto_scale_run
    assert run
    assert run.error is None
    assert run.results == "$TargetDedicatedNodes=6;$TargetLowPriorityNodes=0;$NodeDeallocationOption=taskcompletion;n=6"
    place.wait(400)
    assert pool.total(True) == 6
    place.wait(4000)
    assert pool.total(True) == 0
    place.do.commands.set_autoscale("pool", "$TargetDedicatedNodes = nodes;")
    error = pool.body.auto_scale_run.error if pool.body.auto_scale_run else None
    assert error
    assert error.values
    assert error.values[0].value == "Line 1, Col 25: Variable 'nodes' is not defined"


def test_a_start_task_that_fails_is_retried_and_then_told(place: Place) -> None:
    start = StartTask(command_line="setup", max_task_retry_count=2, wait_for_success=True)
    pool = place.pool(
        1, old=False, start=start, machines=MachineBehaviour(start_task_failure=1.0, start_task_cause=exited(100))
    )
    place.wait(1500)
    node = pool.ordered()[0]
    info = node.body.start_task_info
    assert node.state == "starttaskfailed"
    assert info
    assert (info.result, info.exit_code, info.retry_count) == ("failure", 100, 2)
    assert info.failure_info
    assert info.failure_info.code == "FailureExitCode"


# --- tasks ------------------------------------------------------------------------------------------------------------


def test_a_task_lives_from_active_to_completed(place: Place) -> None:
    pool, job = place.pool(1), place.job()
    task = place.task(job)
    assert (task.state, task.previous_state) == ("preparing", "active")
    place.wait(20)
    assert (task.state, task.previous_state) == ("running", "preparing")
    node = pool.ordered()[0]
    assert node.state == "running"
    body = place.account.node_body(node)
    assert (body.running_tasks_count, body.running_task_slots_count) == (1, 1)
    place.wait(90)
    told = place.account.task_body(job, task)
    assert (told.state, told.previous_state) == ("completed", "running")
    assert told.execution_info
    assert (told.execution_info.exit_code, told.execution_info.result) == (0, "success")
    assert told.node_info
    assert told.node_info.node_id == node.id
    body = place.account.node_body(node)
    assert (node.state, body.total_tasks_run, body.total_tasks_succeeded) == ("idle", 1, 1)
    assert [recent.task_id for recent in body.recent_tasks or []] == ["t"]


def test_an_exit_code_is_retried_and_a_missing_image_is_not(place: Place) -> None:
    place.pool(1)
    job = place.job()
    bad = place.task(job, "bad", fails(exited(137)), retries(2))
    image = place.task(job, "image", fails(CONTAINER_INVALID_IMAGE), retries(2))
    place.wait(600)
    assert (bad.execution_info.exit_code, bad.execution_info.retry_count) == (137, 2)
    assert bad.execution_info.last_retry_time
    assert bad.execution_info.failure_info
    assert bad.execution_info.failure_info.code == "FailureExitCode"
    assert (image.execution_info.exit_code, image.execution_info.retry_count) == (None, 0)
    assert image.execution_info.failure_info
    assert image.execution_info.failure_info.code == "ContainerInvalidImage"
    assert job.counts == [0, 0, 0, 2]


def test_a_task_that_loses_its_node_runs_again_and_ends_once(place: Place) -> None:
    pool, job = place.pool(0, spot=2), place.job()
    task = place.task(job, work=Work(median=300.0, spread=0.01))
    place.wait(30)
    first = node_of(job, task)
    place.account.fleet.preempt(first)
    place.wait(1)
    assert first.state == "preempted"
    assert task.execution_info.requeue_count == 1
    assert node_of(job, task) is not first
    place.wait(285)  # the moment the first run would have ended
    assert task.state == "running"
    place.wait(60)
    assert task.execution_info.result == "success"
    place.wait(6000)
    assert first.state == "idle"
    assert pool.total(False) == 2


def test_slots_are_shared_and_never_overdrawn(place: Place) -> None:
    place.pool(1, slots=4)
    job = place.job()
    tasks = [
        place.task(job, f"t{number}", spec=TaskSpecification(required_slots=3 if number else 2)) for number in range(3)
    ]
    assert [task.state for task in tasks] == ["preparing", "active", "active"]
    place.wait(400)
    assert job.counts == [0, 0, 3, 0]
    assert job.slot_counts == [0, 0, 8, 0]


def test_a_task_too_big_for_a_node_waits_for_ever_and_blocks_nobody(place: Place) -> None:
    place.pool(1)
    job = place.job()
    big = place.task(job, "big", spec=TaskSpecification(required_slots=2))
    small = place.task(job, "small")
    place.wait(300)
    assert (big.state, small.state) == ("active", "completed")


def test_dependents_wait_for_success_and_for_ever_after_failure(place: Place) -> None:
    place.pool(3)
    job = place.job(uses_task_dependencies=True)
    child = place.task(job, "child", after=["parent"])
    orphan = place.task(job, "orphan", after=["parent", "bad"])
    forgiven = place.task(job, "forgiven", after=["excused"])
    place.task(job, "parent")
    place.task(job, "bad", fails(exited(1)))
    satisfied = ExitConditions(
        exit_codes=[ExitCodeMapping(code=1, exit_options=ExitOptions(dependency_action="satisfy"))]
    )
    place.task(job, "excused", fails(exited(1)), TaskSpecification(exit_conditions=satisfied))
    place.wait(600)
    assert (child.state, orphan.state, forgiven.state) == ("completed", "active", "completed")
    assert place.account.task_counts("job").task_counts.active == 1


def test_a_task_that_takes_too_long_is_ended(place: Place) -> None:
    place.pool(1)
    limit = TaskSpecification(constraints=TaskConstraints(max_wall_clock_time="PT1M", max_task_retry_count=3))
    job = place.job()
    task = place.task(job, "long", Work(median=5000.0, spread=0.01), limit)
    place.wait(100)
    assert task.execution_info.failure_info
    assert task.execution_info.failure_info.code == "TaskEnded"


def test_a_storm_fails_the_next_runs_of_one_cause(place: Place) -> None:
    place.pool(4, slots=4)
    job = place.job()
    for number in range(60):
        place.task(job, f"t{number:02}", Work(median=200.0))
    place.wait(30)
    place.do.commands.storm("job", "blob-access-denied", 40)
    assert job.counts[3] == 16
    place.wait(60)
    assert job.counts[3] == 40
    codes = {task.execution_info.failure_info.code for task in job.tasks.values() if task.execution_info.failure_info}
    assert codes == {"BlobAccessDenied"}


def test_a_failed_task_can_be_reactivated_and_a_good_one_cannot(place: Place) -> None:
    place.pool(1)
    job = place.job()
    bad, good = place.task(job, "bad", fails(exited(1))), place.task(job, "good")
    place.wait(200)
    place.do.commands.reactivate_task("job", "BAD")
    assert bad.state == "preparing"
    with pytest.raises(Refused, match="TaskSucceeded"):
        place.do.commands.reactivate_task("job", "good")
    assert good.state == "completed"


@pytest.mark.parametrize(
    ("command", "median", "code"),
    [("/bin/bash -c 'sleep 90'", 90.0, None), ("sleep 2m; exit 3", 120.0, 3), ("cmd /c exit /b 9", 20.0, 9)],
)
def test_a_command_from_outside_does_what_it_says(command: str, median: float, code: int | None) -> None:
    work = work_of(command)
    assert work.median == median
    assert [cause.exit_code for _, cause in work.failures] == ([code] if code else [])


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_ends_when_all_its_tasks_have_and_is_forgotten_later(place: Place) -> None:
    place.pool(1)
    job = place.job(
        job_release_task=JobReleaseTask(command_line="clean"),
        job_preparation_task=JobPreparationTask(command_line="get"),
    )
    place.task(job)
    place.do.commands.set_on_all_tasks_complete("job", "terminatejob")
    assert job.state == "active"
    place.wait(300)
    told = place.account.job_body(job)
    assert (told.state, told.previous_state) == ("completed", "terminating")
    assert told.execution_info.terminate_reason == "AllTasksComplete"
    assert told.execution_info.end_time
    assert all(done.release_end_time for done in job.preparations.values())
    place.wait(place.account.retention.total_seconds() + 10)
    assert "job" not in place.account.jobs


@pytest.mark.parametrize(
    ("option", "state", "requeues"), [("requeue", "active", 1), ("terminate", "completed", 0), ("wait", "completed", 0)]
)
def test_a_disabled_job_treats_its_tasks_as_told(place: Place, option: str, state: str, requeues: int) -> None:
    place.pool(1)
    job = place.job()
    running, waiting = place.task(job, "running"), place.task(job, "waiting")
    place.wait(10)
    place.do.commands.disable_job("job", option)
    assert job.state == "disabling"
    place.wait(120)
    assert (job.state, running.state, running.execution_info.requeue_count) == ("disabled", state, requeues)
    assert waiting.state == "active"
    place.do.commands.enable_job("job")
    place.wait(300)
    assert (job.state, waiting.state) == ("active", "completed")


def test_a_terminated_job_ends_what_runs_and_leaves_what_waits(place: Place) -> None:
    place.pool(1)
    job = place.job()
    running, waiting = place.task(job, "running"), place.task(job, "waiting")
    place.wait(10)
    place.do.commands.terminate_job("job")
    place.wait(10)
    assert (job.state, running.state, waiting.state) == ("completed", "completed", "active")
    assert running.execution_info.failure_info
    assert running.execution_info.failure_info.code == "TaskEnded"
    with pytest.raises(Refused, match="JobCompleted"):
        place.do.commands.add_task("job", "late", "true")


def test_a_job_with_a_task_failure_ends_if_it_wants_so(place: Place) -> None:
    place.pool(1)
    job = place.job(on_task_failure="performexitoptionsjobaction")
    place.task(job, "bad", fails(DISK_FULL))
    place.task(job, "never")
    place.wait(60)
    assert job.state == "completed"
    assert job.body.execution_info.terminate_reason == "TaskFailed"


def test_a_job_that_takes_too_long_is_ended(place: Place) -> None:
    place.pool(1)
    job = place.job(constraints=JobConstraints(max_wall_clock_time="PT10M"))
    place.wait(620)
    assert job.body.execution_info.terminate_reason == "MaxWallClockTimeExpiry"


def test_jobs_of_higher_priority_go_first(place: Place) -> None:
    place.pool(1)
    low, high = place.job("low"), place.job("high", priority=100)
    place.task(low, "first")
    second, urgent = place.task(low, "second"), place.task(high, "urgent")
    place.wait(80)
    assert (second.state, urgent.state) == ("active", "running")
    place.do.commands.set_priority("low", 900)
    place.task(high, "late")
    place.wait(60)
    assert second.state == "running"


def test_a_preparation_that_fails_makes_the_job_hang(place: Place) -> None:
    place.pool(2)
    spec = JobSpecification(pool_info=on("pool"), job_preparation_task=JobPreparationTask(command_line="get"))
    job = place.account.job_lifecycle.add("job", spec, preparation=fails(exited(1), 5.0))
    task = place.task(job)
    place.wait(200)
    assert task.state == "active"
    assert job.refused == set(place.account.pool("pool").nodes)
    assert job.state == "active"


# --- schedules --------------------------------------------------------------------------------------------------------


def scheduled(place: Place, length: float, **schedule: object) -> None:
    """A schedule every ten minutes whose job's manager adds two tasks of so many seconds."""

    def plan(job: LiveJob) -> None:
        for number in range(2):
            place.task(job, f"t{number}", Work(median=length, spread=0.01))

    manager = JobManagerTask(id="manager", command_line="plan", run_exclusive=False, kill_job_on_completion=False)
    spec = JobSpecification(pool_info=on("pool"), job_manager_task=manager, on_all_tasks_complete="terminatejob")
    place.account.schedule_lifecycle.add(
        "nightly",
        Schedule(recurrence_interval="PT10M", **schedule),
        spec,
        plan=plan,
        manager=Work(median=10.0),  # type: ignore[arg-type]
    )


def test_a_schedule_makes_jobs_one_after_the_other(place: Place) -> None:
    place.pool(2)
    scheduled(place, 60.0)
    place.wait(1795)
    live = place.account.schedule("nightly")
    assert [job.id for job in place.account.ordered_jobs()] == [f"nightly:job-{number}" for number in (1, 2, 3)]
    assert all(job.counts == [0, 0, 3, 0] for job in place.account.jobs.values())
    body = place.account.schedule_body(live)
    assert body.execution_info.recent_job
    assert body.execution_info.recent_job.url.endswith("/jobs/nightly:job-3")
    assert body.execution_info.next_run_time == START + timedelta(minutes=30)


def test_a_run_waits_for_the_last_job_and_is_lost_if_that_takes_too_long(place: Place) -> None:
    place.pool(2)
    scheduled(place, 700.0)
    place.wait(900)
    assert place.account.schedule("nightly").made == 2  # the second began when the first had ended, a little late
    place.wait(3600)
    assert place.account.schedule("nightly").made < 8


def test_a_schedule_can_be_stopped_and_ended(place: Place) -> None:
    place.pool(2)
    scheduled(place, 60.0, do_not_run_after=START + timedelta(minutes=45))
    commands = place.account.commands
    place.wait(300)
    commands.disable_schedule("nightly")
    place.wait(1200)
    assert place.account.schedule("nightly").made == 1
    commands.enable_schedule("nightly")
    place.wait(10)
    assert place.account.schedule("nightly").made == 2
    place.wait(1800)
    live = place.account.schedule("nightly")
    assert live.state == "completed"
    assert live.body.execution_info.end_time
    commands.delete_schedule("nightly")
    place.wait(30)
    assert not place.account.jobs
    assert not place.account.schedules


# --- nodes and refusals -----------------------------------------------------------------------------------------------


def test_an_unusable_node_loses_its_tasks_and_stays_billed(place: Place) -> None:
    pool, job = place.pool(1), place.job()
    task = place.task(job)
    node = place.account.node("pool", place.do.commands.break_node("pool", recovers=False))
    place.wait(7200)
    assert (node.state, task.state, pool.total(True)) == ("unusable", "active", 1)
    place.do.commands.reboot_node("pool", node.id)
    place.wait(600)
    assert (node.state, task.state) == ("idle", "completed")


def test_a_node_without_scheduling_is_offline(place: Place) -> None:
    pool, job = place.pool(1), place.job()
    node = pool.ordered()[0]
    task = place.task(job)
    place.do.commands.disable_scheduling("pool", node.id, "taskcompletion")
    place.wait(10)
    assert node.state == "running"
    place.wait(100)
    assert (node.state, task.state) == ("offline", "completed")
    place.do.commands.enable_scheduling("pool", node.id)
    assert node.state == "idle"


def test_what_is_not_there_or_not_possible_is_refused_in_the_services_words(place: Place) -> None:
    place.pool(1)
    commands = place.account.commands
    with pytest.raises(Refused) as refused:
        place.account.node("pool", "nobody")
    assert (refused.value.status, refused.value.code) == (404, "NodeNotFound")
    with pytest.raises(Refused, match="JobScheduleNotFound"):
        place.account.schedule("nothing")
    with pytest.raises(Refused, match="PoolExists"):
        place.pool(1)
    with pytest.raises(Refused, match="InvalidPropertyValue"):
        place.pool(1, pool_id="other", size="Standard_Nothing")
    commands.resize("pool", 3)
    with pytest.raises(Refused, match="PoolBeingResized"):
        commands.resize("pool", 4)
    for number in range(5):
        place.job(f"j{number}")
    with pytest.raises(Refused, match="ActiveJobAndScheduleQuotaReached"):
        place.job("j5")


def test_changes_by_people_change_the_tag_and_changes_of_state_do_not(place: Place) -> None:
    pool = place.pool(1)
    before = (pool.body.etag, pool.body.last_modified)
    place.do.commands.resize("pool", 2)
    asked = (pool.body.etag, pool.body.last_modified)
    assert asked != before
    place.wait(900)
    assert (pool.body.etag, pool.body.last_modified) == asked
    job = place.job()
    task = place.task(job)
    place.wait(300)
    assert task.state == "completed"
    assert task.last_modified == task.creation_time


def test_a_job_names_its_pool_in_any_letter_case(place: Place) -> None:
    pool = place.pool(1)
    job = place.job("shouting", pool.id.upper())
    assert job.pool is pool
    task = place.task(job)
    place.wait(20)
    assert task.state == "running"


def test_a_pool_made_later_is_found_in_any_letter_case(place: Place) -> None:
    job = place.job("shouting", "POOL")
    assert job.pool is None
    pool = place.pool(1)
    assert job.pool is pool


def test_a_node_tells_which_subtask_it_runs(place: Place) -> None:
    pool, job = place.pool(3), place.job()
    spec = TaskSpecification(
        multi_instance_settings=MultiInstanceSettings(number_of_instances=3, coordination_command_line="start"),
    )
    place.task(job, spec=spec)
    place.wait(20)
    recent = [place.account.node_body(node).recent_tasks or [] for node in pool.ordered()]
    assert sorted(each[0].subtask_id or 0 for each in recent) == [0, 1, 2]
