"""The spot ledger: what spot nodes saved against the work that was lost when they were taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain.entity import Entity, fold
from bot.domain.money.movers import PoolSpan
from bot.domain.recommendations.model import Case, Recommendation
from bot.domain.recommendations.runs import LEAST, WINDOW
from cards.command_line import command
from cards.formatting import core_hours, money, percent, plural
from storage.port.runs import JobRun

LOST = 0.1
"""The share of its spot nodes' busy core-hours that a pool loses, from which it is worth a word."""
EATEN = 0.25
"""The share of what spot nodes saved that the lost work cost, from which it is."""


def spot_losses(case: Case) -> Iterator[Recommendation]:
    """Pools whose spot nodes lost much work when they were taken, or what cost much of what they saved."""
    if case.spent is None:
        return
    for span in case.spent.spans:
        busy = span.spend.spot_hours.busy
        runs = [
            each
            for each in case.runs or ()
            if fold(each.pool) == fold(span.pool) and case.at - each.ended <= WINDOW and each.requeued_core_seconds
        ]
        lost = sum(each.requeued_core_seconds or 0.0 for each in runs) / 3600
        if not busy or lost * 3600 < LEAST:
            continue
        cost, saved = _cost(span, lost), span.spend.spot_saved
        if lost < LOST * busy and not (cost is not None and saved is not None and cost >= EATEN * saved):
            continue
        yield _told(span, runs, lost, cost, saved)


def _cost(span: PoolSpan, lost: float) -> float | None:
    """What the lost core-hours cost at the price of the pool's spot nodes; None where that is unknown."""
    hours, amount = span.spend.spot_hours.total, span.spend.spot_money.total
    return lost * amount / hours if amount and not span.spend.unpriced else None


def _told(
    span: PoolSpan, runs: Sequence[JobRun], lost: float, cost: float | None, saved: float | None
) -> Recommendation:
    currency = span.spend.currency
    known = saved is not None and cost is not None and saved > 0
    ledger = f"saved {money(saved, currency)} and " if known and saved is not None else ""
    worth = f" ({money(cost, currency)})" if cost is not None and currency else ""
    dearer = known and cost is not None and saved is not None and cost > saved
    return Recommendation(
        kind="spot losses",
        about=Entity("pool", span.pool),
        words=f"spot nodes of pool {span.pool} {ledger}lost {core_hours(lost)} of work{worth} when they were taken, "
        f"{percent(lost, span.spend.spot_hours.busy)} of what they did, in {plural(len(runs), 'job')}",
        harm=("they cost more than they save: " if dearer else "")
        + "shorter tasks, or ones that save how far they came, lose less; so do a few dedicated nodes",
        button="Open",
        command=command("pool show", span.pool),
        week=cost,
        currency=currency if cost is not None else "",
        measured=cost is not None,
        risk=1,
    )
