"""All of :class:`storage.port.store.Store` in SQL, on whichever database there is."""

from __future__ import annotations

import secrets
from datetime import datetime

from storage.sql.approvals import SqlApprovals
from storage.sql.audit import SqlAudit
from storage.sql.bill import SqlBill
from storage.sql.black_box import SqlBlackBox
from storage.sql.changes import SqlChanges
from storage.sql.confirmations import SqlConfirmations
from storage.sql.conversations import SqlConversations
from storage.sql.files import SqlFiles
from storage.sql.incidents import SqlIncidents
from storage.sql.live import SqlLive
from storage.sql.looks import SqlLooks
from storage.sql.messages import SqlMessages
from storage.sql.monitoring import SqlMonitoring
from storage.sql.network import SqlNetwork
from storage.sql.operations import SqlOperations
from storage.sql.outbox import SqlOutbox
from storage.sql.preferences import SqlPreferences
from storage.sql.prices import SqlPrices
from storage.sql.recommendations import SqlRecommendations
from storage.sql.reports import SqlReports
from storage.sql.requests import SqlRequests
from storage.sql.runs import SqlRuns
from storage.sql.timings import SqlTimings
from storage.sql.uploads import SqlUploads


class SqlStore(
    SqlRequests,
    SqlConfirmations,
    SqlAudit,
    SqlApprovals,
    SqlConversations,
    SqlNetwork,
    SqlFiles,
    SqlUploads,
    SqlPreferences,
    SqlReports,
    SqlRecommendations,
    SqlMonitoring,
    SqlLooks,
    SqlIncidents,
    SqlOutbox,
    SqlRuns,
    SqlTimings,
    SqlBlackBox,
    SqlLive,
    SqlMessages,
    SqlOperations,
    SqlChanges,
    SqlPrices,
    SqlBill,
):
    """All of the port, on one connection. Every method may raise StoreError."""

    async def secret(self, name: str) -> bytes:
        """32 random bytes, made once per database and name, for signing."""

        def work() -> bytes:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
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
