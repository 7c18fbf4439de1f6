"""A bot with all its commands in a process of its own, killed with -9 at the nth thing that is noted or sent.

What it says is recorded in a file beside its database, as a chat platform would see it; what it does is seen by the
sandbox, which lives on in the process of the test.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import handlers
from bot.azure.accounts import Accounts
from bot.azure.plane import Plane, Written
from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
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
from cards.card import Card, plain
from storage.sqlite.store import SqliteStore

SPEED = 100.0
"""How many times faster than the wall time runs, here and in the sandbox."""
_REGISTRY = Registry.discover(handlers)
"""Made once: processes are forked from one that has it."""
_HELD = timedelta(seconds=0.3)
_STEPS = ("start_change", "add_operation", "note_steps", "end_operation", "record_outcome", "finish")
_folder = Path()
_steps = itertools.count()
_deadly_step = -1
"""After how many things that are noted or sent it dies; below 0 for one that does not die."""


def _reached() -> None:
    if next(_steps) == _deadly_step:
        os.kill(os.getpid(), signal.SIGKILL)


def steps_of(folder: Path) -> int:
    """After how many steps the last one that was not killed came to its end."""
    return int((folder / "steps").read_text(encoding="utf-8"))


def _deadly(store: SqliteStore) -> SqliteStore:
    """The store, which dies on its way to and from the disk."""
    for name in _STEPS:
        setattr(store, name, _around(getattr(store, name)))
    return store


def _around(method: Callable[..., Any]) -> Callable[..., Any]:
    async def surrounded(*args: Any, **kwargs: Any) -> Any:
        _reached()
        result = await method(*args, **kwargs)
        _reached()
        return result

    return surrounded


_send = Plane.send


async def _sent(plane: Plane, *args: Any, once: bool = True, **kwargs: Any) -> Written:
    """Dies on its way to Azure, and with the answer in its hands."""
    if not once:
        return await _send(plane, *args, once=once, **kwargs)
    _reached()
    written = await _send(plane, *args, once=once, **kwargs)
    _reached()
    return written


class Recorder:
    """A chat platform whose messages outlive the bot, and can be found by their key."""

    name = "slack"

    async def zone(self, person: Person) -> str | None:
        return "Europe/Berlin"

    async def answer(self, request: CommandRequest, card: Card, key: str) -> str:
        if request.how == "edit" and request.message:
            _write({"op": "edit", "message": request.message, "title": plain(card.title)})
            return request.message
        message = f"m{sum(line['op'] == 'post' for line in messages(_folder))}"
        _write({"op": "post", "message": message, "key": key, "title": plain(card.title)})
        return message

    async def update_live(self, conversation: Conversation, message: str, newest: Callable[[], Card]) -> None:
        _write({"op": "edit", "message": message, "title": plain(newest().title)})

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        return next((line["message"] for line in messages(_folder) if line.get("key") == key), None)

    async def say(self, request: CommandRequest, words: str) -> None: ...


def _write(line: dict[str, Any]) -> None:
    with (_folder / "messages").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def messages(folder: Path) -> list[dict[str, Any]]:
    """What was said."""
    path = folder / "messages"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


class Begun(NamedTuple):
    """When the fast time began, by the wall and by the machine's monotonic clock, which all processes share."""

    at: datetime
    monotonic: float


def run(
    folder: Path, settings: Mapping[str, Any], environment: Mapping[str, str], text: str, deadly: int, begun: Begun
) -> None:
    """Start the bot in this process; ask ``text`` where it is not empty, and die after ``deadly`` steps.

    Without a text it goes on with what an earlier process left, and ends when nothing is left.
    """
    global _folder, _deadly_step
    _folder, _deadly_step = folder, deadly
    os.environ.update(environment)
    Plane.send = _sent  # type: ignore[method-assign]
    try:
        asyncio.run(_run(settings, text, begun))
    except BaseException:
        (_folder / "trouble").write_text(traceback.format_exc(), encoding="utf-8")
        raise


def trouble_of(folder: Path) -> str:
    """Why one did not come to its end, as far as that is known."""
    path = folder / "trouble"
    return path.read_text(encoding="utf-8") if path.exists() else ""


async def _run(settings: Mapping[str, Any], text: str, begun: Begun) -> None:
    store, accounts = _deadly(SqliteStore.open(_folder / "bot.db")), Accounts({"a": AccountSettings(**settings)})
    registry, clock = _REGISTRY, Clock(speed=SPEED, start=_now(begun))
    policy = Policy(Access(AccessSettings(admins=["slack:U1"])))
    operations = Operations(store, accounts, registry.workflows, Audit(store), clock, held=_HELD * SPEED)
    dispatcher = Dispatcher(Services(registry, policy, store, AzureReading(accounts), operations=operations))
    chats: dict[str, Any] = {"slack": Recorder()}
    delivery = AnswerDelivery(chats, store, clock, dispatcher.followed)
    journal = RequestJournal(dispatcher, store, chats, delivery, held=_HELD)
    await delivery.resume(datetime.now(UTC))
    await operations.resume()
    await journal.resume()
    running = [asyncio.create_task(each.run()) for each in (journal, operations)]
    try:
        async with asyncio.timeout(60):
            if text and (task := await journal.accept(_asked(text))):
                await task
            while await _something_left(store):  # noqa: ASYNC110 - what ends it happens in the database
                await asyncio.sleep(0.02)
        (_folder / "steps").write_text(str(next(_steps)), encoding="utf-8")
    finally:
        for task_ in running:
            task_.cancel()
        await operations.drain()
        await journal.drain(2)
        await accounts.close()
        await store.close()


async def _something_left(store: SqliteStore) -> bool:
    return bool(await store.unfinished() or await store.operations(running=True) or await store.live_cards())


def _now(begun: Begun) -> datetime:
    """The fast time: the processes and the sandbox count it from the same moment, by the clock that nobody sets."""
    return begun.at + timedelta(seconds=(time.monotonic() - begun.monotonic) * SPEED)


def _asked(text: str) -> CommandRequest:
    key = hashlib.sha256(text.encode()).hexdigest()[:8]
    request = CommandRequest(key, text, Person("slack", "U1"), Conversation("slack", "C1"), datetime.now(UTC))
    # Who presses the button of a question has the answer in the question's place.
    return msgspec.structs.replace(request, how="edit", message="m0") if text.startswith("confirm ") else request
