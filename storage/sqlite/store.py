"""The store in one SQLite file: :class:`storage.port.store.Store` by sqlite-utils."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from storage.sqlite.approvals import SqliteApprovals
from storage.sqlite.audit import SqliteAudit
from storage.sqlite.bill import SqliteBill
from storage.sqlite.black_box import SqliteBlackBox
from storage.sqlite.changes import SqliteChanges
from storage.sqlite.confirmations import SqliteConfirmations
from storage.sqlite.conversations import SqliteConversations
from storage.sqlite.files import SqliteFiles
from storage.sqlite.holding import Holding
from storage.sqlite.incidents import SqliteIncidents
from storage.sqlite.live import SqliteLive
from storage.sqlite.messages import SqliteMessages
from storage.sqlite.monitoring import SqliteMonitoring
from storage.sqlite.network import SqliteNetwork
from storage.sqlite.operations import SqliteOperations
from storage.sqlite.outbox import SqliteOutbox
from storage.sqlite.preferences import SqlitePreferences
from storage.sqlite.prices import SqlitePrices
from storage.sqlite.recommendations import SqliteRecommendations
from storage.sqlite.reports import SqliteReports
from storage.sqlite.requests import SqliteRequests
from storage.sqlite.runs import SqliteRuns
from storage.sqlite.timings import SqliteTimings
from storage.sqlite.uploads import SqliteUploads


class SqliteStore(
    SqliteRequests,
    SqliteConfirmations,
    SqliteAudit,
    SqliteApprovals,
    SqliteConversations,
    SqliteNetwork,
    SqliteFiles,
    SqliteUploads,
    SqlitePreferences,
    SqliteReports,
    SqliteRecommendations,
    SqliteMonitoring,
    SqliteIncidents,
    SqliteOutbox,
    SqliteRuns,
    SqliteTimings,
    SqliteBlackBox,
    SqliteLive,
    SqliteMessages,
    SqliteOperations,
    SqliteChanges,
    SqlitePrices,
    SqliteBill,
):
    """All of the port, on one connection. Every method may raise StoreError."""

    @staticmethod
    def hold(path: Path, patience: float) -> Callable[[], None]:
        """Keep other programs from a database, until what is returned is called or the process ends.

        Blocks for ``patience`` seconds at most while another has it. Raises StoreHeld, which says who, and StoreError.
        """
        return Holding.take(path, patience).release

    async def secret(self, name: str) -> bytes:
        """32 random bytes, made once per database and name, for signing."""

        def work() -> bytes:
            with self._db.atomic():
                self._db.execute(
                    "INSERT OR IGNORE INTO meta (name, value) VALUES (?, ?)",
                    [f"secret:{name}", secrets.token_bytes(32)],
                )
                (value,) = self._db.execute("SELECT value FROM meta WHERE name = ?", [f"secret:{name}"]).fetchone()
                return bytes(value)

        return await self._run(work)

    async def prune(self, now: datetime) -> int:
        """Delete what retention no longer wants, a slice at a time; returns the number of rows."""
        gone = await self._prune_requests(now) + await self._prune_confirmations(now)
        gone += await self._prune_approvals(now)
        gone += await self._prune_files(now) + await self._prune_samples(now)
        gone += await self._prune_operations(now) + await self._prune_network(now)
        gone += await self._prune_uploads(now)
        gone += await self._prune_job_runs(now)
        gone += await self._prune_bill(now)
        gone += await self._prune_reports(now) + await self._prune_recommendations(now)
        gone += await self._prune_timings(now) + await self._prune_black_box(now)
        gone += await self._prune_messages(now)
        gone += await self._prune_transitions(now) + await self._prune_incidents(now) + await self._prune_outbox(now)
        await self._give_back()
        return gone
