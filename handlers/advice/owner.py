"""Whose something is, as far as our own audit trail knows: who made it, else who changed it last."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from bot.azure.account import Account
from bot.domain.entity import Entity, fold
from bot.requests.context import Context
from bot.requests.grammar import words
from storage.port.audit import AuditFilter

_READ = 50
_MADE = ("create", "clone", "rebuild")


class Owner(Struct, frozen=True):
    """A person (``platform:id``), and whether they made it or only changed it last."""

    person: str
    how: Literal["made", "last changed"]


async def owner_of(ctx: Context, source: Account, about: Entity) -> Owner | None:
    """Who made an entity by our hand, the newest of its name; else who changed it last; None where nobody is known."""
    last: Owner | None = None
    for row in await ctx.store.audit_search(AuditFilter(account=source.name, target=about.id, result="done"), _READ):
        entry = row.entry
        known = ctx.registry.find(words(entry.command))
        if known is None or not entry.person or fold(about.id) not in map(fold, words(entry.command)):
            continue
        noun, _, verb = known.path.partition(" ")
        if noun != about.kind:
            continue
        if verb in _MADE:
            return Owner(entry.person, "made")
        last = last or Owner(entry.person, "last changed")
    return last
