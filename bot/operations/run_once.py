"""Run at most once: a request's change is begun at most once, whatever happens to the program.

The store notes that a change begins before anything of it happens, and lets exactly one caller do so. What was begun
and has no outcome is never run again by itself; :mod:`bot.operations.reconcile` finds out how far it came.
"""

from __future__ import annotations

from datetime import datetime

from storage.port.audit import AuditEntry
from storage.port.errors import CannotStore
from storage.port.requests import RequestStore


class RunOnce:
    """One journalled request's right to make its change."""

    def __init__(self, store: RequestStore, key: str, holder: str) -> None:
        """``key`` is the request's, ``holder`` the instance that holds its row."""
        self._store = store
        self._key = key
        self._holder = holder
        self.begun = False
        """Whether the right was taken: something was, or may have been, changed."""

    async def begin(self, command: str, at: datetime) -> bool:
        """Take the right to run ``command``; False where it was taken before, or the row is another's by now."""
        taken = await self._store.start_change(self._key, self._holder, command, at)
        self.begun = self.begun or taken
        return taken

    async def record(self, outcome: bytes, entry: AuditEntry) -> None:
        """Note what came of it (the encoded answer), with its line of the audit trail."""
        await self._store.record_outcome(self._key, outcome, entry)


class Unnoted(RunOnce):
    """Of a request that could not be journalled: it has no right to change anything."""

    def __init__(self) -> None:
        self.begun = False

    async def begin(self, command: str, at: datetime) -> bool:
        """Raises CannotStore."""
        raise CannotStore("the request could not be noted")
