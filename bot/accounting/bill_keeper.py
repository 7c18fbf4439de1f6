"""Reads the bill of all accounts in the background, within the quota: four times a day, and three months back once.

Accounts of one subscription are asked for together. Days that are older than :data:`MOVING` are never asked for again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog
from msgspec.structs import replace

from bot.accounting.bill_refusals import NO_DATA, state_of, why_refused, why_unread
from bot.accounting.bill_rows import POOL_TAG, BilledAccount, batch_filter, rows_of, tagged_filter, tagged_rows
from bot.azure.account import Account
from bot.azure.cost import CostManagement, QueryType
from bot.azure.cost_limiter import CostLimiter
from bot.azure.errors import AzureError
from bot.clock import Clock
from bot.domain.money.spans import BILL_BACK, utc_day
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
BACK = BILL_BACK
"""Days that are read when an account is new here."""
CHUNK = 31
"""Days of one query: one QPU."""
BETWEEN = 45.0
"""Seconds between two queries of the past, which nobody waits for."""
AGAIN = 900.0
"""Seconds until another try where the service did not answer."""
SOON = 60.0
"""Seconds until another try where nothing could be stored, as on a full disk."""
_AHEAD = timedelta(minutes=10)
"""A reading that is dated later than now by more than clocks differ is none."""
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
        self._later: dict[str, float] = {}
        self._unbilled: set[str] = set()
        self._doubted: set[str] = set()

    async def load(self) -> None:
        """Know the currency of each bill from what is kept. Raises StoreError."""
        for account in self._accounts:
            reading = await self._store.bill_reading(account.name)
            if reading and reading.as_of:
                day = reading.as_of.date()
                rows = await self._store.bill(account.name, day - timedelta(days=BACK), day)
                account.currency = currency_of(rows) or account.currency

    async def run(self) -> None:
        """Read now, where that is due, and then again and again, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for accounts in self.groups():
                subscription = accounts[0].settings.subscription
                tasks.create_task(self._keep(accounts), name=f"bill {subscription}")

    def groups(self) -> list[list[Account]]:
        """The accounts that are asked for together: of one subscription, and reached by one identity."""
        found: dict[tuple[str, ...], list[Account]] = {}
        for account in self._accounts:
            settings = account.settings
            who = settings.credential, settings.client_id.lower()
            found.setdefault((settings.cloud, settings.subscription.lower(), *who), []).append(account)
        return list(found.values())

    async def _keep(self, accounts: Sequence[Account]) -> None:
        while True:
            try:
                wait = await self.tick(accounts)
            except StoreError as error:
                log.error("bill.not_stored", message=str(error))  # noqa: TRY400 - it says all
                self._fails(accounts, error)
                wait = SOON
            except Exception as error:
                log.exception("bill.failed")
                self._fails(accounts, error)
                wait = AGAIN
            await self._clock.sleep(wait)

    def _fails(self, accounts: Sequence[Account], error: Exception) -> None:
        for account in accounts:
            self._background.failed(BILL, error, account.name)

    def _told(self, account: Account, error: AzureError, why: str) -> None:
        self._background.failed(BILL, why, account.name, refused=state_of(error) == "no permission")

    async def tick(self, accounts: Sequence[Account]) -> float:
        """Read what is due of accounts that are asked for together; the seconds until the next. Raises StoreError."""
        billed = await self._billed(accounts)
        waits = [AGAIN] if len(billed) < len(accounts) else []
        for part in _parts(accounts, billed):
            key = part[0].name
            wait = self._later.get(key, 0.0) - self._clock.elapsed()
            if wait <= 0.0:
                wait = await self._tick(part, billed)
                self._later[key] = self._clock.elapsed() + wait if wait == AGAIN else 0.0
            waits.append(wait)
        return min(waits)

    async def _tick(self, accounts: Sequence[Account], billed: Mapping[str, BilledAccount]) -> float:
        readings = {account.name: await self._store.bill_reading(account.name) for account in accounts}
        now = max(account.now() for account in accounts)
        known = [reading for reading in readings.values() if reading and reading.as_of]
        answered = [reading.as_of for reading in known if reading.as_of] if len(known) == len(accounts) else []
        fresh = answered and (now - min(answered)).total_seconds() < EVERY * (1 - JITTER)
        ahead = answered and max(answered) - now > _AHEAD  # the clock was wrong then, or is now
        again = any(account.name in self._unbilled for account in accounts)
        if not fresh or ahead or again:
            last = utc_day(now)
            first = last - timedelta(days=MOVING - 1)
            if answered:  # what has moved since it was read, after a longer silence; a chunk at most
                moved = min(answered).date() - timedelta(days=MOVING - 1)
                first = max(min(first, moved), last - timedelta(days=CHUNK - 1))
            return BETWEEN if await self._read(accounts, billed, first, last) else AGAIN
        return await self._go_back(accounts, billed, known, now)

    async def _go_back(
        self,
        accounts: Sequence[Account],
        billed: Mapping[str, BilledAccount],
        known: Sequence[BillReading],
        now: datetime,
    ) -> float:
        """Read a piece of the past, where some is missing; the seconds until the next thing is due."""
        today = utc_day(now)
        oldest = max((reading.first or today for reading in known), default=today)
        horizon = today - timedelta(days=BACK)
        if oldest > horizon:
            last = oldest - timedelta(days=1)
            first = max(horizon, last - timedelta(days=CHUNK - 1))
            return BETWEEN if await self._read(accounts, billed, first, last) else AGAIN
        since = min((reading.as_of for reading in known if reading.as_of), default=now)
        due = EVERY * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads, guards nothing
        return max(60.0, due - (now - since).total_seconds())

    async def read(self, accounts: Sequence[Account], first: date, last: date) -> bool:
        """Read these days of accounts that are asked for together into the store; whether all was answered.

        Raises StoreError. What the service refuses is noted for those that it was refused for.
        """
        billed = await self._billed(accounts)
        answered = [await self._read(part, billed, first, last) for part in _parts(accounts, billed)]
        return len(billed) == len(accounts) and all(answered)

    async def _billed(self, accounts: Sequence[Account]) -> dict[str, BilledAccount]:
        """The accounts as the bill knows them; why one cannot be asked for is noted at that one alone."""
        found = {}
        for account in accounts:
            try:
                account.costs()
                found[account.name] = await _billed(account)
            except AzureError as error:
                self._unbilled.add(account.name)
                log.warning("bill.no_account", account=account.name, code=error.code, message=error.message)
                why = why_refused(error, account) if error.code == "NoTokenCredential" else why_unread(error, account)
                self._told(account, error, why)
                await self._note(account, state_of(error), account.now(), why)
        return found

    async def _read(
        self, accounts: Sequence[Account], billed: Mapping[str, BilledAccount], first: date, last: date
    ) -> bool:
        now = max(account.now() for account in accounts)
        try:
            found = await self._ask(accounts, billed, first, last)
        except AzureError as error:
            log.warning("bill.refused", code=error.code, status=error.status, message=error.message)
            latest = last >= utc_day(now) - timedelta(days=1)
            for account in accounts:
                self._told(account, error, why_refused(error, account))
                if latest or not error.passing:  # days of the past that come later make the bill no older
                    await self._note(account, state_of(error), now, why_refused(error, account))
            return False
        for account in accounts:
            self._background.ok(BILL, account.name)
        believed = [await self._put(account, first, last, found.get(account.name, []), now) for account in accounts]
        self._unbilled.difference_update(account.name for account in accounts)
        return all(believed)

    async def _ask(
        self, accounts: Sequence[Account], billed: Mapping[str, BilledAccount], first: date, last: date
    ) -> dict[str, list[BillRow]]:
        costs, parts = accounts[0].costs(), [billed[account.name] for account in accounts]
        found: dict[str, list[BillRow]] = {account.name: [] for account in accounts}
        for kind, basis in _KINDS:
            if parts[0].own_machines:
                found[parts[0].name] += await self._own(costs, parts[0], kind, basis, first, last)
                continue
            lines = await costs.lines(kind, first, last, batch_filter(parts), self._limiter)
            for name, rows in rows_of(lines, parts, basis).items():
                found[name] += rows
        return found

    async def _own(
        self, costs: CostManagement, account: BilledAccount, kind: QueryType, basis: Basis, first: date, last: date
    ) -> list[BillRow]:
        lines = await costs.lines(kind, first, last, tagged_filter(account), self._limiter, tag=POOL_TAG)
        return tagged_rows(lines, account, basis)

    async def _put(self, account: Account, first: date, last: date, rows: list[BillRow], now: datetime) -> bool:
        """Store what was read; False where it would empty days that had costs, and nothing yet agrees with that."""
        before = await self._store.bill_reading(account.name)
        kept = await self._store.bill(account.name, min(first, last - timedelta(days=BACK)), last)
        emptied = {row.basis for row in kept if row.day >= first} - {row.basis for row in rows}
        if emptied and account.name not in self._doubted:
            self._doubted.add(account.name)
            log.warning("bill.emptied", account=account.name, first=str(first), last=str(last))
            return False
        self._doubted.discard(account.name)
        account.currency = currency_of(rows) or account.currency
        # An account that cost nothing for days is no account without a bill.
        ever = bool(rows) or bool(before and before.state == "ok") or any(row.day < first for row in kept)
        # Only a reading of the latest days says how fresh the bill is.
        latest = last >= utc_day(now) - timedelta(days=1)
        as_of = now if latest or before is None else before.as_of
        oldest = first
        if before and before.first and before.as_of and before.as_of.date() >= first - timedelta(days=1):
            oldest = min(first, before.first)  # else days in between are missing: they are read again from here
        message = "" if ever else NO_DATA
        reading = BillReading(account.name, "ok" if ever else "no data", now, as_of, message, oldest)
        await self._store.put_bill(account.name, first, last, rows, reading)
        return True

    async def _note(self, account: Account, state: BillState, now: datetime, message: str) -> None:
        before = await self._store.bill_reading(account.name)
        reading = BillReading(account.name, state, now, message=message)
        if before:
            reading = replace(before, state=state, at=now, message=message)
        await self._store.put_bill_reading(reading)


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


def _parts(accounts: Sequence[Account], billed: Mapping[str, BilledAccount]) -> list[list[Account]]:
    """Those that one question is about: all that the service allocates machines for, and each of the others."""
    able = [account for account in accounts if account.name in billed]
    together = [account for account in able if not billed[account.name].own_machines]
    return [part for part in (together, *([each] for each in able if each not in together)) if part]


def currency_of(rows: Sequence[BillRow]) -> str:
    """The currency that most was billed in on the latest days; empty where there is no row."""
    since = max((row.day for row in rows), default=date.max) - timedelta(days=MOVING)
    money: dict[str, float] = {}
    for row in rows:
        if row.day > since:
            money[row.currency] = money.get(row.currency, 0.0) + abs(row.amount)
    return max(sorted(money), key=lambda each: money[each], default="")
