"""Trouble on request over HTTP, apart from Azure's routes and on loopback only.

POST /_sandbox/mischief    {"kind": "storm", "job": "render", "causes": ["exit-137"], "number": 100, "seconds": 60}

Each kind is a `Deed` below whose fields, in camel case, are those of the body; nothing else is taken. The answer is 200
with what was done (ids, counts) and the time it was done at, 400 for what nobody could do, and 404 or 409 with the
service's own code for what cannot be done to this thing now. What a deed's `do` gives is what the answer tells.
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


class Deed(Struct, rename="camel", tag_field="kind", forbid_unknown_fields=True):
    """One kind of trouble: it can `do` it to an account, which raises ValueError or `Refused` where it cannot be."""


# --- tasks and jobs ---------------------------------------------------------------------------------------------------


class Storm(Deed, tag="storm"):
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

    def do(self, account: AccountState) -> Done:
        """How many of each job will have failed when the span is over."""
        jobs = self.jobs or [self.job or ""]
        failing = account.mischief.storm(jobs, self.causes, self.number, self.seconds, pool_id=self.pool)
        return {"failing": failing, "number": sum(failing.values())}


class AddJob(Deed, tag="addJob"):
    """A new job of tasks of about so many seconds, of which a share fails."""

    job: Name
    pool: Name
    tasks: Annotated[int, Meta(ge=0, le=100_000)] = 0
    seconds: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 60.0
    failing: Share = 0.0
    cause: str = "exit-1"

    def do(self, account: AccountState) -> Done:
        """The job."""
        job = account.mischief.add_job(
            self.job, self.pool, self.tasks, seconds=self.seconds, failing=self.failing, cause=self.cause
        )
        return {"job": job.id, "tasks": len(job.tasks)}


class AddTask(Deed, tag="addTask"):
    """One more task of a job."""

    job: Name
    task: Name
    seconds: Annotated[float, Meta(gt=0, le=30 * 86_400)] = 60.0
    cause: str | None = None

    def do(self, account: AccountState) -> Done:
        """The task."""
        task = account.mischief.add_task(self.job, self.task, seconds=self.seconds, cause=self.cause)
        return {"job": self.job, "task": task.id, "state": task.state}


class TerminateJob(Deed, tag="terminateJob"):
    """A job ends by request."""

    job: Name
    reason: Annotated[str, Meta(max_length=1024)] | None = None

    def do(self, account: AccountState) -> Done:
        """The job."""
        account.commands.terminate_job(self.job, self.reason)
        return {"job": self.job, "state": account.job(self.job).state}


class StuckJob(Deed, tag="stuckJob"):
    """A job's tasks wait, and those that run do not end, until ``unstick``."""

    job: Name

    def do(self, account: AccountState) -> Done:
        """The job and its counts of tasks, which stay as they are."""
        job = account.mischief.stick_job(self.job)
        return {"job": job.id, "active": job.counts[0], "running": job.counts[1]}


class BarrenSchedule(Deed, tag="barrenSchedule"):
    """A schedule's jobs are due and none comes, until ``barren`` is false."""

    schedule: Name
    barren: bool = True

    def do(self, account: AccountState) -> Done:
        """The schedule and when its next job is due."""
        schedule = account.mischief.make_barren(self.schedule, self.barren)
        return {"schedule": schedule.id, "nextRunTime": schedule.body.execution_info.next_run_time}


# --- nodes ------------------------------------------------------------------------------------------------------------


class Preempt(Deed, tag="preempt"):
    """Azure takes spot nodes of the pool back."""

    pool: Name
    number: Number = 1

    def do(self, account: AccountState) -> Done:
        """The nodes it took."""
        return {"pool": self.pool, "nodes": account.commands.preempt_nodes(self.pool, self.number)}


class Flap(Deed, tag="flap"):
    """A node is unusable, or its start task has failed, for the first half of every ``every`` seconds."""

    pool: Name
    node: str | None = None
    times: Times = 1
    every: Annotated[float, Meta(gt=0, le=86_400)] = 60.0
    start_task: bool = False

    def do(self, account: AccountState) -> Done:
        """The node."""
        node = account.mischief.flap(
            self.pool, self.node, times=self.times, every=self.every, start_task=self.start_task
        )
        return {"pool": self.pool, "nodes": [node]}


class Break(Deed, tag="break"):
    """Working nodes become unusable."""

    pool: Name
    number: Number = 1
    recovers: bool = False

    def do(self, account: AccountState) -> Done:
        """The nodes."""
        nodes = account.mischief.break_nodes(self.pool, self.number, recovers=self.recovers)
        return {"pool": self.pool, "nodes": nodes}


class StartTaskFails(Deed, tag="startTaskFails"):
    """The start task fails on working nodes."""

    pool: Name
    number: Number = 1

    def do(self, account: AccountState) -> Done:
        """The nodes."""
        return {"pool": self.pool, "nodes": account.mischief.fail_start_tasks(self.pool, self.number)}


class Heal(Deed, tag="heal"):
    """Broken nodes come back, and start tasks succeed from now on."""

    pool: Name

    def do(self, account: AccountState) -> Done:
        """The nodes."""
        return {"pool": self.pool, "nodes": account.mischief.heal(self.pool)}


# --- pools ------------------------------------------------------------------------------------------------------------


class StuckResize(Deed, tag="stuckResize"):
    """The pool's resize, or a new one, neither ends nor errs until ``unstick``."""

    pool: Name
    dedicated: Nodes | None = None
    low_priority: Nodes | None = None

    def do(self, account: AccountState) -> Done:
        """The pool's resize."""
        return _resize(account.mischief.stick_resize(self.pool, self.dedicated, self.low_priority))


class FailResize(Deed, tag="failResize"):
    """The pool's resize, or a new one, fails now."""

    pool: Name
    code: Name = "AllocationFailed"
    message: str = "Desired number of nodes could not be allocated"
    dedicated: Nodes | None = None
    low_priority: Nodes | None = None

    def do(self, account: AccountState) -> Done:
        """The pool's resize."""
        return _resize(
            account.mischief.fail_resize(self.pool, self.code, self.message, self.dedicated, self.low_priority)
        )


class Unstick(Deed, tag="unstick"):
    """A stuck resize of ``pool`` or a stuck ``job`` goes on."""

    pool: Name | None = None
    job: Name | None = None

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if (self.pool is None) == (self.job is None):
            raise ValueError("unstick either a `pool` or a `job`")

    def do(self, account: AccountState) -> Done:
        """The pool's resize, or the job's counts of tasks."""
        if self.pool is not None:
            return _resize(account.mischief.unstick_pool(self.pool))
        job = account.mischief.unstick_job(self.job or "")
        return {"job": job.id, "active": job.counts[0], "running": job.counts[1]}


class AutoScale(Deed, tag="autoscale"):
    """From the next evaluation on the formula fails, or there is none; both false: as ever."""

    pool: Name
    error: bool = False
    stale: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.error and self.stale:
            raise ValueError("what is stale is not evaluated and has no error: either `error` or `stale`")

    def do(self, account: AccountState) -> Done:
        """The pool."""
        how = "error" if self.error else "stale" if self.stale else None
        pool = account.mischief.spoil_autoscale(self.pool, how)
        return {"pool": pool.id, "autoscale": how or "well"}


# --- ends and times ---------------------------------------------------------------------------------------------------


class Delete(Deed, tag="delete"):
    """A ``job``, ``pool`` or ``schedule`` is deleted, ``atOnce`` or as the service does it."""

    job: Name | None = None
    pool: Name | None = None
    schedule: Name | None = None
    at_once: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if sum(name is not None for name in (self.job, self.pool, self.schedule)) != 1:
            raise ValueError("delete one of `job`, `pool` and `schedule`")

    def do(self, account: AccountState) -> Done:
        """What was deleted, and whether it is gone already."""
        if self.job is not None:
            account.mischief.delete_job(self.job, at_once=self.at_once)
        elif self.pool is not None:
            account.mischief.delete_pool(self.pool, at_once=self.at_once)
        else:
            account.mischief.delete_schedule(self.schedule or "", at_once=self.at_once)
        named = {"job": self.job, "pool": self.pool, "schedule": self.schedule}
        return {**{kind: name for kind, name in named.items() if name is not None}, "gone": self.at_once}


class Lag(Deed, tag="lag"):
    """Lists and counts show a change only after so many seconds; 0: at once, as ever."""

    seconds: Seconds

    def do(self, account: AccountState) -> Done:
        """The lag."""
        account.veil.seconds = self.seconds
        return {"seconds": self.seconds}


class Skew(Deed, tag="skew"):
    """The service's clock goes so many seconds further ahead of the wall's, for all accounts."""

    seconds: Annotated[float, Meta(le=86_400)]

    def do(self, account: AccountState) -> Done:
        """By how much."""
        if self.seconds < 0:
            raise ValueError("a running clock is not put back: start the sandbox with --skew for one that is behind")
        account.world.clock.advance(timedelta(seconds=self.seconds))
        account.world.settle()
        return {"seconds": self.seconds}


Mischief = (
    Storm | AddJob | AddTask | TerminateJob | StuckJob | BarrenSchedule | Preempt | Flap | Break | StartTaskFails | Heal
    | StuckResize | FailResize | Unstick | AutoScale | Delete | Lag | Skew
)  # fmt: skip

_decode = msgspec.json.Decoder(Mischief).decode


def add_mischief(plane: DataPlane) -> None:
    """Add the route to an account's data plane."""
    account = plane.account

    async def play(request: web.Request) -> web.Response:
        try:
            deed = _decode(await request.read())
            done = deed.do(account)
        except Refused as refused:
            told = {"error": refused.message, "code": refused.code, **refused.values}
            return respond(told, status=refused.status, content_type=JSON)
        except (ValueError, OverflowError, msgspec.MsgspecError) as error:
            return respond({"error": str(error)}, status=400, content_type=JSON)
        kind = type(deed).__struct_config__.tag
        return respond({"kind": kind, "now": account.world.time, **done}, content_type=JSON)

    plane.app.router.add_post(f"{CONTROL}mischief", play)


def _resize(pool: LivePool) -> Done:
    body = pool.body
    return {
        "pool": pool.id,
        "allocationState": body.allocation_state,
        "stuck": pool.stuck,
        "targetDedicatedNodes": body.target_dedicated_nodes,
        "targetLowPriorityNodes": body.target_low_priority_nodes,
    }
