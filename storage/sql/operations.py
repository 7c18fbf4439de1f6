"""Operations and their steps: :class:`storage.port.operations.OperationStore`."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from storage.port.audit import AuditEntry
from storage.port.operations import OperationRow, OperationState, StepRow
from storage.sql.audit import append
from storage.sql.connection import FURTHEST, Connection
from storage.sql.timestamps import from_timestamp, to_timestamp

_OPERATION = "id, request, workflow, account, target, arguments, act, started, state, changed, stopping, outcome"
_STEP = "operation, name, state, at, result"


class SqlOperations(Connection):
    """One row per operation, one per step."""

    async def add_operation(self, row: OperationRow, holder: str, until: datetime) -> bool:
        """Store a new operation, which ``holder`` works on; False where there is one of that id already."""
        values = [row.id, row.request, row.workflow, row.account, row.target, row.arguments, row.act]

        def work() -> bool:
            with self._db.atomic():
                cursor = self._db.execute(
                    "INSERT INTO operations (id, request, workflow, account, target, arguments, act, "
                    "started, state, stopping, outcome, holder, held_until) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'running', 0, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [*values, to_timestamp(row.started), b"", holder, to_timestamp(until)],
                )
                return cursor.rowcount == 1

        return await self._run(work)

    async def operation(self, id_: str) -> OperationRow | None:
        """One operation."""
        return next(iter(await self._operations("WHERE id = ?", [id_])), None)

    async def operation_of(self, request: str) -> OperationRow | None:
        """The operation that a request began."""
        return next(iter(await self._operations("WHERE request = ?", [request])), None)

    async def operations(self, *, running: bool = False, limit: int = 100) -> list[OperationRow]:
        """The newest operations, the newest first; with ``running`` only those that have not ended."""
        which = "WHERE state = 'running'" if running else ""
        return await self._operations(f"{which} ORDER BY started DESC, id LIMIT ?", [limit])

    async def operation_steps(self, id_: str) -> list[StepRow]:
        """The steps of an operation, in the order in which they were first noted."""

        def work() -> list[StepRow]:
            rows = self._db.execute(
                f"SELECT {_STEP} FROM operation_steps WHERE operation = ? ORDER BY number",  # noqa: S608
                [id_],
            )
            return [StepRow(row[0], row[1], row[2], from_timestamp(row[3]), row[4]) for row in rows]

        return await self._run(work)

    async def note_steps(self, holder: str, steps: Collection[StepRow]) -> bool:
        """Store steps of one operation, each in place of the one of its name; False where another holds it by now."""
        (operation,) = {step.operation for step in steps}
        values = [(step.operation, step.name, step.state, to_timestamp(step.at), step.result) for step in steps]

        def work() -> bool:
            with self._db.atomic():
                held = self._db.execute(
                    "SELECT 1 FROM operations WHERE id = ? AND holder = ? AND state = 'running'", [operation, holder]
                ).fetchone()
                if held is None:
                    return False
                self._db.executemany(
                    f"INSERT INTO operation_steps ({_STEP}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608
                    "ON CONFLICT (operation, name) DO UPDATE SET state = excluded.state, at = excluded.at, "
                    "result = excluded.result",
                    values,
                )
                return True

        return await self._run(work)

    async def stop_operation(self, id_: str) -> bool:
        """Ask a running operation to stop; False where it has ended."""
        return await self._write("UPDATE operations SET stopping = 1 WHERE id = ? AND state = 'running'", [id_]) == 1

    async def end_operation(
        self,
        id_: str,
        holder: str,
        state: OperationState,
        outcome: bytes,
        now: datetime,
        entry: AuditEntry | None = None,
        *,
        act: bytes = b"",
        uploads: Collection[str] = (),
        keep_steps: Collection[str] = (),
    ) -> bool:
        """Note how an operation ended, with its line of the audit trail, both or neither.

        What was given for it is forgotten with that: its arguments, these ``uploads``, and the results of its steps but
        for ``keep_steps``; ``act`` takes the place of what was noted of the act. False, and nothing is changed, where
        another holds it by now, or it has ended.
        """

        def work() -> bool:
            with self._db.atomic():
                cursor = self._db.execute(
                    "UPDATE operations SET state = ?, outcome = ?, changed = ?, act = ?, arguments = ? "
                    "WHERE id = ? AND holder = ? AND state = 'running'",
                    [state, outcome, to_timestamp(now), act, b"", id_, holder],
                )
                if cursor.rowcount != 1:
                    return False
                others = f"AND name NOT IN ({', '.join('?' * len(keep_steps))})" if keep_steps else ""
                self._db.execute(
                    f"UPDATE operation_steps SET result = ? WHERE operation = ? {others}",  # noqa: S608
                    [b"", id_, *keep_steps],
                )
                self._db.executemany("DELETE FROM uploads WHERE id = ?", [(each,) for each in uploads])
                if entry:
                    append(self._db, entry)
                return True

        return await self._run(work)

    async def hold_operations(self, holder: str, ids: Collection[str], until: datetime) -> None:
        """Go on holding these operations."""

        def work() -> None:
            with self._db.atomic():
                self._db.executemany(
                    "UPDATE operations SET held_until = ? WHERE id = ? AND holder = ? AND state = 'running'",
                    [(to_timestamp(until), id_, holder) for id_ in ids],
                )

        await self._run(work)

    async def claim_operations(self, holder: str, now: datetime, until: datetime) -> list[OperationRow]:
        """Take over operations that have not ended and that nobody holds any longer, the oldest first."""

        def work() -> list[OperationRow]:
            with self._db.atomic():
                rows = self._db.execute(
                    "UPDATE operations SET holder = ?, held_until = ? WHERE state = 'running' "  # noqa: S608
                    f"AND (held_until <= ? OR held_until > ?) RETURNING {_OPERATION}",
                    [holder, to_timestamp(until), to_timestamp(now), to_timestamp(until + FURTHEST)],
                ).fetchall()
            return sorted(map(_row, rows), key=lambda row: (row.started, row.id))

        return await self._run(work)

    async def release_operations(self, holder: str) -> None:
        """Hold no operation any longer."""
        await self._write("UPDATE operations SET held_until = 0 WHERE holder = ? AND state = 'running'", [holder])

    async def _operations(self, which: str, values: list[Any]) -> list[OperationRow]:
        def work() -> list[OperationRow]:
            rows = self._db.execute(f"SELECT {_OPERATION} FROM operations {which}", values)  # noqa: S608
            return [_row(row) for row in rows]

        return await self._run(work)

    async def _prune_operations(self, now: datetime) -> int:
        """Delete those that ended long ago, with their steps; returns how many."""
        ended = to_timestamp(now - self._retention.operations)
        gone = await self._delete("operations", "id", "state <> 'running' AND changed < ?", [ended])
        return gone + await self._delete(
            "operation_steps", "number", "operation NOT IN (SELECT id FROM operations) AND at < ?", [ended]
        )


def _row(row: tuple[Any, ...]) -> OperationRow:
    id_, request, workflow, account, target, arguments, act, started, state, changed, stopping, outcome = row
    begun = from_timestamp(started)
    ended = None if changed is None else from_timestamp(changed)
    return OperationRow(
        id_, request, workflow, account, target, arguments, act, begun, state, ended, bool(stopping), outcome
    )
