"""Looks at the money of every account all the time: how budgets stand, and days that cost unusually much.

What it finds goes into the scene of the monitor, where the alert rules find it (``account.budget``,
``pool.unusual_cost``): one message for each, told, muted and answered as every other alert.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta

import msgspec
import structlog

from bot.clock import Clock
from bot.domain.entity import fold
from bot.domain.money.anomalies import ACTIVE, Anomaly, Answer, Unusual, first_unusual, told
from bot.domain.money.movers import PoolSpan, cause_of
from bot.domain.money.report import spans
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
        """Note what stands out of the day that has just ended: only on the first day, and only with its cause."""
        day = past.today - _DAY
        if day not in past.known:
            return
        rows = await self._composer.store.anomalies(account, now - DAYS * _DAY)
        known = {(fold(row.pool), row.day) for row in rows}
        answers = [answer for row in rows if row.answer and (answer := decoded(row.reply, Answer))]
        for pool in past.pools():
            if (fold(pool), day) in known:
                continue
            planned = [each.day for each in answers if each.verdict == "planned" and fold(each.pool) == fold(pool)]
            costs = past.of_pool(pool)
            found = first_unusual(costs, day, planned=planned, floor=self._floor)
            if found is None:
                continue
            anomaly = await self._with_cause(account, pool, found, _like_usual(costs, found))
            if anomaly is None:
                log.info("money.unusual_without_cause", account=account, pool=pool, day=day.isoformat())
            elif told(anomaly, answers):
                row = AnomalyRow(account, pool, day, now, msgspec.json.encode(anomaly))
                await self._composer.store.put_anomaly(row)

    async def _with_cause(self, account: str, pool: str, found: Unusual, other: date) -> Anomaly | None:
        """An unusual day with what drove it, against a usual one; None where it has no single cause."""
        was, is_ = [await self._span(account, pool, day) for day in (other, found.day)]
        cause = cause_of(was, is_, "usually")
        return Anomaly(pool, found, cause) if cause else None

    async def _span(self, account: str, pool: str, day: date) -> PoolSpan | None:
        begin = datetime.combine(day, time(), UTC)
        accounting = self._composer.accounting
        ledger = await accounting.spend(account, begin, begin + _DAY)
        jobs = await accounting.jobs(account, begin, begin + _DAY)
        return next((each for each in spans(ledger, jobs) if fold(each.pool) == fold(pool)), None)


def _like_usual(costs: dict[date, float], found: Unusual) -> date:
    """Of the same weekdays of the last weeks the one that cost most like usual, the latest of several."""
    days = [day for n in range(1, 9) if (day := found.day - timedelta(weeks=n)) in costs]
    return min(days, key=lambda day: (abs(costs[day] - found.usual), -day.toordinal()))
