"""What a report says is to be done, and what became of what was: of what is measured and of what is kept beside."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.domain.money.advice import Advice, Ended, Further
from bot.domain.recommendations.best import MOST, URGENT, best
from bot.domain.recommendations.model import MEASURED, Recommendation
from bot.domain.recommendations.money import of_advice
from bot.reports.calendar import Period
from storage.port.decoding import decoded
from storage.port.recommendations import RecommendationRow

CURRENT = timedelta(days=1)
"""What was found so lately is taken to be so."""
TOLD = 3
"""So many that are over are told."""


def chosen(
    account: str,
    measured: Iterable[Advice],
    currency: str,
    rows: Iterable[RecommendationRow],
    aside: Collection[str],
    now: datetime,
) -> tuple[list[Advice], list[Further]]:
    """The best three of what was measured over the period and of what is kept beside, without what people set ``aside``
    (ids).

    Money that is measured is taken from the period, not from what is kept, which is of other days.
    """
    of_period = {of_advice(each, currency): each for each in measured}
    of_period = {what: each for what, each in of_period.items() if what.id(account) not in aside}
    first: dict[Recommendation, datetime] = {}
    for row in rows:
        what = decoded(row.body, Recommendation)
        if row.over or row.id in aside or now - row.last > CURRENT or what is None or what.kind in MEASURED:
            continue
        if not what.week or what.currency == currency:  # two currencies are not held against each other
            first[what] = row.first
    few = best([*of_period, *first], MOST)
    return [of_period[each] for each in few if each in of_period], [
        Further(
            words=each.words,
            harm=each.harm,
            button=each.button,
            command=each.command,
            form=each.form,
            since=each.since,
            week=each.week,
            urgent=each.risk >= URGENT,
            advised=first[each],
        )
        for each in few
        if each in first
    ]


def ended(rows: Sequence[RecommendationRow], period: Period, told: Collection[str], currency: str) -> Iterator[Ended]:
    """What was over within a period, what saved most first; without what is ``told`` by its measurement anyway."""
    over = [
        (row, what)
        for row in rows
        if row.over and period.since <= row.over < period.until and row.id not in told
        if (what := decoded(row.body, Recommendation))
    ]
    over.sort(key=lambda each: (-(each[0].saved or 0.0), not each[0].deed, -(each[0].loss or 0.0), each[0].id))
    for row, what in over[:TOLD]:
        ours = what.currency == currency
        yield Ended(
            words=what.words,
            deed=row.deed,
            loss=row.loss if ours else None,
            saved=row.saved if ours else None,
        )
