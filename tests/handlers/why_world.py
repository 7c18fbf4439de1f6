"""An account of places, each a pool with a job and a schedule that suffer from one or several flaws.

Everything stands still at one moment, so a flaw is a change of what is there: a hundred places are one small world.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.request import CommandRequest, Conversation, Person
from bot.domain.knowledge import row
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading, Chatting, Services
from bot.sandbox.entities import (
    JobSchedulingError,
    NodeError,
    RecentJob,
    StartTaskInformation,
    TaskExecutionInformation,
)
from bot.sandbox.entity_parts import (
    AutoScaleRun,
    AutoScaleRunError,
    NameValuePair,
    ResizeError,
    StartTask,
    TaskFailureInformation,
)
from bot.sandbox.entity_specs import JobPreparationTask, TaskDependencies
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock, LiveJob, LiveNode, LivePool, LiveSchedule, LiveTask, World
from bot.sandbox.world.live import Preparation
from bot.settings import AccessSettings, AccountSettings
from cards.card import Bullets, Card, Fold, plain
from storage.sqlite.store import SqliteStore
from tests.commands import every_command
from tests.sandbox import still_world as still
from tests.sandbox.still_world import NOW

ACCOUNT = "render"


@dataclass
class Place:
    """A pool of two nodes, a job that waits with three tasks, and the schedule that made it."""

    name: str
    pool: LivePool
    job: LiveJob
    schedule: LiveSchedule
    gone: bool = False
    """The pool is not to be there."""
    empty: bool = False
    """The pool has no nodes."""
    nodes: list[LiveNode] = field(default_factory=list)

    def tasks(self, active: int = 0, running: int = 0, succeeded: int = 0, failed: int = 0) -> None:
        """What the job's counts say."""
        self.job.counts = [active, running, succeeded, failed]
        self.job.slot_counts = [active, running, succeeded, failed]

    def fail(self, task: LiveTask, code: str, message: str = "", exit_code: int | None = None, **more: Any) -> None:
        """A task has failed; ``more`` are ``category``, ``details`` and times."""
        details = [NameValuePair(name=name, value=value) for name, value in more.pop("details", ())]
        info = TaskFailureInformation(
            category=more.pop("category", "UserError"), code=code, message=message, details=details or None
        )
        task.state, task.pool_id = "completed", self.pool.id
        task.node_id = self.nodes[0].id if self.nodes else None
        task.execution_info = TaskExecutionInformation(
            **{
                "start_time": NOW - timedelta(minutes=50),
                "end_time": NOW - timedelta(minutes=40),
                "exit_code": exit_code,
                "result": "failure",
                "failure_info": info,
                "retry_count": 0,
                "requeue_count": 0,
                **more,
            }
        )


@dataclass(frozen=True)
class Flaw:
    """Something that is wrong: the row that knows it, where it lies, and what it does to a place."""

    row: str
    where: str
    put: Callable[[Place], None]
    words: str = ""

    @property
    def cause(self) -> str:
        """What a card says of it: the row's sentence, or words of a more exact one."""
        return self.words or row(self.row).cause


def _node_state(state: str, **body: Any) -> Callable[[Place], None]:
    def put(place: Place) -> None:
        place.empty = False
        for node in place.nodes:
            place.pool.counts[True][node.body.state] -= 1
            place.pool.counts[True][state] += 1
            node.body.state = state
            for name, value in body.items():
                setattr(node.body, name, value)

    return put


def _node_error(code: str, message: str) -> Callable[[Place], None]:
    return _node_state("unusable", errors=[NodeError(code=code, message=message)])


def _start_task(place: Place) -> None:
    place.pool.body.start_task = StartTask(command_line="./setup.sh", max_task_retry_count=0, wait_for_success=True)
    ran = StartTaskInformation(
        state="completed",
        start_time=NOW - timedelta(minutes=30),
        end_time=NOW - timedelta(minutes=29),
        exit_code=100,
        retry_count=0,
        result="failure",
        failure_info=TaskFailureInformation(
            category="UserError", code="FailureExitCode", message="The task exited with an exit code"
        ),
    )
    _node_state("starttaskfailed", start_task_info=ran)(place)


def resize_error(code: str, message: str = "", **values: str) -> Callable[[Place], None]:
    """The pool's last resize ended with an error; it lacks nodes."""

    def put(place: Place) -> None:
        place.pool.body.target_dedicated_nodes = 12
        place.pool.body.resize_errors = [
            ResizeError(
                code=code,
                message=message,
                values=[NameValuePair(name=name.replace("_", " "), value=value) for name, value in values.items()]
                or None,
            )
        ]
        place.empty = True

    return put


POLICY = (
    '{"error":{"code":"RequestDisallowedByPolicy","target":"vmss","message":"It was disallowed by policy.",'
    '"additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":"Only small machines"}}]}}'
)


def _resizing_for_ever(place: Place) -> None:
    body = place.pool.body
    body.allocation_state, body.target_dedicated_nodes = "resizing", 12
    body.allocation_state_transition_time = NOW - timedelta(hours=3)
    place.empty = True


def _formula(run: AutoScaleRun, **pool: Any) -> Callable[[Place], None]:
    def put(place: Place) -> None:
        body = place.pool.body
        body.enable_auto_scale, body.auto_scale_formula = True, "$TargetDedicatedNodes = 0;"
        body.auto_scale_evaluation_interval, body.auto_scale_run = "PT15M", run
        for name, value in pool.items():
            setattr(body, name, value)
        place.empty = True

    return put


def _to_zero(place: Place) -> None:
    place.pool.body.target_dedicated_nodes = 0
    place.empty = True


def _gone(place: Place) -> None:
    place.gone = True


def _disabled(place: Place) -> None:
    place.job.body.state, place.job.body.state_transition_time = "disabled", NOW - timedelta(hours=2)


def _cannot_run(place: Place) -> None:
    place.job.body.execution_info.scheduling_error = JobSchedulingError(
        category="UserError", code="AutoPoolCreationFailedWithQuotaReached", message="The pool quota is reached"
    )


def _dependencies(place: Place) -> None:
    place.job.body.uses_task_dependencies = True
    parent = still.task(place.job, 90)
    place.fail(parent, "FailureExitCode", exit_code=3)
    for task in place.job.tasks.values():
        if task is not parent:
            task.depends_on = TaskDependencies(task_ids=[parent.id])
    place.tasks(active=3, failed=1)


def _preparation(place: Place) -> None:
    place.job.body.job_preparation_task = JobPreparationTask(id="prep", command_line="./prep.sh")
    for node in place.nodes:
        began = NOW - timedelta(minutes=30)
        place.job.preparations[node.id] = Preparation(
            node_id=node.id, start_time=began, end_time=began + timedelta(seconds=9), exit_code=3
        )


def _slots(place: Place) -> None:
    for task in place.job.tasks.values():
        if task.state == "active":
            task.slots = 8
            task.spec = msgspec.structs.replace(task.spec, required_slots=8)


def _failing(code: str, message: str, exit_code: int | None = None, **more: Any) -> Callable[[Place], None]:
    def put(place: Place) -> None:
        place.fail(still.task(place.job, 91), code, message, exit_code, **more)
        active, running, succeeded, failed = place.job.counts
        place.tasks(active=active, running=running, succeeded=succeeded, failed=failed + 1)

    return put


def _retrying(place: Place) -> None:
    _run(place)
    task = next(iter(place.job.tasks.values()))
    task.execution_info.retry_count, task.execution_info.exit_code = 620, 1
    task.execution_info.last_retry_time = NOW - timedelta(minutes=1)


def _preparing(place: Place) -> None:
    task = next(iter(place.job.tasks.values()))
    task.state, task.state_transition_time = "preparing", NOW - timedelta(hours=2)
    task.pool_id, task.node_id = place.pool.id, place.nodes[0].id
    place.tasks(active=2, running=1)


def _run(place: Place) -> None:
    task = next(iter(place.job.tasks.values()))
    task.state, task.state_transition_time = "running", NOW - timedelta(hours=2)
    task.pool_id, task.node_id = place.pool.id, place.nodes[0].id
    task.execution_info = TaskExecutionInformation(start_time=NOW - timedelta(hours=2), retry_count=0, requeue_count=0)
    place.tasks(active=2, running=1)


def _never_ends(place: Place) -> None:
    for each in [task for task in place.job.tasks.values() if task.state == "active"]:
        del place.job.tasks[each.id]
    task = still.task(place.job, 92, "completed", still.done(0))
    task.pool_id = place.pool.id
    place.tasks(succeeded=1, failed=place.job.counts[3])


def _behind(place: Place) -> None:
    place.schedule.body.execution_info.next_run_time = NOW - timedelta(hours=3)


FLAWS: dict[str, Flaw] = {
    "unusable": Flaw("node.all_unusable", "node", _node_state("unusable")),
    "disk full": Flaw("node.disk_full", "node", _node_error("DiskFull", "No space left on device")),
    "package": Flaw("node.package_failed", "node", _node_error("ApplicationPackageError", "It could not be unpacked")),
    "image": Flaw("node.container_failed", "node", _node_error("ContainerPoolSetupFailed", "manifest unknown")),
    "offline": Flaw("node.offline", "node", _node_state("offline", scheduling_state="disabled")),
    "lost": Flaw("node.lost_contact", "node", _node_state("unknown")),
    "start task": Flaw("start_task.exit_code", "node", _start_task),
    "quota": Flaw(
        "pool.quota.family", "pool", resize_error("AccountVMSeriesCoreQuotaReached", "for standardDSv3Family")
    ),
    "policy": Flaw("provider.policy", "pool", resize_error("AllocationFailed", "Failed", Provider_Error_Json=POLICY)),
    "policy, cut": Flaw(
        "provider.policy", "pool", resize_error("AllocationFailed", "Failed", Provider_Error_Json=POLICY[:70])
    ),
    "timed out": Flaw("pool.allocation.timed_out", "pool", resize_error("AllocationTimedOut", "Not in time")),
    "stuck": Flaw("pool.resize.too_long", "pool", _resizing_for_ever),
    "formula": Flaw(
        "autoscale.formula_fails",
        "pool",
        _formula(
            AutoScaleRun(
                timestamp=NOW - timedelta(minutes=5),
                error=AutoScaleRunError(code="AutoScalingFormulaEvaluationError", message="Undefined symbol: $X"),
            )
        ),
    ),
    "wants none": Flaw(
        "autoscale.wants_none",
        "pool",
        _formula(
            AutoScaleRun(timestamp=NOW - timedelta(minutes=5), results="$TargetDedicatedNodes=0"),
            target_dedicated_nodes=0,
        ),
    ),
    "to zero": Flaw("pool.scaled_to_zero", "pool", _to_zero),
    "gone": Flaw("job.pool_gone", "job", _gone),
    "disabled": Flaw("job.disabled", "job", _disabled),
    "cannot run": Flaw("job.auto_pool.quota", "job", _cannot_run),
    "blocked": Flaw("task.parent_failed", "job", _dependencies, words="which failed, so they never run"),
    "preparation": Flaw("job.preparation_failed", "job", _preparation),
    "slots": Flaw("task.slots", "job", _slots),
    "blob": Flaw("task.blob_not_found", "task", _failing("BlobNotFound", "The specified blob is not found")),
    "upload": Flaw(
        "task.upload_denied",
        "task",
        _failing("FileUploadAccessDenied", "Access is denied", 0, details=[("FileDestination", "https://x/y")]),
    ),
    "retries": Flaw("task.retried_endlessly", "task", _retrying),
    "preparing": Flaw("task.preparing_long", "task", _preparing),
    "never ends": Flaw("job.never_ends", "job", _never_ends),
    "behind": Flaw("schedule.held_up", "schedule", _behind),
}
"""Flaws by a short name."""


@dataclass
class Ground:
    """The account and whoever asks about it."""

    dispatcher: Dispatcher
    sandbox: AzureSandbox
    world: World
    accounts: Accounts
    store: SqliteStore
    places: dict[tuple[str, ...], Place]
    calls: list[str] = field(default_factory=list)

    def saw(self, path: str) -> None:
        """A call was made. Tokens, sizes and prices are kept for hours and asked for once by all commands."""
        if not any(part in path for part in ("/msi/token", "virtualMachineSkus", "/api/retail/prices")):
            self.calls.append(path)

    async def ask(self, text: str, who: str = "viewer") -> Card:
        """Type a command, as a viewer or as an operator; ``calls`` are those that it made."""
        self.calls.clear()
        person = Person("text", who, zone="UTC")
        return await self.dispatcher.card(CommandRequest("k", text, person, Conversation("text", "here"), NOW))


def place(name: str, flaws: Iterable[str] = ()) -> Place:
    """A place with these flaws, put there in their order."""
    pool = still.pool(name, target_dedicated_nodes=2)
    nodes = [still.node(pool, number, "idle") for number in (0, 1)]
    schedule = still.schedule(f"{name}-s", execution_info=None)
    job = still.job(f"{name}-s:job-1", pool.id, creation_time=NOW - timedelta(minutes=30))
    job.schedule = schedule
    for number in range(3):
        still.task(job, number).state_transition_time = NOW - timedelta(minutes=20)
    job.pool = pool
    found = Place(name, pool, job, schedule, nodes=nodes)
    found.tasks(active=3)
    schedule.body.execution_info = still.JobScheduleExecutionInformation(
        next_run_time=NOW + timedelta(minutes=30), recent_job=RecentJob(id=job.id)
    )
    for flaw in flaws:
        FLAWS[flaw].put(found)
    if found.empty:
        for node in list(pool.nodes.values()):
            pool.counts[True][node.body.state] -= 1
        pool.nodes.clear()
    return found


@asynccontextmanager
async def ground(folder: Path, situations: Iterable[tuple[str, ...]]) -> AsyncIterator[Ground]:
    """An account with a place for each of these combinations of flaws."""
    world = World(clock=Clock(NOW, paused=True))
    account = world.add_account(still.account(ACCOUNT))
    places: dict[tuple[str, ...], Place] = {}
    for number, flaws in enumerate(situations):
        made = places[flaws] = place(f"p{number:02d}", flaws)
        if not made.gone:
            account.pools[made.pool.id] = made.pool
        account.jobs[made.job.id] = made.job
        account.schedules[made.schedule.id] = made.schedule
    async with asked(folder, world, places) as made_ground:
        yield made_ground


@asynccontextmanager
async def asked(
    folder: Path, world: World, places: dict[tuple[str, ...], Place] | None = None
) -> AsyncIterator[Ground]:
    """The first account of a world behind real HTTP, and the commands."""
    account = next(iter(world.accounts.values()))
    name = account.facts.name
    sandbox = AzureSandbox(world)
    await sandbox.start()
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    patched = mock.patch.dict(os.environ, identity)
    patched.start()
    accounts = Accounts(
        {
            name: AccountSettings(
                endpoint=sandbox.endpoints[name],
                subscription=account.facts.subscription,
                resource_group=account.facts.resource_group,
                account=name,
                region=account.facts.location,
                arm_endpoint=sandbox.arm_url,
                credential="managed_identity",
                write_credential="managed_identity",
            )
        },
        retail=Retail(sandbox.prices_url, patience=60.0),
    )
    store = SqliteStore.open(folder / "t.db")
    policy = Policy(Access(AccessSettings(operators=["text:operator"])))
    services = Services(every_command(), policy, store, AzureReading(accounts), Chatting(zone="UTC"))
    made_ground = Ground(Dispatcher(services), sandbox, world, accounts, store, places or {})
    for listener in (*sandbox.accounts.values(), sandbox.arm):
        listener.observers.append(lambda request, response: made_ground.saw(request.raw_path))
    try:
        yield made_ground
    finally:
        await accounts.close()
        await store.close()
        await sandbox.close()
        patched.stop()


def small(card: Card) -> str:
    """What else was seen, which is folded."""
    folds = (block for block in card.blocks if isinstance(block, Fold))
    lists = (each for fold in folds for each in fold.blocks if isinstance(each, Bullets))
    return " ".join(plain(item) for each in lists for item in each.items)
