"""What an account cost over some days: own usage beside the bill, by day and pool. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.entity import fold, same_id
from bot.domain.money.ledger import Ledger, totals
from bot.domain.money.ledger import by_day as day_totals
from bot.domain.money.meters import kind_of
from bot.domain.money.reconcile import WATCHED, Reconciled, Restated, by_day, by_pool, is_final, reconcile
from bot.domain.money.spans import BILL_BACK, Days, utc_day
from bot.domain.money.spend import NOTHING, Spend, total
from cards.formatting import short_day
from storage.port.bill import BillReading, BillRow

_DAY = 86_400.0
_WEEKLY_FROM = 45
"""From so many days on they are shown by the week."""


class Split(NamedTuple):
    """An amount of the bill: machines that were busy, idle, and of which nobody knows; and what is for other things."""

    busy: float
    idle: float
    unwatched: float
    rest: float


class DayLine(Struct, frozen=True):
    """A day, or a week that begins on it: own usage, and what was billed (amortized; None: nothing is on the bill).

    ``own`` is what the bot's own samples know, without history from Azure Monitor. ``machines`` is what of the bill was
    for machines, ``busy`` and ``idle`` what of that was watched, and ``unbilled`` own usage of days of which nothing is
    on the bill yet. ``partial`` says that it may still grow or change.
    """

    day: date
    own: Spend
    billed: float | None
    machines: float = 0.0
    partial: bool = False
    busy: float = 0.0
    idle: float = 0.0
    unbilled: Spend = NOTHING

    def split(self) -> Split | None:
        """The bill as busy, idle and unwatched machines, and the rest of it; None where there is none."""
        if self.billed is None:
            return None
        return Split(self.busy, self.idle, self.machines - self.busy - self.idle, self.billed - self.machines)


class PoolLine(Struct, frozen=True):
    """A pool: own usage, and what was billed (amortized; None: nothing). An empty pool is what belongs to none."""

    pool: str
    own: Spend
    billed: float | None


class Statement(Struct, frozen=True):
    """The ledger and the bill of an account on some days; ``reconciled`` by currency, the largest first.

    ``reading`` is how the bill stands (None: it was never asked for), ``restated`` the settled days that changed later.
    """

    days: Days
    now: datetime
    ledger: Ledger
    rows: tuple[BillRow, ...]
    reading: BillReading | None
    reconciled: tuple[Reconciled, ...]
    restated: tuple[Restated, ...]

    @property
    def main(self) -> Reconciled | None:
        """The bill in the currency that there is most of; None where there is none."""
        return self.reconciled[0] if self.reconciled else None

    @property
    def further(self) -> tuple[Reconciled, ...]:
        """The bill in other currencies, which are never added to the main one."""
        return self.reconciled[1:]

    @property
    def currency(self) -> str:
        """The currency of amounts that are billed, else of own usage; empty where neither is known."""
        return self.main.currency if self.main else self.ledger.currency

    @property
    def known_from(self) -> date | None:
        """The first day of which the bill was read, where that is later than the first day; None where it is all."""
        first = self.reading.first if self.reading and self.main else None
        return first if first and first > self.days.first else None

    @property
    def being_read(self) -> bool:
        """Whether the bill of earlier days is still being read, as after the bot was set up."""
        return bool(self.known_from and self.known_from > utc_day(self.now) - timedelta(days=BILL_BACK))

    @property
    def words(self) -> str:
        """The window of what is billed: ``this month``, ``since 26 Nov, still being read``."""
        if self.known_from is None:
            return self.days.words
        return f"since {short_day(self.known_from)}{', still being read' if self.being_read else ''}"

    @property
    def comparable(self) -> bool:
        """Whether own usage and the bill are in one currency."""
        return bool(self.main) and self.currency == self.ledger.currency

    @property
    def by_week(self) -> bool:
        """Whether :meth:`day_lines` are weeks."""
        return self.days.count >= _WEEKLY_FROM

    def of_pool(self, pool: str) -> Statement:
        """The same of one pool; what was corrected afterwards is not known of it alone."""
        ledger = replace(self.ledger, rows=tuple(row for row in self.ledger.rows if same_id(row.pool, pool)))
        rows = tuple(row for row in self.rows if same_id(row.pool, pool))
        found = reconcile(rows, ledger, self.now)
        return replace(self, ledger=ledger, rows=rows, reconciled=found, restated=())

    def day_lines(self) -> list[DayLine]:
        """Every day of the window that has begun, or every week from Monday on."""
        own = day_totals(self.ledger.watched_rows)
        watched = self._watched()
        billed = by_day(self.rows, "amortized").get(self.currency, {})
        machines = by_day((row for row in self.rows if kind_of(row) == "machines"), "amortized").get(self.currency, {})
        lines: dict[date, list[DayLine]] = {}
        day, today = self.days.first, utc_day(self.now)
        while day <= min(self.days.last, today):
            final = is_final(day, self.now)
            mine = own.get(day, NOTHING)
            busy, idle = watched.get(day, (0.0, 0.0))
            unbilled = NOTHING if day in billed else mine
            line = DayLine(day, mine, billed.get(day), machines.get(day, 0.0), not final, busy, idle, unbilled)
            lines.setdefault(day - timedelta(days=day.weekday()) if self.by_week else day, []).append(line)
            day += timedelta(days=1)
        return [
            DayLine(
                max(begin, self.days.first),
                total(each.own for each in days),
                sum(each.billed for each in days if each.billed is not None)
                if any(each.billed is not None for each in days)
                else None,
                sum(each.machines for each in days),
                any(each.partial for each in days),
                sum(each.busy for each in days),
                sum(each.idle for each in days),
                total(each.unbilled for each in days),
            )
            for begin, days in lines.items()
        ]

    def _watched(self) -> dict[date, tuple[float, float]]:
        """What of the bill's machine money was busy and idle, by day: of each pool so much as was watched of it.

        A day that was watched in part counts by the share of its time; a pool without own samples on it not at all.
        """
        sampled = self.ledger.sampled_days()
        uses: dict[tuple[date, str], Spend] = {}
        for row in self.ledger.watched_rows:
            key = row.start.astimezone(UTC).date(), fold(row.pool)
            uses[key] = uses.get(key, NOTHING) + row.spend
        found: dict[date, tuple[float, float]] = {}
        for each in self.rows:
            if each.basis != "amortized" or each.currency != self.currency or kind_of(each) != "machines":
                continue
            use = uses.get((each.day, fold(each.pool)), NOTHING).core_hours
            if not use.total:
                continue
            begun = (self.now - datetime.combine(each.day, time(), UTC)).total_seconds()
            share = sampled.get(each.day, 0.0) / max(1.0, min(_DAY, begun))
            amount = each.amount * (1.0 if share >= WATCHED else share)
            busy, idle = found.get(each.day, (0.0, 0.0))
            more = amount * use.busy / use.total
            found[each.day] = busy + more, idle + amount - more
        return found

    def unbilled(self) -> Spend:
        """Own usage of days of which nothing is on the bill yet; nothing where there is no bill at all."""
        if not self.main:
            return NOTHING
        return total(each.unbilled for each in self.day_lines())

    def pool_lines(self) -> list[PoolLine]:
        """Every pool that was used or billed, the dearest first; what belongs to none comes last.

        A pool that only stood there without nodes is none of them.
        """
        own = totals(self.ledger.watched_rows, "pool")
        billed: Mapping[str, float] = by_pool(self.rows, "amortized").get(self.currency, {})
        names = {fold(name): name for name in billed} | {fold(name): name for name in own}
        by_name = {fold(name): spend for name, spend in own.items()}
        billed = {fold(name): amount for name, amount in billed.items()}
        lines = [PoolLine(name, by_name.get(key, NOTHING), billed.get(key)) for key, name in names.items()]
        lines = [each for each in lines if each.billed is not None or each.own.core_hours.total]
        return sorted(lines, key=lambda line: (not line.pool, -(line.billed or 0.0), -line.own.cost.total, line.pool))
