"""What became of recommendations: which are still so, which are over, and what that saves as measured."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from bot.domain.entity import fold
from bot.domain.money.advice import Outcome, outcome
from bot.domain.recommendations.model import MEASURED, ONE_BY_ONE, Case, Judged, Recommendation, Spent
from storage.port.decoding import decoded
from storage.port.recommendations import RecommendationRow


def renewed(account: str, kept: Iterable[RecommendationRow], judged: Judged, case: Case) -> list[RecommendationRow]:
    """The rows that change: what was found now, and what is so no more.

    Money that is measured has to be measured again: such a one is over when its loss of the last 7 days is half of what
    it was, or its pool has no nodes. Any other is over when its rule, which could judge it, does not find it.
    """
    known = {each.id: each for each in kept}
    changed = []
    found = set()
    for each in judged.found:
        id_ = each.id(account)
        found.add(id_)
        changed.append(_seen(known.get(id_), account, id_, each, case))
    for row in known.values():
        what = decoded(row.body, Recommendation)
        if row.id in found or row.over or what is None or not was_looked_for(what, judged, case):
            continue
        if what.kind not in MEASURED:
            changed.append(replace(row, over=case.at))
        elif case.spent and (ended := _measured(row, what, case.spent)):
            changed.append(replace(row, over=case.at, saved=ended.saved))
    return changed


def was_looked_for(what: Recommendation, judged: Judged, case: Case) -> bool:
    """Whether it would have been found if it were so: its kind was judged, and what it is about was asked."""
    return what.kind in judged.kinds and not (what.kind in ONE_BY_ONE and what.about in case.unread)


def _seen(
    row: RecommendationRow | None, account: str, id_: str, found: Recommendation, case: Case
) -> RecommendationRow:
    body = msgspec.json.encode(found)
    if row is None or row.over:
        return RecommendationRow(account=account, id=id_, first=case.at, last=case.at, body=body, loss=found.week)
    losses = [each for each in (row.loss, found.week) if each is not None]
    return replace(row, last=case.at, body=body, loss=max(losses, default=None))


def _measured(row: RecommendationRow, what: Recommendation, spent: Spent) -> Outcome | None:
    """How the loss ended; None while it did not, or that cannot be measured."""
    if row.loss is None or what.currency != spent.currency or not spent.whole:
        return None
    after = next((each for each in spent.spans if fold(each.pool) == fold(what.about.id)), None)
    now = spent.now.get(fold(what.about.id))
    ended = outcome(what.kind, row.loss, after, spot_ratio=now.spot_ratio if now else None)  # type: ignore[arg-type]
    return ended if ended.became in ("done", "gone") else None
