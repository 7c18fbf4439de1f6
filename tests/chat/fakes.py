"""A request, an answer's delivery without a database, and a clock whose waits take no time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from bot.chat.request import CommandRequest, Conversation, Person
from bot.clock import Clock
from storage.port.live import LiveCard

NOW = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


def asked(conversation: Conversation, text: str = "pool list", **more: Any) -> CommandRequest:
    """What somebody asked there."""
    person = more.pop("person", Person(conversation.platform, "U0VIEWER", "viewer", "UTC"))
    return CommandRequest(more.pop("key", "k1"), text, person, conversation, more.pop("at", datetime.now(UTC)), **more)


class LiveRows:
    """The part of the store that live answers need, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, LiveCard] = {}

    async def put_live(self, live: LiveCard) -> None:
        self.rows[live.key] = live

    async def live_cards(self) -> list[LiveCard]:
        return list(self.rows.values())

    async def delete_live(self, key: str) -> None:
        self.rows.pop(key, None)


class InstantClock(Clock):
    """A clock that is as late as everybody has slept, and on which nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    def elapsed(self) -> float:
        return super().elapsed() + sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
