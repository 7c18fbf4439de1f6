"""A small world for cases of alerts: what is made in it, how the program looks at it, and what it then says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from bot.alerting.model import Subscription
from bot.alerting.rules import discover
from bot.alerting.service import AlertService
from bot.alerting.watched_jobs import WatchedJobs
from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.request import CommandRequest, Person
from bot.clock import Clock
from bot.domain.findings import Severity
from bot.monitor.observer import Observer
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading, Chatting, Services, Watching
from bot.sandbox.entity_parts import NameValuePair, ResizeError, TaskConstraints
from bot.sandbox.entity_specs import JobSpecification, PoolSpecification, TaskSpecification
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import Clock as WorldClock
from bot.sandbox.world import World, task_changes
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.behaviour import MachineBehaviour, Work, cause_named
from bot.sandbox.world.scenarios.parts import UBUNTU, add_account, on
from bot.settings import AccessSettings, AccountSettings, AlertSettings
from cards.card import Card
from cards.text import render
from storage.sqlite.store import SqliteStore
from tests.alerting.alert_room import OPS, RecordedEntries, StillClock
from tests.commands import every_command
from tests.handlers.alert_service import Standing

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NAME = "cases"
CORES = 132
"""Dedicated cores that the account may have, of which no other family than its own takes any."""
LOOK = 30.0
"""Seconds between two looks."""
_STEADY = MachineBehaviour()


@dataclass
class SmallWorld:
    """The world, and the program before it. A step of a case is a method here, called by its name."""

    world: World
    account: AccountState
    observer: Observer
    alerts: AlertService
    entries: RecordedEntries
    clock: StillClock
    store: SqliteStore
    dispatcher: Dispatcher
    opened: dict[str, str] = field(default_factory=dict)
    """Every kind that was found open at some look, with its worst severity."""

    # --- what happens in the world -----------------------------------------------------------------------------------

    def pool(self, name: str, nodes: int = 0, hours: float = 0.1, size: str = "Standard_D2s_v3", **more: Any) -> None:
        """A pool that has its nodes since so many hours, idle; 0 hours: that is made now."""
        self.account.allocator.add(
            name,
            PoolSpecification(
                vm_size=size,
                virtual_machine_configuration=UBUNTU,
                **({"enable_auto_scale": True} if "auto_scale_formula" in more else {"target_dedicated_nodes": nodes}),
                **more,
            ),
            _STEADY,
            since=self.world.time - timedelta(hours=hours) if hours else None,
        )

    def resize(self, pool: str, nodes: int) -> None:
        self.account.allocator.resize(self.account.pool(pool), nodes)

    def short(self, pool: str, code: str, message: str, values: dict[str, str], nodes: int) -> None:
        """A resize to so many nodes ends with this error."""
        live = self.account.pool(pool)
        self.account.allocator.aim(live, nodes, None)
        error = ResizeError(
            code=code, message=message, values=[NameValuePair(name=name, value=value) for name, value in values.items()]
        )
        self.account.allocator.fail(live, error)

    def park(self, pool: str) -> None:
        """Targets become what the pool has, without a resize: the errors of the last one stay."""
        body = self.account.pool(pool).body
        body.target_dedicated_nodes, body.target_low_priority_nodes = (
            body.current_dedicated_nodes,
            body.current_low_priority_nodes,
        )

    def job(
        self,
        name: str,
        pool: str,
        tasks: int,
        seconds: float = 60.0,
        failing: float = 0.0,
        cause: str = "exit-1",
        retries: int = 0,
        ends: bool = False,
    ) -> None:
        job = self.account.job_lifecycle.add(
            name,
            JobSpecification(pool_info=on(pool), on_all_tasks_complete="noaction"),
        )
        failures = ((failing, cause_named(cause)),) if failing else ()
        spec = TaskSpecification(constraints=TaskConstraints(max_task_retry_count=retries))
        for number in range(tasks):
            self.account.runner.add(
                job,
                f"task-{number:03}",
                "./work.sh",
                spec,
                work=Work(median=seconds, spread=0.01, failures=failures),
            )
        if ends:
            self.account.job_lifecycle.set_on_all_tasks_complete(job, "terminatejob")

    def disable(self, job: str) -> None:
        self.account.job_lifecycle.disable(self.account.job(job), "requeue")

    def enable(self, job: str) -> None:
        self.account.job_lifecycle.enable(self.account.job(job))

    def tasks(self, job: str, number: int, seconds: float = 60.0) -> None:
        """More tasks for a job."""
        for each in range(number):
            self.account.runner.add(
                self.account.job(job), f"more-{each:03}", "./work.sh", work=Work(median=seconds, spread=0.01)
            )

    def end_with_tasks(self, job: str) -> None:
        """The job ends when its tasks have."""
        self.account.job_lifecycle.set_on_all_tasks_complete(self.account.job(job), "terminatejob")

    def run_again(self, job: str) -> None:
        """Its failed tasks are run again, and succeed."""
        live = self.account.job(job)
        for task in live.ordered():
            if task.execution_info.result == "failure":
                task.work = Work(median=20.0, spread=0.01)
                task_changes.reactivate(self.account, live, task)

    def remove_nodes(self, pool: str) -> None:
        """The pool loses every node, at once."""
        live = self.account.pool(pool)
        for node in list(live.nodes.values()):
            self.account.fleet.forget(node)
        live.body.target_dedicated_nodes = 0

    def wait(self, minutes: float) -> None:
        """Time passes, and nobody looks."""
        self.world.clock.advance(timedelta(minutes=minutes))
        self.world.settle()

    # --- what the program sees ----------------------------------------------------------------------------------------

    async def look(self, minutes: float = 0.0) -> None:
        """Look once, and then every half minute for so long."""
        await self._look()
        for _ in range(int(minutes * 60 / LOOK)):
            self.wait(LOOK / 60)
            await self._look()

    async def _look(self) -> None:
        self.clock.at = self.world.time
        poll = await self.observer.poll()
        assert poll.scene.blind is None, poll.scene.blind
        self.observer.stored()
        await self.alerts.saw(poll.scene)
        await self.alerts.tick()
        for each in self.alerts.incidents.open():
            before = self.opened.get(each.kind, Severity.INFO.value)
            self.opened[each.kind] = max(before, each.severity.value, key=lambda word: Severity(word).rank)

    async def ask(self, text: str) -> Card:
        """Type a command."""
        request = CommandRequest("k", text, Person("slack", "U0VIEWER", zone="UTC"), OPS, datetime.now(UTC))
        return await self.dispatcher.card(request)


@asynccontextmanager
async def small_world(path: Path) -> AsyncIterator[SmallWorld]:
    """An account without anything in it, and a channel that hears of warnings and worse."""
    world = World(1, WorldClock(START, paused=True))
    account = add_account(world, NAME, "westeurope", dedicated=CORES, spot=40, families={"standardDSv3Family": CORES})
    sandbox = AzureSandbox(world)
    await sandbox.start()
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict(os.environ, identity):
        settings = AccountSettings(
            endpoint=sandbox.endpoints[NAME],
            subscription=account.facts.subscription,
            resource_group=account.facts.resource_group,
            account=NAME,
            region=account.facts.location,
            arm_endpoint=sandbox.arm_url,
            credential="managed_identity",
        )
        accounts = Accounts({NAME: settings}, retail=Retail(sandbox.prices_url, patience=60.0))
        store, entries, clock = SqliteStore.open(path / "t.db"), RecordedEntries(), StillClock(world.time)
        alerts = AlertService(store, discover(), AlertSettings(), entries, clock, zone="UTC", several=False)
        await alerts.load()
        await alerts.subscribe(Subscription(id="s1", conversation=OPS))
        jobs = WatchedJobs(store, entries, clock, zone=alerts.zone_of, several=False)
        services = Services(
            every_command(),
            Policy(Access(AccessSettings())),
            store,
            AzureReading(accounts),
            Chatting(),
            Watching(alerts, Standing(world.time), jobs),
        )
        observer = Observer(accounts.get(), store, Clock())
        try:
            yield SmallWorld(world, account, observer, alerts, entries, clock, store, Dispatcher(services))
        finally:
            await accounts.close()
            await store.close()
            await sandbox.close()


def words(card: Card) -> str:
    """A card as text."""
    return str(render(card).payload["text"])


def shown(entries: RecordedEntries) -> list[str]:
    """The messages in the channel itself, as they stand now."""
    return [words(msgspec.json.decode(entry.card, type=Card)) for entry in entries.on_top()]
