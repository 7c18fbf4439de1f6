"""A bot in a process of its own that adds tasks, is killed from outside at any moment, and is started again.

Lines of ``messages`` beside its database are what it posted and edited, as a chat platform would see it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import handlers
from bot.azure.accounts import Accounts
from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations.audit import Audit
from bot.operations.engine import Operations
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.answer_delivery import AnswerDelivery
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards.card import Actions, Button, Card, plain
from storage.sqlite.store import SqliteStore

HELD = timedelta(seconds=0.5)
"""For how long a request and an operation are held here: the next run takes them over after that."""
_HERE = Conversation("slack", "C1")
_ASKER = Person("slack", "U1", "Otto", "UTC")
_SECONDS = 120
_REGISTRY = Registry.discover(handlers)
"""Made once: processes are forked from one that has it."""


@dataclass(frozen=True)
class Recorder:
    """A chat platform whose messages outlive the bot."""

    folder: Path
    name: str = "slack"

    def lines(self) -> list[dict[str, Any]]:
        """Everything that was posted and edited."""
        path = self.folder / "messages"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def _write(self, **line: Any) -> None:
        with (self.folder / "messages").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    async def zone(self, person: Person) -> str | None:
        return "UTC"

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        editing = request.message if request.how == "edit" and request.message else ""
        message = editing or f"m{sum(line['op'] == 'post' for line in self.lines())}"
        self._write(op="edit" if editing else "post", message=message, key=key, title=plain(card.title), yes=_yes(card))
        return message

    async def update(self, conversation: Conversation, message: str, card: Card) -> None:
        self._write(op="edit", message=message, title=plain(card.title), yes="")

    async def update_live(self, conversation: Conversation, message: str, newest: Callable[[], Card]) -> None:
        await self.update(conversation, message, newest())

    def update_delay(self, conversation: Conversation) -> float:
        return 0.0

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        return next((line["message"] for line in self.lines() if line["op"] == "post" and line["key"] == key), None)


def _yes(card: Card) -> str:
    """The command of the button that says yes; empty where nothing is asked."""
    items = (item for block in card.blocks if isinstance(block, Actions) for item in block.items)
    buttons = (item for item in items if isinstance(item, Button) and item.command.startswith("confirm "))
    return next((button.command for button in buttons), "")


def run(folder: Path, settings: AccountSettings, environment: dict[str, str], values: dict[str, str]) -> None:
    """Start the bot in this process; with ``values`` somebody sends the form of ``task add``, and says yes.

    Without them it works off what an earlier process left. It ends when nothing is left.
    """
    os.environ.update(environment)
    asyncio.run(_run(folder, settings, values))


async def _run(folder: Path, settings: AccountSettings, values: dict[str, str]) -> None:
    began = datetime.now(UTC)
    store, accounts = SqliteStore.open(folder / "bot.db"), Accounts({"tiny": settings})
    registry, chat = _REGISTRY, Recorder(folder)
    operations = Operations(store, accounts, registry.workflows, Audit(store), held=HELD)
    policy = Policy(Access(AccessSettings(operators=["slack:U1"])))
    services = Services(registry, policy, store, AzureReading(accounts), operations=operations)
    dispatcher = Dispatcher(services)
    chats: Any = {"slack": chat}
    delivery = AnswerDelivery(chats, store, following=dispatcher.followed)
    journal = RequestJournal(dispatcher, store, chats, delivery, held=HELD)
    await delivery.resume(began)
    running = [asyncio.create_task(operations.run()), asyncio.create_task(journal.run())]
    try:
        async with asyncio.timeout(_SECONDS):
            if values:
                await _ask(journal, CommandRequest("k1", "task add", _ASKER, _HERE, began, values=values))
                asked = chat.lines()[-1]
                if asked["yes"]:
                    pressed = CommandRequest(
                        "k2", asked["yes"], _ASKER, _HERE, began, how="edit", message=asked["message"]
                    )
                    await _ask(journal, pressed)
            while await store.unfinished() or await store.operations(running=True) or await store.live_cards():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        for task in running:
            task.cancel()
        await journal.drain(5)
        await operations.drain()
        await accounts.close()
        await store.close()


async def _ask(journal: RequestJournal, request: CommandRequest) -> None:
    if task := await journal.accept(request):
        await task
