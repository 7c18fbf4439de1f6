"""What one person may ask: a share each, which refills, so that nobody's questions keep others waiting.

A person may ask :data:`AT_ONCE` things in one go, and then one every :data:`EVERY` seconds: what comes sooner waits for
its time, in the order in which it came. Where more than :data:`WAITING` wait, the next ones are not taken. A few of a
person's requests are worked on at a time, so that slow ones hold up the same person's only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from bot.clock import Clock
from cards.build import bold, text
from cards.card import Card, Mark, Words

AT_ONCE = 20
"""Requests that a person may make in one go; more than anybody clicks through in a hurry."""
EVERY = 2.0
"""Seconds after which a person may make one more."""
WAITING = 20
"""Requests of a person that wait for their time."""
PLACES = 6
"""Requests of a person that are worked on at a time."""
_MANY = 512
"""People remembered before those whose share is whole are forgotten."""


class Turn(Struct, frozen=True):
    """What becomes of a request: it ``waits`` for so many seconds, or is ``refused``; ``tell`` once that it does."""

    waits: float = 0.0
    refused: bool = False
    tell: bool = False


class _Person:
    def __init__(self) -> None:
        self.used = 0.0
        self.at = 0.0
        self.told = False
        self.places = asyncio.Semaphore(PLACES)
        self.under_way = 0


class Shares:
    """Everybody's share."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._people: dict[str, _Person] = {}

    def take(self, person: str) -> Turn:
        """A person asks for something more."""
        known = self._person(person)
        if known.used >= AT_ONCE + WAITING:
            tell, known.told = not known.told, True
            return Turn(refused=True, tell=tell)
        known.used += 1
        over = known.used - AT_ONCE
        if over <= 0:
            return Turn()
        tell, known.told = not known.told, True
        return Turn(waits=over * EVERY, tell=tell)

    @asynccontextmanager
    async def place(self, person: str) -> AsyncIterator[None]:
        """Where a request is worked on; waits for one."""
        known = self._person(person)
        known.under_way += 1
        try:
            async with known.places:
                yield
        finally:
            known.under_way -= 1

    def _person(self, person: str) -> _Person:
        """The person with what is used of their share now."""
        if person not in self._people and len(self._people) >= _MANY:
            self._people = {
                name: each for name, each in self._people.items() if each.under_way or self._refilled(each).used > 0
            }
        return self._refilled(self._people.setdefault(person, _Person()))

    def _refilled(self, known: _Person) -> _Person:
        now = self._clock.elapsed()
        known.used = max(0.0, known.used - (now - known.at) / EVERY)
        known.at = now
        known.told = known.told and known.used > 0
        return known


def used_up_card() -> Card:
    """Said to a person alone, once until their share is whole again."""
    return Card(
        title=text(bold("You ask faster than I answer one person.")),
        mark=Mark.WARNING,
        blocks=(
            Words(
                text(
                    f"I answer {AT_ONCE} things at once and then one every {EVERY:.0f} s, so that others are answered "
                    f"and alerts get through. What you asked waits for its turn; what is more than {WAITING} ahead is "
                    "not done: ask for it again in a minute."
                )
            ),
        ),
        private=True,
    )
