"""Approvals: :class:`storage.port.approvals.ApprovalStore`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from storage.port.approvals import Approval, ApprovalState
from storage.port.decoding import decoded
from storage.port.outbox import OutboxEntry
from storage.sql import outbox
from storage.sql.connection import Connection
from storage.sql.timestamps import to_timestamp


class SqlApprovals(Connection):
    """One row per approval: its encoding, and in columns what it is found by."""

    async def put_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> None:
        """Keep a new approval, and its messages in the outbox; one that is there stays as it is."""

        def work() -> None:
            with self._db.atomic():
                added = self._db.execute(
                    "INSERT INTO approvals (id, state, expires, version, body) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [approval.id, *_columns(approval)],
                )
                if added.rowcount == 1:
                    outbox.put_entries(self._db, entries)

        await self._run(work)

    async def change_approval(self, approval: Approval, entries: Sequence[OutboxEntry]) -> bool:
        """Replace the approval whose version is one less; False where it has changed meanwhile."""

        def work() -> bool:
            with self._db.atomic():
                changed = self._db.execute(
                    "UPDATE approvals SET state = ?, expires = ?, version = ?, body = ? WHERE id = ? AND version = ?",
                    [*_columns(approval), approval.id, approval.version - 1],
                )
                if changed.rowcount == 1:
                    outbox.put_entries(self._db, entries)
                return bool(changed.rowcount == 1)

        return await self._run(work)

    async def approval(self, id_: str) -> Approval | None:
        """One approval; None where there is none."""

        def work() -> Approval | None:
            row = self._db.execute("SELECT body FROM approvals WHERE id = ?", [id_]).fetchone()
            return decoded(row[0], Approval) if row else None

        return await self._run(work)

    async def approvals(
        self, states: Sequence[ApprovalState], *, limit: int = 20, offset: int = 0
    ) -> tuple[list[Approval], int]:
        """Approvals in these states, the one that expires first first; and how many there are."""
        where = f"state IN ({', '.join('?' * len(states))})" if states else "1 = 0"

        def work() -> tuple[list[Approval], int]:
            (total,) = self._db.execute(f"SELECT count(*) FROM approvals WHERE {where}", [*states]).fetchone()  # noqa: S608
            rows = self._db.execute(
                f"SELECT body FROM approvals WHERE {where} ORDER BY expires, id LIMIT ? OFFSET ?",  # noqa: S608
                [*states, limit, offset],
            )
            return _decoded(rows), int(total)

        return await self._run(work)

    async def due_approvals(self, now: datetime, limit: int = 100) -> list[Approval]:
        """Approved ones, and pending ones and emergencies that expired."""
        sql = (
            "SELECT body FROM approvals WHERE state = 'approved' "
            "OR (state IN ('pending', 'emergency') AND expires <= ?) ORDER BY expires, id LIMIT ?"
        )
        return await self._run(lambda: _decoded(self._db.execute(sql, [to_timestamp(now), limit])))

    async def _prune_approvals(self, now: datetime) -> int:
        """Delete those that came to an end long ago; returns how many."""
        open_ = "state NOT IN ('pending', 'approved', 'emergency')"
        return await self._delete(
            "approvals", "id", f"{open_} AND expires < ?", [to_timestamp(now - self._retention.approvals)]
        )


def _columns(approval: Approval) -> list[Any]:
    return [approval.state, to_timestamp(approval.expires), approval.version, msgspec.json.encode(approval)]


def _decoded(rows: Iterable[Any]) -> list[Approval]:
    """Every approval that can be read."""
    found = (decoded(row[0], Approval) for row in rows)
    return [each for each in found if each is not None]
