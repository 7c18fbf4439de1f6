"""Fault injection over HTTP, apart from Azure's routes and on loopback only.

POST /_sandbox/inject    {"kind": "storm", "job": "render", "causes": ["exit-137"], "number": 100, "seconds": 60}

Each kind is an `Injection` below whose fields, in camel case, are those of the body; unknown fields are refused. The
answer is 200 with what was done (ids, counts; the result of `Injection.apply`) and the time, 400 for a request that
could never work, and 404 or 409 with the service's own code for what the entity's state forbids.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from bot.sandbox.world import AccountState, Refused
from bot.sandbox.world.live import LivePool

from .dataplane import DataPlane
from .listener import CONTROL, respond

JSON = "application/json; charset=utf-8"

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Number = Annotated[int, Meta(ge=1, le=100_000)]
Times = Annotated[int, Meta(ge=1, le=10_000)]
Nodes = Annotated[int, Meta(ge=0, le=10_000)]
Seconds = Annotated[float, Meta(ge=0, le=30 * 86_400)]
Share = Annotated[float, Meta(ge=0, le=1)]
Done = dict[str, Any]


class Injection(Struct, rename="camel", tag_field="kind", forbid_unknown_fields=True):
    """One kind of fault. `apply` injects it into an account; raises ValueError or `Refused` where it cannot be done."""


# --- tasks and jobs ---------------------------------------------------------------------------------------------------


class Storm(Injection, tag="storm"):
    """Tasks of ``job`` or ``jobs`` end as failed within a span; with ``pool`` missing jobs are made."""

    causes: Annotated[list[str], Meta(min_length=1)]
    number: Number
    job: Name | None = None
    jobs: Annotated[list[Name], Meta(min_length=1)] | None = None
    seconds: Seconds = 0.0
    pool: Name | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if (self.job is None) == (self.jobs is None):
            raise ValueError("a storm has either `job` or `jobs`")

    def apply(self, account: AccountState) -> Done:
        """How many of each job will have failed when the span is over."""
        jobs = self.jobs or [self.job or ""]
        failing = account.inject.storm(jobs, self.causes, self.number, self.seconds, pool_id=self.pool)
        return {"failing": failing, "number": sum(failing.values())}


class AddJob(Injection, tag="addJob"):
    """A new job of tasks of about so many seconds, of which a share fails."""

    job: Name
    pool: Name
    tasks: Annotated[int, Meta(ge=0, le=100_000)] = 0
    seconds: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 60.0
    failing: Share = 0.0
    cause: str = "exit-1"

    def apply(self, account: AccountState) -> Done:
        """The job."""
        job = account.inject.add_job(
            self.job, self.pool, self.tasks, seconds=self.seconds, failing=self.failing, cause=self.cause
        )
        return {"job": job.id, "tasks": len(job.tasks)}


class AddTask(Injection, tag="addTask"):
    """One more task of a job."""

    job: Name
    task: Name
    seconds: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 60.0
    cause: str | None = None

    def apply(self, account: AccountState) -> Done:
        """The task."""
        task = account.inject.add_task(self.job, self.task, seconds=self.seconds, cause=self.cause)
        return {"job": self.job, "task": task.id, "state": task.state}


class TerminateJob(Injection, tag="terminateJob"):
    """A job ends by request."""

    job: Name
    reason: Annotated[str, Meta(max_length=1024)] | None = None

    def apply(self, account: AccountState) -> Done:
        """The job."""
        account.commands.terminate_job(self.job, self.reason)
        return {"job": self.job, "state": account.job(self.job).state}


class StuckJob(Injection, tag="stuckJob"):
    """A job's tasks wait, and those that run do not end, until ``unstick``."""

    job: Name

    def apply(self, account: AccountState) -> Done:
        """The job and its counts of tasks, which stay as they are."""
        job = account.inject.stick_job(self.job)
        return {"job": job.id, "active": job.counts[0], "running": job.counts[1]}


class BlockedSchedule(Injection, tag="blockedSchedule"):
    """A schedule's jobs are due and none comes, until ``blocked`` is false."""

    schedule: Name
    blocked: bool = True

    def apply(self, account: AccountState) -> Done:
        """The schedule and when its next job is due."""
        schedule = account.inject.block_schedule(self.schedule, self.blocked)
        return {"schedule": schedule.id, "nextRunTime": schedule.body.execution_info.next_run_time}


# --- nodes ------------------------------------------------------------------------------------------------------------


class Preempt(Injection, tag="preempt"):
    """Azure takes spot nodes of the pool back."""

    pool: Name
    number: Number = 1

    def apply(self, account: AccountState) -> Done:
        """The nodes it took."""
        return {"pool": self.pool, "nodes": account.commands.preempt_nodes(self.pool, self.number)}


class Flap(Injection, tag="flap"):
    """A node is unusable, or its start task has failed, for the first half of every ``every`` seconds."""

    pool: Name
    node: str | None = None
    times: Times = 1
    every: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    start_task: bool = False

    def apply(self, account: AccountState) -> Done:
        """The node."""
        node = account.inject.flap(self.pool, self.node, times=self.times, every=self.every, start_task=self.start_task)
        return {"pool": self.pool, "nodes": [node]}


class Break(Injection, tag="break"):
    """Working nodes become unusable."""

    pool: Name
    number: Number = 1
    recovers: bool = False

    def apply(self, account: AccountState) -> Done:
        """The nodes."""
        nodes = account.inject.break_nodes(self.pool, self.number, recovers=self.recovers)
        return {"pool": self.pool, "nodes": nodes}


class StartTaskFails(Injection, tag="startTaskFails"):
    """The start task fails on working nodes."""

    pool: Name
    number: Number = 1

    def apply(self, account: AccountState) -> Done:
        """The nodes."""
        return {"pool": self.pool, "nodes": account.inject.fail_start_tasks(self.pool, self.number)}


class Heal(Injection, tag="heal"):
    """Broken nodes come back, and start tasks succeed from now on."""

    pool: Name

    def apply(self, account: AccountState) -> Done:
        """The nodes."""
        return {"pool": self.pool, "nodes": account.inject.heal(self.pool)}


# --- pools ------------------------------------------------------------------------------------------------------------


class StuckResize(Injection, tag="stuckResize"):
    """The pool's resize, or a new one, neither ends nor errs until ``unstick``."""

    pool: Name
    dedicated: Nodes | None = None
    low_priority: Nodes | None = None

    def apply(self, account: AccountState) -> Done:
        """The pool's resize."""
        return _resize(account.inject.stick_resize(self.pool, self.dedicated, self.low_priority))


class FailResize(Injection, tag="failResize"):
    """The pool's resize, or a new one, fails now."""

    pool: Name
    code: Name = "AllocationFailed"
    message: str = "Desired number of nodes could not be allocated"
    dedicated: Nodes | None = None
    low_priority: Nodes | None = None

    def apply(self, account: AccountState) -> Done:
        """The pool's resize."""
        return _resize(
            account.inject.fail_resize(self.pool, self.code, self.message, self.dedicated, self.low_priority)
        )


class Unstick(Injection, tag="unstick"):
    """A stuck resize of ``pool`` or a stuck ``job`` goes on."""

    pool: Name | None = None
    job: Name | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if (self.pool is None) == (self.job is None):
            raise ValueError("unstick either a `pool` or a `job`")

    def apply(self, account: AccountState) -> Done:
        """The pool's resize, or the job's counts of tasks."""
        if self.pool is not None:
            return _resize(account.inject.unstick_pool(self.pool))
        job = account.inject.unstick_job(self.job or "")
        return {"job": job.id, "active": job.counts[0], "running": job.counts[1]}


class AutoScale(Injection, tag="autoscale"):
    """From the next evaluation on the formula fails, or there is none; both false: as ever."""

    pool: Name
    error: bool = False
    stale: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.error and self.stale:
            raise ValueError("what is stale is not evaluated and has no error: either `error` or `stale`")

    def apply(self, account: AccountState) -> Done:
        """The pool."""
        how = "error" if self.error else "stale" if self.stale else None
        pool = account.inject.break_autoscale(self.pool, how)
        return {"pool": pool.id, "autoscale": how or "well"}


# --- applications -----------------------------------------------------------------------------------------------------


class UploadPackage(Injection, tag="uploadPackage"):
    """Somebody uploads the file of a package, which may be activated from then on."""

    application: Name
    version: Name

    def apply(self, account: AccountState) -> Done:
        """The package."""
        account.inject.upload_package(self.application, self.version)
        return {"application": self.application, "version": self.version}


# --- ends and times ---------------------------------------------------------------------------------------------------


class Delete(Injection, tag="delete"):
    """A ``job``, ``pool`` or ``schedule`` is deleted, ``atOnce`` or as the service does it."""

    job: Name | None = None
    pool: Name | None = None
    schedule: Name | None = None
    at_once: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if sum(name is not None for name in (self.job, self.pool, self.schedule)) != 1:
            raise ValueError("delete one of `job`, `pool` and `schedule`")

    def apply(self, account: AccountState) -> Done:
        """What was deleted, and whether it is gone already."""
        if self.job is not None:
            account.inject.delete_job(self.job, at_once=self.at_once)
        elif self.pool is not None:
            account.inject.delete_pool(self.pool, at_once=self.at_once)
        else:
            account.inject.delete_schedule(self.schedule or "", at_once=self.at_once)
        named = {"job": self.job, "pool": self.pool, "schedule": self.schedule}
        return {**{kind: name for kind, name in named.items() if name is not None}, "gone": self.at_once}


class Lag(Injection, tag="lag"):
    """Lists and counts show a change only after so many seconds; 0: at once, as ever."""

    seconds: Seconds

    def apply(self, account: AccountState) -> Done:
        """The lag."""
        account.list_lag.seconds = self.seconds
        return {"seconds": self.seconds}


class Skew(Injection, tag="skew"):
    """The service's clock goes so many seconds further ahead of the wall's, for all accounts."""

    seconds: Annotated[float, Meta(le=86_400)]

    def apply(self, account: AccountState) -> Done:
        """By how much."""
        if self.seconds < 0:
            raise ValueError("a running clock is not put back: start the sandbox with --skew for one that is behind")
        account.world.clock.advance(timedelta(seconds=self.seconds))
        account.world.settle()
        return {"seconds": self.seconds}


AnyInjection = (
    Storm | AddJob | AddTask | TerminateJob | StuckJob | BlockedSchedule | Preempt | Flap | Break | StartTaskFails
    | Heal | StuckResize | FailResize | Unstick | UploadPackage | AutoScale | Delete | Lag | Skew
)  # fmt: skip

_decode = msgspec.json.Decoder(AnyInjection).decode


def add_fault_injection(plane: DataPlane) -> None:
    """Add the route to an account's data plane."""
    account = plane.account

    async def inject(request: web.Request) -> web.Response:
        try:
            injection = _decode(await request.read())
            done = injection.apply(account)
        except Refused as refused:
            told = {"error": refused.message, "code": refused.code, **refused.values}
            return respond(told, status=refused.status, content_type=JSON)
        except (ValueError, OverflowError, msgspec.MsgspecError) as error:
            return respond({"error": str(error)}, status=400, content_type=JSON)
        kind = type(injection).__struct_config__.tag
        return respond({"kind": kind, "now": account.world.time, **done}, content_type=JSON)

    plane.app.router.add_post(f"{CONTROL}inject", inject)


def _resize(pool: LivePool) -> Done:
    body = pool.body
    return {
        "pool": pool.id,
        "allocationState": body.allocation_state,
        "stuck": pool.stuck,
        "targetDedicatedNodes": body.target_dedicated_nodes,
        "targetLowPriorityNodes": body.target_low_priority_nodes,
    }
