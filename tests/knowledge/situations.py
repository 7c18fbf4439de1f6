"""A situation for each row of the table of causes: the sandbox's account as it is where that cause is at work.

Each takes the account's state, makes what it needs under a name of its own (many fit into one world), lets the clock go
on where the cause needs time, and names what it is about. It leaves the account so that the wire shows exactly this.
The clock has to be paused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from bot.sandbox.entities import NodeError
from bot.sandbox.entity_parts import NameValuePair, StartTask
from bot.sandbox.entity_specs import (
    AutoPoolSpecification,
    JobConstraints,
    JobManagerTask,
    JobPreparationTask,
    JobReleaseTask,
    JobSpecification,
    PoolInformation,
    PoolSpecification,
    Schedule,
    TaskConstraints,
    TaskContainerSettings,
    TaskDependencies,
    TaskSpecification,
)
from bot.sandbox.world import LiveJob, LiveNode, LivePool, LiveTask
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import TASK_ENDED, Cause, MachineBehaviour, Work, cause_named, exited
from bot.sandbox.world.nodes import SHORT_OF_DISK, UNREACHABLE


class Named(Struct, frozen=True):
    """What a situation is about: a pool, job or schedule by its id; a node of the pool, a task of the job ``parent``.

    ``refused`` is the request that the service refuses for this cause: method, path and body.
    """

    kind: Literal["pool", "node", "job", "schedule", "task"]
    id: str
    parent: str = ""
    refused: tuple[str, str, dict[str, Any] | None] | None = None


Situation: TypeAlias = Callable[[AccountState], Named]

SIZE = "Standard_D2s_v3"
_STEADY = MachineBehaviour(breakdowns=0.0, preemptions=0.0)


def later(account: AccountState, **by: float) -> None:
    """The account lives on for so long."""
    account.world.clock.advance(timedelta(**by))
    account.world.settle()


def pool_of(account: AccountState, name: str, nodes: int = 1, **more: Any) -> LivePool:
    """A pool that is a day old, with its nodes idle."""
    account.world.settle()
    machines = more.pop("machines", _STEADY)
    young = more.pop("young", False)
    spec = PoolSpecification(vm_size=SIZE, target_dedicated_nodes=nodes, **more)
    since = None if young else account.world.time - timedelta(days=1)
    return account.allocator.add(name, spec, machines, since=since)


def node_of(pool: LivePool) -> LiveNode:
    """Its first node."""
    return pool.ordered()[0]


def job_of(account: AccountState, name: str, pool: str, **more: Any) -> LiveJob:
    """A job on a pool."""
    account.world.settle()
    works = {key: more.pop(key) for key in ("preparation", "manager") if key in more}
    spec = JobSpecification(pool_info=PoolInformation(pool_id=pool), **more)
    return account.job_lifecycle.add(name, spec, **works)


def task_of(
    account: AccountState, job: LiveJob, name: str = "task-1", seconds: float = 3600.0, **more: Any
) -> LiveTask:
    """A task that takes so long."""
    depends_on = more.pop("depends_on", None)
    spec = TaskSpecification(**more)
    work = Work(median=seconds, spread=0.01)
    return account.runner.add(job, name, f"/bin/sh -c './work.sh {name}'", spec, work=work, depends_on=depends_on)


def _name(row: str) -> str:
    return row.replace(".", "-").replace("_", "-")


# ── Pools ───────────────────────────────────────────────────────────────────────────────────────────────────────────


MISSED = "Desired number of dedicated nodes could not be allocated"


def _resize(row: str, code: str) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row))
        account.inject.fail_resize(pool.id, code, MISSED, dedicated=4)
        return Named("pool", pool.id)

    return made


def _refused(row: str, code: str, message: str, *, cut: int | None = None) -> Situation:
    """``AllocationFailed`` with the error of another service within, whole or cut."""

    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row))
        text = json.dumps({"error": {"code": code, "message": message}})
        account.inject.fail_resize(
            pool.id,
            "AllocationFailed",
            MISSED,
            dedicated=4,
            values={"ProviderErrorJson": text[:cut], "ProviderErrorJsonTruncated": str(cut is not None)},
        )
        return Named("pool", pool.id)

    return made


def _stopped(account: AccountState) -> Named:
    pool = pool_of(account, "resize-stopped")
    account.commands.resize(pool.id, 3)
    account.commands.stop_resize(pool.id)
    later(account, seconds=30)
    return Named("pool", pool.id)


def _beyond_quota(account: AccountState) -> Named:
    pool = pool_of(account, "beyond-quota")
    account.commands.resize(pool.id, 100_000)
    later(account, minutes=3)
    account.fleet.remove(list(pool.nodes.values())[1:], "requeue")
    later(account, minutes=4)
    return Named("pool", pool.id)


def _resizes_for_ever(account: AccountState) -> Named:
    pool = pool_of(account, "resizes-for-ever")
    account.inject.stick_resize(pool.id, dedicated=4)
    later(account, minutes=25)
    return Named("pool", pool.id)


def _waits_for_tasks(account: AccountState) -> Named:
    pool = pool_of(account, "shrinks-for-ever", 2)
    job = job_of(account, "on-shrinks", pool.id)
    for number in (1, 2):
        task_of(account, job, f"task-{number}", 12 * 3600.0)
    later(account, seconds=30)
    account.allocator.aim(pool, 1, 0, deallocation="taskcompletion")
    later(account, seconds=30)
    account.inject.stick_resize(pool.id)
    later(account, minutes=25)
    return Named("pool", pool.id)


def _resizes_by_formula(account: AccountState) -> Named:
    pool = pool_of(account, "formula-for-ever")
    account.inject.stick_resize(pool.id, dedicated=4)
    account.autoscale.enable(pool, "$TargetDedicatedNodes=4;", "PT15M")
    later(account, minutes=25)
    return Named("pool", pool.id)


def _deletes_for_ever(account: AccountState) -> Named:
    pool = pool_of(account, "deletes-for-ever")
    account.inject.stick_deletion(pool.id)
    later(account, minutes=45)
    return Named("pool", pool.id)


def _scaled_to_zero(account: AccountState) -> Named:
    pool = pool_of(account, "scaled-to-zero", 0)
    task_of(account, job_of(account, "waits-for-nodes", pool.id))
    later(account, minutes=10)
    return Named("pool", pool.id)


def _idles(account: AccountState) -> Named:
    pool = pool_of(account, "idles", 2)
    later(account, minutes=31)
    return Named("pool", pool.id)


def _idles_by_formula(account: AccountState) -> Named:
    pool = pool_of(account, "idles-by-formula")
    account.autoscale.enable(pool, "$TargetDedicatedNodes=1;", "PT5M")
    later(account, minutes=31)
    return Named("pool", pool.id)


POOLS: dict[str, Situation] = {
    "pool.quota.cores": _beyond_quota,
    **{
        row: _resize(row, code)
        for row, code in {
            "pool.quota.spot_cores": "AccountSpotCoreQuotaReached",
            "pool.quota.family": "AccountVMSeriesCoreQuotaReached",
            "pool.quota.other": "AccountDiskQuotaReached",
            "pool.allocation.timed_out": "AllocationTimedout",
            "pool.allocation.failed": "AllocationFailed",
            "pool.remove_nodes_failed": "RemoveNodesFailed",
            "pool.internode_limit": "CommunicationEnabledPoolReachedMaxVMCount",
            "pool.dependency_missing": "DependentResourceNotFound",
            "pool.size.unfit": "IncompatibleVMSize",
            "pool.size.unsupported": "UnsupportedVMSize",
            "pool.identity_failed": "FailedIdentityOperation",
            "pool.disk_encryption_failed": "DiskEncryptionFailure",
            "pool.no_reason": "Unknown",
            "pool.subnet": "SubnetNotUsable",
            "pool.network": "NetworkConfigurationInvalid",
            "pool.image": "ImageNotUsable",
        }.items()
    },
    "pool.resize.stopped": _stopped,
    "pool.resize.too_long": _resizes_for_ever,
    "pool.resize.waits_for_tasks": _waits_for_tasks,
    "pool.resize.too_long_autoscale": _resizes_by_formula,
    "pool.deleting_too_long": _deletes_for_ever,
    "pool.scaled_to_zero": _scaled_to_zero,
    "pool.idle": _idles,
    "pool.idle_by_formula": _idles_by_formula,
}
PROVIDERS: dict[str, Situation] = {
    row: _refused(row, *said)
    for row, said in {
        "provider.size_unavailable": ("SkuNotAvailable", "The requested size is currently not available here."),
        "provider.overconstrained": ("OverconstrainedAllocationRequest", "Allocation failed for these constraints."),
        "provider.overconstrained_zone": ("OverconstrainedZonalAllocationRequest", "Allocation failed in zone 1."),
        "provider.no_capacity": ("AllocationFailed", "We do not have sufficient capacity for the requested VM size."),
        "provider.no_capacity_zone": ("ZonalAllocationFailed", "We do not have sufficient capacity in this zone."),
        "provider.image_generation": (
            "BadRequest",
            "The selected VM size 'STANDARD_D2S_V3' cannot boot Hypervisor Generation '2'.",
        ),
        "provider.locked": ("ScopeLocked", "The scope cannot perform write operation: scope(s) are locked: 'rg'."),
        "provider.quota": ("OperationNotAllowed", "Operation results in exceeding approved Total Cores quota."),
        "provider.subnet_full": ("SubnetIsFull", "Subnet nodes with address prefix 10.0.0.0/28 is full."),
        "provider.public_ips": ("PublicIPCountLimitReached", "Cannot create more than 20 public IP addresses."),
        "provider.no_rights": ("AuthorizationFailed", "The client does not have authorization to join/action."),
        "provider.no_rights_linked": ("LinkedAuthorizationFailed", "The linked subscription has no permission."),
        "provider.policy": ("RequestDisallowedByPolicy", "Resource 'x' was disallowed by policy."),
        "provider.image_gone": ("GalleryImageNotFound", "The gallery image was not found."),
        "provider.network_conflict": ("NetworkSecurityGroupInUse", "The group is used by another resource."),
        "provider.not_allowed": ("OperationNotAllowed", "The operation is not allowed."),
        "provider.bad_value": ("InvalidParameter", "The value of parameter imageReference is invalid."),
        "provider.bad_request": ("BadRequest", "The request is not valid."),
    }.items()
}
PROVIDERS["provider.policy"] = _refused("provider.policy", "RequestDisallowedByPolicy", "Resource 'x' was" * 9, cut=90)


# ── Autoscale ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _formula_fails(account: AccountState) -> Named:
    pool = pool_of(account, "formula-fails")
    account.autoscale.enable(pool, "$TargetDedicatedNodes=1;", "PT5M")
    account.inject.break_autoscale(pool.id, "error")
    later(account, minutes=6)
    return Named("pool", pool.id)


SAMPLES = "$TargetDedicatedNodes=min(2, $PendingTasks.GetSample(TimeInterval_Minute * 180, 90));"


def _no_samples(account: AccountState) -> Named:
    pool = pool_of(account, "no-samples")
    account.autoscale.enable(pool, SAMPLES, "PT5M")
    later(account, minutes=46)
    return Named("pool", pool.id)


def _warms_up(account: AccountState) -> Named:
    pool = pool_of(account, "warms-up", young=True)
    account.autoscale.enable(pool, SAMPLES, "PT5M")
    later(account, minutes=6)
    return Named("pool", pool.id)


def _not_evaluated(account: AccountState) -> Named:
    pool = pool_of(account, "not-evaluated")
    account.autoscale.enable(pool, "$TargetDedicatedNodes=1;", "PT5M")
    account.inject.break_autoscale(pool.id, "stale")
    later(account, minutes=31)
    return Named("pool", pool.id)


def _wants_none(account: AccountState) -> Named:
    pool = pool_of(account, "wants-none")
    account.autoscale.enable(pool, "$TargetDedicatedNodes=0;", "PT5M")
    task_of(account, job_of(account, "waits-for-none", pool.id))
    later(account, minutes=12)
    return Named("pool", pool.id)


def _bad_formula(account: AccountState) -> Named:
    pool = pool_of(account, "bad-formula")
    body = {"autoScaleFormula": "$TargetDedicatedNodes=;", "autoScaleEvaluationInterval": "PT5M"}
    return Named("pool", pool.id, refused=("POST", f"/pools/{pool.id}/enableautoscale", body))


def _changed_twice(account: AccountState) -> Named:
    pool = pool_of(account, "changed-twice")
    formula = "$TargetDedicatedNodes=1;"
    account.autoscale.enable_on_request(pool, formula, "PT5M")
    return Named("pool", pool.id, refused=("POST", f"/pools/{pool.id}/enableautoscale", {"autoScaleFormula": formula}))


AUTOSCALE: dict[str, Situation] = {
    "autoscale.formula_fails": _formula_fails,
    "autoscale.invalid": _bad_formula,
    "autoscale.no_samples": _no_samples,
    "autoscale.warming_up": _warms_up,
    "autoscale.too_many_changes": _changed_twice,
    "autoscale.dead": _not_evaluated,
    "autoscale.wants_none": _wants_none,
}


# ── Nodes and start tasks ───────────────────────────────────────────────────────────────────────────────────────────


def _unusable(row: str, error: NodeError | None) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row), 3)
        [node] = account.inject.break_nodes(pool.id, 1, error=error)
        later(account, minutes=5)
        return Named("node", node, pool.id)

    return made


def _in_state(row: str, state: str, minutes: float = 60.0) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row))
        node = node_of(pool)
        account.fleet.move(node, state)
        later(account, minutes=minutes)
        return Named("node", node.id, pool.id)

    return made


def _start_task(row: str, cause: Cause) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row), start_task=StartTask(command_line="./setup.sh"))
        [node] = account.inject.fail_start_tasks(pool.id, 1, cause)
        return Named("node", node, pool.id)

    return made


def _start_task_untold(account: AccountState) -> Named:
    pool = pool_of(account, "start-task-untold", start_task=StartTask(command_line="./setup.sh"))
    [node] = account.inject.fail_start_tasks(pool.id, 1)
    info = account.node(pool.id, node).body.start_task_info
    assert info is not None
    info.exit_code = info.failure_info = None
    return Named("node", node, pool.id)


def _all_unusable(account: AccountState) -> Named:
    pool = pool_of(account, "all-unusable", 3)
    account.inject.break_nodes(pool.id, 3, error=None)
    later(account, minutes=40)
    return Named("pool", pool.id)


def _prepares_long(account: AccountState) -> Named:
    slow = MachineBehaviour(start_task=7200.0)
    pool = pool_of(account, "prepares-long", young=True, machines=slow, start_task=StartTask(command_line="./setup.sh"))
    later(account, minutes=30)
    return Named("node", node_of(pool).id, pool.id)


def _starts_long(account: AccountState) -> Named:
    pool = pool_of(account, "starts-long", young=True, machines=MachineBehaviour(boot=14_400.0))
    later(account, minutes=50)
    return Named("node", node_of(pool).id, pool.id)


def _disabled_node(account: AccountState) -> Named:
    pool = pool_of(account, "disabled-node")
    account.node_operations.disable_scheduling(node_of(pool))
    later(account, minutes=5)
    return Named("node", node_of(pool).id, pool.id)


def _preempted(account: AccountState) -> Named:
    pool = pool_of(account, "preempted", 0, target_low_priority_nodes=1)
    account.fleet.preempt(node_of(pool))
    later(account, minutes=2)
    return Named("node", node_of(pool).id, pool.id)


def _old_agent(account: AccountState) -> Named:
    pool = pool_of(account, "old-agent")
    info = node_of(pool).body.node_agent_info
    assert info is not None
    info.version, info.last_update_time = "1.8.7", account.world.time - timedelta(days=300)
    return Named("node", node_of(pool).id, pool.id)


def _order_to_unusable(account: AccountState) -> Named:
    named = _unusable("node.refused_unusable", UNREACHABLE)(account)
    path = f"/pools/{named.parent}/nodes/{named.id}/disablescheduling"
    return Named("node", named.id, named.parent, ("POST", path, {"nodeDisableSchedulingOption": "requeue"}))


def _reimaged(account: AccountState) -> Named:
    pool = pool_of(account, "reimaged")
    node = node_of(pool).id
    return Named("node", node, pool.id, ("POST", f"/pools/{pool.id}/nodes/{node}/reimage", {}))


def _logs_of_unusable(account: AccountState) -> Named:
    named = _unusable("node.busy", UNREACHABLE)(account)
    start = (account.world.time - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"containerUrl": "https://logs.blob.core.windows.net/nodes", "startTime": start}
    path = f"/pools/{named.parent}/nodes/{named.id}/uploadbatchservicelogs"
    return Named("node", named.id, named.parent, ("POST", path, body))


NODES: dict[str, Situation] = {
    "node.unusable_silent": _unusable("node.unusable_silent", None),
    **{
        row: _unusable(row, error)
        for row, error in {
            "node.unreachable": UNREACHABLE,
            "node.disk_full": SHORT_OF_DISK,
            "node.disk": NodeError(code="DataDiskFailure", message="A data disk could not be attached"),
            "node.package_failed": NodeError(
                code="ApplicationPackageError", message="The package renderer 2.1 could not be unpacked"
            ),
            "node.container_failed": NodeError(
                code="ContainerPoolSetupFailed", message="One or more container images could not be pulled"
            ),
            "node.mount_failed": NodeError(
                code="MountConfigurationError",
                message="An error was encountered while configuring specified mount(s)",
                error_details=[NameValuePair(name="MountConfigurationPath", value="assets")],
            ),
            "node.blob": NodeError(code="BlobAccessDenied", message="Access to one of the blobs is denied"),
            "node.resource": NodeError(code="ResourceFileCreateFailed", message="A file could not be created"),
        }.items()
    },
    "node.all_unusable": _all_unusable,
    "node.start_task_failed": _start_task_untold,
    "node.start_task_long": _prepares_long,
    "node.starting_long": _starts_long,
    "node.offline": _disabled_node,
    "node.preempted": _preempted,
    "node.lost_contact": _in_state("node.lost_contact", "unknown"),
    "node.leaving_long": _in_state("node.leaving_long", "leavingpool"),
    "node.rebooted_unasked": _in_state("node.rebooted_unasked", "upgradingos", 1.0),
    "node.refused_unusable": _order_to_unusable,
    "node.reimage_refused": _reimaged,
    "node.busy": _logs_of_unusable,
    "node.agent_old": _old_agent,
}
START_TASKS: dict[str, Situation] = {
    row: _start_task(row, cause)
    for row, cause in {
        "start_task.exit_code": exited(77),
        "start_task.program_not_found": cause_named("program-not-found"),
        "start_task.cannot_launch": cause_named("command-launch-failed"),
        "start_task.ended": TASK_ENDED,
        "start_task.blob_not_found": cause_named("blob-not-found"),
        "start_task.access_denied": cause_named("blob-access-denied"),
        "start_task.download_slow": cause_named("blob-download-timed-out"),
        "start_task.file_not_written": cause_named("resource-file-create-failed"),
        "start_task.disk_full": cause_named("disk-full"),
        "start_task.package_failed": cause_named("application-package-error"),
        "start_task.container_failed": cause_named("container-invalid-image"),
        "start_task.blob": replace(cause_named("blob-not-found"), code="BlobOther"),
    }.items()
}


# ── Jobs and schedules ──────────────────────────────────────────────────────────────────────────────────────────────


def _without_pool(row: str, code: str) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row))
        job = job_of(account, f"job-{_name(row)}", pool.id)
        account.inject.refuse_to_schedule(job.id, code, "The job cannot be scheduled")
        later(account, seconds=10)
        return Named("job", job.id)

    return made


def _pool_quota(account: AccountState) -> Named:
    account.world.settle()
    quota = account.facts.pool_quota
    account.facts.pool_quota = len(account.pools)
    auto = AutoPoolSpecification(pool_lifetime_option="job", pool=PoolSpecification(vm_size=SIZE))
    spec = JobSpecification(pool_info=PoolInformation(auto_pool_specification=auto))
    job = account.job_lifecycle.add("beyond-pools", spec)
    account.facts.pool_quota = quota
    later(account, seconds=10)
    return Named("job", job.id)


def _preparation_fails(account: AccountState) -> Named:
    pool = pool_of(account, "unprepared", 2)
    failing = Work(median=5.0, failures=((1.0, exited(1)),))
    job = job_of(
        account,
        "preparation-fails",
        pool.id,
        job_preparation_task=JobPreparationTask(command_line="./prepare.sh", wait_for_success=True),
        preparation=failing,
    )
    task_of(account, job)
    later(account, minutes=10)
    return Named("job", job.id)


def _too_long(account: AccountState) -> Named:
    pool = pool_of(account, "too-long")
    job = job_of(account, "lives-too-long", pool.id, constraints=JobConstraints(max_wall_clock_time="PT5M"))
    task_of(account, job)
    later(account, minutes=6)
    return Named("job", job.id)


def _ended_by_task(account: AccountState) -> Named:
    pool = pool_of(account, "ended-by-task")
    job = job_of(account, "one-failed", pool.id, on_task_failure="performexitoptionsjobaction")
    task = task_of(account, job)
    account.runner.fail(job, task, exited(1), node_of(pool))
    later(account, seconds=30)
    return Named("job", job.id)


def _manager_ended(account: AccountState) -> Named:
    pool = pool_of(account, "managed", 2)
    manager = JobManagerTask(id="manager", command_line="./manage.sh", kill_job_on_completion=True)
    job = job_of(account, "manager-ended", pool.id, job_manager_task=manager, manager=Work(median=60.0, spread=0.01))
    task_of(account, job)
    later(account, minutes=5)
    return Named("job", job.id)


def _ended_empty(account: AccountState) -> Named:
    pool = pool_of(account, "empty")
    job = job_of(account, "ended-empty", pool.id, on_all_tasks_complete="terminatejob")
    later(account, seconds=30)
    return Named("job", job.id)


def _never_ends(account: AccountState) -> Named:
    pool = pool_of(account, "never-ends")
    job = job_of(account, "never-ends", pool.id)
    task_of(account, job, seconds=20.0)
    later(account, hours=25)
    return Named("job", job.id)


def _disabled_job(account: AccountState) -> Named:
    pool = pool_of(account, "disabled")
    job = job_of(account, "disabled", pool.id)
    task_of(account, job)
    account.job_lifecycle.disable(job, "requeue")
    later(account, minutes=10)
    return Named("job", job.id)


def _ends_long(account: AccountState) -> Named:
    pool = pool_of(account, "ends-long")
    job = job_of(
        account,
        "ends-long",
        pool.id,
        job_preparation_task=JobPreparationTask(command_line="./prepare.sh"),
        job_release_task=JobReleaseTask(command_line="./release.sh"),
    )
    job.release = Work(median=14_400.0, spread=0.01)
    task_of(account, job)
    later(account, minutes=2)
    account.job_lifecycle.terminate(job)
    later(account, minutes=30)
    return Named("job", job.id)


def _job_quota(account: AccountState) -> Named:
    """The account takes no more jobs from here on: the last thing to be done with it."""
    account.world.settle()
    pool = pool_of(account, "one-job-more")
    account.facts.job_quota = account.active_jobs + account.active_schedules
    body = {"id": "one-more", "poolInfo": {"poolId": pool.id}}
    return Named("job", "one-more", refused=("POST", "/jobs", body))


def _terminated(account: AccountState) -> Named:
    pool = pool_of(account, "terminated", 0)
    job = job_of(account, "terminated", pool.id)
    task_of(account, job)
    account.job_lifecycle.terminate(job)
    later(account, minutes=1)
    return Named("job", job.id)


def _not_started(account: AccountState) -> Named:
    pool = pool_of(account, "not-started")
    job = job_of(account, "not-started", pool.id)
    account.inject.stick_job(job.id)
    task_of(account, job)
    later(account, minutes=30)
    return Named("job", job.id)


def _pool_gone(account: AccountState) -> Named:
    pool = pool_of(account, "gone")
    job = job_of(account, "pool-gone", pool.id)
    task_of(account, job)
    account.inject.delete_pool(pool.id, at_once=True)
    later(account, minutes=10)
    return Named("job", job.id)


def _enabled_too_late(account: AccountState) -> Named:
    pool = pool_of(account, "half-a-year")
    job = job_of(account, "half-a-year", pool.id)
    account.inject.stick_job(job.id)
    task = task_of(account, job)
    task.creation_time = task.state_transition_time = account.world.time - timedelta(days=190)
    job.body.creation_time = job.body.execution_info.start_time = task.creation_time
    job.body.state_transition_time = account.world.time
    return Named("job", job.id)


JOBS: dict[str, Situation] = {
    "job.auto_pool.quota": _pool_quota,
    "job.auto_pool.certificate": _without_pool("job.auto_pool.certificate", "InvalidCertificatesInAutoPool"),
    "job.auto_pool.invalid": _without_pool("job.auto_pool.invalid", "InvalidAutoScaleFormulaInAutoPool"),
    "job.preparation_failed": _preparation_fails,
    "job.ran_too_long": _too_long,
    "job.ended_by_task": _ended_by_task,
    "job.manager_ended": _manager_ended,
    "job.ended_empty": _ended_empty,
    "job.never_ends": _never_ends,
    "job.disabled": _disabled_job,
    "job.ending_long": _ends_long,
    "job.pool_gone": _pool_gone,
    "job.terminated": _terminated,
    "job.tasks_not_started": _not_started,
    "job.enabled_too_late": _enabled_too_late,
    "job.quota": _job_quota,
}


def _schedule_of(account: AccountState, name: str, **more: Any) -> str:
    pool = pool_of(account, f"pool-{name}")
    account.world.settle()
    spec = JobSpecification(pool_info=PoolInformation(pool_id=pool.id))
    return account.schedule_lifecycle.add(name, Schedule(**more), spec).id


def _held_up(account: AccountState) -> Named:
    name = _schedule_of(account, "held-up", recurrence_interval="PT30M")
    later(account, minutes=50)
    return Named("schedule", name)


def _window_missed(account: AccountState) -> Named:
    name = _schedule_of(account, "window-missed", recurrence_interval="P1D", start_window="PT10M")
    later(account, minutes=1)
    job = account.schedule(name).current
    assert job is not None
    account.inject.block_schedule(name)
    account.job_lifecycle.terminate(job)
    later(account, days=1, minutes=5)
    return Named("schedule", name)


def _over(account: AccountState) -> Named:
    account.world.settle()
    end = account.world.time + timedelta(minutes=20)
    name = _schedule_of(account, "over", recurrence_interval="PT1H", do_not_run_after=end)
    later(account, minutes=1)
    job = account.schedule(name).current
    assert job is not None
    account.job_lifecycle.terminate(job)
    later(account, minutes=30)
    return Named("schedule", name)


def _disabled_schedule(account: AccountState) -> Named:
    name = _schedule_of(account, "disabled-schedule", recurrence_interval="PT30M")
    account.schedule_lifecycle.disable(account.schedule(name))
    later(account, hours=2)
    return Named("schedule", name)


SCHEDULES: dict[str, Situation] = {
    "schedule.held_up": _held_up,
    "schedule.window_missed": _window_missed,
    "schedule.over": _over,
    "schedule.disabled": _disabled_schedule,
}


# ── Tasks and exit codes ────────────────────────────────────────────────────────────────────────────────────────────


def _failed(row: str, cause: Cause) -> Situation:
    def made(account: AccountState) -> Named:
        pool = pool_of(account, _name(row))
        job = job_of(account, f"job-{_name(row)}", pool.id)
        task = task_of(account, job)
        later(account, seconds=5)
        account.runner.fail(job, task, cause, node_of(pool))
        return Named("task", task.id, job.id)

    return made


def _ended_with_job(account: AccountState) -> Named:
    pool = pool_of(account, "ended-with-job")
    job = job_of(account, "ended-with-job", pool.id)
    task = task_of(account, job)
    later(account, minutes=2)
    account.job_lifecycle.terminate(job)
    later(account, seconds=30)
    return Named("task", task.id, job.id)


def _ended_with_node(account: AccountState) -> Named:
    pool = pool_of(account, "ended-with-node")
    job = job_of(account, "ended-with-node", pool.id)
    task = task_of(account, job)
    later(account, minutes=2)
    account.allocator.remove_nodes(pool, [node_of(pool)], "terminate")
    later(account, minutes=5)
    return Named("task", task.id, job.id)


def _parent_failed(account: AccountState) -> Named:
    pool = pool_of(account, "parent-failed")
    job = job_of(account, "parent-failed", pool.id, uses_task_dependencies=True)
    parent = task_of(account, job, "parent")
    child = task_of(account, job, "child", depends_on=TaskDependencies(task_ids=["parent"]))
    account.runner.fail(job, parent, exited(1), node_of(pool))
    later(account, minutes=5)
    return Named("task", child.id, job.id)


def _too_wide(account: AccountState) -> Named:
    pool = pool_of(account, "too-wide")
    job = job_of(account, "too-wide", pool.id)
    task = task_of(account, job, required_slots=4)
    later(account, minutes=10)
    return Named("task", task.id, job.id)


def _retried(account: AccountState) -> Named:
    pool = pool_of(account, "retried")
    job = job_of(account, "retried", pool.id)
    spec = TaskSpecification(constraints=TaskConstraints(max_task_retry_count=-1))
    work = Work(median=5.0, spread=0.01, failures=((1.0, exited(1)),))
    task = account.runner.add(job, "task-1", "./work.sh", spec, work=work)
    later(account, minutes=20)
    return Named("task", task.id, job.id)


def _prepares(account: AccountState) -> Named:
    pool = pool_of(account, "prepares-task")
    job = job_of(account, "prepares-task", pool.id)
    task = account.runner.add(job, "task-1", "./work.sh", work=Work(median=60.0, prepare=14_400.0))
    later(account, minutes=40)
    return Named("task", task.id, job.id)


def _no_containers(account: AccountState) -> Named:
    pool = pool_of(account, "no-containers")
    job = job_of(account, "no-containers", pool.id)
    settings = TaskContainerSettings(image_name="ghcr.io/render/blender:4.2")
    task = task_of(account, job, container_settings=settings)
    later(account, seconds=5)
    message = "The container settings of the task need a pool that has containers enabled"
    account.runner.fail(job, task, Cause(code="TaskContainerError", message=message), node_of(pool))
    return Named("task", task.id, job.id)


TASKS: dict[str, Situation] = {
    **{
        row: _failed(row, cause)
        for row, cause in {
            "task.exit_code": exited(42),
            "task.program_not_found": cause_named("program-not-found"),
            "task.cannot_launch": cause_named("command-launch-failed"),
            "task.ended_by_person": TASK_ENDED,
            "task.ran_too_long": cause_named("out-of-time"),
            "task.ended": Cause(code="TaskEnded", message="The task was ended", category=""),
            "task.retried_inside": cause_named("max-internal-retry-count"),
            "task.cannot_fit": cause_named("scheduling-constraint-failed"),
            "task.disk_full": cause_named("disk-full"),
            "task.blob_not_found": cause_named("blob-not-found"),
            "task.signature_expired": cause_named("blob-access-denied"),
            "task.access_denied": replace(
                cause_named("blob-access-denied"), details=(("Message", "This request is not authorized."),)
            ),
            "task.download_slow": cause_named("blob-download-timed-out"),
            "task.file_not_written": cause_named("resource-file-create-failed"),
            "task.package_failed": cause_named("application-package-error"),
            "task.container_unknown": cause_named("container-invalid-image"),
            "task.container_denied": replace(
                cause_named("container-invalid-image"),
                details=(("Message", "unauthorized: authentication required"),),
            ),
            "task.container_image": replace(cause_named("container-invalid-image"), details=()),
            "task.container_busy": cause_named("container-engine-busy"),
            "task.container_settings": cause_named("container-invalid-settings"),
            "task.upload_denied": cause_named("file-upload-access-denied"),
            "task.upload_failed": cause_named("file-upload-failed"),
            "task.input": replace(cause_named("blob-not-found"), code="BlobOther"),
        }.items()
    },
    "task.ended_with_job": _ended_with_job,
    "task.ended_with_node": _ended_with_node,
    "task.parent_failed": _parent_failed,
    "task.slots": _too_wide,
    "task.retried_endlessly": _retried,
    "task.preparing_long": _prepares,
    "task.container_mismatch": _no_containers,
}
EXITS: dict[str, Situation] = {
    f"exit.{name}": _failed(f"exit.{name}", exited(code))
    for name, code in {
        "general": 1,
        "usage": 2,
        "container": 125,
        "not_executable": 126,
        "not_found": 127,
        "interrupted": 130,
        "aborted": 134,
        "bus_error": 135,
        "arithmetic": 136,
        "killed": 137,
        "segmentation": 139,
        "broken_pipe": 141,
        "terminated": 143,
        "wrapper": 255,
        "windows.access_violation": -1073741819,
        "windows.interrupted": -1073741510,
        "windows.dll_missing": -1073741515,
        "windows.dll_failed": -1073741502,
        "windows.stack_overflow": -1073741571,
        "windows.aborted": -1073740791,
    }.items()
}
WALKED = frozenset(
    (
        "pool.resize.too_long",
        "pool.resize.waits_for_tasks",
        "pool.resize.too_long_autoscale",
        "pool.deleting_too_long",
        "pool.scaled_to_zero",
        "pool.idle",
        "pool.idle_by_formula",
        "job.terminated",
        "job.tasks_not_started",
        "task.retried_endlessly",
        "task.preparing_long",
        "autoscale.warming_up",
        "autoscale.dead",
        "autoscale.wants_none",
        "node.all_unusable",
        "node.agent_old",
        "job.preparation_failed",
        "job.manager_ended",
        "job.ended_empty",
        "job.never_ends",
        "job.pool_gone",
        "job.enabled_too_late",
        "schedule.held_up",
        "schedule.window_missed",
        "task.ended_with_job",
        "task.ended_with_node",
        "task.parent_failed",
        "task.slots",
    )
)
"""Rows that no code tells: what else is known of the account does."""
LINES = {
    "line.usage": "render.py: error: the following arguments are required: --scene",
    "line.package_lock": "E: Unable to acquire the dpkg frontend lock, is another process using it?",
    "line.no_space": "OSError: [Errno 28] No space left on device: '/mnt/batch/tasks/out.exr'",
    "line.gpu_memory": "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "line.gpu_driver": "RuntimeError: The CUDA driver version is insufficient for CUDA runtime version",
    "line.memory": "numpy.core._exceptions.MemoryError: Unable to allocate 24.0 GiB",
    "line.python_module": "ModuleNotFoundError: No module named 'openexr'",
    "line.library": "blender: error while loading shared libraries: libXi.so.6: cannot open shared object file",
    "line.line_ends": "/bin/bash^M: bad interpreter: No such file or directory",
    "line.command_not_found": "run.sh: line 4: ffmpeg: command not found",
    "line.registry_limit": "toomanyrequests: You have reached your pull rate limit.",
    "line.registry_denied": "Error response from daemon: pull access denied for render/blender",
    "line.registry_unknown": "manifest for render/blender:4.9 not found: manifest unknown",
    "line.name_lookup": "curl: (6) Could not resolve host: assets.example.com",
    "line.refused": "psycopg.OperationalError: connection to server failed: Connection refused",
    "line.signature": "Server failed to authenticate the request. Make sure the value of Authorization is formed right",
}
"""A line for each row of lines, as programs print them."""
SITUATIONS: dict[str, Situation] = {
    **POOLS,
    **PROVIDERS,
    **AUTOSCALE,
    **NODES,
    **START_TASKS,
    **SCHEDULES,
    **TASKS,
    **EXITS,
    **JOBS,
}
"""By the ids of the rows; those of lines are in :data:`LINES`."""
