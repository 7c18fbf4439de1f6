"""The engine: a heap of events, one seeded generator, and the accounts that live by them.

Events run at their own time and in the order they were made, whatever the moments at which somebody looks: a day in one
step and a day in 1,440 steps are the same history, and so are two worlds of one seed.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.sandbox.entities import Account
from bot.sandbox.world.account import AccountState
from bot.sandbox.world.clock import Clock
from bot.sandbox.world.prices import PriceBook


class World:
    """Everything there is. Read it after `settle()`; change it by the methods of an `AccountState`."""

    def __init__(self, seed: int = 0, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.seed = seed
        self.rng = random.Random(seed)
        self.time = self.clock.now()
        self.prices = PriceBook.of(self.time)
        self.accounts: dict[str, AccountState] = {}
        self._heap: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self._made = 0
        self._settling = False

    def add_account(self, facts: Account) -> AccountState:
        """A new, empty account; it answers at `facts.endpoint`."""
        if facts.name in self.accounts:
            raise ValueError(f"there is an account {facts.name} already")
        account = self.accounts[facts.name] = AccountState(self, facts)
        return account

    def remove_account(self, account: AccountState) -> None:
        """The account is no more; what is still to happen in it happens to nobody."""
        if self.accounts.get(account.facts.name) is account:
            del self.accounts[account.facts.name]

    def at(self, when: datetime, event: Callable[..., None], *args: Any) -> None:
        """Calls `event(*args)` when the clock has reached `when` (at once in the order of events, where it is past)."""
        self._made += 1
        heapq.heappush(self._heap, (max(when, self.time), self._made, event, args))

    def after(self, seconds: float, event: Callable[..., None], *args: Any) -> None:
        """Calls `event(*args)` so many seconds from now."""
        self._made += 1
        heapq.heappush(self._heap, (self.time + timedelta(seconds=seconds), self._made, event, args))

    @property
    def next_event(self) -> datetime | None:
        """When the next thing happens."""
        return self._heap[0][0] if self._heap else None

    def settle(self) -> int:
        """Applies every event up to the clock's time; how many there were. Costs nothing when nothing happened."""
        if self._settling:
            return 0
        now, heap, done = self.clock.now(), self._heap, 0
        if heap and heap[0][0] <= now:
            self._settling = True
            try:
                while heap and heap[0][0] <= now:
                    self.time, _, event, args = heapq.heappop(heap)
                    event(*args)
                    done += 1
            finally:
                self._settling = False
        self.time = max(self.time, now)
        return done

    step = settle

    async def run(self, every: float = 0.25) -> None:
        """Settles for ever, every so many real seconds, so that no reader finds a day to catch up with."""
        while True:
            self.settle()
            await asyncio.sleep(every)
