"""What a report of a period says, in figures: made of ledgers, jobs and the bill, and laid out elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from msgspec import Struct

from bot.domain.entity import fold
from bot.domain.money.advice import Advice, Ended, Further, Outcome, PoolNow, outcome
from bot.domain.money.anomalies import Anomaly
from bot.domain.money.budgets import BudgetState
from bot.domain.money.forecast import Forecast
from bot.domain.money.ledger import Bill, JobSpend, Ledger
from bot.domain.money.meters import kind_of
from bot.domain.money.movers import Mover, PoolSpan
from bot.domain.money.reconcile import is_final
from bot.domain.money.spans import utc_day
from bot.domain.money.spend import NOTHING, Spend
from storage.port.bill import BillState

PRICED = 0.9
"""The share of core-hours that has to have a price for a sum of money to be named as the whole."""


class BillFacts(Struct, frozen=True):
    """What Azure billed for a period, by the amortized basis.

    ``machines`` is what VM meters came to and ``rest`` all others, in ``currency``; None where nothing was read, and
    then ``state`` and ``message`` say why. ``filling`` are days of the period that may still change at ``as_of``,
    ``since`` is the first day that was read at all, so far.
    """

    state: BillState | None
    message: str = ""
    as_of: datetime | None = None
    currency: str = ""
    machines: float | None = None
    rest: float | None = None
    filling: tuple[date, ...] = ()
    since: date | None = None

    @property
    def amount(self) -> float | None:
        """All of it."""
        return None if self.machines is None or self.rest is None else self.machines + self.rest


class Became(Struct, frozen=True):
    """Advice of the period before, and what became of it."""

    advice: Advice
    outcome: Outcome


class Restated(Struct, frozen=True):
    """What a report said, and what it would say by now."""

    was: float
    now: float
    currency: str


class Said(Struct, frozen=True):
    """What a report said in figures: what the next one restates."""

    amount: float
    currency: str
    bill: float | None = None


class Report(Struct, frozen=True, kw_only=True):
    """A period of an account. Money is in ``currency``: own usage at its rates, or with ``billed`` what was billed.

    ``now`` is the period, ``used`` its own usage in either case (whose cores are known even where its money is not),
    and ``before`` what it is compared with (None: too little is known of it). ``filling`` are days of the period whose
    cost is not final, and ``by_own`` those of a billed one that are own usage, with how much
    more that is than their bill. Where only some of its days can be compared, ``before`` is of the same days, which are
    ``compared_days``, and ``compared`` is what they cost now. ``days`` are its days with their
    spend, None for a day of which nothing was seen. ``seen`` is the share of the period that was sampled, ``as_of`` the
    last sample. ``pools`` are all of its pools, the dearest first, and ``pools_before`` what each cost before, by
    folded id. ``restated`` is what the report before said of its period, and what it would say of it today, where that
    is another amount; ``restated_bill`` the same of the bill.
    """

    account: str
    currency: str
    kind: str
    first: date
    last: date
    now: Spend
    used: Spend
    before: Spend | None
    compared: Spend | None = None
    compared_days: tuple[date, ...] = ()
    filling: tuple[date, ...] = ()
    by_own: Mapping[date, float] = {}
    days: tuple[tuple[date, Spend | None], ...]
    pools: tuple[PoolSpan, ...]
    pools_before: Mapping[str, float] = {}
    seen: float = 1.0
    as_of: datetime | None = None
    at_most: bool = False
    prices_source: str = ""
    prices_as_of: datetime | None = None
    movers: tuple[Mover, ...] = ()
    month: Forecast | None = None
    budgets: tuple[BudgetState, ...] = ()
    advice: tuple[Advice, ...] = ()
    more: tuple[Further, ...] = ()
    became: tuple[Became, ...] = ()
    ended: tuple[Ended, ...] = ()
    unusual: tuple[Anomaly, ...] = ()
    bill: BillFacts = BillFacts(None)
    restated: Restated | None = None
    restated_bill: Restated | None = None
    billed: bool = False
    late: bool = False
    """It was waited for fresher data, in vain."""

    @property
    def amount(self) -> float:
        """What the period cost."""
        return self.now.cost.total

    @property
    def unbilled(self) -> float:
        """What of a billed period's amount is not billed yet."""
        return sum(self.by_own.values())

    @property
    def whole(self) -> bool:
        """Whether its amount is all that it cost: nearly all of its core-hours have a price, or it was billed."""
        return self.billed or self.now.priced is None or self.now.priced >= PRICED

    @property
    def change(self) -> float | None:
        """How much more than what it is compared with, as a share of that; None where there is nothing.

        It is of days that are final on both sides, and of no others.
        """
        if self.before is None or not self.before.cost.total or not self.whole:
            return None
        now = (self.compared or self.now).cost.total
        return (now - self.before.cost.total) / abs(self.before.cost.total)

    @property
    def explained(self) -> float | None:
        """Own usage as a share of the VM meters' bill; None without a bill that can be compared."""
        bill = self.bill
        if (
            self.billed
            or not self.whole
            or bill.machines is None
            or bill.machines <= 0
            or bill.currency != self.currency
        ):
            return None
        return self.amount / bill.machines

    @property
    def todo(self) -> tuple[Advice | Further, ...]:
        """What to do: what is urgent first, then what costs most."""
        return tuple(sorted((*self.advice, *self.more), key=_weight))

    @property
    def saved(self) -> float:
        """What last period's advice saved, as measured."""
        return sum(each.outcome.saved for each in self.became)

    def said(self) -> Said:
        """What the next report restates."""
        return Said(self.amount, self.currency, self.bill.amount)


def _weight(each: Advice | Further) -> tuple[bool, float]:
    if isinstance(each, Advice):
        return True, -each.loss
    return not each.urgent, -(each.week or 0.0)


def spans(ledger: Ledger, jobs: Iterable[JobSpend] = ()) -> list[PoolSpan]:
    """The pools of a ledger over all of its window, the dearest first, with what each job's own busy cores cost.

    The size of a pool is the last one that it had.
    """
    own: dict[str, dict[str, float]] = {}
    for each in jobs:
        if each.job:
            kept = own.setdefault(fold(each.pool), {})
            kept[each.job] = kept.get(each.job, 0.0) + each.own.cost.total
    sizes = {fold(row.pool): row.vm_size for row in sorted(ledger.rows, key=lambda row: row.start) if row.vm_size}
    found = [
        PoolSpan(pool, spend, sizes.get(fold(pool), ""), own.get(fold(pool), {}))
        for pool, spend in ledger.by("pool").items()
        if spend.core_hours.total or spend.cost.total
    ]
    return sorted(found, key=lambda each: (-each.money, each.pool))


def daily(ledger: Ledger, days: Iterable[date]) -> list[tuple[date, Spend | None]]:
    """Each day with its spend; None before the first sample and after the last one, when nothing was seen.

    A day in between without a row had no nodes.
    """
    by_day = ledger.daily()
    first, last = ledger.first, ledger.as_of
    found: list[tuple[date, Spend | None]] = []
    for day in days:
        known = by_day.get(day)
        within = first and last and utc_day(first) <= day <= utc_day(last)
        found.append((day, known or (NOTHING if within else None)))
    return found


def bill_facts(bill: Bill, first: date, last: date) -> BillFacts:
    """What was billed from ``first`` to ``last``. Of two currencies nothing is added up, and the message says it."""
    reading = bill.reading
    if reading is None:
        return BillFacts(None)
    rows = [row for row in bill.rows if first <= row.day <= last]
    currencies = {row.currency for row in rows}
    if len(currencies) > 1:
        return BillFacts(reading.state, f"it is in {' and '.join(sorted(currencies))}", reading.as_of)
    if reading.as_of is None or not rows:
        return BillFacts(reading.state, reading.message, reading.as_of, since=reading.first)
    machines = sum(row.amount for row in rows if kind_of(row) == "machines")
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    filling = tuple(day for day in days if not is_final(day, reading.as_of))
    return BillFacts(
        reading.state,
        reading.message,
        reading.as_of,
        next(iter(currencies)),
        machines,
        sum(row.amount for row in rows) - machines,
        filling,
        reading.first,
    )


def what_became(
    given: Iterable[Advice], now: Iterable[PoolSpan], pools: Mapping[str, PoolNow], *, stretch: float = 1.0
) -> tuple[Became, ...]:
    """What became of advice over the period that followed it; ``pools`` say how they stand, by folded id."""
    by_pool = {fold(each.pool): each for each in now}
    found = []
    for each in given:
        stands = pools.get(fold(each.pool))
        ratio = stands.spot_ratio if stands else None
        result = outcome(each.kind, each.loss, by_pool.get(fold(each.pool)), stretch=stretch, spot_ratio=ratio)
        found.append(Became(each, result))
    return tuple(found)
