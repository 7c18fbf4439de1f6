"""Network traffic of pools: :class:`storage.port.network.NetworkStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from storage.port.network import NetworkCounter, NetworkUse
from storage.sql.timestamps import from_timestamp, to_timestamp
from storage.sql.usage import SqlUsage

_NEW: Final = timedelta(days=1)
"""The first counter of a pool counts from its beginning where that is no longer ago."""
_SUMS: Final = """
    SELECT sum(read * part), sum(written * part), min(since), max(until) FROM (
        SELECT read, written, since, until, (until - since) * 1.0 / whole AS part FROM (
            SELECT read, written, at - begin AS whole, CASE WHEN begin > :since THEN begin ELSE :since END AS since,
                CASE WHEN at < :until THEN at ELSE :until END AS until
            FROM network
            WHERE at > :since AND begin < :until AND at > begin AND series IN (
                SELECT id FROM series WHERE account = :account AND pool <> ''
                    AND (CAST(:pool AS TEXT) IS NULL OR pool = :pool)
            )
        ) AS cut
    ) AS shares
"""


class SqlNetwork(SqlUsage):
    """A row is what was added to a counter from ``begin`` to ``at``, with the counter as it was then."""

    async def add_network(self, account: str, counters: Sequence[NetworkCounter]) -> None:
        """Store what was added to counters since they were last read; one that is not newer is ignored."""

        def work() -> None:
            with self._numbers.atomic():
                for counter in counters:
                    self._add_counter(self._numbers.series(account, counter.pool), counter)

        await self._run(work)

    def _add_counter(self, series: int, counter: NetworkCounter) -> None:
        began, at = to_timestamp(counter.began), to_timestamp(counter.at)
        row = self._db.execute(
            "SELECT at, began, counted_read, counted_written FROM network WHERE series = ? ORDER BY at DESC LIMIT 1",
            (series,),
        ).fetchone()
        begin, read, written = began, counter.read, counter.written
        if row is None:
            if counter.at - counter.began > _NEW:
                begin, read, written = at, 0.0, 0.0
        else:
            last, before, last_read, last_written = row
            if at <= last:
                return
            begin = max(last, began)
            if before == began and counter.read >= last_read and counter.written >= last_written:
                begin, read, written = last, counter.read - last_read, counter.written - last_written
        self._db.execute(
            "INSERT INTO network (series, at, begin, read, written, began, counted_read, counted_written) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (series, at, begin, read, written, began, counter.read, counter.written),
        )

    async def network(self, account: str, pool: str | None, since: datetime, until: datetime) -> NetworkUse | None:
        """In and out of a pool, or the whole account, within [since, until); None where nothing is known of it."""
        asked = {"account": account, "pool": pool, "since": to_timestamp(since), "until": to_timestamp(until)}

        def work() -> NetworkUse | None:
            read, written, begin, at = self._db.execute(_SUMS, asked).fetchone()
            return None if begin is None else NetworkUse(read, written, from_timestamp(begin), from_timestamp(at))

        return await self._run(work)

    async def _prune_network(self, now: datetime) -> int:
        """Delete what is too old, but the last row of a pool, from which its next counter is told."""
        return await self._delete(
            "network",
            "series, at",
            "at < ? AND at < (SELECT max(at) FROM network AS newest WHERE newest.series = network.series)",
            [to_timestamp(now - self._retention.network)],
        )
