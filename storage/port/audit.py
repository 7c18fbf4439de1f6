"""The audit trail: who changed what, by which rule, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct


class AuditEntry(Struct, frozen=True):
    """One line of the audit trail.

    Who (``person`` is ``platform:id``, ``home`` their workspace or tenant), where (``conversation`` is
    ``platform:id``), what (``command`` with its arguments, without secrets; ``effect``; ``account`` and ``target``),
    by which ``rule`` it was allowed or refused, and what came of it. ``correlation`` is in every line of the log that
    belongs to it.
    """

    at: datetime
    correlation: str
    request: str
    person: str
    home: str
    conversation: str
    account: str
    command: str
    target: str
    effect: str
    rule: str
    result: Literal["started", "done", "refused", "rejected", "confirmation", "approval", "failed", "unknown"]
    details: str = ""


class AuditStore(Protocol):
    """The trail, to which lines are only added. Every method may raise StoreError."""

    async def append_audit(self, entry: AuditEntry) -> None:
        """Write one line. No line can ever be changed or deleted."""
        ...

    async def audit(self, since: datetime, limit: int = 1000) -> list[AuditEntry]:
        """Lines at ``since`` or later, oldest first."""
        ...
