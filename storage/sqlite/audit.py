"""The audit trail: :class:`storage.port.audit.AuditStore`."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlite_utils import Database

from storage.port.audit import AuditEntry
from storage.sqlite.connection import Connection
from storage.sqlite.timestamps import from_timestamp, to_timestamp

_ENTRY = AuditEntry.__struct_fields__


def append(db: Database, entry: AuditEntry) -> None:
    """Add a line, within a transaction."""
    at, *rest = msgspec.structs.astuple(entry)
    marks = ", ".join("?" * len(_ENTRY))
    db.execute(f"INSERT INTO audit ({', '.join(_ENTRY)}) VALUES ({marks})", [to_timestamp(at), *rest])  # noqa: S608


class SqliteAudit(Connection):
    """One row per line; triggers refuse to change or delete any."""

    async def append_audit(self, entry: AuditEntry) -> None:
        """Write one line. No line can ever be changed or deleted."""

        def work() -> None:
            with self._db.atomic():
                append(self._db, entry)

        await self._run(work)

    async def audit(self, since: datetime, limit: int = 1000) -> list[AuditEntry]:
        """Lines at ``since`` or later, oldest first."""

        def work() -> list[AuditEntry]:
            rows = self._db.execute(
                f"SELECT {', '.join(_ENTRY)} FROM audit WHERE at >= ? ORDER BY seq LIMIT ?",  # noqa: S608
                [to_timestamp(since), limit],
            )
            return [AuditEntry(from_timestamp(at), *rest) for at, *rest in rows]

        return await self._run(work)
