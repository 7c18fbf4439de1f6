"""A small world that stands still: every kind of thing in a known state, for tests of what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bot.sandbox.entities import (
    Account,
    InboundEndpoint,
    Job,
    JobExecutionInformation,
    JobSchedule,
    JobScheduleExecutionInformation,
    Node,
    NodeEndpointConfiguration,
    Pool,
    RecentJob,
    StartTaskInformation,
    TaskExecutionInformation,
    VirtualMachineFamilyCoreQuota,
)
from bot.sandbox.entity_parts import (
    INFINITE,
    ImageReference,
    NameValuePair,
    ResizeError,
    StartTask,
    TaskFailureInformation,
    TaskSchedulingPolicy,
    VirtualMachineConfiguration,
)
from bot.sandbox.entity_specs import (
    JobConstraints,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    MultiInstanceSettings,
    PoolInformation,
    Schedule,
)
from bot.sandbox.world import SIZES, Clock, LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask, World
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.applications import Package, application
from bot.sandbox.world.behaviour import MachineBehaviour, Work
from bot.sandbox.world.bodies import etag
from bot.sandbox.world.certificates import certificate
from bot.sandbox.world.defaults import task_defaults
from bot.sandbox.world.live import Preparation

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
KEY = "c2FuZGJveC1wcmltYXJ5LWtleQ=="
SECOND_KEY = "c2FuZGJveC1zZWNvbmRhcnkta2V5"
SUBSCRIPTION = "7d1f6b1c-0000-4000-8000-000000000001"


def account(name: str = "render", **changes: Any) -> Account:
    facts: dict[str, Any] = {
        "name": name,
        "subscription": SUBSCRIPTION,
        "resource_group": "batch-rg",
        "location": "westeurope",
        "endpoint": "",
        "keys": (KEY, SECOND_KEY),
        "dedicated_core_quota": 500,
        "low_priority_core_quota": 200,
        "families": [VirtualMachineFamilyCoreQuota(name="standardDSv3Family", core_quota=100)],
        "families_enforced": True,
        "pool_quota": 100,
        "job_quota": 300,
        "pool_allocation_mode": "BatchService",
        **changes,
    }
    return Account(**facts)


def pool(pool_id: str, **changes: Any) -> LivePool:
    body: dict[str, Any] = {
        "id": pool_id,
        "etag": etag(NOW),
        "last_modified": NOW - timedelta(hours=2),
        "creation_time": NOW - timedelta(days=3),
        "state": "active",
        "state_transition_time": NOW - timedelta(days=3),
        "allocation_state": "steady",
        "allocation_state_transition_time": NOW - timedelta(hours=1),
        "vm_size": "standard_d4s_v3",
        "resize_timeout": "PT15M",
        "current_dedicated_nodes": 0,
        "target_dedicated_nodes": 0,
        "current_low_priority_nodes": 0,
        "target_low_priority_nodes": 0,
        "enable_auto_scale": False,
        "enable_inter_node_communication": False,
        "task_slots_per_node": 4,
        "task_scheduling_policy": TaskSchedulingPolicy(node_fill_type="Spread"),
        "virtual_machine_configuration": VirtualMachineConfiguration(
            image_reference=ImageReference(
                publisher="canonical", offer="ubuntu-24_04-lts", sku="server", version="latest"
            ),
            node_agent_sku_id="batch.node.ubuntu 24.04",
        ),
        "target_node_communication_mode": "simplified",
        **changes,
    }
    return LivePool(Pool(**body), SIZES["standard_d4s_v3"], MachineBehaviour(), 1, "10.0.0")


def node(home: LivePool, number: int, state: str = "idle", *, dedicated: bool = True, **changes: Any) -> LiveNode:
    node_id = f"tvmps_{number:064x}_{'d' if dedicated else 'p'}"
    body: dict[str, Any] = {
        "id": node_id,
        "state": state,
        "scheduling_state": "enabled",
        "state_transition_time": NOW - timedelta(minutes=number),
        "last_boot_time": NOW - timedelta(hours=1),
        "allocation_time": NOW - timedelta(hours=1),
        "ip_address": f"10.0.0.{number + 4}",
        "affinity_id": f"TVM:{node_id}",
        "vm_size": home.body.vm_size,
        "total_tasks_run": 3,
        "total_tasks_succeeded": 2,
        "running_tasks_count": 0,
        "running_task_slots_count": 0,
        "is_dedicated": dedicated,
        **changes,
    }
    live = LiveNode(Node(**body), home, number, home.slots)
    home.nodes[node_id] = live
    home.counts[dedicated][state] += 1
    return live


def job(job_id: str, pool_id: str = "linux", state: str = "active", **changes: Any) -> LiveJob:
    body: dict[str, Any] = {
        "id": job_id,
        "etag": etag(NOW),
        "last_modified": NOW - timedelta(hours=1),
        "creation_time": NOW - timedelta(hours=1),
        "state": state,
        "state_transition_time": NOW - timedelta(hours=1),
        "priority": 0,
        "max_parallel_tasks": -1,
        "uses_task_dependencies": False,
        "allow_task_preemption": False,
        "constraints": JobConstraints(max_wall_clock_time=INFINITE, max_task_retry_count=0),
        "pool_info": PoolInformation(pool_id=pool_id),
        "execution_info": JobExecutionInformation(start_time=NOW - timedelta(hours=1), pool_id=pool_id),
        "on_all_tasks_complete": "noaction",
        "on_task_failure": "noaction",
        **changes,
    }
    return LiveJob(Job(**body), 1)


def task(home: LiveJob, number: int, state: str = "active", info: TaskExecutionInformation | None = None) -> LiveTask:
    live = LiveTask(
        id=f"task-{number:06d}",
        spec=task_defaults(None, 0),
        work=Work(median=60.0),
        command_line=f"/bin/sh -c 'render frame {number}'",
        slots=1,
        creation_time=NOW - timedelta(hours=1),
        last_modified=NOW - timedelta(hours=1),
        state=state,
        state_transition_time=NOW - timedelta(seconds=number),
        execution_info=info or TaskExecutionInformation(retry_count=0, requeue_count=0),
        pool_id="linux" if state != "active" else None,
        node_id=f"tvmps_{0:064x}_d" if state != "active" else None,
    )
    home.tasks[live.id] = live
    return live


def done(exit_code: int) -> TaskExecutionInformation:
    failure = TaskFailureInformation(
        category="UserError",
        code="FailureExitCode",
        message="The task exited with an exit code representing a failure",
        details=[NameValuePair(name="Message", value="The task process exited with an unexpected exit code")],
    )
    return TaskExecutionInformation(
        start_time=NOW - timedelta(minutes=50),
        end_time=NOW - timedelta(minutes=40),
        exit_code=exit_code,
        result="failure" if exit_code else "success",
        failure_info=failure if exit_code else None,
        retry_count=0,
        requeue_count=0,
    )


def schedule(schedule_id: str, **changes: Any) -> LiveSchedule:
    body: dict[str, Any] = {
        "id": schedule_id,
        "etag": etag(NOW),
        "last_modified": NOW - timedelta(days=1),
        "creation_time": NOW - timedelta(days=1),
        "state": "active",
        "state_transition_time": NOW - timedelta(days=1),
        "schedule": Schedule(recurrence_interval="PT1H", do_not_run_until=NOW - timedelta(days=1)),
        "job_specification": JobSpecification(
            priority=0,
            uses_task_dependencies=False,
            on_all_tasks_complete="terminatejob",
            on_task_failure="noaction",
            constraints=JobConstraints(max_wall_clock_time=INFINITE, max_task_retry_count=0),
            pool_info=PoolInformation(pool_id="linux"),
        ),
        "execution_info": JobScheduleExecutionInformation(
            next_run_time=NOW + timedelta(minutes=20), recent_job=RecentJob(id=f"{schedule_id}:job-1")
        ),
        **changes,
    }
    return LiveSchedule(JobSchedule(**body), None)


def _inventory(render: AccountState) -> None:
    """Applications, certificates, a task on two nodes, a preparation that failed on one of two."""
    night, linux = render.jobs["night"], render.pools["linux"]
    packages = [Package(version="1.0", modified=NOW, activated=NOW), Package(version="2.0", modified=NOW)]
    for one in (
        application("renderer", NOW, *packages, display_name="Renderer", default="1.0"),
        application("tools", NOW, Package(version="7", modified=NOW, activated=NOW)),
        application("unborn", NOW, Package(version="0.1", modified=NOW)),
    ):
        render.applications[one.id] = one
    for name, state in (("a", "active"), ("b", "deleting"), ("c", "deletefailed")):
        live = certificate("still", name, NOW - timedelta(days=30), state=state, since=NOW, used_by=("linux",))
        render.certificates[live.id] = live
    first, second = list(linux.nodes)[:2]
    linux.nodes[first].body.endpoint_configuration = NodeEndpointConfiguration(
        inbound_endpoints=[
            InboundEndpoint(
                name="SSHRule.0",
                protocol="tcp",
                public_ip_address="203.0.113.7",
                public_fqdn="dns.example",
                frontend_port=50_000,
                backend_port=22,
            )
        ]
    )
    many = night.tasks["task-000004"]
    many.spec = msgspec.structs.replace(
        many.spec,
        multi_instance_settings=MultiInstanceSettings(number_of_instances=2, coordination_command_line="./start.sh"),
    )
    night.instances["task-000004"] = [second]
    night.body.job_preparation_task = JobPreparationTask(id="prep", command_line="./prep.sh")
    night.body.job_release_task = JobReleaseTask(id="tidy", command_line="./tidy.sh")
    for node_id, code in ((first, 0), (second, 3)):
        began = NOW - timedelta(minutes=55)
        night.preparations[node_id] = Preparation(
            node_id=node_id, start_time=began, end_time=began + timedelta(seconds=20), exit_code=code
        )
    night.preparations[first].release_start_time = NOW - timedelta(seconds=5)


def still_world() -> World:
    """One account with something of everything, and a second one that is empty and has its own machines."""
    linux = pool(
        "linux",
        target_dedicated_nodes=8,
        start_task=StartTask(command_line="/bin/sh -c 'apt-get update'", max_task_retry_count=0, wait_for_success=True),
        resize_errors=[ResizeError(code="AccountCoreQuotaReached", message="The account core quota has been reached.")],
        stats={"url": "", "startTime": NOW, "lastUpdateTime": NOW},
    )
    ran = StartTaskInformation(
        state="completed", start_time=NOW, end_time=NOW, exit_code=1, retry_count=0, result="failure"
    )
    for number, state in enumerate(("idle", "running", "starttaskfailed", "unusable", "preempted", "offline")):
        info = ran if state == "starttaskfailed" else None
        node(linux, number, state, dedicated=state != "preempted", start_task_info=info)
    pools = {"linux": linux, **{f"pool-{n:02d}": pool(f"pool-{n:02d}") for n in range(12)}}
    night = job("night", display_name="The night's frames")
    for number in range(40):
        task(night, number, *(("completed", done(137 if number % 4 == 0 else 0)) if number < 20 else ("active",)))
    night.counts = [20, 0, 15, 5]
    night.slot_counts = [20, 0, 15, 5]
    hourly = schedule("hourly")
    made = job("hourly:job-1", state="completed")
    made.schedule = hourly
    jobs = {found.id: found for found in (night, made, job("Empty", state="disabled"))}
    world = World(clock=Clock(NOW, paused=True))
    render = world.add_account(account())
    render.pools |= pools
    render.jobs |= jobs
    render.schedules["hourly"] = hourly
    _inventory(render)
    own = account("own", pool_allocation_mode="UserSubscription", resource_group="other-rg", tags={"team": "a"})
    world.add_account(own)
    return world
