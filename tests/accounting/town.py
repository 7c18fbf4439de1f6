"""An account of the sandbox, made up from a seed, that lives by a clock moved by hand and is watched over real HTTP."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from bot.accounting.service import Accounting
from bot.alerting import rules
from bot.alerting.service import AlertService
from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.clock import Clock
from bot.domain.money.receipt import Receipt
from bot.monitor.background import Background
from bot.monitor.collector import Collector
from bot.monitor.observer import Observer
from bot.receipts.keeper import ReceiptKeeper
from bot.receipts.reader import ReceiptReader
from bot.sandbox.entity_parts import TaskConstraints
from bot.sandbox.entity_specs import JobManagerTask, JobSpecification, PoolSpecification, Schedule, TaskSpecification
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world import World
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import MachineBehaviour, Work, exited
from bot.sandbox.world.ledger import Shape
from bot.sandbox.world.scenarios.parts import UBUNTU, WINDOWS, Batch, add_account, metadata, on, submit
from bot.settings import AccountSettings, AlertSettings, WatchSettings
from storage.port.outbox import OutboxEntry
from storage.sqlite.store import SqliteStore

BEGIN = datetime(2026, 11, 23, 6, tzinfo=UTC)
NAME = "town"
_SIZES = ("Standard_D2s_v3", "Standard_D4s_v3", "Standard_E8ds_v5", "Standard_F16s_v2")
_FAMILIES = {
    "standardDSv3Family": 500, "standardEDSv5Family": 500, "standardFSv2Family": 500,
}  # fmt: skip


class WorldsClock(Clock):
    """The program's clock where it is that of the world."""

    def __init__(self, world: World) -> None:
        super().__init__(start=BEGIN)
        self._world = world

    def now(self) -> datetime:
        return self._world.time


@dataclass
class Entries:
    """Takes the place of the outbox's sender: what it was given."""

    written: list[OutboxEntry] = field(default_factory=list)

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        self.written += entries

    def backlog(self, where: str) -> int:
        return 0


class Town:
    """The account from both sides: as it is, and as the program sees it."""

    def __init__(self, world: World, sandbox: AzureSandbox, accounts: Accounts, path: Path) -> None:
        self.world = world
        self.sandbox = sandbox
        self.truth: AccountState = world.accounts[NAME]
        self.accounts = accounts
        self.source: Account = accounts.get(NAME)
        self._path = path
        self.outbox = Entries()
        self.started()

    def started(self) -> None:
        """A new process on what is stored."""
        self.store = SqliteStore.open(self._path)
        clock = WorldsClock(self.world)
        self.observer = Observer(self.source, self.store, clock, WatchSettings())
        self.collector = Collector(self.accounts, self.store)
        self.accounting = Accounting(self.store, self.accounts)
        self.reader = ReceiptReader(self.store, self.accounting)
        self.alerts = AlertService(
            self.store, rules.discover(), AlertSettings(), self.outbox, clock, zone="UTC", several=False
        )
        self.background = Background(clock)
        self.keeper = ReceiptKeeper(
            self.store,
            {NAME: self.source},
            self.reader,
            self.outbox,
            clock,
            zone=self.alerts.zone_of,
            background=self.background,
        )

    async def restarted(self) -> None:
        """The program is killed, and begins anew."""
        await self.store.close()
        self.started()
        await self.observer.load()
        await self.alerts.load()

    def advance(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Let the account live on while nobody looks."""
        self.world.clock.advance(timedelta(hours=hours, minutes=minutes))
        self.world.settle()

    async def watched(self, *, hours: float = 0, minutes: float = 0, every: float = 60.0) -> None:
        """Let the account live on, looked at every so many seconds; receipts are made as jobs end."""
        span = timedelta(hours=hours, minutes=minutes)
        for _ in range(round(span.total_seconds() / every)):
            self.world.clock.advance(timedelta(seconds=every))
            self.world.settle()
            poll = await self.observer.poll()
            await self.alerts.saw(poll.scene, poll.batch)
            self.observer.stored()
            await self.collector.after(NAME, poll.scene, self.world.time)
            await self.keeper.after(NAME, poll.scene, self.world.time)
            await self.keeper.work_off(NAME)

    async def receipt(self, job: str) -> Receipt:
        return await self.reader.read(self.source, job)


@asynccontextmanager
async def town(world: World, path: Path) -> AsyncIterator[Town]:
    """The program beside a world."""
    sandbox = AzureSandbox(world)
    await sandbox.start()
    facts = world.accounts[NAME].facts
    settings = AccountSettings(
        endpoint=sandbox.endpoints[NAME],
        subscription=facts.subscription,
        resource_group=facts.resource_group,
        account=NAME,
        region=facts.location,
        arm_endpoint=sandbox.arm_url,
        credential="managed_identity",
    )
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict("os.environ", identity):
        accounts = Accounts({NAME: settings}, retail=Retail(sandbox.prices_url, patience=60.0))
        await accounts.warm()
        found = Town(world, sandbox, accounts, path / "town.db")
        try:
            yield found
        finally:
            await accounts.close()
            await found.store.close()
            await sandbox.close()


def empty(seed: int) -> tuple[World, AccountState]:
    """A world with an account in it, and nothing in that."""
    world = World(seed, WorldClock(BEGIN, paused=True))
    return world, add_account(world, NAME, "westeurope", dedicated=2000, spot=2000, families=_FAMILIES)


def small(seed: int = 1) -> World:
    """A pool of two dedicated and two spot nodes; a schedule that runs every hour, and a job that fails and retries."""
    world, account = empty(seed)
    pool(account, "gpu", size="Standard_D4s_v3", dedicated=2, spot=2, slots=2)
    frames = Batch(
        count=12, task_id="frame-{n:02}", command="render {n}", work=Work(median=300.0, spread=0.2),
        spec=TaskSpecification(),
    )  # fmt: skip
    account.schedule_lifecycle.add(
        "nightly",
        Schedule(recurrence_interval="PT1H"),
        JobSpecification(
            pool_info=on("gpu"),
            on_all_tasks_complete="terminatejob",
            job_manager_task=JobManagerTask(
                id="manager", command_line="plan", run_exclusive=False, kill_job_on_completion=False
            ),
        ),
        plan=lambda job: frames.add(account, job),
        manager=Work(median=5.0),
    )
    flaky = Batch(
        count=8, task_id="t-{n}", command="x", work=Work(median=200.0, failures=((0.5, exited(1)),)),
        spec=TaskSpecification(constraints=TaskConstraints(max_task_retry_count=2)),
    )  # fmt: skip
    submit(account, "flaky", JobSpecification(pool_info=on("gpu")), flaky)
    return world


def pool(
    account: AccountState, name: str, *, size: str, dedicated: int, spot: int, slots: int, windows: bool = False,
    preemptions: float = 0.0,
) -> None:  # fmt: skip
    """A pool whose nodes come at once."""
    account.allocator.add(
        name,
        PoolSpecification(
            vm_size=size,
            virtual_machine_configuration=WINDOWS if windows else UBUNTU,
            target_dedicated_nodes=dedicated,
            target_low_priority_nodes=spot,
            task_slots_per_node=slots,
            metadata=metadata(team=name),
        ),
        machines=MachineBehaviour(preemptions=preemptions),
    )


def made_up(seed: int) -> World:
    """Some pools of any size and kind with jobs of any shape, retries, failures and preempted nodes among them."""
    rng = random.Random(seed)
    world, account = empty(seed)
    names = [f"pool-{n}" for n in range(rng.randint(1, 3))]
    for name in names:
        dedicated = rng.randint(0, 4)
        pool(
            account, name, size=rng.choice(_SIZES), dedicated=dedicated, spot=rng.randint(0 if dedicated else 1, 4),
            slots=rng.choice((1, 1, 2, 4)), windows=rng.random() < 0.25, preemptions=rng.choice((0.0, 0.2)),
        )  # fmt: skip
    for n in range(rng.randint(1, 4)):
        batch = Batch(
            count=rng.randint(1, 20),
            task_id="t-{n:03}",
            command="work {n}",
            spec=TaskSpecification(constraints=TaskConstraints(max_task_retry_count=rng.choice((0, 0, 2)))),
            work=Work(
                median=rng.uniform(600, 3600), spread=rng.uniform(0.05, 0.5),
                failures=((rng.choice((0.0, 0.15)), exited(1)),),
            ),
        )  # fmt: skip
        world.after(rng.uniform(0, 3600), _submit, account, f"job-{n}", rng.choice(names), batch)
    return world


_FORMULA = """
$TargetDedicatedNodes = min(8, avg($PendingTasks.GetSample(180 * TimeInterval_Second)));
$NodeDeallocationOption = taskcompletion;
"""


def autoscaled(seed: int, hours: float) -> World:
    """A pool that a formula sizes every five minutes, up and down, by jobs that come at any time."""
    rng = random.Random(seed)
    world, account = empty(seed)
    account.allocator.add(
        "auto",
        PoolSpecification(
            vm_size="Standard_D4s_v3",
            virtual_machine_configuration=UBUNTU,
            enable_auto_scale=True,
            auto_scale_formula=_FORMULA,
            auto_scale_evaluation_interval="PT5M",
        ),
        machines=MachineBehaviour(),
    )
    for n in range(round(hours * 1.5)):
        work = Work(median=rng.uniform(200, 900), spread=0.3)
        batch = Batch(
            count=rng.randint(3, 12), task_id="t-{n:03}", command="work {n}", spec=TaskSpecification(), work=work
        )
        world.after(rng.uniform(0, (hours - 0.4) * 3600), _submit, account, f"job-{n}", "auto", batch)
    return world


def _submit(account: AccountState, job: str, where: str, batch: Batch) -> None:
    submit(account, job, JobSpecification(pool_info=on(where)), batch)


def with_past(seed: int) -> World:
    """Some pools of any size and kind that have been there for weeks, and some that are gone."""
    rng = random.Random(seed)
    world, account = empty(seed)
    kinds: tuple[Any, ...] = ("office", "bursty", "steady", "forgotten")
    for n in range(rng.randint(1, 4)):
        name, since = f"pool-{n}", BEGIN - timedelta(days=rng.uniform(2, 80))
        shape = Shape(
            kind=rng.choice(kinds), extra=rng.randint(0, 12), extra_spot=rng.randint(0, 6), busy=rng.uniform(0.1, 0.95)
        )
        dedicated, spot = rng.randint(1, 4), rng.randint(0, 4)
        if rng.random() < 0.3:
            until = since + (BEGIN - since) * rng.uniform(0.2, 0.9)
            account.ledger.remember(
                name, rng.choice(_SIZES), since, until, shape, dedicated=dedicated, spot=spot, slots=4
            )
            continue
        account.ledger.shapes[name] = shape
        account.allocator.add(
            name,
            PoolSpecification(
                vm_size=rng.choice(_SIZES),
                virtual_machine_configuration=rng.choice((UBUNTU, WINDOWS)),
                target_dedicated_nodes=dedicated,
                target_low_priority_nodes=spot,
                task_slots_per_node=rng.choice((1, 4)),
            ),
            since=since,
        )
    return world
