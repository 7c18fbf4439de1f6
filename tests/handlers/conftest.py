"""A Batch account that stands still: the sandbox behind real HTTP, at one moment of one seed."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.request import CommandRequest, Conversation, Person
from bot.monitor.collector import Collector
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Chatting, Services
from bot.sandbox.server import AzureSandbox
from bot.sandbox.world import World
from bot.settings import AccessSettings, AccountSettings
from cards.card import Card
from storage.sqlite.store import SqliteStore
from tests.commands import every_command
from tests.worlds import lived

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ZONE = "America/Chicago"
"""Of everybody here, and of the channel they write in."""


@dataclass
class Scene:
    """The commands of the program, and the account they are asked about."""

    dispatcher: Dispatcher
    accounts: Accounts
    store: SqliteStore
    sandbox: AzureSandbox
    world: World

    async def ask(self, text: str, **more: Any) -> Card:
        """Type a command."""
        person = Person("text", "viewer", zone=ZONE)
        request = CommandRequest("k", text, person, Conversation("text", "here"), datetime.now(UTC), **more)
        return await self.dispatcher.card(request)

    def use(self, registry: Registry) -> None:
        """From now on these commands."""
        self.dispatcher = Dispatcher(replace(self.dispatcher.services, registry=registry))

    def reading(self, **more: Any) -> None:
        """From now on these services read, such as ``relay=…``."""
        services = self.dispatcher.services
        self.dispatcher.services = replace(services, reading=replace(services.reading, **more))

    def permit(self, **access: Any) -> None:
        """From now on these settings say who may do what."""
        policy = Policy(Access(AccessSettings(**access)))
        self.dispatcher = Dispatcher(replace(self.dispatcher.services, policy=policy))

    def advance(self, **by: float) -> None:
        """Let the account live on."""
        self.world.clock.advance(timedelta(**by))
        self.world.settle()


@pytest.fixture
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """The demo's accounts after six hours; parametrize ``scene`` indirectly with the name of another scenario."""
    world = lived(getattr(request, "param", "demo"), seed=7, start=START, hours=6)
    sandbox = AzureSandbox(world)
    await sandbox.start()
    identity = {"IDENTITY_ENDPOINT": sandbox.identity_endpoint, "IDENTITY_HEADER": sandbox.identity_header}
    with mock.patch.dict(os.environ, identity):
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
                )
                for name, account in world.accounts.items()
            },
            retail=Retail(sandbox.prices_url, patience=60.0),
        )
        store = SqliteStore.open(tmp_path / "t.db")
        policy = Policy(Access(AccessSettings()))
        dispatcher = Dispatcher(Services(every_command(), policy, store, AzureReading(accounts), Chatting(zone=ZONE)))
        yield Scene(dispatcher, accounts, store, sandbox, world)
        await accounts.close()
        await store.close()
    await sandbox.close()


def nobody() -> CommandRequest:
    """A request of somebody without a name or a role of their own."""
    return CommandRequest("k", "", Person("text", "viewer"), Conversation("text", "here"), datetime.now(UTC))


async def sampled(scene: Scene, minutes: int) -> None:
    """Let the account live on for some minutes, sampled each."""
    collector = Collector(scene.accounts, scene.store)
    for _ in range(minutes):
        for account in scene.accounts:
            await collector.collect(account)
        scene.advance(minutes=1)
