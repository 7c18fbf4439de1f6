"""One look at an account: what is to be done, and what became of what was advised before. It is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from bot.accounting.service import Accounting
from bot.advising.each import Most
from bot.advising.gather import gather
from bot.advising.trail import deed_since
from bot.azure.account import Account
from bot.domain.recommendations.course import renewed, was_looked_for
from bot.domain.recommendations.judge import judge
from bot.domain.recommendations.model import Case, Recommendation
from bot.requests.registry import Registry
from storage.port.decoding import decoded
from storage.port.recommendations import RecommendationRow
from storage.port.store import Store


class Known(Struct, frozen=True):
    """A recommendation with its row. ``so`` is False for one that was not found this time, though it was looked for:
    it is over, or money whose saving has yet to be measured."""

    row: RecommendationRow
    what: Recommendation
    so: bool = True


class Looked(Struct, frozen=True):
    """What is known after a look: all that is kept, the newest first; ``left`` in words what was not looked at."""

    case: Case
    known: tuple[Known, ...]
    left: tuple[str, ...]


async def look(source: Account, store: Store, accounting: Accounting, registry: Registry, most: Most) -> Looked:
    """Look at an account, and keep what was found and what is over. Raises StoreError.

    Several may look at once, in one program or several: each writes the same rows.
    """
    gathered = await gather(source, store, accounting, most)
    judged = await asyncio.to_thread(judge, gathered.case)
    changed = renewed(source.name, await store.recommendations(source.name), judged, gathered.case)
    await store.see_recommendations(await _with_deeds(store, registry, source.name, changed))
    found = {each.id(source.name) for each in judged.found}
    known = [
        Known(row, what, row.id in found or (not row.over and not was_looked_for(what, judged, gathered.case)))
        for row in await store.recommendations(source.name)
        if (what := decoded(row.body, Recommendation)) is not None
    ]
    return Looked(gathered.case, tuple(known), gathered.left)


async def _with_deeds(
    store: Store, registry: Registry, account: str, rows: Sequence[RecommendationRow]
) -> list[RecommendationRow]:
    """The rows, those that are over with who did something about it, as far as our own audit trail knows."""
    found = []
    for row in rows:
        what = decoded(row.body, Recommendation) if row.over else None
        deed = await deed_since(store, registry, account, what.concerned, row.first) if what else None
        found.append(replace(row, done_by=deed.person, deed=deed.command) if deed else row)
    return found
