"""An account with a situation for every kind of recommendation, each in a pool, job or schedule of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.clock import Clock
from bot.monitor.observer import Observer
from bot.sandbox.entities import NodeAgentInformation, NodeError, RecentJob
from bot.sandbox.entity_parts import AutoScaleRun, ImageReference, ResizeError, ResourceFile, StartTask, TaskConstraints
from bot.sandbox.entity_specs import JobManagerTask, JobPreparationTask
from bot.sandbox.world import SIZES, LiveJob, LivePool, World
from bot.sandbox.world.account import AccountState
from storage.port.changes import ChangeSet
from storage.port.core_use import NO_USE, CoreUse
from storage.port.runs import JobRun
from storage.port.samples import PoolEra, Sample
from storage.port.spread import spread_of
from tests.handlers.why_world import Ground
from tests.sandbox import still_world as still
from tests.sandbox.still_world import NOW

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = NOW + 2 * DAY
"""When it is asked about, after looks on three days."""
SIGNATURE = "https://acme.blob.core.windows.net/in/setup.sh?sv=2022-11-02&sp=r&se={}&sig=q7ZcV0lcmU%3D"
SITUATIONS: Mapping[str, tuple[str, str]] = {
    "idle": ("pool", "m-idle"),
    "broken": ("pool", "m-broken"),
    "formula": ("pool", "m-formula"),
    "spot": ("pool", "m-spot"),
    "waiting": ("pool", "m-waiting"),
    "starting": ("pool", "m-starting"),
    "idle now": ("pool", "idle-now"),
    "dead formula": ("pool", "dead-formula"),
    "stale error": ("pool", "stale-error"),
    "forgotten pools": ("account", "render"),
    "image ends": ("pool", "old-image"),
    "size ends": ("pool", "old-size"),
    "signature ends": ("pool", "signed"),
    "zombie jobs": ("account", "render"),
    "stuck schedule": ("schedule", "stuck"),
    "forgotten schedules": ("account", "render"),
    "retries": ("job", "retried"),
    "short tasks": ("schedule", "short"),
    "too wide": ("pool", "m-wide"),
    "empty slots": ("pool", "m-slots"),
    "spot losses": ("pool", "m-lent"),
    "old agent": ("pool", "old-agent"),
    "full disk": ("pool", "full-disk"),
    "task signature ends": ("job", "signed-tasks"),
}
"""What each kind is found about."""
USED: Mapping[str, tuple[CoreUse, CoreUse]] = {
    "m-idle": (CoreUse(unused=8), NO_USE),
    "m-broken": (CoreUse(busy=4, broken=4), NO_USE),
    "m-formula": (CoreUse(busy=8, unused=8), NO_USE),
    "m-spot": (CoreUse(busy=16), NO_USE),
    "m-waiting": (CoreUse(busy=6, waiting=2), NO_USE),
    "m-starting": (CoreUse(busy=6, starting=2), NO_USE),
    "m-wide": (CoreUse(busy=4, unused=36), NO_USE),
    "m-slots": (CoreUse(busy=2, waiting=6), NO_USE),
    "m-lent": (NO_USE, CoreUse(busy=1)),
}
"""Cores of pools over the last week."""


def signed_until(end: datetime) -> list[ResourceFile]:
    return [ResourceFile(http_url=SIGNATURE.format(end.strftime("%Y-%m-%dT%H:%M:%SZ")), file_path="setup.sh")]


def world() -> World:
    """Everything that the service tells."""
    made = World(clock=still.Clock(NOW, paused=True))
    account = made.add_account(still.account("render"))
    for name in USED:
        spot = name == "m-lent"
        nodes = {"m-wide": 10, "m-formula": 4, "m-spot": 4, "m-lent": 1}.get(name, 2)
        targets = {"target_low_priority_nodes" if spot else "target_dedicated_nodes": nodes}
        pool = put(account, still.pool(name, **targets))
        states = {"m-idle": ("idle", "idle"), "m-broken": ("running", "unusable")}.get(name, ("running",) * nodes)
        for number, state in enumerate(states):
            node = still.node(pool, number, state, dedicated=not spot)
            node.free = 3 if state == "running" and name == "m-slots" else 0
        worked(account, name)
    _standing(account)
    _ending(account)
    _jobs(account)
    return made


def put(account: AccountState, pool: LivePool) -> LivePool:
    account.pools[pool.id] = pool
    return pool


def worked(account: AccountState, pool: str) -> LiveJob:
    """A job that works in a pool."""
    return job(account, f"{pool}-job", pool, [3, 1, 40, 0])


def job(account: AccountState, name: str, pool: str, counts: list[int], **more: Any) -> LiveJob:
    made = still.job(name, pool, creation_time=NOW - 4 * DAY, **more)
    made.counts = counts
    account.jobs[name] = made
    return made


def _standing(account: AccountState) -> None:
    """Pools that stand as they should not."""
    idle = put(account, still.pool("idle-now", target_dedicated_nodes=2))
    for number in (0, 1):
        still.node(idle, number)
    run = AutoScaleRun(timestamp=NOW - DAY, results="$TargetDedicatedNodes=0")
    put(account, still.pool("dead-formula", enable_auto_scale=True, auto_scale_formula="$TargetDedicatedNodes=0",
                            auto_scale_evaluation_interval="PT5M", auto_scale_run=run))  # fmt: skip
    lapsed = [ResizeError(code="AllocationTimedOut", message="The desired number of nodes was not allocated in time")]
    put(account, still.pool("stale-error", resize_errors=lapsed))
    put(account, still.pool("forgotten", allocation_state_transition_time=NOW - 40 * DAY))
    agent = put(account, still.pool("old-agent", target_dedicated_nodes=1))
    told = NodeAgentInformation(version="1.9.22", last_update_time=NOW - 200 * DAY)
    still.node(agent, 0, "running", node_agent_info=told)
    worked(account, agent.id)
    full = put(account, still.pool("full-disk", target_dedicated_nodes=2))
    still.node(full, 0, "unusable", errors=[NodeError(code="DiskFull", message="No space left on device")])
    good = still.node(full, 1, "idle", total_tasks_run=400, allocation_time=NOW - 2 * DAY)
    frames = worked(account, full.id)
    task = still.task(frames, 1, "completed", still.done(0))
    task.pool_id, task.node_id, task.previous_state = full.id, good.id, "running"
    task.previous_state_transition_time = NOW - timedelta(minutes=50)
    limits = TaskConstraints(max_wall_clock_time=still.INFINITE, retention_time="P7D", max_task_retry_count=0)
    task.spec = replace(task.spec, constraints=limits)
    good.recent.append((frames, task, None))


def _ending(account: AccountState) -> None:
    """What comes to its end."""
    image = put(account, still.pool("old-image"))
    image.body.virtual_machine_configuration.image_reference = ImageReference(
        publisher="microsoft-dsvm", offer="ubuntu-hpc", sku="2204", version="latest"
    )
    size = put(account, still.pool("old-size", vm_size="standard_nc6s_v3"))
    size.size = SIZES["standard_nc6s_v3"]
    signed = put(account, still.pool("signed"))
    signed.body.start_task = StartTask(command_line="./setup.sh", resource_files=signed_until(NOW + 3 * DAY))
    tasks = job(account, "signed-tasks", signed.id, [2, 0, 0, 0])
    for number, end in ((1, NOW + 4 * DAY), (2, NOW + 40 * DAY)):
        task = still.task(tasks, number)
        task.spec = replace(task.spec, resource_files=signed_until(end))
    manager = JobManagerTask(id="manager", command_line="./plan.sh", resource_files=signed_until(NOW + DAY))
    job(account, "signed-manager", signed.id, [2, 0, 0, 0], job_manager_task=manager)
    later = JobPreparationTask(id="prep", command_line="./prep.sh", resource_files=signed_until(NOW + 90 * DAY))
    job(account, "signed-long", signed.id, [2, 0, 0, 0], job_preparation_task=later)


def _jobs(account: AccountState) -> None:
    """Jobs and schedules that do nothing any more."""
    job(account, "zombie", "signed", [0, 0, 40, 0])
    stuck = still.schedule("stuck")
    left = job(account, "stuck:job-3", "signed", [0, 0, 40, 0])
    left.schedule = stuck
    stuck.body.execution_info = still.JobScheduleExecutionInformation(
        next_run_time=NOW + HOUR, recent_job=RecentJob(id=left.id)
    )
    account.schedules["stuck"] = stuck
    account.schedules["weekly"] = still.schedule("weekly", state="disabled", state_transition_time=NOW - 45 * DAY)


async def history(account: Ground) -> None:
    """What the program kept of a week: samples, looks on three days, and what jobs came to."""
    store = account.store
    observer = Observer(account.accounts.get("render"), store, Clock())
    await observer.load()
    clock_at = END - 7 * DAY
    eras = [PoolEra(name, clock_at, "standard_d4s_v3", 4, False, {}, 4) for name in USED]
    await store.add_pool_eras("render", eras)
    samples = []
    while clock_at < END:
        clock_at += timedelta(minutes=30)
        samples += [Sample("render", name, clock_at, 1800, *use, nodes=2) for name, use in USED.items()]
    await store.add_samples(samples)
    known: dict[str, Any] = {
        "account": "render", "started": END - 2 * DAY, "ended": END - DAY, "core_seconds": 360_000.0, "cost": 100.0,
        "currency": "USD", "tasks": 400,
    }  # fmt: skip
    runs = [
        JobRun(job="retried", pool="m-spot", lost_core_seconds=72_000.0, retries=30, **known),
        JobRun(job="short:job-1", schedule="short", pool="m-spot", runtimes=spread_of([4.0] * 400), **known),
        JobRun(job="lent", pool="m-lent", lost_core_seconds=72_000.0, requeued_core_seconds=72_000.0, **known),
    ]
    await store.record(ChangeSet(runs=runs))
    for span in (timedelta(), DAY, DAY):
        account.world.clock.advance(span)
        await looked(account, observer)


async def looked(account: Ground, observer: Observer | None = None) -> None:
    """One look of what watches; without an observer of one that was started anew."""
    if observer is None:
        observer = Observer(account.accounts.get("render"), account.store, Clock())
        await observer.load()
    await account.store.record((await observer.poll()).batch)
    observer.stored()
