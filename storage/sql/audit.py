"""The audit trail: :class:`storage.port.audit.AuditStore`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from storage.port.audit import AuditEntry, AuditFilter, AuditRow, chained
from storage.port.outbox import OutboxEntry
from storage.sql import outbox
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.meta import put_meta
from storage.sql.timestamps import from_timestamp, to_timestamp

_ENTRY = AuditEntry.__struct_fields__
_COLUMNS = ", ".join(_ENTRY)
_POSTED = "audit:posted"
_NOTED = "audit:head"
_LIKE = "LIKE lower(?) ESCAPE '!'"


def head(db: Database) -> tuple[int, str]:
    """The number and the hash of the last line."""
    row = db.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return (int(row[0]), str(row[1])) if row else (0, "")


def append(db: Database, entry: AuditEntry) -> None:
    """Add a line to the chain, within a transaction."""
    # Takes the lock for writing first: between the last line's hash and this line nobody else may write one.
    db.execute("UPDATE meta SET value = value WHERE name = ?", [_POSTED])
    last, previous = head(db)
    at, *rest = msgspec.structs.astuple(entry)
    hash_ = chained(previous, last + 1, entry)
    marks = ", ".join("?" * (len(_ENTRY) + 2))
    db.execute(
        f"INSERT INTO audit (seq, hash, {_COLUMNS}) VALUES ({marks})",  # noqa: S608 - fixed words
        [last + 1, hash_, to_timestamp(at), *rest],
    )
    note_head(db, last + 1, hash_)


def note_head(db: Database, seq: int, hash_: str) -> None:
    """Note where the trail ends, beside it, so that a trail whose end is missing can be told from a whole one."""
    put_meta(db, _NOTED, f"{seq} {hash_}".encode())


class SqlAudit(Connection):
    """One row per line; triggers refuse to change or delete any."""

    async def append_audit(self, entry: AuditEntry) -> None:
        """Write one line. No line can ever be changed or deleted."""

        def work() -> None:
            with self._db.atomic():
                append(self._db, entry)

        await self._run(work)

    async def audit(self, since: datetime, limit: int = 1000) -> list[AuditEntry]:
        """Lines at ``since`` or later, oldest first."""
        found = await self._rows("at >= ? ORDER BY seq LIMIT ?", [to_timestamp(since), limit])
        return [row.entry for row in found]

    async def audit_rows(self, after: int = 0, limit: int = 5000) -> list[AuditRow]:
        """Lines whose number is greater than ``after``, in their order."""
        return await self._rows("seq > ? ORDER BY seq LIMIT ?", [after, limit])

    async def audit_search(self, wanted: AuditFilter, limit: int = 20) -> list[AuditRow]:
        """Lines that fit, newest first."""
        parts: list[tuple[str, list[Any]]] = []
        if wanted.people:
            marks = ", ".join("?" * len(wanted.people))
            also = " OR ".join([f"lower(' ' || also || ' ') {_LIKE}"] * len(wanted.people))
            spaced = [f"% {_literal(each)} %" for each in wanted.people]
            parts.append((f"(person IN ({marks}) OR {also})", [*wanted.people, *spaced]))
        if wanted.verb:
            parts.append((f"(command = ? OR lower(command) {_LIKE})", [wanted.verb, f"{_literal(wanted.verb)} %"]))
        if wanted.target:
            parts.append((f"lower(target) {_LIKE}", [f"%{_literal(wanted.target)}%"]))
        exact = {"account = ?": wanted.account, "result = ?": wanted.result}
        parts += [(sql, [value]) for sql, value in exact.items() if value]
        moments = {"at >= ?": wanted.since, "at < ?": wanted.until}
        parts += [(sql, [to_timestamp(value)]) for sql, value in moments.items() if value]
        if wanted.below is not None:
            parts.append(("seq < ?", [wanted.below]))
        where = " AND ".join(sql for sql, _ in parts) or "1 = 1"
        return await self._rows(
            f"{where} ORDER BY seq DESC LIMIT ?", [*(value for _, values in parts for value in values), limit]
        )

    async def audit_head(self) -> tuple[int, str]:
        """The number and the hash of the last line; 0 and nothing where there is none."""
        return await self._run(lambda: head(self._db))

    async def audit_noted(self) -> tuple[int, str]:
        """The same as it was noted beside the trail with each line: a trail that ends before it has lost lines."""

        def work() -> tuple[int, str]:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", [_NOTED]).fetchone()
            seq, _, hash_ = bytes(row[0]).decode().partition(" ") if row else ("0", "", "")
            return int(seq), hash_

        return await self._run(work)

    async def audit_posted(self) -> int:
        """The number of the last line that was put into the audit conversation's outbox."""
        return await self._run(self._posted)

    async def post_audit(self, after: int, upto: int, entry: OutboxEntry) -> bool:
        """Put a message about the lines above ``after``, up to ``upto``, into the outbox; False where one is there."""

        def work() -> bool:
            with self._db.atomic():
                if self._posted() != after:
                    return False
                outbox.put_entries(self._db, [entry])
                put_meta(self._db, _POSTED, str(upto).encode())
                return True

        return await self._run(work)

    def _posted(self) -> int:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", [_POSTED]).fetchone()
        return int(row[0]) if row else 0

    async def _rows(self, where: str, values: list[Any]) -> list[AuditRow]:
        def work() -> list[AuditRow]:
            rows = self._db.execute(f"SELECT seq, hash, {_COLUMNS} FROM audit WHERE {where}", values)  # noqa: S608
            return [AuditRow(seq, AuditEntry(from_timestamp(at), *rest), hash_) for seq, hash_, at, *rest in rows]

        return await self._run(work)


def _literal(text: str) -> str:
    """A text that LIKE takes as it is written."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
