"""What is advised about money, as recommendations: the same rules as in the weekly post, over the last 7 days."""

from __future__ import annotations

from collections.abc import Iterator

from bot.domain.entity import Entity
from bot.domain.money.advice import Advice, advise
from bot.domain.recommendations.model import Case, Recommendation


def about_money(case: Case) -> Iterator[Recommendation]:
    """Every pool's dearest loss that something can be done about."""
    if case.spent is None:
        return
    pools = len(case.spent.spans)
    for each in advise(case.spent.spans, case.spent.now, case.at, most=pools):
        yield of_advice(each, case.spent.currency)


def of_advice(advice: Advice, currency: str) -> Recommendation:
    """Advice of a report as a recommendation; its id is the same in both."""
    return Recommendation(
        kind=advice.kind,
        about=Entity("pool", advice.pool),
        words=advice.words,
        button=advice.button,
        command=advice.command,
        changes=advice.changes,
        form=advice.kind == "formula",
        since=advice.since,
        week=advice.loss,
        currency=currency,
        measured=True,
    )
