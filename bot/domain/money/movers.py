"""What made a bill move: pools whose cost changed most from one period to the next, each with its cause.

A pool's cost is core-hours times price, by kind of node. What changed is taken apart into parts that each have a name:
another price, dedicated nodes where there were spot ones, another VM size, the jobs that ran, more or fewer hours of
nodes. A cause is named where its part is half of the change or more; where none is, that is said instead of a guess.
That nodes idled longer is no cause by itself: it follows from hours of nodes, and is said with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from bot.domain.entity import fold, schedule_of
from bot.domain.money.spend import NOTHING, Spend
from cards.formatting import number, share
from storage.port.core_use import IdleReason

MOST = 3
ENOUGH = 0.5
"""The share of a change that a cause has to explain."""
SMALL = 0.01
"""Of all that was spent; what moved less is not shown."""
_FLAT = 0.02
"""Hours that differ by less are the same: they are no cause."""
_PRICE = 0.02
"""Prices that differ less are the same: a sheet and a list round otherwise."""
AMOUNT = "¤"
"""Stands for an amount of money in the words of a cause; no id of Azure Batch may have it."""
_NUMBERED = re.compile(r"[-_.]?\d[\d_.:T-]*$")

CauseKind: TypeAlias = Literal["new", "gone", "price", "dedicated", "spot", "size", "jobs", "hours"]
Unit: TypeAlias = Literal["core-hour", "node-hour"]
"""What hours are of: a bill tells hours of nodes, own samples those of cores."""
_IDLE: Mapping[IdleReason, str] = {
    "starting": "booting",
    "unused": "with nothing to do",
    "waiting": "idle while tasks waited",
    "broken": "of broken nodes",
    "leaving": "of nodes on their way out",
}


class PoolSpan(Struct, frozen=True):
    """A pool over a period: what it cost, its VM size, and by job what the job's own busy cores cost.

    ``jobs`` has only jobs that ran in the period; what no job could be found for is not among them.
    """

    pool: str
    spend: Spend
    vm_size: str = ""
    jobs: Mapping[str, float] = {}

    @property
    def money(self) -> float:
        """All of it, in the currency of the spend."""
        return self.spend.cost.total


class Cause(Struct, frozen=True):
    """Why a pool cost something else: words that go on after the pool's name, and the money of it.

    ``target`` is the job or schedule it was, where it was one. ``words`` have :data:`AMOUNT` in the place of each of
    ``amounts``, which are in ``currency``: causes are kept, and money is a number until it is shown
    (:func:`bot.reports.words.cause_words`).
    """

    kind: CauseKind
    words: str
    money: float
    target: str = ""
    amounts: tuple[float, ...] = ()
    currency: str = ""


class Mover(Struct, frozen=True):
    """A pool whose cost changed: from ``before`` to ``now``. Without a ``cause`` there is no single one."""

    pool: str
    before: float
    now: float
    cause: Cause | None

    @property
    def change(self) -> float:
        """How much more it cost."""
        return self.now - self.before


def movers(
    before: Iterable[PoolSpan], now: Iterable[PoolSpan], period: str, *, most: int = MOST, unit: Unit = "core-hour"
) -> list[Mover]:
    """The pools that moved most, up or down, the greatest first. ``period`` is how the one before is called.

    What belongs to no pool is not among them: nothing is known of it that could be a cause.

    Raises ValueError for two currencies.
    """
    earlier, later = ({fold(each.pool): each for each in spans} for spans in (before, now))
    whole = max(sum(each.money for each in spans.values()) for spans in (earlier, later))
    found = []
    for key in {**earlier, **later}:
        was, is_ = earlier.get(key), later.get(key)
        if not key:
            continue
        name = (is_ or was or PoolSpan("", NOTHING)).pool
        change = (is_.money if is_ else 0.0) - (was.money if was else 0.0)
        if abs(change) > SMALL * whole:
            cause = cause_of(was, is_, period, unit=unit)
            found.append(Mover(name, was.money if was else 0.0, is_.money if is_ else 0.0, cause))
    return sorted(found, key=lambda each: (-abs(each.change), each.pool))[:most]


def cause_of(before: PoolSpan | None, now: PoolSpan | None, period: str, *, unit: Unit = "core-hour") -> Cause | None:
    """Why a pool cost something else than before; None where no part of the change is half of it.

    What says most comes first: of two parts that both explain enough, a new price is named before the jobs that ran.
    """
    was, is_ = before or PoolSpan("", NOTHING), now or PoolSpan("", NOTHING)
    change = is_.money - was.money
    if not change:
        return None
    if not was.spend.core_hours.total:
        return Cause("new", f"had no nodes {period}", change)
    if not is_.spend.core_hours.total:
        return Cause("gone", "has no nodes any more", change)
    parts = [*_prices(was, is_, unit), *_kinds(was, is_, period, unit), *_sizes(was, is_, change)]
    parts += [*_jobs(was, is_, period), *_hours(was, is_, period, unit)]
    return next((each for each in parts if each.money / change >= ENOUGH), None)


def group_of(job: str) -> str:
    """What jobs that are the same work again have in common: their schedule, or their name without its number."""
    return schedule_of(job) or _NUMBERED.sub("", job) or job


def _price(spend: Spend, *, spot: bool) -> float | None:
    """What a core-hour cost on average; None where there was none, or one without a price."""
    hours = (spend.spot_hours if spot else spend.hours).total
    paid = (spend.spot_money if spot else spend.money).total
    return paid / hours if hours and paid and not spend.unpriced else None


def _prices(was: PoolSpan, is_: PoolSpan, unit: Unit) -> Iterator[Cause]:
    if fold(was.vm_size) != fold(is_.vm_size):
        return
    for spot in (False, True):
        old, new = _price(was.spend, spot=spot), _price(is_.spend, spot=spot)
        if old is None or new is None or abs(new - old) <= _PRICE * old:
            continue
        kind = f"a spot {unit}" if spot else f"a {unit}"
        hours = (is_.spend.spot_hours if spot else is_.spend.hours).total
        words = f"{kind} of it costs {AMOUNT}, {AMOUNT} before"
        yield Cause("price", words, (new - old) * hours, amounts=(new, old), currency=is_.spend.currency)


def _kinds(was: PoolSpan, is_: PoolSpan, period: str, unit: Unit) -> Iterator[Cause]:
    """Dedicated nodes where there were spot ones, or the other way round, at the prices of now."""
    shares = [span.spend.hours.total / span.spend.core_hours.total for span in (was, is_)]
    dear = _price(is_.spend, spot=False) or _price(was.spend, spot=False)
    cheap = _price(is_.spend, spot=True) or _price(was.spend, spot=True)
    if dear is None or cheap is None or shares[0] == shares[1]:
        return
    paid = (shares[1] - shares[0]) * is_.spend.core_hours.total * (dear - cheap)
    words = f"{share(shares[1])} of its core-hours were dedicated, {share(shares[0])} {period}"
    yield Cause("dedicated" if shares[1] > shares[0] else "spot", words, paid)


def _sizes(was: PoolSpan, is_: PoolSpan, change: float) -> Iterator[Cause]:
    if was.vm_size and is_.vm_size and fold(was.vm_size) != fold(is_.vm_size):
        yield Cause("size", f"has nodes of {is_.vm_size}, {was.vm_size} before", change)


def _jobs(was: PoolSpan, is_: PoolSpan, period: str) -> Iterator[Cause]:
    """The work whose own cost changed most, with how often it ran."""
    runs: dict[str, tuple[list[str], list[str]]] = {}
    paid: dict[str, float] = {}
    for index, span in enumerate((was, is_)):
        for job, cost in span.jobs.items():
            group = group_of(job)
            runs.setdefault(group, ([], []))[index].append(job)
            paid[group] = paid.get(group, 0.0) + (cost if index else -cost)
    for group in sorted(paid, key=lambda each: (-abs(paid[each]), each))[:1]:
        earlier, later = runs[group]
        words = _ran(group, earlier, later, period)
        costs = [sum(span.jobs[job] for job in some) for span, some in ((is_, later), (was, earlier))]
        amounts = tuple(costs) if AMOUNT in words else ()
        target = _target(group, later, earlier)
        yield Cause("jobs", words, paid[group], target, amounts, is_.spend.currency if amounts else "")


def _ran(group: str, earlier: list[str], later: list[str], period: str) -> str:
    """``schedule nightly ran 3 times, once the week before``, ``job fit cost ¤, ¤ the week before``."""
    jobs = later or earlier
    what = f"schedule {group}" if schedule_of(jobs[0]) else f"job {jobs[0]}" if len({*jobs}) == 1 else f"{group}…"
    if len(earlier) != len(later):
        if not later:
            return f"{what} did not run, {_often(len(earlier))} {period}"
        return f"{what} ran {_often(len(later))}, {_often(len(earlier))} {period}"
    return f"{what} cost {AMOUNT}, {AMOUNT} {period}"


def _often(times: int) -> str:
    return {0: "not", 1: "once", 2: "twice"}.get(times, f"{number(times)} times")


def _target(group: str, later: list[str], earlier: list[str]) -> str:
    jobs = later or earlier
    return group if schedule_of(jobs[0]) or len(jobs) > 1 else jobs[0]


def _hours(was: PoolSpan, is_: PoolSpan, period: str, unit: Unit) -> Iterator[Cause]:
    """More hours of nodes, or fewer, at the price of before; with what those more were of, where own samples say."""
    old, new = was.spend.core_hours, is_.spend.core_hours
    if abs(new.total - old.total) <= _FLAT * old.total:
        return
    shown = [number(round(each.total, 1) if each.total < 10 else round(each.total)) for each in (new, old)]
    words = f"its nodes ran for {shown[0]} {unit}s, {shown[1]} {period}"
    reasons = {reason: new.reasons()[reason] - old.reasons()[reason] for reason in _IDLE}
    most = max(reasons, key=lambda each: reasons[each])
    more = new.total - old.total
    if more > 0 and reasons[most] >= ENOUGH * more:
        words += f": {number(round(min(reasons[most], more)))} more {_IDLE[most]}"
    yield Cause("hours", words, more * (was.money / old.total))
