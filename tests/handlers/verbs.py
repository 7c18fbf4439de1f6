"""The standing account with what changes it: an identity that may write, operations, and a clock that runs with it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from bot.azure.accounts import Accounts
from bot.azure.plane import Written
from bot.azure.writer import Writer
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.dispatcher import Dispatcher
from bot.requests.services import AzureReading
from bot.sandbox.world.live import LiveJob, LiveSchedule
from bot.settings import AccessSettings
from cards.card import Actions, Attachment, Button, Card, Form, Menu, plain
from tests.handlers.conftest import START, Scene
from tests.handlers.test_cards import still


class WorldClock(Clock):
    """Waiting lets the account live on by as much."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self._scene.advance(seconds=seconds)


@dataclass
class Verbs:
    """Asks one thing after the other, each as a request of its own, and says yes to what is asked back."""

    scene: Scene
    operations: Operations
    account: str = "render-prod"
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and If-Match of every write."""
    _numbers: Any = field(default_factory=count)

    def request(self, text: str, **more: Any) -> CommandRequest:
        person = Person("text", "viewer", zone="America/Chicago")
        key = f"k{next(self._numbers)}"
        return CommandRequest(key, text, person, Conversation("text", "here"), datetime.now(UTC), **more)

    async def cards(self, text: str, **more: Any) -> list[Card]:
        """Every card of an answer."""
        return [card async for card in self.scene.dispatcher.cards(self.request(text, **more))]

    async def ask(self, text: str, **more: Any) -> Card:
        """The last card, which may be a question."""
        return (await self.cards(text, **more))[-1]

    async def do(self, text: str, **more: Any) -> Card:
        """The last card, once every question has been answered with yes."""
        card = await self.ask(text, **more)
        yes = next((each.command for each in buttons(card) if each.command.startswith("confirm ")), "")
        if yes:
            found = await self.scene.store.confirmation(yes.split()[1])
            card = await self.ask(f"{yes} {found.name if found else ''}".strip())
        return card

    async def form(self, text: str, values: dict[str, str] | None = None) -> Form:
        """A form as it is shown."""
        found = await self.scene.dispatcher.form(text, self.request(""), values=values)
        assert isinstance(found, Form)
        return found

    def job(self, job: str) -> LiveJob:
        """A job of the account as it is."""
        return self.scene.world.accounts[self.account].jobs[job]

    def schedule(self, schedule: str) -> LiveSchedule:
        """A job schedule as it is."""
        return self.scene.world.accounts[self.account].schedules[schedule]

    def jobs(self, fits: Callable[[LiveJob], bool]) -> list[LiveJob]:
        """The jobs that fit."""
        return [job for job in self.scene.world.accounts[self.account].jobs.values() if fits(job)]


@asynccontextmanager
async def verbs(scene: Scene, **access: Any) -> AsyncIterator[Verbs]:
    """Let the scene's asker change its accounts, as an admin unless ``access`` says otherwise."""
    settings = {
        account.name: msgspec.structs.replace(account.settings, write_credential="managed_identity")
        for account in scene.accounts
    }
    scene.accounts = Accounts(settings)
    services = scene.dispatcher.services
    operations = Operations(
        scene.store, scene.accounts, services.registry.workflows, Audit(scene.store), WorldClock(scene)
    )
    made = Verbs(scene, operations)
    for account in scene.accounts:
        assert account.writer
        _remember(account.writer, made.sent)
    scene.dispatcher = Dispatcher(
        replace(
            services,
            policy=Policy(Access(AccessSettings(**(access or {"admins": ["text:viewer"]})))),
            reading=AzureReading(scene.accounts),
            operations=operations,
        )
    )
    try:
        yield made
    finally:
        await operations.drain()
        await scene.accounts.close()


def _remember(writer: Writer, sent: list[tuple[str, str, str]]) -> None:
    """Note every write of the data plane before it is sent."""
    send = writer.send

    async def noted(method: str, path: str, *args: Any, **more: Any) -> Written:
        sent.append((method, path, more.get("if_match", "")))
        return await send(method, path, *args, **more)

    writer.send = noted  # type: ignore[method-assign]


def steady(card: Card, scene: Scene) -> Card:
    """The card without what differs from run to run: operations, their moments, and where the sandbox listens."""
    encoded = msgspec.json.encode(card).decode()
    encoded = re.sub(r"\b(undo|operation \w+) [0-9a-f]{12}", r"\1 0123456789ab", encoded)
    encoded = re.sub(r"\bconfirm [0-9a-f]{16}", "confirm 0123456789abcdef", encoded)

    def at_start(found: re.Match[str]) -> str:
        real = abs(datetime.fromisoformat(found[1]) - datetime.now(UTC)) < timedelta(hours=1)
        return f'"{START.isoformat()}"' if real else found[0]

    encoded = re.sub(r'"(\d{4}-\d\d-\d\dT[\d:.]+Z)"', at_start, encoded)
    return still(msgspec.json.decode(encoded, type=Card), scene)


def buttons(card: Card) -> list[Button]:
    """Every button of a card."""
    return [item for item in items(card) if isinstance(item, Button)]


def items(card: Card) -> list[object]:
    """Every button, link and menu of a card."""
    return [item for block in card.blocks if isinstance(block, Actions) for item in block.items]


def button(card: Card, label: str) -> Button:
    """The button of that label."""
    found = next((each for each in buttons(card) if each.text == label), None)
    assert found, f"{label!r} is none of {[each.text for each in buttons(card)]}: {plain(card.title)}"
    return found


def menu(card: Card, label: str) -> Menu:
    """The menu of that label."""
    return next(each for each in items(card) if isinstance(each, Menu) and each.label == label)


def attached(card: Card) -> Attachment:
    """The file that comes with a card."""
    return next(block for block in card.blocks if isinstance(block, Attachment))
