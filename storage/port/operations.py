"""What is kept of operations: changes of Azure that take several steps, and go on after a crash where they stopped."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from storage.port.audit import AuditEntry

OperationState: TypeAlias = Literal["running", "done", "failed", "unknown", "stopped"]
StepState: TypeAlias = Literal["sent", "done", "failed"]


class OperationRow(Struct, frozen=True):
    """One operation.

    ``request`` is the key of the request that began it, ``workflow`` names what is done and ``arguments`` is the
    encoded rest of it, empty once it has ended; ``act`` is the encoded beginning of its line in the audit trail, and
    afterwards what is kept of it. ``stopping`` says that somebody asked to stop it. ``outcome`` is the encoded last
    card; empty while it is ``running``.
    """

    id: str
    request: str
    workflow: str
    account: str
    target: str
    arguments: bytes
    act: bytes
    started: datetime
    state: OperationState = "running"
    changed: datetime | None = None
    stopping: bool = False
    outcome: bytes = b""


class StepRow(Struct, frozen=True):
    """One step of an operation, known by its name. ``sent``: it was begun, and nothing is known of its end.

    ``result`` is the encoded result of a step that is ``done``, or what was wrong with one that ``failed``.
    """

    operation: str
    name: str
    state: StepState
    at: datetime
    result: bytes = b""


class OperationStore(Protocol):
    """The part of the store that operations need. Every method is a transaction of its own, off the event loop."""

    async def add_operation(self, row: OperationRow, holder: str, until: datetime) -> bool:
        """Store a new operation, which ``holder`` works on; False where there is one of that id already."""
        ...

    async def operation(self, id_: str) -> OperationRow | None:
        """One operation."""
        ...

    async def operation_of(self, request: str) -> OperationRow | None:
        """The operation that a request began."""
        ...

    async def operations(self, *, running: bool = False, limit: int = 100) -> list[OperationRow]:
        """The newest operations, the newest first; with ``running`` only those that have not ended."""
        ...

    async def operation_steps(self, id_: str) -> list[StepRow]:
        """The steps of an operation, in the order in which they were first noted."""
        ...

    async def note_steps(self, holder: str, steps: Collection[StepRow]) -> bool:
        """Store steps of one operation, each in place of the one of its name; False where another holds it by now."""
        ...

    async def stop_operation(self, id_: str) -> bool:
        """Ask a running operation to stop; False where it has ended."""
        ...

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
        ...

    async def hold_operations(self, holder: str, ids: Collection[str], until: datetime) -> None:
        """Go on holding these operations."""
        ...

    async def claim_operations(self, holder: str, now: datetime, until: datetime) -> list[OperationRow]:
        """Take over operations that have not ended and that nobody holds any longer, the oldest first."""
        ...

    async def release_operations(self, holder: str) -> None:
        """Hold no operation any longer."""
        ...
