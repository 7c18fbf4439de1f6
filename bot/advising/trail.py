"""Who made, used and changed things, as far as our own audit trail and the runs that are kept know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from bot.domain.entity import Entity, fold
from bot.requests.grammar import words
from bot.requests.registry import Registry
from storage.port.audit import AuditEntry, AuditFilter, AuditStore
from storage.port.runs import RunStore

_READ = 50
_MADE = ("create", "clone", "rebuild")
_PARTS = {"node": "pool", "task": "job"}
"""What commands change of which other things: those of nodes their pool, those of tasks their job."""
How = Literal["made", "last changed", "last used"]


class Kept(AuditStore, RunStore, Protocol):
    """What is needed of the store."""


class Owner(Struct, frozen=True):
    """A person (``platform:id``) and whether they made it, changed it last or used it last; ``job`` is what used it.

    Without a ``person`` the job alone is known.
    """

    person: str
    how: How
    job: str = ""


class Deed(Struct, frozen=True):
    """What somebody did about something: ``person`` is ``platform:id``, empty for the bot itself."""

    person: str
    command: str
    at: datetime


async def owner_of(store: Kept, registry: Registry, account: str, about: Entity) -> Owner | None:
    """Who made an entity by our hand, the newest of its name; else who changed it last; of a pool also who used it.

    A pool that nobody is known to have made is told with the last job that ran in it and who made that one. None where
    nothing is known.
    """
    last: Owner | None = None
    async for entry, noun, verb in _acts(store, registry, account, about):
        if noun != about.kind or not entry.person:
            continue
        if verb in _MADE:
            return Owner(entry.person, "made")
        last = last or Owner(entry.person, "last changed")
    if last or about.kind != "pool":
        return last
    runs = [each for each in await store.job_runs(account, limit=500) if fold(each.pool) == fold(about.id)]
    if not runs:
        return None
    used = Entity("schedule", runs[0].schedule) if runs[0].schedule else Entity("job", runs[0].job)
    owner = await owner_of(store, registry, account, used)
    return Owner(owner.person if owner else "", "last used", f"{used.kind} {used.id}")


async def deed_since(
    store: Kept, registry: Registry, account: str, about: tuple[Entity, ...], since: datetime
) -> Deed | None:
    """The last change that was made by our hand of any of these since then; None where there was none."""
    found: list[Deed] = []
    for each in about:
        async for entry, _, _ in _acts(store, registry, account, each, since):
            found.append(Deed(entry.person, entry.command, entry.at))
            break
    return max(found, key=lambda deed: deed.at, default=None)


async def _acts(
    store: Kept, registry: Registry, account: str, about: Entity, since: datetime | None = None
) -> AsyncIterator[tuple[AuditEntry, str, str]]:
    """Changes of an entity that were done, newest first, with the noun and the verb of their command."""
    wanted = AuditFilter(account=account, target=about.id, result="done", since=since)
    for row in await store.audit_search(wanted, _READ):
        entry = row.entry
        typed = words(entry.command)
        known = registry.find(typed)
        if known is None or fold(about.id) not in map(fold, typed):
            continue
        noun, _, verb = known.path.partition(" ")
        if about.kind in (noun, _PARTS.get(noun)):
            yield entry, noun, verb
