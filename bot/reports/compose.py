"""Makes a report of a period out of the accounting, the store, and how pools stand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from bot.accounting.service import Accounting
from bot.domain.core_use import MOSTLY
from bot.domain.entity import fold
from bot.domain.money.advice import Advice, PoolNow, advise
from bot.domain.money.anomalies import Anomaly
from bot.domain.money.billed import best_known, billed_ledger
from bot.domain.money.budgets import Budget, BudgetState, state_of
from bot.domain.money.ledger import JobSpend, Ledger
from bot.domain.money.movers import movers
from bot.domain.money.report import PRICED, Report, Restated, Said, bill_facts, daily, spans, what_became
from bot.domain.money.spans import utc_day
from bot.domain.recommendations.decisions import is_set_aside
from bot.domain.recommendations.money import of_advice
from bot.reports.calendar import Period, before, compared_with, same_days
from bot.reports.doing import chosen, ended
from bot.reports.history import History, history
from bot.reports.subscriptions import report_of
from storage.port.decoding import decoded
from storage.port.store import Store

_BEFORE = {"daily": "the day before", "weekly": "the week before", "monthly": "the month before"}


_COMPARED = {**_BEFORE, "daily": "the same day the week before"}
_WATCHED = 0.9
"""A day of own usage of which less was sampled is not held against another."""


def period_before(kind: str) -> str:
    """How the period before is called."""
    return _BEFORE[kind]


def compared_period(kind: str) -> str:
    """How that is called which a period is held against."""
    return _COMPARED[kind]


class Taken(Struct, frozen=True):
    """A period by own usage, or by the bill (``by_bill``): its ledger, and the days whose cost is not final."""

    own: Ledger
    ledger: Ledger
    by_bill: bool
    filling: frozenset[date] = frozenset()
    by_own: Mapping[date, float] = MappingProxyType({})

    def final(self, day: date) -> bool:
        """Whether a day can be held against another: its bill is final, or its own usage was seen throughout."""
        return day not in self.filling if self.by_bill else day in self.own.watched_days(_WATCHED)

    def on(self, days: Iterable[date]) -> Ledger:
        """The ledger of some days alone."""
        wanted = set(days)
        return replace(self.ledger, rows=tuple(row for row in self.ledger.rows if utc_day(row.start) in wanted))


class Composer:
    """Makes reports. Every method may raise StoreError, and KeyError for an account that the settings do not know."""

    def __init__(self, accounting: Accounting, store: Store, budgets: Sequence[Budget] = ()) -> None:
        self.accounting = accounting
        self.store = store
        self._budgets = list(budgets)

    def use(self, budgets: Sequence[Budget]) -> None:
        """These are the budgets from now on."""
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

        ``pools`` say how the account's pools stand, by folded id. The three things to do that matter most are said,
        those that are no money of the period as they were kept last; what people set aside is not. ``conversation``
        (its key) is whom the report before was posted to, for restating it; empty for nobody.
        """
        earlier, other = before(period), compared_with(period)
        taken, was = await self._taken(account, period, other)
        own, ledger = taken.own, taken.ledger
        comparable = known_whole(was.ledger) and was.ledger.currency == ledger.currency and was.by_bill == taken.by_bill
        pairs = [(day, old) for day, old in same_days(period, other) if taken.final(day) and was.final(old)]
        every = len(pairs) == min(period.days, other.days) and not taken.filling and not was.filling
        final = set(period.dates()) if every else {day for day, _ in pairs}
        final_before = set(other.dates()) if every else {day for _, day in pairs}
        comparable = comparable and bool(pairs)
        jobs: tuple[JobSpend, ...] = ()
        jobs_before: tuple[JobSpend, ...] = ()
        if not taken.by_bill:
            jobs = await self.accounting.jobs(account, period.since, period.until)
            jobs_before = await self.accounting.jobs(account, other.since, other.until)
        now_spans = spans(ledger, jobs)
        final_spans = (
            now_spans if every else spans(taken.on(final), [each for each in jobs if utc_day(each.start) in final])
        )
        before_spans = spans(
            was.on(final_before), [each for each in jobs_before if utc_day(each.start) in final_before]
        )
        past = await self.past(account, now)
        bill = bill_facts(
            await self.accounting.bill(account, period.first, period.last, "amortized"), period.first, period.last
        )
        key = report_of(period.kind, account)
        post = await self.store.report_post(conversation, key, earlier.key) if conversation else None
        said = decoded(post.body, Said) if post and post.body else None
        bill_before = bill_facts(
            await self.accounting.bill(account, earlier.first, earlier.last, "amortized"), earlier.first, earlier.last
        )
        restating = was.ledger
        if said and earlier != other:
            restating = (await self._taken(account, earlier, compared_with(earlier)))[0].ledger
        rows = await self.store.recommendations(account)
        aside = {row.id for row in rows if is_set_aside(row, now)}
        given = [
            found
            for row in await self.store.advice(account, key, earlier.key)
            if (found := decoded(row.body, Advice)) and of_advice(found, "").id(account) not in aside
        ]

        def count() -> Report:
            found = advise(now_spans, pools, now, most=len(now_spans)) if not taken.by_bill else []
            advice, more = chosen(account, found, ledger.currency, rows, aside, now)
            month = past.month
            return Report(
                account=account,
                currency=ledger.currency,
                kind=period.kind,
                first=period.first,
                last=period.last,
                now=ledger.total,
                used=own.total,
                before=was.on(final_before).total if comparable else None,
                compared=taken.on(final).total if comparable and not every else None,
                compared_days=tuple(sorted(final)) if comparable and not every else (),
                filling=tuple(sorted(taken.filling)),
                by_own=dict(sorted(taken.by_own.items())),
                days=tuple(daily(ledger, period.dates())),
                pools=tuple(now_spans),
                pools_before={fold(each.pool): each.money for each in before_spans} if comparable and every else {},
                seen=ledger.seen,
                as_of=ledger.as_of,
                at_most=any(row.at_most for row in own.rows),
                prices_source=ledger.price_source,
                prices_as_of=ledger.prices_as_of,
                movers=tuple(
                    movers(
                        before_spans,
                        final_spans,
                        compared_period(period.kind) if every else f"the same days of {compared_period(period.kind)}",
                        unit="node-hour" if taken.by_bill else "core-hour",
                    )
                )
                if comparable
                else (),
                month=month,
                budgets=self.states(account, past),
                advice=tuple(advice),
                more=tuple(more),
                became=what_became(
                    given if not taken.by_bill and ledger.seen >= MOSTLY else [],
                    now_spans,
                    pools,
                    stretch=earlier.days / period.days,
                ),
                ended=tuple(ended(rows, period, {of_advice(each, "").id(account) for each in given}, ledger.currency)),
                bill=bill,
                restated=_restated(said, restating) if said and restating else None,
                restated_bill=_corrected(said.bill, bill_before.amount, bill_before.currency) if said else None,
                billed=taken.by_bill,
                late=late,
            )

        report = await asyncio.to_thread(count)
        return msgspec.structs.replace(report, unusual=tuple(await self.unusual(account, now)))

    async def _taken(self, account: str, period: Period, other: Period) -> tuple[Taken, Taken]:
        """Two periods by the same measure: own usage where both were seen, else the bill where it tells of the first.

        Where the bill does not reach back to the other one, that one is by own usage, and is compared with nothing.
        """
        own, own_before = [await self.accounting.spend(account, each.since, each.until) for each in (period, other)]
        billed = await self._billed(account, period, own)
        before_ = await self._billed(account, other, own_before)
        if billed and (not known_whole(own) or (before_ and not known_whole(own_before))):
            return billed, before_ or Taken(own_before, own_before, by_bill=False)
        return Taken(own, own, by_bill=False), Taken(own_before, own_before, by_bill=False)

    async def _billed(self, account: str, period: Period, own: Ledger) -> Taken | None:
        """A period by its bill, on days that still fill by own usage where that is more; None where it was not read."""
        bill = await self.accounting.bill(account, period.first, period.last, "amortized")
        reading = bill.reading
        if reading is None or reading.as_of is None or reading.first is None or reading.first > period.first:
            return None
        billed = billed_ledger(account, bill.rows, period.since, period.until, reading.as_of)
        if billed is None:
            return None
        same = own if own.currency == billed.currency else replace(own, rows=())
        best = best_known(same, own.watched_days(_WATCHED), billed, reading.as_of)
        return Taken(own, best.ledger, by_bill=True, filling=best.filling, by_own=best.by_own)

    def states(self, account: str, past: History) -> tuple[BudgetState, ...]:
        """How the budgets of an account stand."""
        days = [*past.known, *past.filling, past.today]
        return tuple(
            state_of(
                each,
                past.ledger.rows,
                past.ledger.currency,
                past.today,
                days,
                changed=past.changed(each.covers),
                filling=past.filling,
            )
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
