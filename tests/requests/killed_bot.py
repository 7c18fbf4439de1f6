"""A bot in a process of its own that is killed with -9 at a named step, and started again.

What it does and says is recorded in files beside its database, as the service and the chat platform would see it:
lines of ``effects`` are what its commands did, lines of ``messages`` are what it posted and edited.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from bot.azure.accounts import Accounts
from bot.chat.request import CommandRequest, Conversation, Person
from bot.operations.confirm import Answer
from bot.operations.preflight import Preflight
from bot.operations.reconcile import Begun
from bot.policy.roles import Access
from bot.policy.rules import Policy
from bot.requests.command import Mark
from bot.requests.context import Context
from bot.requests.dispatcher import Dispatcher
from bot.requests.journal import RequestJournal
from bot.requests.registry import Registry
from bot.requests.services import AzureReading, Services
from bot.settings import AccessSettings, AccountSettings
from cards.build import text
from cards.card import Card, plain
from storage.port.audit import AuditEntry
from storage.sqlite.store import SqliteStore

HELD = timedelta(seconds=0.15)
"""For how long a row is held here: the next run takes it over after that."""
KEY = "k1"
STEPS = (
    "before received",
    "after received",
    "before started",
    "after started",
    "in the run",
    "before recorded",
    "after recorded",
    "after answered",
    "after done",
)
_HERE = Conversation("slack", "C1")
_folder = Path()
_deadly = ""


def reached(step: str) -> None:
    """The process dies here, where this is the step it is to die at."""
    if step == _deadly:
        os.kill(os.getpid(), signal.SIGKILL)


def _write(name: str, line: dict[str, Any]) -> None:
    with (_folder / name).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    """What was recorded."""
    path = folder / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


async def change(ctx: Context, name: str) -> Card:
    """Change something, in two steps.

    :param name: what
    """
    _write("effects", {"did": "begin", "name": name})
    reached("in the run")
    _write("effects", {"did": "end", "name": name})
    return Card(title=text(f"{name} is changed"))


async def look(ctx: Context, begun: Begun) -> Card:
    """How far a change came, by looking at what the other side has of it."""
    did = [line["did"] for line in lines(_folder, "effects")]
    return Card(title=text(f"{begun.arguments['name']} was {'changed' if 'end' in did else 'not changed wholly'}"))


async def goes(ctx: Context, name: str) -> Preflight:
    """What a destruction takes with it."""
    return Preflight(effects=(f"{name} goes, and 3 nodes with it.",))


async def read(ctx: Context) -> Card:
    """Read something."""
    _write("effects", {"did": "read"})
    reached("in the run")
    return Card(title=text("it is read"))


async def other(ctx: Context) -> AsyncIterator[Card]:
    """Run a change by another name, as a saved query does."""
    async for card in ctx.run("change inner"):
        yield card


async def confirm(ctx: Context, change: str, answer: Literal["yes", "no"] = "yes") -> AsyncIterator[Card]:
    """Say yes.

    :param change: the change's id
    :param answer: yes or no
    """
    async for card in ctx.confirm(change, Answer(answer)):
        yield card


def registry() -> Registry:
    """The commands of this bot."""
    made = Registry()
    made.add(change, Mark("change", "viewer", (), 0, "change", check="look at {name}"))
    made.add(change, Mark("mend", "viewer", (), 0, "change", reconcile=look))
    made.add(change, Mark("destroy", "viewer", (), 0, "destroy", preflight=goes))
    made.add(read, Mark("read", "viewer", (), 0))
    made.add(other, Mark("other", "viewer", (), 0))
    made.add(confirm, Mark("confirm", "viewer", (), 0))
    return made


class KilledStore(SqliteStore):
    """Dies on its way to and from the disk."""

    async def accept(self, key: str, *args: Any, **kwargs: Any) -> bool:
        reached("before received")
        accepted = await super().accept(key, *args, **kwargs)
        reached("after received")
        return accepted

    async def start_change(self, key: str, holder: str, command: str, at: datetime) -> bool:
        reached("before started")
        started = await super().start_change(key, holder, command, at)
        reached("after started")
        return started

    async def record_outcome(self, key: str, outcome: bytes, entry: AuditEntry) -> None:
        reached("before recorded")
        await super().record_outcome(key, outcome, entry)
        reached("after recorded")

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        await super().finish(key, state)
        reached("after done")


class Recorder:
    """A chat platform whose messages outlive the bot, and can be found by their key."""

    name = "slack"

    async def zone(self, person: Person) -> str | None:
        return "Europe/Berlin"

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        message = request.message if request.how == "edit" and request.message else ""
        line = {"key": key, "title": plain(card.title)}
        if message:
            _write("messages", {"op": "edit", "message": message, **line})
        else:
            message = f"m{len(lines(_folder, 'messages'))}"
            _write("messages", {"op": "post", "message": message, **line})
        reached("after answered")
        return message

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        posted = (line for line in lines(_folder, "messages") if line["op"] == "post")
        return next((line["message"] for line in posted if line["key"] == key), None)


def asked(text: str, **more: Any) -> CommandRequest:
    """The request that is made."""
    return CommandRequest(more.pop("key", KEY), text, Person("slack", "U1"), _HERE, datetime.now(UTC), **more)


def run(folder: Path, text: str, deadly: str, more: dict[str, Any]) -> None:
    """Start the bot in this process; ask ``text`` where it is not empty, and die at ``deadly``.

    Without a text it works off what an earlier process left, and ends when nothing is left.
    """
    global _folder, _deadly
    _folder, _deadly = folder, deadly
    asyncio.run(_run(text, more))


async def _run(text: str, more: dict[str, Any]) -> None:
    settings = AccountSettings(endpoint="https://a.we.batch.azure.com", subscription="s", resource_group="r")
    store, accounts = KilledStore.open(_folder / "bot.db"), Accounts({"a": settings}, {})
    policy = Policy(Access(AccessSettings()))
    dispatcher = Dispatcher(Services(registry(), policy, store, AzureReading(accounts)))
    journal = RequestJournal(dispatcher, store, {"slack": Recorder()}, held=HELD)  # type: ignore[dict-item]
    running = asyncio.create_task(journal.run())
    try:
        async with asyncio.timeout(30):
            if text and (task := await journal.accept(asked(text, **more))):
                await task
            while await store.unfinished():  # noqa: ASYNC110 - what ends it happens in the database
                await asyncio.sleep(0.02)
    finally:
        running.cancel()
        await journal.drain(5)
        await accounts.close()
        await store.close()
