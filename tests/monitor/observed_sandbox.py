"""A store of what watching keeps, in memory, and an account of the sandbox to watch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

from bot.azure.account import Account
from bot.azure.accounts import Accounts
from bot.clock import Clock
from bot.monitor.account_state import BoxKey, Key, key_of, key_of_box
from bot.monitor.observer import Observer, Poll
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world.account import AccountState
from bot.settings import AccountSettings, WatchSettings
from storage.port.black_box import KeptNode, KeptTask
from storage.port.changes import ChangeSet
from storage.port.errors import StoreError
from storage.port.monitoring import Cursor, EntitySnapshot, Transition
from tests.worlds import lived

STARTED = datetime.now(UTC)
"""When every world here begins: the same moment for all, so that each is grown once and then copied."""


class MemoryStore:
    """Keeps what was committed. ``broken`` is a full disk. A transition that comes a second time is in ``doubled``."""

    def __init__(self) -> None:
        self.told: dict[Key, Transition] = {}
        self.doubled: list[Transition] = []
        self.broken = False
        self.boxes: dict[BoxKey, KeptTask | KeptNode] = {}
        self._cursors: dict[str, Cursor] = {}
        self._views: dict[tuple[str, str], EntitySnapshot] = {}

    def record(self, batch: ChangeSet) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        for each in batch.transitions:
            if key_of(each) in self.told:
                self.doubled.append(each)
            self.told[key_of(each)] = each
        for cursor in batch.cursors:
            self._cursors[cursor.stream] = cursor
        self.boxes |= {key_of_box(each): each for each in (*batch.kept_tasks, *batch.kept_nodes)}
        for view in batch.snapshots:
            if view.body is None:
                self._views.pop((view.entity, view.id), None)
            else:
                self._views[view.entity, view.id] = view

    async def cursors(self, account: str) -> list[Cursor]:
        return list(self._cursors.values())

    async def snapshots(self, account: str) -> list[EntitySnapshot]:
        return list(self._views.values())

    async def owed(self, account: str, since: datetime) -> tuple[list[KeptTask], list[KeptNode]]:
        boxes = [each for each in self.boxes.values() if each.owed and each.kept >= since]
        return [each for each in boxes if isinstance(each, KeptTask)], [
            each for each in boxes if isinstance(each, KeptNode)
        ]

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        parent: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[Transition]:
        found = [each for each in self.told.values() if since is None or each.at >= since]
        found = [each for each in found if not entity or each.entity == entity]
        found = [each for each in found if parent is None or each.parent == parent]
        return sorted(found, key=lambda each: each.at, reverse=True)[:limit]

    def of(self, entity: str, name: str | None = None) -> list[tuple[str, str]]:
        """(id, state after) of an entity's transitions, oldest first; of one of them (state before, state after)."""
        found = sorted((each for each in self.told.values() if each.entity == entity), key=lambda each: each.at)
        if name is None:
            return [(each.id, each.after) for each in found]
        return [(each.before, each.after) for each in found if each.id == name]


class Stage:
    """The first account of a scenario, looked at by hand."""

    def __init__(self, sandbox: AzureSandbox, account: Account, settings: WatchSettings) -> None:
        self.sandbox = sandbox
        self.account = account
        self.store = MemoryStore()
        self.settings = settings
        self.observer = Observer(account, self.store, Clock(), settings)

    @property
    def state(self) -> AccountState:
        """The account, from inside."""
        return self.sandbox.world.accounts[self.account.name]

    def go(self, seconds: float = 30.0) -> None:
        """Let time pass."""
        self.sandbox.world.clock.advance(timedelta(seconds=seconds))
        self.sandbox.world.settle()

    async def look(self, *, seconds: float = 0.0) -> Poll:
        """Let time pass, look, and store it."""
        if seconds:
            self.go(seconds)
        look = await self.observer.poll()
        try:
            self.store.record(look.batch)
        except StoreError:
            self.observer.lost()
            raise
        self.observer.stored()
        return look

    async def watch(self, seconds: float, every: float = 30.0) -> list[Poll]:
        """Poll every so often for so long."""
        return [await self.look(seconds=every) for _ in range(int(seconds / every))]

    async def restart(self) -> None:
        """A new process on the same store."""
        self.observer = Observer(self.account, self.store, Clock(), self.settings)
        await self.observer.load()


@asynccontextmanager
async def staged(
    scenario: str = "tiny", *, hours: float = 3.0, seed: int = 1, settings: WatchSettings | None = None
) -> AsyncIterator[Stage]:
    """A scenario's first account, some hours after it began, its clock moved by hand only."""
    world = lived(scenario, seed=seed, start=STARTED, hours=hours)
    sandbox = AzureSandbox(world, seed=seed)
    await sandbox.start()
    name, endpoint = next(iter(sandbox.endpoints.items()))
    facts = world.accounts[name].facts
    account = AccountSettings(
        endpoint,
        facts.subscription,
        facts.resource_group,
        account=name,
        region=facts.location,
        credential="managed_identity",
        arm_endpoint=sandbox.arm_url,
    )
    with _identity(sandbox):
        accounts = Accounts({name: account}, {})
        try:
            yield Stage(sandbox, accounts.get(), settings or WatchSettings())
        finally:
            await accounts.close()
            await sandbox.close()


@contextmanager
def _identity(sandbox: AzureSandbox) -> Iterator[None]:
    told = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict("os.environ", told):
        yield
