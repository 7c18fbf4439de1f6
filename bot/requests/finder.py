"""Things of Batch by a part of their name, in every account: for a search box."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog

from bot.chat.port import Match
from bot.chat.request import CommandRequest
from bot.domain.entity import Entity, EntityKind
from bot.requests.glances import may_see, show
from bot.requests.services import Services, Standing

log = structlog.get_logger()

SECONDS = 2.0
"""In which the lists of names are waited for that were never read."""
_KINDS: tuple[EntityKind, ...] = ("job", "pool", "schedule")
_LONGEST = 200
"""Characters of what is typed that are looked at."""
_NONE = 3
"""The rank of what is not called so."""

_Ranked = tuple[tuple[int, int, int], Entity, str]
"""Something that is called so: how well it fits, then its place in its list; the thing; its account."""


async def matches(services: Services, request: CommandRequest, typed: str, most: int) -> list[Match]:
    """What is called like what was typed and whoever types may see there, the likest first; of nothing nothing.

    Accounts, jobs, pools and schedules; never raises.
    """
    typed = " ".join(typed[:_LONGEST].split())
    names = services.reading.names
    if not typed or names is None:
        return []
    try:
        async with asyncio.timeout(SECONDS):
            await names.gathered()
    except TimeoutError:
        log.info("finder.late")
    accounts = services.reading.accounts.names
    found = [*_accounts(accounts, typed), *_listed(names.every(), typed)]
    shown: list[Match] = []
    for _, entity, account in sorted(found, key=lambda each: each[0]):
        if len(shown) == most:
            break
        if may_see(services, request, command := show(entity, account)):
            kind = entity.kind.capitalize()
            where = account if entity.kind != "account" else "Batch account"
            shown.append(Match(f"{kind} {entity.id}", where, command))
    return shown


def _accounts(names: Iterable[str], typed: str) -> list[_Ranked]:
    found = ((_rank(each.casefold(), typed), each) for each in names)
    return [
        ((rank, 0, place), Entity("account", each), each) for place, (rank, each) in enumerate(found) if rank < _NONE
    ]


def _listed(every: Iterable[Standing], typed: str) -> list[_Ranked]:
    """Of each list what fits, those that go on and the newest first, as the lists have them."""
    found: list[_Ranked] = []
    for each in every:
        kind = next((kind for kind in _KINDS if kind == each.kind), None)
        if kind is None:
            continue
        found += [
            ((rank, 1, place), Entity(kind, each.names[place]), each.account)
            for place, folded in enumerate(each.folded)
            if (rank := _rank(folded, typed)) < _NONE
        ]
    return found


def _rank(folded: str, typed: str) -> int:
    """0 for the name itself, 1 for its beginning, 2 where it holds every word, :data:`_NONE` for another."""
    wanted = typed.casefold()
    if folded == wanted:
        return 0
    if folded.startswith(wanted):
        return 1
    return 2 if all(word in folded for word in wanted.split()) else _NONE
