"""Who did it, as far as our own audit trail knows: ended a task or a job, stopped a resize, disabled a node."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.azure.account import Account
from bot.domain.diagnosis.model import Evidence
from bot.domain.entity import fold
from bot.requests.command import CommandError
from bot.requests.context import Context
from bot.requests.grammar import words
from storage.port.audit import AuditFilter

_BEFORE, _AFTER = timedelta(minutes=15), timedelta(minutes=2)
"""How long before a thing happened somebody may have asked for it, and after, since clocks differ."""
_READ = 50
_MADE = ("started", "done")


async def deed(
    ctx: Context, source: Account, verbs: tuple[str, ...], names: tuple[str, ...], at: datetime | None
) -> Evidence | None:
    """The last line of the trail of one of these verbs about all of these names, shortly before ``at``; else None."""
    if at is None:
        return None
    wanted = AuditFilter(account=source.name, since=at - _BEFORE, until=at + _AFTER)
    for row in await ctx.store.audit_search(wanted, _READ):
        entry = row.entry
        try:
            typed = words(entry.command)
        except CommandError:
            continue  # what was hidden in it took a quote along
        known, typed = ctx.registry.find(typed), [fold(word) for word in typed]
        about = all(fold(name) in typed or any(word.endswith(f"/{fold(name)}") for word in typed) for name in names)
        if known is not None and known.path in verbs and about and entry.result in _MADE:
            return Evidence(f"{entry.command}, asked of me by", entry.at, person=entry.person)
    return None
