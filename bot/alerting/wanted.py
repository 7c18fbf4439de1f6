"""What people asked for of accounts, for a replica that watches some and need not decide: it asks the store for it.

It needs to know which jobs are followed, whose tasks it counts in every look, and what is subscribed, which comes first
where the budget of calls is small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from bot.alerting.model import Subscription
from bot.alerting.routing import Asked
from bot.alerting.rules import AlertRule
from bot.alerting.stored_state import subscriptions_in
from bot.alerting.watched_jobs import watched_in
from bot.clock import Clock
from bot.settings import AlertSettings
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

EVERY = 5.0
"""Seconds for which the answer is good."""


class Wanted:
    """Ask :meth:`refresh` before each look; it keeps what it knew where the store does not answer."""

    def __init__(
        self, store: Store, kinds: Mapping[str, AlertRule], settings: Callable[[], AlertSettings], clock: Clock
    ) -> None:
        self._settings = settings
        self._store = store
        self._kinds = kinds
        self._clock = clock
        self._asked: float | None = None
        self._subscriptions: list[Subscription] = []
        self._jobs: dict[str, set[str]] = {}

    async def refresh(self) -> None:
        """Ask the store, where that was not done for :data:`EVERY`."""
        if self._asked is not None and self._clock.elapsed() - self._asked < EVERY:
            return
        self._asked = self._clock.elapsed()
        try:
            self._subscriptions = await subscriptions_in(self._store, self._settings())
            self._jobs = await watched_in(self._store)
        except StoreError as error:
            log.warning("alerting.wishes_not_read", message=str(error))

    def asked(self, account: str) -> Asked:
        """What is subscribed of an account."""
        return Asked(self._subscriptions, self._kinds, account)

    def watched(self, account: str) -> set[str]:
        """The jobs of an account whose counts somebody follows."""
        return self._jobs.get(account, set())
