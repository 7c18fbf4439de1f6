"""The audit trail: who changed what, by which rule, and what came of it; a chain in which no line can be altered.

Every line carries a hash over its content, its number and the hash of the line before it: whoever alters, removes or
inserts a line has to write every later hash anew, and then the last one differs from what anybody has noted of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from storage.port.outbox import OutboxEntry

Result: TypeAlias = Literal[
    "started", "done", "refused", "rejected", "confirmation", "approval", "failed", "unknown", "emergency", "expired"
]
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND = timedelta(microseconds=1)


class AuditEntry(Struct, frozen=True):
    """One line of the audit trail.

    Who (``person`` is ``platform:id``, ``also`` their other ids with spaces between, ``home`` their workspace or
    tenant), where (``conversation`` is ``platform:id``), how (``typed``, ``click`` or ``form``, or through what else it
    was asked; empty where the bot acted by itself), what (``command`` with its arguments, without secrets; ``effect``;
    ``account`` and ``target``), by which ``rule`` it was allowed or refused, and what came of it. ``before`` and
    ``after`` are what it altered, ``reason`` is why it was asked for, ``approval`` the id of the approval or emergency
    it belongs to, and ``azure_request`` Azure's id of the write. ``correlation`` is in every line of the log that
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
    result: Result
    details: str = ""
    also: str = ""
    how: str = ""
    before: str = ""
    after: str = ""
    reason: str = ""
    approval: str = ""
    azure_request: str = ""


class AuditRow(Struct, frozen=True):
    """A line with its number, from 1 without a gap, and its hash."""

    seq: int
    entry: AuditEntry
    hash: str


class AuditFilter(Struct, frozen=True):
    """Which lines: all that fit everything that is given.

    ``people`` are ids of which the line has one; ``verb`` is a command's path, or its first words; ``target`` an
    entity's name, or a part of it; ``since`` and ``until`` moments; ``below`` only lines before this number.
    """

    people: tuple[str, ...] = ()
    verb: str = ""
    account: str = ""
    target: str = ""
    result: str = ""
    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None


def chained(previous: str, seq: int, entry: AuditEntry) -> str:
    """The hash of a line, as hexadecimal SHA-256; ``previous`` is the hash of the line before, empty for the first.

    What is empty is left out, so that a field which is added later does not alter the hashes of older lines.
    """
    given = {name: value for name, value in msgspec.structs.asdict(entry).items() if value != ""}
    given["at"] = (entry.at - _EPOCH) // _MICROSECOND
    return hashlib.sha256(msgspec.json.encode([previous, seq, given], order="sorted")).hexdigest()


def broken(rows: Iterable[AuditRow], previous: str, seq: int) -> int | None:
    """The number of the first of these lines that does not follow from the one before; None where all do.

    ``previous`` and ``seq`` are the hash and the number of the line before the first: empty and 0 at the beginning.
    """
    for row in rows:
        seq += 1
        if row.seq != seq or row.hash != chained(previous, seq, row.entry):
            return seq
        previous = row.hash
    return None


class AuditStore(Protocol):
    """The trail, to which lines are only added. Every method may raise StoreError."""

    async def append_audit(self, entry: AuditEntry) -> None:
        """Write one line. No line can ever be changed or deleted."""
        ...

    async def audit(self, since: datetime, limit: int = 1000) -> list[AuditEntry]:
        """Lines at ``since`` or later, oldest first."""
        ...

    async def audit_rows(self, after: int = 0, limit: int = 5000) -> list[AuditRow]:
        """Lines whose number is greater than ``after``, in their order."""
        ...

    async def audit_search(self, wanted: AuditFilter, limit: int = 20) -> list[AuditRow]:
        """Lines that fit, newest first."""
        ...

    async def audit_head(self) -> tuple[int, str]:
        """The number and the hash of the last line; 0 and nothing where there is none."""
        ...

    async def audit_noted(self) -> tuple[int, str]:
        """The same as it was noted beside the trail with each line: a trail that ends before it has lost lines."""
        ...

    async def audit_posted(self) -> int:
        """The number of the last line that was put into the audit conversation's outbox."""
        ...

    async def post_audit(self, after: int, upto: int, entry: OutboxEntry) -> bool:
        """Put a message about the lines above ``after``, up to ``upto``, into the outbox, and note that they are in it.

        Both or neither; False where another was put there for the same lines.
        """
        ...
