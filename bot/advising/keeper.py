"""Looks at every account by the hour, so that what became of advice is known though nobody asks for it.

What it finds is kept in the store: a restart loses nothing, and what is found again has the same id.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from bot.accounting.service import Accounting
from bot.advising.each import DEEP
from bot.advising.look import look
from bot.azure.account import Account
from bot.clock import Clock
from bot.monitor.background import ADVICE, Background
from bot.requests.registry import Registry
from storage.port.errors import StoreError
from storage.port.store import Store

log = structlog.get_logger()

EVERY = 3600.0
"""Seconds between two looks at an account."""
FIRST = 120.0
"""After its start the program has polled every account."""


class AdviceKeeper:
    """The looks at all accounts. Run :meth:`run` beside everything else."""

    def __init__(
        self,
        accounts: Iterable[Account],
        store: Store,
        accounting: Accounting,
        registry: Registry,
        clock: Clock,
        background: Background | None = None,
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._accounting = accounting
        self._registry = registry
        self._clock = clock
        self._background = background or Background(clock)

    async def run(self) -> None:
        """Look until cancelled."""
        await self._clock.sleep(FIRST)
        while True:
            for account in self._accounts:
                await self.look(account)
            await self._clock.sleep(EVERY)

    async def look(self, account: Account) -> None:
        """Look at one account. What fails is logged and told by the status, and keeps no other from its look."""
        try:
            looked = await look(account, self._store, self._accounting, self._registry, DEEP)
        except StoreError as error:
            log.error("advice.not_stored", account=account.name, message=str(error))  # noqa: TRY400 - it says all
            self._background.failed(ADVICE, error, account.name)
        except Exception as error:  # one account's trouble does not keep the others from being looked at
            log.exception("advice.failed", account=account.name)
            self._background.failed(ADVICE, error, account.name)
        else:
            # Where Azure does not answer, watching says so: what was advised stays as it is.
            log.info("advice.looked", account=account.name, known=len(looked.known), unread=len(looked.case.unread))
            self._background.ok(ADVICE, account.name)
