"""An account's quotas as bars."""

from __future__ import annotations

from collections.abc import Iterable

from bot.azure.account import Account
from bot.azure.models import Pool, PoolNodeCounts
from bot.domain.quota import Level, Quota, QuotaKind, quotas_of
from cards.card import Mark, Progress
from handlers.shared.capacity import properties, used_of

_LABELS: dict[QuotaKind, str] = {
    "dedicated": "Dedicated cores",
    "spot": "Spot cores",
    "pools": "Pools",
    "jobs": "Jobs and schedules",
}
MARKS: dict[Level, Mark] = {
    "": Mark.RUNNING,
    "near": Mark.WARNING,
    "nearer": Mark.WARNING,
    "full": Mark.FAILED,
}
_MAIN = 4
"""Quotas that are the account's as a whole."""


async def main_bars(
    source: Account, pools: Iterable[Pool], counts: Iterable[PoolNodeCounts] | None, active: int | None
) -> list[Progress]:
    """The account-wide quotas as bars, for the home card; none where Resource Manager cannot be asked."""
    found = await properties(source)
    if found is None:
        return []
    return bars(quotas_of(found, await used_of(source, pools, counts, active)))[:_MAIN]


def bars(quotas: Iterable[Quota]) -> list[Progress]:
    """A bar each; those of VM families last, the most used first."""
    ordered = sorted(quotas, key=lambda each: (each.kind == "family", -each.used if each.kind == "family" else 0))
    return [
        Progress(_LABELS.get(each.kind, each.family), each.used, each.limit, "", MARKS[each.level]) for each in ordered
    ]
