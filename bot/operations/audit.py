"""The audit trail: every change and every refusal, with who, where, what, by which rule, and what came of it.

Lines are only ever added (:meth:`storage.port.audit.AuditStore.append_audit`), and hold no secret: what was typed
is redacted first. What came of it (``result``):

- ``started``: a change was begun that takes longer, and has another line for its end.
- ``done``: a change was made; ``rejected``: the command found that it cannot be done (a mistake, a limit, a preflight);
  ``failed``: Azure or the program failed in the middle of it; ``unknown``: the program died in the middle of it.
- ``refused``: the policy, or a confirmation or an approval that does not hold, said no, and ``rule`` is which rule.
- ``confirmation``, ``approval``: it waits for a confirmation, or for people who must agree; nothing was done.
- ``emergency``: somebody goes ahead without the approvals; ``expired``: nobody decided on an approval in time.

The lines are a chain of hashes (:func:`storage.port.audit.chained`), which :meth:`Audit.verify` checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile

import structlog

from bot.content.redaction import redact
from storage.port.audit import AuditEntry, AuditStore, Result, broken

log = structlog.get_logger()

__all__ = ["Act", "Audit", "Result", "logged"]

_LONGEST = 500
_SLICE = 5000
"""Lines that are checked at once."""


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
    also: str = ""
    how: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    approval: str = ""
    typed: str = ""
    """The command as it can be typed again; in no line of the trail."""
    name: str = ""
    """What the person is called; in no line of the trail."""
    undoes: str = ""
    """The operation that it takes back; empty where it takes none back."""
    left: dict[str, str] = field(default_factory=dict)
    """What it is to leave, by its name for people (see Outcome.left); in no line of the trail."""

    def cleared(self) -> Act:
        """As it may be stored: every secret that was typed is left out."""
        return replace(
            self,
            command=redact(self.command),
            target=redact(self.target),
            before=redact(self.before),
            after=redact(self.after),
            reason=redact(self.reason),
            typed=redact(self.typed),
            left={name: redact(value) for name, value in self.left.items()},
        )

    def ended(self) -> Act:
        """What is kept of it once its line is written: who did it, and what it took back and left."""
        return replace(self.cleared(), command="", before="", after="", reason="", typed="")

    def entry(
        self, at: datetime, result: Result, details: str = "", rule: str = "", *, azure_request: str = ""
    ) -> AuditEntry:
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
            self.also,
            f"{self.how}, undo {self.undoes}".removeprefix(", ") if self.undoes else self.how,
            redact(self.before)[:_LONGEST],
            redact(self.after)[:_LONGEST],
            redact(self.reason)[:_LONGEST],
            self.approval,
            azure_request,
        )


@dataclass(frozen=True)
class Verdict:
    """What a check of the trail found: how many lines follow from each other from the first on, and the hash of the
    last of those; ``broken`` is the number of the first line that does not follow, None where all do.

    ``missing`` is how many lines the end has lost of those that were noted beside the trail, or posted; ``rewritten``
    says that the line that was noted as the last one has another hash, or that nothing is noted of the lines there are.
    """

    lines: int
    head: str
    broken: int | None
    missing: int = 0
    rewritten: bool = False


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

    async def verify(self) -> Verdict:
        """Check every line of the chain, from the first, and that it ends no sooner than it once did."""
        noted, its_hash = await self._store.audit_noted()  # first: lines may be added meanwhile
        posted = await self._store.audit_posted()
        seq, previous, found = 0, "", ""
        while rows := await self._store.audit_rows(seq, _SLICE):
            if (wrong := broken(rows, previous, seq)) is not None:
                return Verdict(wrong - 1, previous if wrong == seq + 1 else rows[wrong - seq - 2].hash, wrong)
            if seq < noted <= rows[-1].seq:
                found = rows[noted - seq - 1].hash
            seq, previous = rows[-1].seq, rows[-1].hash
        missing = max(0, noted - seq, posted - seq)
        return Verdict(seq, previous, None, missing, not missing and bool(seq) and (not noted or found != its_hash))


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
