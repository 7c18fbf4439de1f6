"""The one thread that uses a database, and what is done in it.

One connection lives in one thread, so nothing here ever runs on the event loop, and work is done in the order it was
asked for. What a method has returned from survives a power cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from storage.port.condition import StoreCondition
from storage.port.errors import CannotStore
from storage.retention import Retention
from storage.sql.database import Database

log = structlog.get_logger()

T = TypeVar("T")

SLICE = 2000
"""Rows that one prune transaction deletes at most, so that an acknowledgement never waits long behind it."""
FURTHEST = timedelta(hours=1)
"""No row is held so far ahead: one that seems to be was held by a clock that has been set back since."""


class Connection:
    """What the parts of a store share. Every method of theirs may raise StoreError."""

    def __init__(self, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        self.condition = StoreCondition()
        """How it stands."""
        self._db = db
        self._worker = worker
        self._retention = retention

    async def close(self) -> None:
        """Finish what is queued and release the file or connection."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._worker, self._db.close)
        finally:
            await asyncio.to_thread(self._worker.shutdown)

    async def _run(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the store's thread. Once begun it is finished, even when the caller is cancelled."""

        def guarded() -> T:
            before = self._db.written()
            try:
                with self._db.advised():
                    done = work()
            except CannotStore as error:
                if not self.condition.failing:
                    log.error("storage.cannot_store", message=str(error))  # noqa: TRY400 - it says all
                self.condition.failing = str(error)
                raise
            if self.condition.failing and self._db.written() > before:
                log.info("storage.stores_again")
                self.condition.failing = ""
            return done

        return await asyncio.get_running_loop().run_in_executor(self._worker, guarded)

    async def _write(self, sql: str, values: Sequence[Any]) -> int:
        """One statement in a transaction; returns the number of rows it touched."""

        def work() -> int:
            with self._db.atomic():
                return int(self._db.execute(sql, values).rowcount)

        return await self._run(work)

    async def _delete(self, table: str, key: str, where: str, values: Sequence[int | str]) -> int:
        """Delete rows in transactions of at most ``SLICE`` rows; returns how many."""
        sql = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {where} LIMIT {SLICE})"  # noqa: S608

        def work() -> int:
            with self._db.atomic():
                return int(self._db.execute(sql, values).rowcount)

        return await self._sliced(work)

    async def _sliced(self, work: Callable[[], int]) -> int:
        """Do ``work``, which deletes at most ``SLICE`` rows and says how many, until it finds no more."""
        gone = 0
        while (deleted := await self._run(work)) > 0:
            gone += deleted
            if deleted < SLICE:
                break
        return gone

    async def _give_back(self) -> None:
        """Give back what pruning has freed, where the database does not do so by itself."""
