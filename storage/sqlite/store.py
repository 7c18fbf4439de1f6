"""The store in one SQLite file: :class:`storage.port.store.Store` by sqlite-utils."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Literal

from sqlite_utils import Database

from storage.port.store import Bucket, JournalRow, Kept, LentFile, Reference, Sample
from storage.retention import JOURNAL_KEPT, ROLLUPS_KEPT, SAMPLES_KEPT, SEEN_FOR, Retention, resolution
from storage.rollup import MICRO, Pile
from storage.sqlite import preferences
from storage.sqlite.timestamps import from_timestamp, to_timestamp
from storage.sqlite.watching import SqliteWatching


class SqliteStore(SqliteWatching):
    """All of the port. Every method may raise StoreError."""

    def __init__(self, path: Path, db: Database, worker: ThreadPoolExecutor, retention: Retention) -> None:
        super().__init__(path, db, worker, retention)
        self._series: dict[tuple[str, str], int] = {}

    # Requests.

    async def accept(self, key: str, body: bytes, at: datetime) -> bool:
        """Write the journal row; False when the key was seen in the last day (the row is then left alone)."""

        def work() -> bool:
            with self._db.atomic():
                cursor = self._db.execute(
                    """
                    INSERT INTO journal (key, body, accepted, state) VALUES (:key, :body, :at, 'new')
                    ON CONFLICT (key) DO UPDATE SET body = :body, accepted = :at, state = 'new'
                    WHERE accepted <= :forgotten
                    """,
                    {"key": key, "body": body, "at": to_timestamp(at), "forgotten": to_timestamp(at - SEEN_FOR)},
                )
                return cursor.rowcount == 1

        return await self._run(work)

    async def finish(self, key: str, state: Literal["done", "failed"]) -> None:
        """Mark a journal row as worked off."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute("UPDATE journal SET state = ? WHERE key = ?", [state, key])

        await self._run(work)

    async def unfinished(self, before: datetime) -> list[JournalRow]:
        """Rows accepted before a moment and not finished, oldest first: what a crash left behind."""

        def work() -> list[JournalRow]:
            rows = self._db.execute(
                "SELECT key, body, accepted FROM journal WHERE state = 'new' AND accepted < ? ORDER BY accepted, rowid",
                [to_timestamp(before)],
            )
            return [JournalRow(key, body, from_timestamp(accepted)) for key, body, accepted in rows]

        return await self._run(work)

    # Conversations.

    async def remember(self, reference: Reference) -> None:
        """Insert or refresh a conversation reference."""

        def work() -> None:
            self._db.table("conversations").upsert(
                {
                    "platform": reference.platform,
                    "id": reference.id,
                    "body": reference.body,
                    "seen": to_timestamp(reference.seen),
                    "reachable": int(reference.reachable),
                },
                pk=("platform", "id"),
            )

        await self._run(work)

    async def references(self, platform: str | None = None) -> list[Reference]:
        """All of them, or one platform's, by platform and id."""

        def work() -> list[Reference]:
            rows = self._db.execute(
                "SELECT platform, id, body, seen, reachable FROM conversations "
                "WHERE ?1 IS NULL OR platform = ?1 ORDER BY platform, id",
                [platform],
            )
            return [Reference(name, id_, body, from_timestamp(seen), bool(ok)) for name, id_, body, seen, ok in rows]

        return await self._run(work)

    # Samples and their rollups.

    async def add_samples(self, samples: Sequence[Sample]) -> None:
        """Store samples and add them to every rollup in the same transaction; a sample seen before is ignored.

        So is one older than what was pruned, because nobody can tell any more whether it was seen. Large imports
        belong in calls of about a thousand samples, so that nothing urgent waits long behind one.
        """

        def work() -> None:
            try:
                with self._db.atomic():
                    self._roll_up(self._fresh(samples))
            except BaseException:
                self._series.clear()  # numbers given out by a transaction that was rolled back
                raise

        await self._run(work)

    def _fresh(self, samples: Sequence[Sample]) -> list[tuple[int, int, int, Sample]]:
        """Insert samples of pools; returns (series, account's series, moment, sample) of those that were new."""
        horizon = self._horizon()
        by_series: dict[tuple[int, int], dict[int, Sample]] = {}
        for sample in samples:
            if (at := to_timestamp(sample.at)) >= horizon:
                key = self._series_id(sample.account, sample.pool), self._series_id(sample.account, "")
                by_series.setdefault(key, {}).setdefault(at, sample)
        fresh = [
            (series, account, at, sample)
            for (series, account), moments in by_series.items()
            for known in [{} if series == account else self._known(series, moments)]
            for at, sample in moments.items()
            if at not in known
        ]
        self._db.conn.executemany(
            "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)",
            [(n, at, s.seconds, s.busy, s.total, s.nodes) for n, account, at, s in fresh if n != account],
        )
        return fresh

    def _known(self, series: int, moments: Collection[int]) -> dict[int, float]:
        """The samples of a series that are stored already, around some moments: their moments and seconds."""
        return dict(
            self._db.conn.execute(
                "SELECT at, seconds FROM samples WHERE series = ? AND at BETWEEN ? AND ?",
                (series, min(moments), max(moments)),
            )
        )

    def _roll_up(self, fresh: list[tuple[int, int, int, Sample]]) -> None:
        """Add new samples to the rollups, and to their account's own row, which all pools of a moment share."""
        pile = Pile()
        looks: dict[int, dict[int, list[float]]] = {}  # by account and moment: seconds, busy, total, nodes
        for series, account, at, sample in fresh:
            look = looks.setdefault(account, {}).setdefault(at, [0.0, 0.0, 0.0, 0])
            look[0] = max(look[0], sample.seconds)
            if series != account:
                look[1] += sample.busy
                look[2] += sample.total
                look[3] += sample.nodes
                pile.cores(series, account, at - round(sample.seconds * MICRO), at, sample.busy, sample.total)
        for account, moments in looks.items():
            known = self._known(account, moments)
            for at, (seconds, *_) in moments.items():
                pile.looked(account, at - round(seconds * MICRO), at - round(known.get(at, 0.0) * MICRO))
            self._db.conn.executemany(
                """
                INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET seconds = max(seconds, excluded.seconds), busy = busy + excluded.busy,
                    total = total + excluded.total, nodes = nodes + excluded.nodes
                """,
                [(account, at, *look) for at, look in moments.items()],
            )
            self._db.conn.execute(
                "UPDATE series SET first = min(ifnull(first, ?1), ?1), last = max(ifnull(last, ?2), ?2) WHERE id = ?3",
                (min(moments), max(moments), account),
            )
        self._db.conn.executemany(
            """
            INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET busy = busy + excluded.busy, total = total + excluded.total,
                seconds = seconds + excluded.seconds
            """,
            pile.rows(),
        )

    def _series_id(self, account: str, pool: str) -> int:
        """The small number of a series, given out on first use."""
        found = self._series.get((account, pool))
        if found is None:
            self._db.conn.execute("INSERT OR IGNORE INTO series (account, pool) VALUES (?, ?)", (account, pool))
            (found,) = self._db.conn.execute(
                "SELECT id FROM series WHERE account = ? AND pool = ?", (account, pool)
            ).fetchone()
            self._series[account, pool] = found
        return found

    async def usage(self, account: str, pool: str | None, since: datetime, until: datetime, step: int) -> list[Bucket]:
        """Buckets of ``step`` seconds in [since, until), empty ones left out; see :func:`resolution`."""
        begin, end = to_timestamp(since) // MICRO, -(-to_timestamp(until) // MICRO)
        kept, origin = resolution(begin, end, step)

        def work() -> list[Bucket]:
            rows = self._db.execute(
                """
                SELECT :origin + (start - :origin) / :step * :step AS bucket, sum(busy), sum(total), sum(seconds)
                FROM rollups
                WHERE step = :kept AND start >= :origin AND start < :end
                  AND series = (SELECT id FROM series WHERE account = :account AND pool = :pool)
                GROUP BY bucket ORDER BY bucket
                """,
                {"origin": origin, "end": end, "step": step, "kept": kept, "account": account, "pool": pool or ""},
            )
            return [
                Bucket(from_timestamp(start * MICRO), busy, total, min(seconds, step))
                for start, busy, total, seconds in rows
                if seconds > 0
            ]

        return await self._run(work)

    async def sampled(self, account: str) -> tuple[datetime, datetime] | None:
        """The first and last sample of an account, or None."""

        def work() -> tuple[datetime, datetime] | None:
            row = self._db.execute(
                "SELECT first, last FROM series WHERE account = ? AND pool = '' AND first IS NOT NULL", [account]
            ).fetchone()
            return None if row is None else (from_timestamp(row[0]), from_timestamp(row[1]))

        return await self._run(work)

    # Pictures and other files lent out.

    async def keep_file(self, key: str, file: LentFile, expires: datetime) -> None:
        """Store a file until it expires; one that is kept already is kept for the longer time."""

        def work() -> None:
            with self._db.atomic():
                self._db.execute(
                    "INSERT INTO files (key, body, kind, name, expires) VALUES (?, ?, ?, ?, ?) "
                    "ON CONFLICT (key) DO UPDATE SET body = excluded.body, kind = excluded.kind, name = excluded.name, "
                    "expires = max(expires, excluded.expires)",
                    [key, file.body, file.kind, file.name, to_timestamp(expires)],
                )

        await self._run(work)

    async def file(self, key: str, now: datetime) -> LentFile | None:
        """The file, or None when it is unknown or expired."""

        def work() -> LentFile | None:
            row = self._db.execute(
                "SELECT body, kind, name FROM files WHERE key = ? AND expires > ?", [key, to_timestamp(now)]
            ).fetchone()
            return None if row is None else LentFile(*row)

        return await self._run(work)

    # What people keep by name.

    async def keep(self, space: str, owner: str, name: str, value: bytes, at: datetime) -> None:
        """Keep ``value`` under ``name``, in place of what was kept there before."""
        await self._run(lambda: preferences.keep(self._db, space, owner, name, value, to_timestamp(at)))

    async def kept(self, space: str, owner: str) -> list[Kept]:
        """All that an owner keeps in a space, by name."""
        rows = await self._run(lambda: preferences.kept(self._db, space, owner))
        return [Kept(name, value, from_timestamp(at)) for name, value, at in rows]

    async def kept_all(self, space: str) -> list[tuple[str, Kept]]:
        """All that is kept in a space with its owner, by owner and name."""
        rows = await self._run(lambda: preferences.kept_all(self._db, space))
        return [(owner, Kept(name, value, from_timestamp(at))) for owner, name, value, at in rows]

    async def drop(self, space: str, owner: str, name: str) -> bool:
        """Forget one; False where there is none of that name."""
        return await self._run(lambda: preferences.drop(self._db, space, owner, name))

    # The store's own.

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

    def _horizon(self) -> int:
        """Samples before this moment (microseconds) were pruned."""
        row = self._db.conn.execute("SELECT value FROM meta WHERE name = 'pruned'").fetchone()
        return int(row[0]) if row else 0

    async def prune(self, now: datetime) -> int:
        """Delete what retention no longer wants, a slice at a time; returns the number of rows."""
        horizon = to_timestamp(now - SAMPLES_KEPT)

        def mark() -> list[int]:
            with self._db.atomic():
                if horizon > self._horizon():
                    self._db.execute(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES ('pruned', ?)", [str(horizon).encode()]
                    )
            return [row[0] for row in self._db.execute("SELECT id FROM series")]

        series = await self._run(mark)
        gone = await self._delete("journal", "key", "accepted < ?", [to_timestamp(now - JOURNAL_KEPT)])
        gone += await self._delete("files", "key", "expires <= ?", [to_timestamp(now)])
        for number in series:
            gone += await self._delete("samples", "series, at", "series = ? AND at < ?", [number, horizon])
            for step, kept in ROLLUPS_KEPT.items():
                if kept is not None:
                    where = [step, number, to_timestamp(now - kept) // MICRO - step]
                    gone += await self._delete(
                        "rollups", "step, series, start", "step = ? AND series = ? AND start < ?", where
                    )
        return gone + await self._prune_watching(now)
