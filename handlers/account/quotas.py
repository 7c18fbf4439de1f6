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


async def quotas_now(
    source: Account, pools: Iterable[Pool], counts: Iterable[PoolNodeCounts] | None, active: int | None
) -> list[Quota]:
    """The account's quotas with what is used of them; none where Resource Manager cannot be asked.

    ``active`` counts jobs and schedules that are not completed, None is unknown.
    """
    found = await properties(source)
    return quotas_of(found, await used_of(source, pools, counts, active)) if found else []


def main_bars(quotas: Iterable[Quota]) -> list[Progress]:
    """Those of the account as a whole, and those of VM families that are nearly full, which come first."""
    shown = [each for each in quotas if each.kind != "family" or each.level]
    return bars(sorted(shown, key=lambda each: -each.used / max(1, each.limit) if each.level else 0.0), ordered=True)


def bars(quotas: Iterable[Quota], *, ordered: bool = False) -> list[Progress]:
    """A bar each; those of VM families last, the most used first, but for those that are ``ordered`` already."""
    rows = list(quotas)
    if not ordered:
        rows.sort(key=lambda each: (each.kind == "family", -each.used if each.kind == "family" else 0))
    return [
        Progress(_LABELS.get(each.kind, each.family), each.used, each.limit, "", MARKS[each.level]) for each in rows
    ]
