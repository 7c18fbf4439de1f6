"""Every row of the table of causes, made in the sandbox and read over the wire: the row that is found is this one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from unittest import mock

import pytest
from azure.batch.aio import BatchClient
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.rest import HttpRequest

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.models import Counts, Job, JobSchedule, Node, Pool, Task
from bot.domain.advice import of_autoscale, of_node, of_resize, of_task
from bot.domain.knowledge import Row, find, rows
from bot.domain.pool_health import warms_up
from bot.domain.pools import error_text, reading
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock, World
from bot.sandbox.world.scenarios.parts import add_account
from bot.settings import AccountSettings

from .situations import EXITS, JOBS, LINES, NODES, SITUATIONS, TASKS, WALKED, Named

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Stage:
    """An account in a world that stands still, read by the program's client; requests that are refused go past it."""

    def __init__(self, world: World, account: Account, client: BatchClient) -> None:
        self.state = world.accounts["acc"]
        self.account = account
        self.client = client

    async def found(self, named: Named) -> Row | None:
        """The row that what the wire shows leads to."""
        if named.refused:
            where = "autoscale" if named.kind == "pool" else named.kind
            return find(where, code=await self._refused(named))
        match named.kind:
            case "pool":
                return await self._pool(named.id)
            case "node":
                node = (await self.account.fetch(Node, self.account.node(named.parent, named.id))).value
                troubles = of_node(node)
                return troubles[0].advice if troubles else find("node", code=node.state)
            case "job":
                job = (await self.account.fetch(Job, self.account.job(named.id))).value
                run = job.execution_info
                error = run.scheduling_error if run else None
                ended = (run.terminate_reason or "") if run and job.state.lower() != "terminating" else ""
                return find("job", code=error.code if error else ended or job.state)
            case "schedule":
                schedule = (await self.account.fetch(JobSchedule, self.account.schedule(named.id))).value
                return find("schedule", code=schedule.state)
            case "task":
                task = (await self.account.fetch(Task, self.account.task(named.parent, named.id))).value
                run_ = task.execution_info
                return of_task(run_.exit_code, run_.failure_info) if run_ else None

    async def _pool(self, id_: str) -> Row | None:
        pool = (await self.account.fetch(Pool, self.account.pool(id_))).value
        if pool.auto_scale_run and (error := pool.auto_scale_run.error):
            words = " ".join((error.message, *(each.value for each in error.values)))
            return of_autoscale(error.code, words)
        return of_resize(*error_text(pool.resize_errors[0])) if pool.resize_errors else None

    async def _refused(self, named: Named) -> str:
        assert named.refused
        method, path, body = named.refused
        headers = {"Content-Type": "application/json; odata=minimalmetadata"}
        request = HttpRequest(method, f"{path}?api-version=2024-07-01.20.0", json=body, headers=headers)
        with pytest.raises(HttpResponseError) as told:
            await self.client.send_request(request)
        return str(told.value.model.code)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    world = World(7, Clock(START, paused=True))
    families = {"standardDSv3Family": 10_000}
    state = add_account(world, "acc", "westeurope", dedicated=1_200, spot=100, families=families, pools=300, jobs=600)
    sandbox = AzureSandbox(world)
    await sandbox.start()
    settings = AccountSettings(
        endpoint=sandbox.endpoints["acc"],
        subscription=state.facts.subscription,
        resource_group=state.facts.resource_group,
        account="acc",
        region="westeurope",
        arm_endpoint=sandbox.arm_url,
        credential="managed_identity",
    )
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    key = AzureNamedKeyCredential("acc", state.facts.keys[0])
    with mock.patch.dict(os.environ, identity):
        accounts = Accounts({"acc": settings})
        async with BatchClient(sandbox.endpoints["acc"], key, retry_total=0) as client:
            yield Stage(world, accounts.get(), client)
        await accounts.close()
    await sandbox.close()


Shown: TypeAlias = Callable[[Stage, Named], Awaitable[bool]]


def _pool_is(holds: Callable[[Pool, datetime], bool]) -> Shown:
    async def shown(stage: Stage, named: Named) -> bool:
        pool = (await stage.account.fetch(Pool, stage.account.pool(named.id))).value
        return holds(pool, stage.state.world.time)

    return shown


def _idles(*, formula: bool) -> Shown:
    async def shown(stage: Stage, named: Named) -> bool:
        pool = (await stage.account.fetch(Pool, stage.account.pool(named.id))).value
        nodes, _ = await stage.account.every(Node, stage.account.nodes(named.id))
        rested = [stage.state.world.time - each.state_transition_time for each in nodes if each.state_transition_time]
        return pool.enable_auto_scale is formula and bool(rested) and min(rested) >= timedelta(minutes=30)

    return shown


def _job_is(holds: Callable[[Job, Counts], bool]) -> Shown:
    async def shown(stage: Stage, named: Named) -> bool:
        job = (await stage.account.fetch(Job, stage.account.job(named.id))).value
        return holds(job, (await stage.account.task_counts(job.id)).value.task_counts)

    return shown


def _task_is(holds: Callable[[Task], bool]) -> Shown:
    async def shown(stage: Stage, named: Named) -> bool:
        return holds((await stage.account.fetch(Task, stage.account.task(named.parent, named.id))).value)

    return shown


def _schedule_is(holds: Callable[[JobSchedule, datetime], bool]) -> Shown:
    async def shown(stage: Stage, named: Named) -> bool:
        schedule = (await stage.account.fetch(JobSchedule, stage.account.schedule(named.id))).value
        return holds(schedule, stage.state.world.time)

    return shown


async def _all_unusable(stage: Stage, named: Named) -> bool:
    nodes = [node async for node in stage.client.list_nodes(named.id)]
    return {(node.state, bool(node.errors)) for node in nodes} == {("unusable", False)}


async def _old_agent(stage: Stage, named: Named) -> bool:
    node = await stage.client.get_node(named.parent, named.id)
    assert node.node_agent_info and node.node_agent_info.last_update_time
    return stage.state.world.time - node.node_agent_info.last_update_time > timedelta(days=180)


async def _unprepared(stage: Stage, named: Named) -> bool:
    statuses = [each async for each in stage.client.list_job_preparation_and_release_task_status(named.id)]
    runs = [each.job_preparation_task_execution_info for each in statuses]
    return bool(runs) and all(run is not None and run.result == "failure" for run in runs)


async def _pool_gone(stage: Stage, named: Named) -> bool:
    job = await stage.client.get_job(named.id)
    assert job.pool_info and job.pool_info.pool_id
    with pytest.raises(ResourceNotFoundError):
        await stage.client.get_pool(job.pool_info.pool_id)
    return job.state == "active"


def _resizes(pool: Pool, at: datetime) -> bool:
    since = pool.allocation_state_transition_time
    late = since is not None and at - since > timedelta(minutes=20)
    return late and pool.allocation_state.lower() == "resizing" and not pool.resize_errors


def _ended(task: Task) -> bool:
    info = task.execution_info.failure_info if task.execution_info else None
    return info is not None and info.code == "TaskEnded"


SHOWN: dict[str, Shown] = {
    "pool.resize.too_long": _pool_is(lambda pool, at: _resizes(pool, at) and not pool.enable_auto_scale),
    "pool.resize.waits_for_tasks": _pool_is(
        lambda pool, at: _resizes(pool, at) and pool.current_dedicated_nodes > pool.target_dedicated_nodes
    ),
    "pool.resize.too_long_autoscale": _pool_is(lambda pool, at: _resizes(pool, at) and pool.enable_auto_scale),
    "pool.deleting_too_long": _pool_is(
        lambda pool, at: (
            pool.state == "deleting"
            and pool.state_transition_time is not None
            and at - pool.state_transition_time > timedelta(minutes=30)
        )
    ),
    "autoscale.warming_up": _pool_is(lambda pool, at: warms_up(reading(pool))),
    "autoscale.dead": _pool_is(
        lambda pool, at: (
            pool.auto_scale_run is not None
            and pool.auto_scale_run.timestamp is not None
            and at - pool.auto_scale_run.timestamp > timedelta(minutes=25)
        )
    ),
    "autoscale.wants_none": _pool_is(
        lambda pool, at: "$TargetDedicatedNodes=0" in (pool.auto_scale_run.results if pool.auto_scale_run else "")
    ),
    "node.all_unusable": _all_unusable,
    "node.agent_old": _old_agent,
    "job.preparation_failed": _unprepared,
    "job.manager_ended": _job_is(
        lambda job, counts: (
            job.execution_info is not None
            and job.execution_info.terminate_reason == "JMComplete"
            and (counts.succeeded, counts.failed) == (1, 1)
        )
    ),
    "job.ended_empty": _job_is(
        lambda job, counts: (
            job.execution_info is not None
            and job.execution_info.terminate_reason == "AllTasksComplete"
            and (counts.active, counts.completed) == (0, 0)
        )
    ),
    "job.never_ends": _job_is(
        lambda job, counts: job.state == "active" and (counts.active, counts.completed) == (0, 1)
    ),
    "job.pool_gone": _pool_gone,
    "job.enabled_too_late": _job_is(lambda job, counts: job.state == "active" and counts.active == 1),
    "schedule.held_up": _schedule_is(
        lambda schedule, at: (
            schedule.execution_info is not None
            and schedule.execution_info.next_run_time is not None
            and schedule.execution_info.next_run_time < at
        )
    ),
    "schedule.window_missed": _schedule_is(
        lambda schedule, at: (
            schedule.state == "active"
            and schedule.execution_info is not None
            and schedule.execution_info.recent_job is not None
            and schedule.execution_info.recent_job.id.endswith(":job-1")
        )
    ),
    "task.ended_with_job": _task_is(_ended),
    "task.ended_with_node": _task_is(_ended),
    "task.parent_failed": _task_is(lambda task: task.state == "active" and task.depends_on is not None),
    "pool.scaled_to_zero": _pool_is(lambda pool, at: pool.target_dedicated_nodes == pool.current_dedicated_nodes == 0),
    "pool.idle": _idles(formula=False),
    "pool.idle_by_formula": _idles(formula=True),
    "job.terminated": _job_is(
        lambda job, counts: (
            job.execution_info is not None
            and job.execution_info.terminate_reason == "UserTerminate"
            and counts.active == 1
        )
    ),
    "job.tasks_not_started": _job_is(lambda job, counts: job.state == "active" and counts.active == 1),
    "task.retried_endlessly": _task_is(
        lambda task: (
            task.state != "completed" and task.execution_info is not None and task.execution_info.retry_count > 20
        )
    ),
    "task.preparing_long": _task_is(lambda task: task.state == "preparing"),
    "task.slots": _task_is(lambda task: task.state == "active" and task.required_slots == 4),
}
"""What the wire shows of the rows that `why` tells apart by more than a code."""


def test_every_row_has_its_situation() -> None:
    known = {each.id for each in rows() if each.where != "unknown"}
    assert {*SITUATIONS, *LINES} == known
    assert known >= WALKED
    assert {*SHOWN} == WALKED


def _parts() -> list[Sequence[str]]:
    """The situations in a few worlds: those of one go one after the other, so that none is old when it is looked at."""
    nodes, work = list(NODES), [*TASKS, *EXITS]
    rest = [id_ for id_ in SITUATIONS if id_ not in {*nodes, *work, *JOBS}]
    return [rest, nodes, work, list(JOBS)]


@pytest.mark.parametrize("part", range(4), ids=["pools and schedules", "nodes", "tasks", "jobs"])
async def test_what_the_wire_shows_leads_to_the_row(stage: Stage, part: int) -> None:
    wrong = {}
    for id_ in _parts()[part]:
        named = SITUATIONS[id_](stage.state)
        found = await stage.found(named)
        if id_ in WALKED:  # what tells it apart is not in a code, but the wire has to show it
            if not await SHOWN[id_](stage, named):
                wrong[id_] = f"{named}"
        elif (found.id if found else None) != id_:
            wrong[id_] = found.id if found else f"{named}"
    assert wrong == {}


@pytest.mark.parametrize("id_", LINES)
def test_what_a_program_printed_leads_to_the_row(id_: str) -> None:
    found = find("line", line=LINES[id_])
    assert found is not None
    assert found.id == id_
    assert find("task", exit_code=1, line=f"  {LINES[id_]}  ") is not None
