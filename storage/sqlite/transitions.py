"""The SQL of what was seen: transitions and their hours, cursors, views. Run in the store's thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from storage.port.watching import Count, Cursor, Transition, View
from storage.sqlite.timestamps import from_timestamp, to_timestamp

HOUR = 3600
_MICRO = 1_000_000
_LAST = "\U0010ffff"
"""Sorts after every letter, so that ``x`` to ``x`` and this are the names that begin with x."""


def add(db: Database, transitions: Sequence[Transition]) -> int:
    """Insert those that are new and count them into their hours; returns how many. Belongs in a transaction.

    One from before what was pruned is left out, because nobody can tell any more whether it was counted.
    """
    oldest = horizon(db)
    (last,) = db.execute("SELECT ifnull(max(seq), 0) FROM transitions").fetchone()
    db.conn.executemany(
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
        SELECT account, at / :hour * :seconds, entity, after, count(*) FROM transitions WHERE seq > :last
        GROUP BY account, at / :hour, entity, after
        ON CONFLICT (account, start, entity, after) DO UPDATE SET count = count + excluded.count
        """,
        {"hour": HOUR * _MICRO, "seconds": HOUR, "last": last},
    )
    (new,) = db.execute("SELECT count(*) FROM transitions WHERE seq > ?", [last]).fetchone()
    return int(new)


def newest(
    db: Database,
    account: str,
    entity: str,
    parent: str | None,
    id: str,  # noqa: A002 - the field's name
    span: tuple[datetime | None, datetime | None],
    limit: int,
) -> list[Transition]:
    """The newest transitions that fit within ``span`` (from, until), newest first; ``id`` may end in ``*``.

    Each question names its index: what SQLite guesses about sizes must not decide whether it takes a millisecond.
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
            where.append("parent <> ''")  # which the partial index wants to hear
    if id.endswith("*"):
        where.append("id BETWEEN :id AND :last")
        values |= {"id": id[:-1], "last": id[:-1] + _LAST}
    elif id:
        where.append("id = :id")
        values["id"] = id
    if since is not None:
        where.append("at >= :since")
        values["since"] = to_timestamp(since)
    if until is not None:
        where.append("at < :until")
        values["until"] = to_timestamp(until)
    rows = db.execute(
        f"SELECT account, entity, parent, id, before, after, at, details FROM transitions INDEXED BY {index} "  # noqa: S608 - fixed words
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


def counts(db: Database, account: str, since: datetime, until: datetime, entity: str) -> list[Count]:
    """Hours from the one that ``since`` lies in up to ``until``, oldest first, then by entity and state."""
    rows = db.execute(
        "SELECT start, entity, after, count FROM transition_hours WHERE account = ? AND start >= ? AND start < ? "
        "AND ? IN ('', entity) ORDER BY start, entity, after",
        [account, to_timestamp(since) // _MICRO // HOUR * HOUR, -(-to_timestamp(until) // _MICRO), entity],
    )
    return [Count(from_timestamp(start * _MICRO), *rest) for start, *rest in rows]


def put_cursors(db: Database, cursors: Sequence[Cursor]) -> None:
    """Insert or move."""
    db.conn.executemany(
        "INSERT INTO cursors (account, stream, at) VALUES (?, ?, ?) "
        "ON CONFLICT (account, stream) DO UPDATE SET at = excluded.at",
        [(cursor.account, cursor.stream, to_timestamp(cursor.at)) for cursor in cursors],
    )


def cursors(db: Database, account: str) -> list[Cursor]:
    """Of one account, by stream."""
    rows = db.execute("SELECT stream, at FROM cursors WHERE account = ? ORDER BY stream", [account])
    return [Cursor(account, stream, from_timestamp(at)) for stream, at in rows]


def put_views(db: Database, views: Sequence[View]) -> None:
    """Insert or replace; where several are of one entity, the last counts. One without a body is deleted."""
    final = {(view.account, view.entity, view.id): view.body for view in views}
    db.conn.executemany(
        "DELETE FROM views WHERE account = ? AND entity = ? AND id = ?",
        [key for key, body in final.items() if body is None],
    )
    db.conn.executemany(
        "INSERT INTO views (account, entity, id, body) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, entity, id) DO UPDATE SET body = excluded.body",
        [(*key, body) for key, body in final.items() if body is not None],
    )


def views(db: Database, account: str) -> list[View]:
    """Of one account, by entity and id."""
    rows = db.execute("SELECT entity, id, body FROM views WHERE account = ? ORDER BY entity, id", [account])
    return [View(account, *row) for row in rows]


def horizon(db: Database) -> int:
    """Transitions before this moment (microseconds) were pruned."""
    row = db.execute("SELECT value FROM meta WHERE name = 'pruned_transitions'").fetchone()
    return int(row[0]) if row else 0


def move_horizon(db: Database, to: int) -> None:
    """Let nothing before ``to`` in any more, because it is about to be pruned. It never moves back."""
    if to > horizon(db):
        db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('pruned_transitions', ?)", [str(to).encode()])


def accounts(db: Database) -> list[str]:
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
