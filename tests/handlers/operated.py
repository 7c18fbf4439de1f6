"""The standing account with what changes it: an identity that may write, operations, and a policy that lets people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from bot.azure.accounts import Accounts
from bot.azure.prices import Retail
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading
from bot.sandbox.world.live import LivePool
from bot.settings import AccessSettings
from cards.card import Actions, Button, Card, Form, plain
from tests.handlers.conftest import Scene


class WorldClock(Clock):
    """The time of the account itself, which passes only where somebody waits, and then at once."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    def now(self) -> datetime:
        return self._scene.world.time

    async def sleep(self, seconds: float) -> None:
        self._scene.advance(seconds=seconds)
        await asyncio.sleep(0)


class Operator:
    """Somebody who may change things, and whose requests are each one of its own."""

    def __init__(self, scene: Scene, operations: Operations) -> None:
        self.scene, self.operations = scene, operations
        self._number = 0

    def request(self, text: str, **more: Any) -> CommandRequest:
        self._number += 1
        person = Person("text", "viewer", zone="America/Chicago")
        return CommandRequest(f"o{self._number}", text, person, Conversation("text", "here"), datetime.now(UTC), **more)

    async def cards(self, text: str, **more: Any) -> list[Card]:
        """Every card of an answer."""
        return [card async for card in self.scene.dispatcher.cards(self.request(text, **more))]

    async def question(self, text: str) -> Card:
        """The last card, whatever it asks."""
        return (await self.cards(text))[-1]

    async def ask(self, text: str, name: str = "") -> Card:
        """The last card; where it is a question, what comes of saying yes, or of typing the ``name`` of what goes."""
        card = await self.question(text)
        found = next((each.command for each in buttons(card) if each.command.startswith("confirm ")), "")
        if not found or card.refused:
            return card
        return await self.question(" ".join([*found.split()[:2], *([name] if name else [])]))

    async def form(self, command: str, values: Mapping[str, str] | None = None) -> Form:
        """The form of a command, checked."""
        found = await self.scene.dispatcher.form(command, self.request(""), values=values, seconds=20)
        assert isinstance(found, Form), plain(found.title)
        return found

    def pool(self, name: str) -> LivePool:
        """A pool as it is in the sandbox."""
        return next(a.pools[name] for a in self.scene.world.accounts.values() if name in a.pools)


def buttons(card: Card) -> list[Button]:
    """Every button of a card."""
    return [
        each for block in card.blocks if isinstance(block, Actions) for each in block.items if isinstance(each, Button)
    ]


@asynccontextmanager
async def operated(scene: Scene, clock: Clock | None = None) -> AsyncIterator[Operations]:
    """Let the scene's asker change its accounts; the operations that it begins go by ``clock``."""
    settings = {
        account.name: msgspec.structs.replace(account.settings, write_credential="managed_identity")
        for account in scene.accounts
    }
    scene.accounts = Accounts(settings, retail=Retail(scene.sandbox.prices_url, patience=60.0))
    services = scene.dispatcher.services
    operations = Operations(scene.store, scene.accounts, services.registry.workflows, Audit(scene.store), clock)
    scene.dispatcher = Dispatcher(
        replace(
            services,
            policy=Policy(Access(AccessSettings(admins=["text:viewer"]))),
            reading=AzureReading(scene.accounts),
            operations=operations,
        )
    )
    try:
        yield operations
    finally:
        await operations.drain()
        await scene.accounts.close()
