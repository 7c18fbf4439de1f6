"""Outbox entries, and a chat that does what a test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bot.chat.port import Chat, Undelivered, UnreadableError
from bot.chat.request import Conversation
from bot.clock import Clock
from bot.outbox import OutboxWorker
from cards.build import bold, text
from cards.card import Card, Footer, plain
from storage.port.changes import ChangeSet
from storage.port.outbox import DeliveryState, OutboxEntry
from storage.sqlite.store import SqliteStore

HERE = Conversation("slack", "C1")
THERE = Conversation("slack", "C2")
PATIENCE = 60.0
"""Seconds that a busy machine may need for what takes a few milliseconds."""


def entry(
    id_: str,
    words: str = "",
    *,
    conversation: Conversation = HERE,
    version: int = 1,
    reply_to: str = "",
    **more: object,
) -> OutboxEntry:
    card = Card(title=text(bold(words or f"{id_} {version}")))
    return OutboxEntry(
        id_,
        f"{conversation.platform}:{conversation.id}",
        msgspec.json.encode(conversation),
        msgspec.json.encode(card),
        version,
        more.pop("not_before", datetime.now(UTC)),  # type: ignore[arg-type]
        reply_to,
        **more,  # type: ignore[arg-type]
    )


class Shown(msgspec.Struct):
    """A message in the room."""

    id: str
    key: str
    where: str
    thread: str | None
    words: str
    marked: bool
    loud: bool
    edits: int = 0


class Room:
    """What people see; outlives the program."""

    def __init__(self) -> None:
        self.messages: list[Shown] = []

    def words(self, where: str = "C1") -> list[str]:
        return [each.words for each in self.messages if each.where == where]


class FakeChat:
    """Implements what delivery needs of a chat. ``trouble`` holds what the next calls raise, by method or channel.

    ``Undelivered("doubt", …)`` of a post is raised after the message is there; ``None`` lets a call through.
    """

    def __init__(self, room: Room, name: str = "slack", *, readable: bool = True) -> None:
        self.name = name
        self.room = room
        self.readable = readable
        self.trouble: dict[str, list[Exception | None]] = {}
        self.calls: list[tuple[str, str]] = []
        self.gate: asyncio.Event | None = None
        self.down: Exception | None = None
        self.slow: Callable[[], float] | None = None

    def _maybe(self, *names: str) -> Exception | None:
        if self.down:
            return self.down
        for name in names:
            if planned := self.trouble.get(name):
                return planned.pop(0)
        return None

    async def post_once(
        self, conversation: Conversation, card: Card, key: str, *, loud: bool = False
    ) -> tuple[str, str]:
        self.calls.append(("post_once", key))
        if self.gate:
            await self.gate.wait()
        if self.slow:
            await asyncio.sleep(self.slow())
        error = self._maybe("post_once", conversation.id)
        lost = isinstance(error, Undelivered) and error.why == "doubt" and error.code != "not there"
        if error and not lost:
            raise error
        marked = any(isinstance(block, Footer) for block in card.blocks)
        stamp = f"m{len(self.room.messages) + 1}"
        self.room.messages.append(
            Shown(stamp, key, conversation.id, conversation.thread, plain(card.title), marked, loud)
        )
        if self.slow:
            await asyncio.sleep(self.slow())
        if error:
            raise error
        return stamp, conversation.id

    def update_delay(self, conversation: Conversation) -> float:
        return 0.0

    async def update(self, conversation: Conversation, message: str, card: Card) -> None:
        self.calls.append(("update", message))
        if error := self._maybe("update"):
            raise error
        found = next((each for each in self.room.messages if each.id == message), None)
        if found is None:
            raise Undelivered("missing", "message_not_found")
        found.words, found.edits = plain(card.title), found.edits + 1

    async def find_by_key(self, conversation: Conversation, key: str, since: datetime) -> str | None:
        self.calls.append(("find_by_key", key))
        if error := self._maybe("find_by_key"):
            raise error
        if not self.readable:
            raise UnreadableError
        return next((each.id for each in self.room.messages if each.key == key), None)


class World:
    """A store on disk, a room, and an outbox worker that can die."""

    def __init__(self, path: Path, *, readable: bool = True, name: str = "slack", speed: float = 50) -> None:
        self.path = path
        self.speed = speed
        self.room = Room()
        self.store = SqliteStore.open(path)
        self.chat = FakeChat(self.room, name, readable=readable)
        self.clock = Clock(speed=self.speed)
        self.outbox = OutboxWorker(self.store, self.chats, self.clock)
        self.task: asyncio.Task[None] | None = None

    @property
    def chats(self) -> dict[str, Chat]:
        return {self.chat.name: self.chat}  # type: ignore[dict-item]

    async def give(self, *entries: OutboxEntry) -> None:
        await self.store.record(ChangeSet(entries=list(entries)))
        self.outbox.put(entries)

    def start(self) -> None:
        self.task = asyncio.create_task(self.outbox.run())

    async def die(self) -> None:
        """End at once, and come back as a new program on the same file."""
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        await self.store.close()
        self.store = SqliteStore.open(self.path)
        self.clock = Clock(speed=self.speed)
        self.outbox = OutboxWorker(self.store, self.chats, self.clock)
        self.chat.gate = None

    async def row(self, id_: str) -> DeliveryState:
        [found] = await self.store.deliveries([id_])
        return found

    async def until(self, true: Callable[[], object], seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {self.room.messages} {self.outbox.status()}")
            await asyncio.sleep(0.005)

    async def done(self, *ids: str) -> None:
        """Wait until these are delivered, or dead."""
        end = time.monotonic() + PATIENCE
        while any(row.entry.id in ids for row in await self.store.undelivered()):
            if time.monotonic() > end:
                raise AssertionError(f"undelivered: {await self.store.undelivered()} {self.room.messages}")
            await asyncio.sleep(0.005)


@asynccontextmanager
async def world(path: Path, *, readable: bool = True, name: str = "slack", speed: float = 50) -> AsyncIterator[World]:
    made = World(path / "outbox.db", readable=readable, name=name, speed=speed)
    try:
        yield made
    finally:
        if made.task:
            made.task.cancel()
            await asyncio.gather(made.task, return_exceptions=True)
        await made.store.close()
