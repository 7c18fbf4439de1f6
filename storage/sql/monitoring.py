"""What monitoring saw: :class:`storage.port.monitoring.MonitoringStore`.

The functions run in the store's thread; those that write belong in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from storage.port.monitoring import Cursor, EntitySnapshot, Transition, TransitionCount
from storage.sql.connection import Connection
from storage.sql.database import Database
from storage.sql.meta import meta, put_meta
from storage.sql.timestamps import from_timestamp, to_timestamp

_PRUNED = "pruned_transitions"
_HOUR = 3600
_MICRO = 1_000_000
_LAST = "\U0010ffff"
"""Sorts after every letter, so that ``x`` to ``x`` and this are the names that begin with x."""


class SqlMonitoring(Connection):
    """Transitions with their hourly counts, cursors and snapshots; written by :mod:`storage.sql.changes`."""

    async def cursors(self, account: str) -> list[Cursor]:
        """How far every stream of an account was read, by stream."""

        def work() -> list[Cursor]:
            rows = self._db.execute("SELECT stream, at FROM cursors WHERE account = ? ORDER BY stream", [account])
            return [Cursor(account, stream, from_timestamp(at)) for stream, at in rows]

        return await self._run(work)

    async def snapshots(self, account: str) -> list[EntitySnapshot]:
        """The last known state of every entity of an account, by entity and id."""

        def work() -> list[EntitySnapshot]:
            sql = "SELECT entity, id, body FROM snapshots WHERE account = ? ORDER BY entity, id"
            return [EntitySnapshot(account, *row) for row in self._db.execute(sql, [account])]

        return await self._run(work)

    async def transitions(
        self,
        account: str,
        *,
        entity: str = "",
        parent: str | None = None,
        id: str = "",  # noqa: A002 - the field's name
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 1000,
        after: str = "",
    ) -> list[Transition]:
        """The newest that fit, newest first; of one moment, the last stored first."""
        return await self._run(lambda: _newest(self._db, account, entity, parent, id, (since, until), limit, after))

    async def transition_counts(
        self, account: str, since: datetime, until: datetime, entity: str = ""
    ) -> list[TransitionCount]:
        """Transitions by hour, entity and state, oldest first."""
        begin, end = to_timestamp(since) // _MICRO // _HOUR * _HOUR, -(-to_timestamp(until) // _MICRO)

        def work() -> list[TransitionCount]:
            rows = self._db.execute(
                "SELECT start, entity, after, count FROM transition_hours "
                "WHERE account = ? AND start >= ? AND start < ? AND ? IN ('', entity) ORDER BY start, entity, after",
                [account, begin, end, entity],
            )
            return [TransitionCount(from_timestamp(start * _MICRO), *rest) for start, *rest in rows]

        return await self._run(work)

    async def _prune_transitions(self, now: datetime) -> int:
        """Delete old transitions and counts, a slice at a time; returns how many rows."""
        oldest = to_timestamp(now - self._retention.transitions)
        hour = to_timestamp(now - self._retention.transition_counts) // _MICRO - _HOUR

        def mark() -> list[str]:
            with self._db.atomic():
                _move_horizon(self._db, oldest)
            return _accounts(self._db)

        gone = 0
        for account in await self._run(mark):
            gone += await self._delete("transitions", "seq", "account = ? AND at < ?", [account, oldest])
            gone += await self._delete(
                "transition_hours", "account, start, entity, after", "account = ? AND start < ?", [account, hour]
            )
        return gone


def add_transitions(db: Database, transitions: Sequence[Transition]) -> int:
    """Insert those that are new and count them into their hours; returns how many.

    One from before what was pruned is left out, because nobody knows any more whether it was counted.
    """
    oldest = _horizon(db)
    (last,) = db.execute("SELECT coalesce(max(seq), 0) FROM transitions").fetchone()
    db.executemany(
        """
        INSERT INTO transitions (account, entity, parent, id, before, after, at, details)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account, entity, parent, id, at, after) DO NOTHING
        """,
        [
            (t.account, t.entity, t.parent, t.id, t.before, t.after, at, t.details)
            for t in transitions
            if (at := to_timestamp(t.at)) >= oldest
        ],
    )
    db.execute(
        """
        INSERT INTO transition_hours (account, start, entity, after, count)
        SELECT account, at / :hour * :seconds, entity, counted, count(*) FROM (
            SELECT account, at, entity, CASE
                WHEN entity IN ('job', 'schedule') AND after = 'active'
                    AND before IN ('disabled', 'disabling', 'enabling') THEN 'enabled'
                WHEN entity = 'autoscale' AND after = 'ok' AND details LIKE '%"resized":true%' THEN 'resized'
                ELSE after END AS counted
            FROM transitions WHERE seq > :last
        ) AS added
        GROUP BY account, at / :hour, entity, counted
        ON CONFLICT (account, start, entity, after) DO UPDATE SET count = transition_hours.count + excluded.count
        """,
        {"hour": _HOUR * _MICRO, "seconds": _HOUR, "last": last},
    )
    (new,) = db.execute("SELECT count(*) FROM transitions WHERE seq > ?", [last]).fetchone()
    return int(new)


def put_cursors(db: Database, cursors: Sequence[Cursor]) -> None:
    """Insert or move."""
    db.executemany(
        "INSERT INTO cursors (account, stream, at) VALUES (?, ?, ?) "
        "ON CONFLICT (account, stream) DO UPDATE SET at = excluded.at",
        [(cursor.account, cursor.stream, to_timestamp(cursor.at)) for cursor in cursors],
    )


def put_snapshots(db: Database, snapshots: Sequence[EntitySnapshot]) -> None:
    """Insert or replace; where several are of one entity, the last counts. One without a body is deleted."""
    final = {(each.account, each.entity, each.id): each.body for each in snapshots}
    db.executemany(
        "DELETE FROM snapshots WHERE account = ? AND entity = ? AND id = ?",
        [key for key, body in final.items() if body is None],
    )
    db.executemany(
        "INSERT INTO snapshots (account, entity, id, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, entity, id) DO UPDATE SET body = excluded.body",
        [(*key, body) for key, body in final.items() if body is not None],
    )


def _newest(
    db: Database,
    account: str,
    entity: str,
    parent: str | None,
    id: str,  # noqa: A002 - the field's name
    span: tuple[datetime | None, datetime | None],
    limit: int,
    after: str = "",
) -> list[Transition]:
    """The newest transitions that fit within ``span`` (from, until), newest first; ``id`` may end in ``*``.

    Each question names its index where that can be: what the planner guesses about sizes must not decide whether it
    takes a millisecond.
    """
    since, until = span
    index, where, values = _index(entity, parent, id), ["account = :account"], {"account": account, "limit": limit}
    if entity:
        where.append("entity = :entity")
        values["entity"] = entity
    if parent is not None:
        where.append("parent = :parent")
        values["parent"] = parent
        if parent:
            where.append("parent <> ''")  # which the partial index needs to be used
    if id.endswith("*"):
        where.append("id BETWEEN :id AND :last")
        values |= {"id": id[:-1], "last": id[:-1] + _LAST}
    elif id:
        where.append("id = :id")
        values["id"] = id
    if after:
        where.append("after = :after")
        values["after"] = after
    if since is not None:
        where.append("at >= :since")
        values["since"] = to_timestamp(since)
    if until is not None:
        where.append("at < :until")
        values["until"] = to_timestamp(until)
    rows = db.execute(
        f"SELECT account, entity, parent, id, before, after, at, details FROM transitions {db.dialect.by_index(index)} "  # noqa: S608 - fixed words
        f"WHERE {' AND '.join(where)} ORDER BY at DESC, seq DESC LIMIT :limit",
        values,
    )
    return [
        Transition(a, e, p, i, before, after, from_timestamp(at), details)
        for a, e, p, i, before, after, at, details in rows
    ]


def _index(entity: str, parent: str | None, id: str) -> str:  # noqa: A002
    """The index that leads to the fewest rows, in the order of time if it can."""
    name = id.rstrip("*")
    if entity and parent is not None and name:
        return "transitions_key"
    if name:
        return "transitions_id"
    if parent:
        return "transitions_parent"
    return "transitions_entity" if entity else "transitions_at"


def _horizon(db: Database) -> int:
    """Transitions before this moment (microseconds) were pruned."""
    return int(meta(db, _PRUNED) or 0)


def _move_horizon(db: Database, to: int) -> None:
    """Let nothing before ``to`` in any more, because it is about to be pruned. It never moves back."""
    if to > _horizon(db):
        put_meta(db, _PRUNED, str(to).encode())


def _accounts(db: Database) -> list[str]:
    """Every account that has a transition or an hour, by skipping through the indexes."""
    found: set[str] = set()
    for table in ("transitions", "transition_hours"):
        rows = db.execute(
            f"""
            WITH RECURSIVE name (it) AS (
                SELECT min(account) FROM {table} UNION ALL
                SELECT (SELECT min(account) FROM {table} WHERE account > it) FROM name WHERE it IS NOT NULL
            )
            SELECT it FROM name WHERE it IS NOT NULL
            """  # noqa: S608 - fixed words
        )
        found.update(name for (name,) in rows)
    return sorted(found)
