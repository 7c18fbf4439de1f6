"""Makes a report of a period out of the accounting, the store, and how pools stand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.accounting.service import Accounting
from bot.domain.core_use import MOSTLY
from bot.domain.entity import fold
from bot.domain.money.advice import Advice, PoolNow, advise
from bot.domain.money.anomalies import Anomaly
from bot.domain.money.billed import billed_ledger
from bot.domain.money.budgets import Budget, BudgetState, state_of
from bot.domain.money.forecast import month_end
from bot.domain.money.ledger import Ledger
from bot.domain.money.movers import movers
from bot.domain.money.report import PRICED, Report, Restated, Said, bill_facts, daily, spans, what_became
from bot.reports.calendar import Period, before
from bot.reports.history import History, history
from bot.reports.subscriptions import report_of
from storage.port.decoding import decoded
from storage.port.store import Store

_BEFORE = {"daily": "the day before", "weekly": "the week before", "monthly": "the month before"}


def period_before(kind: str) -> str:
    """How the period before is called."""
    return _BEFORE[kind]


class Composer:
    """Makes reports. Every method may raise StoreError, and KeyError for an account that the settings do not know."""

    def __init__(self, accounting: Accounting, store: Store, budgets: Sequence[Budget] = ()) -> None:
        self.accounting = accounting
        self.store = store
        self._budgets = list(budgets)

    def budgets_of(self, account: str) -> list[Budget]:
        """The budgets of an account."""
        return [each for each in self._budgets if each.account == account]

    async def past(self, account: str, now: datetime) -> History:
        """The last days of an account."""
        return await history(self.accounting, self.store, account, now)

    async def report(
        self,
        account: str,
        period: Period,
        now: datetime,
        pools: Mapping[str, PoolNow],
        *,
        conversation: str = "",
        late: bool = False,
    ) -> Report:
        """What is to be said of a period.

        ``pools`` say how the account's pools stand, by folded id. ``conversation`` (its key) is whom the report before
        was posted to, for restating it; empty for nobody.
        """
        earlier = before(period)
        own = await self.accounting.spend(account, period.since, period.until)
        ledger, ledger_before = own, await self.accounting.spend(account, earlier.since, earlier.until)
        billed = None if known_whole(own) else await self._billed(account, period.since, period.until)
        if billed:  # the bot was not there: the bill of both periods is all that can be held against each other
            ledger = billed
            ledger_before = await self._billed(account, earlier.since, earlier.until) or ledger_before
            now_spans, before_spans = spans(ledger), spans(ledger_before)
        else:
            now_spans = spans(ledger, await self.accounting.jobs(account, period.since, period.until))
            before_spans = spans(ledger_before, await self.accounting.jobs(account, earlier.since, earlier.until))
        past = await self.past(account, now)
        bill = bill_facts(
            await self.accounting.bill(account, period.first, period.last, "amortized"), period.first, period.last
        )
        comparable = known_whole(ledger_before) and ledger_before.currency == ledger.currency
        key = report_of(period.kind, account)
        post = await self.store.report_post(conversation, key, earlier.key) if conversation else None
        said = decoded(post.body, Said) if post and post.body else None
        bill_before = bill_facts(
            await self.accounting.bill(account, earlier.first, earlier.last, "amortized"), earlier.first, earlier.last
        )
        given = [
            found for row in await self.store.advice(account, key, earlier.key) if (found := decoded(row.body, Advice))
        ]

        def count() -> Report:
            month = month_end(past.daily, past.today, changed=past.changed())
            return Report(
                account=account,
                currency=ledger.currency,
                kind=period.kind,
                first=period.first,
                last=period.last,
                now=ledger.total,
                used=own.total,
                before=ledger_before.total if comparable else None,
                days=tuple(daily(ledger, period.dates())),
                pools=tuple(now_spans),
                pools_before={fold(each.pool): each.money for each in before_spans} if comparable else {},
                seen=ledger.seen,
                as_of=ledger.as_of,
                at_most=any(row.at_most for row in own.rows),
                prices_source=ledger.price_source,
                prices_as_of=ledger.prices_as_of,
                movers=tuple(movers(before_spans, now_spans, period_before(period.kind))) if comparable else (),
                month=month,
                budgets=self.states(account, past),
                advice=tuple(advise(now_spans, pools, now)) if not billed else (),
                became=what_became(
                    given if not billed and ledger.seen >= MOSTLY else [],
                    now_spans,
                    pools,
                    stretch=earlier.days / period.days,
                ),
                bill=bill,
                restated=_restated(said, ledger_before) if said else None,
                restated_bill=_corrected(said.bill, bill_before.amount, bill_before.currency) if said else None,
                billed=billed is not None,
                late=late,
            )

        report = await asyncio.to_thread(count)
        return msgspec.structs.replace(report, unusual=tuple(await self.unusual(account, now)))

    async def _billed(self, account: str, since: datetime, until: datetime) -> Ledger | None:
        """What was billed, as a ledger; None where the bill was not read from the beginning on."""
        bill = await self.accounting.bill(account, since.date(), (until - timedelta(days=1)).date(), "amortized")
        reading = bill.reading
        if reading is None or reading.first is None or reading.first > since.date():
            return None
        return billed_ledger(account, bill.rows, since, until, reading.as_of)

    def states(self, account: str, past: History) -> tuple[BudgetState, ...]:
        """How the budgets of an account stand."""
        days = [*past.known, past.today]
        return tuple(
            state_of(each, past.ledger.rows, past.ledger.currency, past.today, days, changed=past.changed(each.covers))
            for each in self.budgets_of(account)
        )

    async def unusual(self, account: str, now: datetime) -> list[Anomaly]:
        """Unusual days of the last week that nobody has answered to."""
        rows = await self.store.anomalies(account, now - timedelta(days=7))
        return [found for row in rows if not row.answer and (found := decoded(row.body, Anomaly))]


def known_whole(ledger: Ledger) -> bool:
    """Whether a period was seen, and priced, enough for its cost to be named and another to be held against it."""
    priced = ledger.total.priced
    return ledger.first is not None and ledger.seen >= MOSTLY and (priced is None or priced >= PRICED)


def _restated(said: Said, ledger: Ledger) -> Restated | None:
    """What was said of a period, and what is said today, where that differs by as much as is shown."""
    if said.currency != ledger.currency:
        return None
    return _corrected(said.amount, ledger.total.cost.total, ledger.currency)


def _corrected(was: float | None, now: float | None, currency: str) -> Restated | None:
    if was is None or now is None or abs(now - was) < max(0.005 * abs(was), 0.01):
        return None
    return Restated(was, now, currency)
