"""The audit trail: every change and every refusal, with who, where, what, by which rule, and what came of it.

Lines are only ever added (:meth:`storage.port.audit.AuditStore.append_audit`), and hold no secret: what was typed
is redacted first. What came of it (``result``):

- ``started``: a change was begun that takes longer, and has another line for its end.
- ``done``: a change was made; ``rejected``: the command found that it cannot be done (a mistake, a limit, a preflight);
  ``failed``: Azure or the program failed in the middle of it; ``unknown``: the program died in the middle of it.
- ``refused``: the policy, or a confirmation that does not hold, said no, and ``rule`` is which rule.
- ``confirmation``, ``approval``: it waits for a confirmation, or for people who must agree; nothing was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Literal, TypeAlias

import structlog

from bot.content.redaction import redact
from storage.port.audit import AuditEntry, AuditStore

log = structlog.get_logger()

Result: TypeAlias = Literal["started", "done", "refused", "rejected", "confirmation", "approval", "failed", "unknown"]
_LONGEST = 500


@dataclass(frozen=True)
class Act:
    """What is written down of one command, before it is known what comes of it; see AuditEntry for each field."""

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

    def entry(self, at: datetime, result: Result, details: str = "", rule: str = "") -> AuditEntry:
        """Its line of the audit trail; ``rule`` where another one decided than the policy's."""
        return AuditEntry(
            at,
            self.correlation,
            self.request,
            self.person,
            self.home,
            self.conversation,
            self.account,
            redact(self.command)[:_LONGEST],
            redact(self.target)[:_LONGEST],
            self.effect,
            rule or self.rule,
            result,
            redact(details)[:_LONGEST],
        )


class Audit:
    """Writes the trail to the store and a line of each to the log."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def append(self, entry: AuditEntry) -> None:
        """Add one line."""
        await self._store.append_audit(entry)
        logged(entry)

    @staticmethod
    def written(entry: AuditEntry) -> None:
        """Log a line that the store has written together with what it is about."""
        logged(entry)


def logged(entry: AuditEntry) -> None:
    """The line in the log, for whoever collects logs elsewhere; what was typed is not in it."""
    log.info(
        "audit.appended",
        result=entry.result,
        rule=entry.rule,
        effect=entry.effect,
        command=" ".join(takewhile(lambda word: ":" not in word, entry.command.split())),
        person=entry.person,
        conversation=entry.conversation,
        account=entry.account,
    )
