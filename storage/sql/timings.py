"""How long nodes took to boot: :class:`storage.port.timings.TimingStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storage.port.timings import NodeBoot
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlTimings(Connection):
    """Nodes that booted; written by :mod:`storage.sql.changes`."""

    async def node_boots(
        self, account: str, since: datetime, until: datetime, *, pool: str | None = None
    ) -> list[NodeBoot]:
        """Boots of nodes that were allocated in [since, until), oldest first."""
        wanted = "AND pool = ?" if pool is not None else ""
        values: list[Any] = [account, to_timestamp(since), to_timestamp(until)]
        values += [pool] if pool is not None else []

        def work() -> list[NodeBoot]:
            rows = self._db.execute(
                "SELECT pool, node, vm_size, spot, allocated, seconds FROM node_boots "  # noqa: S608 - fixed words
                f"WHERE account = ? AND allocated >= ? AND allocated < ? {wanted} ORDER BY allocated, node",
                values,
            )
            return [
                NodeBoot(account, pool_, node, size, bool(spot), from_timestamp(at), seconds)
                for pool_, node, size, spot, at, seconds in rows
            ]

        return await self._run(work)

    async def _prune_timings(self, now: datetime) -> int:
        """Delete what is older than is kept; returns how many rows."""
        oldest = to_timestamp(now - self._retention.timings)
        return await self._delete("node_boots", "account, pool, node, allocated", "allocated < ?", [oldest])


def put_node_boots(db: Database, boots: Sequence[NodeBoot]) -> None:
    """Add boots. One that is known is left alone: a node that is rebooted says later when it booted last."""
    db.executemany(
        "INSERT INTO node_boots (account, pool, node, vm_size, spot, allocated, seconds) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [
            (each.account, each.pool, each.node, each.vm_size, each.spot, to_timestamp(each.allocated), each.seconds)
            for each in boots
        ],
    )
