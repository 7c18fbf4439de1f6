"""Reads the bill of all accounts in the background, within the quota: four times a day, and three months back once.

Accounts of one subscription are asked for together. Days that are older than :data:`MOVING` are never asked for again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog
from msgspec.structs import replace

from bot.accounting.bill_rows import POOL_TAG, BilledAccount, batch_filter, rows_of, tagged_filter, tagged_rows
from bot.azure.account import Account
from bot.azure.cost import READER, CostManagement, QueryType
from bot.azure.cost_limiter import CostLimiter
from bot.azure.errors import AzureError
from bot.clock import Clock
from bot.domain.money.spans import utc_day
from bot.monitor.background import BILL, Background
from storage.port.bill import Basis, BillReading, BillRow, BillState, BillStore
from storage.port.errors import StoreError

log = structlog.get_logger()

EVERY = 6 * 3600.0
"""Seconds between two readings; Cost Management refreshes what it knows about every four hours."""
JITTER = 0.15
"""The share by which that is lengthened or shortened, so that tools of one tenant do not all ask at once."""
MOVING = 5
"""Days whose charges may still change, today included."""
BACK = 92
"""Days that are read when an account is new here."""
CHUNK = 31
"""Days of one query: one QPU."""
BETWEEN = 45.0
"""Seconds between two queries of the past, which nobody waits for."""
AGAIN = 900.0
"""Seconds until another try where the service did not answer."""
_KINDS: tuple[tuple[QueryType, Basis], ...] = (("ActualCost", "actual"), ("AmortizedCost", "amortized"))


class Waiting(Protocol):
    """What is needed of :class:`bot.clock.Clock`."""

    def elapsed(self) -> float:
        """Seconds since it began."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class BillKeeper:
    """Keeps the bill of accounts in the store. What fails is noted in the reading and logged, not raised."""

    def __init__(
        self,
        accounts: Iterable[Account],
        store: BillStore,
        clock: Waiting | None = None,
        background: Background | None = None,
    ) -> None:
        self._accounts = list(accounts)
        self._store = store
        self._clock = clock or Clock()
        self._background = background or Background()
        self._limiter = CostLimiter(self._clock)

    async def load(self) -> None:
        """Know the currency of each bill from what is kept. Raises StoreError."""
        for account in self._accounts:
            reading = await self._store.bill_reading(account.name)
            if reading and reading.as_of:
                day = reading.as_of.date()
                rows = await self._store.bill(account.name, day - timedelta(days=BACK), day)
                account.currency = _currency(rows) or account.currency

    async def run(self) -> None:
        """Read now, where that is due, and then again and again, until cancelled."""
        groups: dict[tuple[str, str], list[Account]] = {}
        for account in self._accounts:
            settings = account.settings
            groups.setdefault((settings.cloud, settings.subscription.lower()), []).append(account)
        async with asyncio.TaskGroup() as tasks:
            for (_, subscription), accounts in groups.items():
                tasks.create_task(self._keep(accounts), name=f"bill {subscription}")

    async def _keep(self, accounts: Sequence[Account]) -> None:
        while True:
            try:
                wait = await self.tick(accounts)
            except StoreError as error:
                log.error("bill.not_stored", message=str(error))  # noqa: TRY400 - it says all
                wait = self._fails(accounts, error)
            except Exception as error:
                log.exception("bill.failed")
                wait = self._fails(accounts, error)
            await self._clock.sleep(wait)

    def _fails(self, accounts: Sequence[Account], error: Exception) -> float:
        for account in accounts:
            self._background.failed(BILL, error, account.name)
        return AGAIN

    async def tick(self, accounts: Sequence[Account]) -> float:
        """Read what is due of the accounts of one subscription; the seconds until the next. Raises StoreError."""
        readings = {account.name: await self._store.bill_reading(account.name) for account in accounts}
        now = max(account.now() for account in accounts)
        known = [reading for reading in readings.values() if reading and reading.as_of]
        answered = [reading.as_of for reading in known if reading.as_of] if len(known) == len(accounts) else []
        if not answered or (now - min(answered)).total_seconds() >= EVERY * (1 - JITTER):
            last = utc_day(now)
            first = last - timedelta(days=MOVING - 1)
            if answered:  # what has moved since it was read, after a longer silence; a chunk at most
                moved = min(answered).date() - timedelta(days=MOVING - 1)
                first = max(min(first, moved), last - timedelta(days=CHUNK - 1))
            if not await self.read(accounts, first, last):
                return AGAIN
            return BETWEEN
        return await self._go_back(accounts, known, now)

    async def _go_back(self, accounts: Sequence[Account], known: Sequence[BillReading], now: datetime) -> float:
        """Read a piece of the past, where some is missing; the seconds until the next thing is due."""
        today = utc_day(now)
        oldest = max((reading.first or today for reading in known), default=today)
        horizon = today - timedelta(days=BACK)
        if oldest > horizon:
            last = oldest - timedelta(days=1)
            first = max(horizon, last - timedelta(days=CHUNK - 1))
            return BETWEEN if await self.read(accounts, first, last) else AGAIN
        since = min((reading.as_of for reading in known if reading.as_of), default=now)
        due = EVERY * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads, guards nothing
        return max(60.0, due - (now - since).total_seconds())

    async def read(self, accounts: Sequence[Account], first: date, last: date) -> bool:
        """Read these days of the accounts of one subscription into the store; whether it was answered.

        Raises StoreError. What the service refuses is noted for every one of them.
        """
        now = max(account.now() for account in accounts)
        try:
            found = await self._ask(accounts, first, last)
        except AzureError as error:
            log.warning("bill.refused", code=error.code, status=error.status, message=error.message)
            latest = last >= utc_day(now) - timedelta(days=1)
            for account in accounts:
                why, refused = _why(error, account.settings.subscription), _state(error) == "no permission"
                self._background.failed(BILL, why, account.name, refused=refused)
                if latest or not error.passing:  # days of the past that come later make the bill no older
                    await self._note(account, _state(error), now, why)
            return False
        for account in accounts:
            await self._put(account, first, last, found.get(account.name, []), now)
            self._background.ok(BILL, account.name)
        return True

    async def _ask(self, accounts: Sequence[Account], first: date, last: date) -> dict[str, list[BillRow]]:
        billed = {account.name: await _billed(account) for account in accounts}
        costs = accounts[0].costs()
        together = [each for each in billed.values() if not each.own_machines]
        found: dict[str, list[BillRow]] = {account.name: [] for account in accounts}
        for kind, basis in _KINDS:
            if together:
                lines = await costs.lines(kind, first, last, batch_filter(together), self._limiter)
                for name, rows in rows_of(lines, together, basis).items():
                    found[name] += rows
            for account in accounts:
                if (own := billed[account.name]).own_machines:
                    found[account.name] += await self._own(account.costs(), own, kind, basis, first, last)
        return found

    async def _own(
        self, costs: CostManagement, account: BilledAccount, kind: QueryType, basis: Basis, first: date, last: date
    ) -> list[BillRow]:
        lines = await costs.lines(kind, first, last, tagged_filter(account), self._limiter, tag=POOL_TAG)
        return tagged_rows(lines, account, basis)

    async def _put(self, account: Account, first: date, last: date, rows: list[BillRow], now: datetime) -> None:
        before = await self._store.bill_reading(account.name)
        account.currency = _currency(rows) or account.currency
        # An account that cost nothing for days is no account without a bill.
        ever = bool(rows) or bool(before and before.state == "ok")
        # Only a reading of the latest days says how fresh the bill is.
        latest = last >= utc_day(now) - timedelta(days=1)
        as_of = now if latest or before is None else before.as_of
        oldest = first
        if before and before.first and before.as_of and before.as_of.date() >= first - timedelta(days=1):
            oldest = min(first, before.first)  # else days in between are missing: they are read again from here
        message = "" if ever else _NO_DATA
        reading = BillReading(account.name, "ok" if ever else "no data", now, as_of, message, oldest)
        await self._store.put_bill(account.name, first, last, rows, reading)

    async def _note(self, account: Account, state: BillState, now: datetime, message: str) -> None:
        before = await self._store.bill_reading(account.name)
        reading = BillReading(account.name, state, now, message=message)
        if before:
            reading = replace(before, state=state, at=now, message=message)
        await self._store.put_bill_reading(reading)


_NO_DATA = (
    "Cost Management knows of no costs of this account. Costs appear 8 to 24 hours after use, of a new subscription "
    "after up to 48 hours; of subscriptions from a partner (CSP) only where the partner lets them be seen."
)


async def _billed(account: Account) -> BilledAccount:
    resource = (await account.resource()).value
    properties = resource.properties
    storage = properties.auto_storage.storage_account_id if properties.auto_storage else ""
    return BilledAccount(
        account.name,
        account.settings.batch_name,
        account.settings.resource_group,
        storage,
        properties.pool_allocation_mode.lower() == "usersubscription",
    )


def _currency(rows: Sequence[BillRow]) -> str:
    """The currency of the latest row; empty where there is none."""
    return max(rows, key=lambda row: row.day).currency if rows else ""


def _state(error: AzureError) -> BillState:
    if error.throttled:
        return "throttled"
    return "no permission" if error.status in (401, 403) or error.code == "NoTokenCredential" else "failed"


def _why(error: AzureError, subscription: str) -> str:
    if error.code == "NoTokenCredential":
        return (
            "The account is reached with its key, which Cost Management does not take: "
            f"give the bot an Entra ID identity that has the role {READER} on subscription {subscription}."
        )
    if error.status in (401, 403):
        return (
            f"The bot may not read costs: give the identity that reads the account the role {READER} "
            f"on subscription {subscription}."
        )
    if error.throttled:
        return "Cost Management is asked too often, by this or other tools of the tenant: it is asked again later."
    return f"Cost Management did not answer the question: {error.message}"
