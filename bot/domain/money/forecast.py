"""What a month will have cost, by what its days cost so far.

Each day that is left costs the median of the same weekday over the last 28 days: of nine ways tried on ninety days of
six kinds of series it errs least early in a month (14 % on day 3, where "so far through days times
days" errs 68 %: ``bench/forecast.py``).
Where the last seven days cost over 25 % more or less than that, *and* something is known that changed (a pool that was
made, resized or deleted), they are gone by instead, which is said.

The band comes from the forecast's own record, not from a theory: the same forecast made on earlier days for as many
days ahead, and how wrong four in five of them were at most.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from statistics import fmean, median
from types import MappingProxyType
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from cards.formatting import plural

WINDOW = 28
"""Days whose weekdays are gone by, and that have to be known before a band is shown."""
RECENT = 7
"""Days that are gone by after a change."""
CHANGED = 0.25
"""How far the last seven days lie from the usual before a change is believed."""
NOMINAL = 0.8
"""The share of outcomes that the band is to hold."""
WIDEST = 0.5
"""A band that is wider, up or down, is no forecast."""
_TRIALS = 5
"""Earlier forecasts that a band needs at least."""
_BEFORE = 14
"""Days that an earlier forecast needs before it at least: each weekday twice."""
_KNOWN = 3
"""Days that have to be known before anything is forecast."""

_NONE: Mapping[date, float] = MappingProxyType({})

State: TypeAlias = Literal["ok", "no band", "irregular", "too few days"]


class Forecast(Struct, frozen=True, kw_only=True):
    """How a month goes on. Money is in the currency of the days that were given.

    ``so_far`` is what its known days cost (None: none of them is known yet, which is not zero), ``amount`` what the
    whole month comes to, with ``low`` and ``high`` around it; ``rate`` what a day costs at present. ``basis`` says what
    it goes by, in words. ``missing`` are days of the month before today of which nothing is known: they are in
    ``amount`` at what is usual, and in no ``so_far``. ``filling`` are days whose cost is not final: in ``so_far`` with
    what is known of them, in ``amount`` with what is usual where that is more. ``unbilled`` is what of ``so_far`` is
    own usage that is not on the bill yet. ``left`` is what each day from ``today`` on is taken to cost.

    ``amount`` is None where nothing should be said (``irregular``, ``too few days``); the band is None also where it is
    not known (``no band``: too few days, or another level since a change).
    """

    today: date
    state: State
    so_far: float | None
    amount: float | None = None
    low: float | None = None
    high: float | None = None
    rate: float | None = None
    basis: str = ""
    switched: bool = False
    missing: int = 0
    filling: int = 0
    unbilled: float = 0.0
    left: tuple[float, ...] = ()

    def crosses(self, limit: float) -> date | None:
        """The day on which the month goes over a limit by this forecast, today at the earliest; None where it will not.

        None too where there is no forecast.
        """
        if self.amount is None:
            return None
        reached = self.amount - sum(self.left)
        for number, cost in enumerate(self.left):
            reached += cost
            if reached > limit:
                return self.today + timedelta(days=number)
        return None


def month_end(
    daily: Mapping[date, float], today: date, *, changed: str = "", filling: Mapping[date, float] = _NONE
) -> Forecast:
    """What the month of ``today`` will have cost.

    ``daily`` is what each whole day cost; a day that is not in it is unknown. ``today`` is the first day that is not
    over. ``changed`` says what is known to have changed within the last weeks ("pool gpu-a was made on Tuesday"); empty
    where nothing did. ``filling`` is what is known so far of days that are not final, none of which is in ``daily``.
    """
    past, ahead = _month(today)
    growing = {day: filling[day] for day in past if day in filling}
    seen = [daily[day] for day in past if day in daily] + list(growing.values())
    so_far = sum(seen) if seen else None
    recent = _known(daily, today, RECENT)
    known = len(_known(daily, today, WINDOW))
    enough = sum(1 for day in daily if day < today) >= WINDOW
    stands = Forecast(
        today=today,
        state="too few days",
        so_far=so_far,
        rate=fmean(recent) if recent else None,
        missing=len(past) - len(seen),
        filling=len(growing),
    )
    if known < _KNOWN or not recent:
        return stands
    switched = bool(changed) and _apart(daily, today)
    left = _expected(daily, today, ahead, recent_only=switched)
    unseen = _expected(
        daily, today, [day for day in past if day not in daily and day not in growing], recent_only=switched
    )
    usual = _expected(daily, today, list(growing), recent_only=switched)
    late = [max(0.0, cost - known_of) for cost, known_of in zip(usual, growing.values(), strict=True)]
    rest = sum(left) + sum(unseen) + sum(late)
    amount = (so_far or 0.0) + rest
    basis = _basis(known if not enough else WINDOW, changed if switched else "")
    said = replace(stands, state="no band", amount=amount, basis=basis, switched=switched, left=tuple(left))
    # What came before a change says nothing of how wrong a forecast is after it.
    errors = list(_errors(daily, today, len(ahead))) if enough and not switched else []
    if len(errors) < _TRIALS:
        return said
    wrong = _quantile(errors)
    low, high = amount - rest * -math.expm1(-wrong), amount + rest * math.expm1(wrong)
    if not (high - amount <= WIDEST * abs(amount) and amount - low <= WIDEST * abs(amount)):
        return replace(said, state="irregular", amount=None, basis="")
    low, high = min(low, high), max(low, high)  # credits may make what is left a negative amount
    record = f"; the range is how wrong this forecast was in the last {plural(max(1, round(len(errors) / 7)), 'week')}"
    return replace(said, state="ok", low=low, high=high, basis=basis + record)


def _month(today: date) -> tuple[list[date], list[date]]:
    """The days of a month before ``today``, and those from it on."""
    days = [today.replace(day=n) for n in range(1, monthrange(today.year, today.month)[1] + 1)]
    return days[: today.day - 1], days[today.day - 1 :]


def _basis(known: int, changed: str) -> str:
    if changed:
        return f"by the last {RECENT} days, because {changed}; days before that give no range for it"
    if known < WINDOW:
        return f"by {known} days, which is all that is known"
    return f"by the same weekdays of the last {WINDOW} days"


def _known(daily: Mapping[date, float], today: date, days: int) -> list[float]:
    """What the days before ``today`` cost, so many days back, as far as they are known."""
    return [daily[day] for n in range(1, days + 1) if (day := today - timedelta(days=n)) in daily]


def _expected(daily: Mapping[date, float], today: date, days: list[date], *, recent_only: bool) -> list[float]:
    """What each of ``days`` is taken to cost by what was known before ``today``."""
    if recent_only:
        return [fmean(_known(daily, today, RECENT))] * len(days)
    by_weekday: dict[int, list[float]] = {}
    for n in range(1, WINDOW + 1):
        day = today - timedelta(days=n)
        if day in daily:
            by_weekday.setdefault(day.weekday(), []).append(daily[day])
    usual = {weekday: median(costs) for weekday, costs in by_weekday.items()}
    other = median([cost for costs in by_weekday.values() for cost in costs])
    return [usual.get(day.weekday(), other) for day in days]


def _apart(daily: Mapping[date, float], today: date) -> bool:
    """Whether the last days cost something else than the same weekdays usually do."""
    days = [day for n in range(1, RECENT + 1) if (day := today - timedelta(days=n)) in daily]
    usual = sum(_expected(daily, today, days, recent_only=False))
    recent = sum(daily[day] for day in days)
    return abs(recent - usual) > CHANGED * abs(usual)


def _errors(daily: Mapping[date, float], today: date, ahead: int) -> Iterator[float]:
    """How wrong the same forecast was on earlier days, so many days ahead: the absolute log(actual / forecast) of each.

    Only where every day of what it forecast is known. Where nothing was to come and nothing came it was right; where
    one of the two is nothing, or less, it was wrong without end.
    """
    first = min(daily)
    origin = today - timedelta(days=ahead)
    while (origin - first).days >= _BEFORE:
        days = [origin + timedelta(days=n) for n in range(ahead)]
        if all(day in daily for day in days) and len(_known(daily, origin, RECENT)) == RECENT:
            actual = sum(daily[day] for day in days)
            forecast = sum(_expected(daily, origin, days, recent_only=False))
            if actual > 0 and forecast > 0:
                yield abs(math.log(actual) - math.log(forecast))  # the share itself may be too small for a number
            else:
                yield 0.0 if actual == forecast else math.inf
        origin -= timedelta(days=1)


def _quantile(errors: list[float]) -> float:
    """The least error that :data:`NOMINAL` of them do not exceed, as a sample of one more than there are."""
    ordered = sorted(errors)
    return ordered[min(len(ordered) - 1, math.ceil(NOMINAL * (len(ordered) + 1)) - 1)]
