"""Reports of money: :class:`storage.port.reports.ReportStore`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from storage.port.outbox import OutboxEntry
from storage.port.reports import AdviceRow, AnomalyRow, ReportPost
from storage.sql import outbox
from storage.sql.connection import Connection
from storage.sql.timestamps import from_timestamp, to_timestamp


class SqlReports(Connection):
    """One row for each period of a report in a conversation: whoever inserts it posts it, and nobody else."""

    async def post_report(self, post: ReportPost, advice: Sequence[AdviceRow], entry: OutboxEntry | None) -> bool:
        """The key decides, in the transaction that puts the message into the outbox."""

        def work() -> bool:
            with self._db.atomic():
                inserted = self._db.execute(
                    "INSERT INTO report_posts (conversation, report, period, at, body) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [post.conversation, post.report, post.period, to_timestamp(post.at), post.body],
                )
                if not inserted.rowcount:
                    return False
                self._db.executemany(
                    "INSERT INTO advice (account, report, period, pool, at, body) VALUES (?, ?, ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [(a.account, a.report, a.period, a.pool, to_timestamp(a.at), a.body) for a in advice],
                )
                outbox.put_entries(self._db, [entry] if entry else [])
                return True

        return await self._run(work)

    async def report_post(self, conversation: str, report: str, period: str) -> ReportPost | None:
        """By its key."""

        def work() -> ReportPost | None:
            row = self._db.execute(
                "SELECT at, body FROM report_posts WHERE conversation = ? AND report = ? AND period = ?",
                [conversation, report, period],
            ).fetchone()
            return ReportPost(conversation, report, period, from_timestamp(row[0]), bytes(row[1])) if row else None

        return await self._run(work)

    async def report_posted_after(self, conversation: str, report: str, period: str) -> bool:
        """By its key: those of one report sort by time."""

        def work() -> bool:
            sql = "SELECT 1 FROM report_posts WHERE conversation = ? AND report = ? AND period > ? LIMIT 1"
            return self._db.execute(sql, [conversation, report, period]).fetchone() is not None

        return await self._run(work)

    async def advice(self, account: str, report: str, period: str) -> list[AdviceRow]:
        """By pool."""

        def work() -> list[AdviceRow]:
            rows = self._db.execute(
                "SELECT pool, at, body FROM advice WHERE account = ? AND report = ? AND period = ? ORDER BY pool",
                [account, report, period],
            )
            return [AdviceRow(account, report, period, pool, from_timestamp(at), body) for pool, at, body in rows]

        return await self._run(work)

    async def put_anomaly(self, row: AnomalyRow) -> bool:
        """The first finding of a day stays."""
        sql = (
            "INSERT INTO anomalies (account, pool, day, found, body, answer, reply) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        values = [row.account, row.pool, row.day.isoformat(), to_timestamp(row.found), row.body, row.answer, row.reply]
        return bool(await self._write(sql, values))

    async def answer_anomaly(self, account: str, pool: str, day: date, answer: str, reply: bytes) -> bool:
        """In place of what was said before."""
        sql = "UPDATE anomalies SET answer = ?, reply = ? WHERE account = ? AND pool = ? AND day = ?"
        return bool(await self._write(sql, [answer, reply, account, pool, day.isoformat()]))

    async def anomalies(self, account: str, since: datetime) -> list[AnomalyRow]:
        """By day and pool."""

        def work() -> list[AnomalyRow]:
            rows = self._db.execute(
                "SELECT pool, day, found, body, answer, reply FROM anomalies WHERE account = ? AND found >= ? "
                "ORDER BY day, pool",
                [account, to_timestamp(since)],
            )
            return [
                AnomalyRow(account, pool, date.fromisoformat(day), from_timestamp(found), body, answer, reply)
                for pool, day, found, body, answer, reply in rows
            ]

        return await self._run(work)

    async def _prune_reports(self, now: datetime) -> int:
        """Delete posts, advice and anomalies that are older than is kept; returns how many."""
        past = to_timestamp(now - self._retention.reports)
        gone = await self._delete("report_posts", "conversation, report, period", "at < ?", [past])
        gone += await self._delete("advice", "account, report, period, pool", "at < ?", [past])
        return gone + await self._delete("anomalies", "account, pool, day", "found < ?", [past])
