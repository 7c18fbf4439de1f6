"""Looks at the money of every account all the time: how budgets stand, and days that cost unusually much.

What it finds goes into the scene of the monitor, where the alert rules find it (``account.budget``,
``pool.unusual_cost``): one message for each, told, muted and answered as every other alert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from bot.clock import Clock
from bot.domain.entity import fold
from bot.domain.money.anomalies import ACTIVE, WEEKS, Anomaly, Answer, Unusual, first_unusual, told
from bot.domain.money.movers import Cause, PoolSpan, cause_of
from bot.domain.money.report import spans
from bot.domain.money.spans import utc_day
from bot.monitor.background import MONEY, Background
from bot.monitor.scene import MoneyView, UnusualView
from bot.reports.compose import Composer
from bot.reports.history import DAYS, History
from storage.port.decoding import decoded
from storage.port.errors import StoreError
from storage.port.reports import AnomalyRow

log = structlog.get_logger()

EVERY = 900.0
"""Seconds between two looks: a budget is spent over hours."""
_SOON = 60.0
"""Seconds until the first one, and after a failure: the monitor has to have looked before."""
_DAY = timedelta(days=1)
_USUALLY = "usually"
"""What the day is held against, in words."""

Hear = Callable[[str, MoneyView], None]


class MoneyWatch:
    """One look after another. ``hear`` is told how the money of an account stands."""

    def __init__(
        self,
        composer: Composer,
        accounts: Iterable[str],
        clock: Clock,
        hear: Hear,
        *,
        floor: float,
        background: Background | None = None,
    ) -> None:
        """``floor`` is what a day has to cost more than usual, in the currency of prices."""
        self._composer = composer
        self._accounts = list(accounts)
        self._clock = clock
        self._hear = hear
        self._floor = floor
        self._background = background or Background(clock)
        self._without: set[tuple[str, str, date, bool, bool]] = set()
        """Unusual days whose cause was looked for in vain, and by which measures: by own usage, by the bill."""

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            wait = EVERY
            for account in self._accounts:
                try:
                    if not await self.look(account, self._clock.now()):
                        wait = _SOON
                    self._background.ok(MONEY, account)
                except StoreError as error:
                    log.error("money.not_read", account=account, message=str(error))  # noqa: TRY400 - it says all
                    self._background.failed(MONEY, error, account)
                    wait = _SOON
                except Exception as error:  # one account does not keep the others from being looked at
                    log.exception("money.failed", account=account)
                    self._background.failed(MONEY, error, account)
                    wait = _SOON
            await self._clock.sleep(wait)

    async def look(self, account: str, now: datetime) -> bool:
        """Look at one account; False where nothing is known of it yet. Raises StoreError."""
        past = await self._composer.past(account, now)
        if past.ledger.as_of is None:
            return False
        await self._judge(account, past, now)
        self._hear(account, await self.view(account, past, now))
        return True

    async def view(self, account: str, past: History, now: datetime) -> MoneyView:
        """How the money of an account stands."""
        rows = await self._composer.store.anomalies(account, now - ACTIVE)
        unusual = [
            UnusualView(found, row.found)
            for row in rows
            if not row.answer and (found := decoded(row.body, Anomaly)) is not None
        ]
        return MoneyView(past.ledger.currency, self._composer.states(account, past), tuple(unusual), now)

    async def _judge(self, account: str, past: History, now: datetime) -> None:
        """Note what stands out of the last days, each as soon as it is known: only the first day, and with its cause.

        Yesterday is known where it was watched, an older day by its bill, which is final after three days.
        """
        rows = await self._composer.store.anomalies(account, now - DAYS * _DAY)
        noted = {(fold(row.pool), row.day) for row in rows}
        answers = [answer for row in rows if row.answer and (answer := decoded(row.reply, Answer))]
        for pool, found in await asyncio.to_thread(standing_out, past, answers, self._floor):
            key = account, fold(pool), found.day, found.day in past.by_own, found.day in past.by_bill
            if (fold(pool), found.day) in noted or key in self._without:
                continue
            anomaly = await self._with_cause(account, pool, found, past)
            if anomaly is None:
                self._without.add(key)
                log.info("money.unusual_without_cause", account=account, pool=pool, day=found.day.isoformat())
            elif told(anomaly, answers):
                row = AnomalyRow(account, pool, found.day, now, msgspec.json.encode(anomaly))
                await self._composer.store.put_anomaly(row)

    async def _with_cause(self, account: str, pool: str, found: Unusual, past: History) -> Anomaly | None:
        """An unusual day with what drove it, against a usual one; None where it has no single cause.

        Both days are by the same measure: own samples count cores and know jobs, a bill counts nodes.
        """
        costs = past.of_pool(pool)
        cause: Cause | None = None
        if found.day in past.by_own and (other := _like_usual(costs, found, past.by_own)):
            was, is_ = [await self._span(account, pool, day) for day in (other, found.day)]
            cause = cause_of(was, is_, _USUALLY)
        elif found.day in past.by_bill and (other := _like_usual(costs, found, past.by_bill)):
            was, is_ = _billed(past, pool, other), _billed(past, pool, found.day)
            cause = cause_of(was, is_, _USUALLY, unit="node-hour")
        return Anomaly(pool, found, cause) if cause else None

    async def _span(self, account: str, pool: str, day: date) -> PoolSpan | None:
        begin = datetime.combine(day, time(), UTC)
        accounting = self._composer.accounting
        ledger = await accounting.spend(account, begin, begin + _DAY)
        jobs = await accounting.jobs(account, begin, begin + _DAY)
        return _of(spans(ledger, jobs), pool)


def standing_out(past: History, answers: Collection[Answer], floor: float) -> list[tuple[str, Unusual]]:
    """The days of the last week that are known and unusual, the first of each stretch, by pool."""
    days = [day for n in range(ACTIVE.days, 0, -1) if (day := past.today - n * _DAY) in past.known]
    found = []
    for pool in past.pools():
        planned = [each.day for each in answers if each.verdict == "planned" and fold(each.pool) == fold(pool)]
        costs = past.of_pool(pool)
        judged = (first_unusual(costs, day, planned=planned, floor=floor) for day in days)
        found += [(pool, each) for each in judged if each is not None]
    return found


def _billed(past: History, pool: str, day: date) -> PoolSpan | None:
    """A pool on a day by its bill."""
    return _of(spans(replace(past.ledger, rows=tuple(r for r in past.ledger.rows if utc_day(r.start) == day))), pool)


def _of(found: Iterable[PoolSpan], pool: str) -> PoolSpan | None:
    return next((each for each in found if fold(each.pool) == fold(pool)), None)


def _like_usual(costs: Mapping[date, float], found: Unusual, among: Collection[date]) -> date | None:
    """Of the same weekdays of the last weeks the one that cost most like usual, the latest of several."""
    days = [day for n in range(1, WEEKS + 1) if (day := found.day - timedelta(weeks=n)) in costs and day in among]
    return min(days, key=lambda day: (abs(costs[day] - found.usual), -day.toordinal()), default=None)
