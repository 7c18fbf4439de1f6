"""Answers that go on: a handler that yields cards, of which each replaces the one before in the same message.

A live answer stops by itself (its handler ends), or is stopped by the command ``stop ID`` that its card carries. Its
handler watches :attr:`LiveAnswer.stopping` and yields one last card that says it has stopped. What becomes of its
message is :mod:`bot.requests.live_cards`'s business.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

from cards.card import Card

_PATIENCE = 8.0


@dataclass
class LiveAnswer:
    """One request's handle on its going on: its id for the stop button, and whether somebody asked it to stop."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = "it was stopped"
    """Why it is to stop, for its last card."""
    last: asyncio.Future[Card | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def pause(self, seconds: float) -> bool:
        """Wait before the next card; True when somebody asked to stop meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
        except TimeoutError:
            return False
        return True


class LiveAnswers:
    """Every answer that goes on at the moment."""

    def __init__(self) -> None:
        self._running: dict[str, LiveAnswer] = {}

    def begin(self, live: LiveAnswer) -> None:
        """From now on it can be stopped."""
        self._running[live.id] = live

    def end(self, live: LiveAnswer, last: Card | None) -> None:
        """It is over; ``last`` is what it said last."""
        self._running.pop(live.id, None)
        if not live.last.done():
            live.last.set_result(last)

    async def stop(self, live_id: str) -> Card | None:
        """Ask it to stop; returns its last card, None where it is over already or does not listen."""
        live = self._running.get(live_id)
        if live is None:
            return None
        live.stopping.set()
        done, _ = await asyncio.wait([live.last], timeout=_PATIENCE)
        return live.last.result() if done else None

    def stop_all(self, reason: str) -> None:
        """Ask all of them to stop, for the end of the program."""
        for live in self._running.values():
            live.reason = reason
            live.stopping.set()
