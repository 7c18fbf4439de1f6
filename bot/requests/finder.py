"""Things of Batch by a part of their name, in every account: for a search box."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterable, Sequence

import structlog

from bot.chat.port import Match
from bot.chat.request import CommandRequest
from bot.domain.entity import Entity, EntityKind
from bot.requests.in_sight import may_be_guest, may_see
from bot.requests.link_cards import show
from bot.requests.services import Services, Standing

log = structlog.get_logger()

SECONDS = 2.0
"""In which the lists of names are waited for that were never read."""
_KINDS: tuple[EntityKind, ...] = ("job", "pool", "schedule")
_LONGEST = 200
"""Characters of what is typed that are looked at."""

_Ranked = tuple[tuple[int, int, int], Entity, str]
"""Something that is called so: how well it fits, then its place in its list; the thing; its account."""


async def matches(services: Services, request: CommandRequest, typed: str, most: int) -> list[Match]:
    """What is called like what was typed and whoever types may see there, the likest first; of nothing nothing, and
    for nobody who may be a guest.

    Accounts, jobs, pools and schedules; never raises.
    """
    typed = " ".join(typed[:_LONGEST].split())
    names = services.reading.names
    if not typed or names is None or may_be_guest(services, request):
        return []
    try:
        async with asyncio.timeout(SECONDS):
            await names.gathered()
    except TimeoutError:
        log.info("finder.late")
    accounts = services.reading.accounts.names
    found = [*_accounts(accounts, typed, most), *await _listed(names.every(), typed, most)]
    shown: list[Match] = []
    for _, entity, account in sorted(found, key=lambda each: each[0]):
        if len(shown) == most:
            break
        if may_see(services, request, command := show(entity, account)):
            kind = entity.kind.capitalize()
            where = account if entity.kind != "account" else "Batch account"
            shown.append(Match(f"{kind} {entity.id}", where, command))
    return shown


def _accounts(names: Sequence[str], typed: str, most: int) -> list[_Ranked]:
    best = _best([each.casefold() for each in names], typed, most)
    return [((rank, 0, place), Entity("account", names[place]), names[place]) for rank, place in best]


async def _listed(every: Iterable[Standing], typed: str, most: int) -> list[_Ranked]:
    """Of each list the few that fit best, those that go on and the newest first, as the lists have them.

    A list has up to 20,000 names and this is asked with each key, so everything else goes on between two lists.
    """
    found: list[_Ranked] = []
    for each in every:
        kind = next((kind for kind in _KINDS if kind == each.kind), None)
        if kind is None:
            continue
        best = _best(each.folded, typed, most)
        found += [((rank, 1, place), Entity(kind, each.names[place]), each.account) for rank, place in best]
        await asyncio.sleep(0)
    return found


def _best(folded: Sequence[str], typed: str, most: int) -> list[tuple[int, int]]:
    """Rank and place of the few that fit best: 0 for the name itself, 1 for its beginning, 2 where it holds every word;
    of one rank the first.
    """
    wanted = typed.casefold()
    first, *others = dict.fromkeys(wanted.split())
    holding = ((place, name) for place, name in enumerate(folded) if first in name)
    if others:
        holding = ((place, name) for place, name in holding if all(word in name for word in others))
    ranked = ((0 if name == wanted else 1 if name.startswith(wanted) else 2, place) for place, name in holding)
    return heapq.nsmallest(most, ranked)
