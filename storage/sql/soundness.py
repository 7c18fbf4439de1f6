"""Rows that nobody could read are put aside before anything is built on them: kept in ``unreadable``, and counted.

A damaged disk, a hand that edits the file, or a version that stored otherwise may leave a moment that is none, or text
that is no JSON. Types are the database's to hold; what a value means is checked here, in SQL, once at
each start. What is JSON of another shape is left to its reader (:mod:`storage.port.decoding`). The audit trail is never
touched: its chain of hashes says by itself what was changed.
"""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from storage.sql.database import Database
from storage.sql.timestamps import to_timestamp

log = structlog.get_logger()

LATEST = to_timestamp(datetime(9990, 1, 1, tzinfo=UTC))
"""No moment lies behind it: with any zone's offset and any span that is added it is still a date."""

MOMENTS = {
    "journal": ("accepted", "held_until", "started"),
    "conversations": ("seen",),
    "files": ("expires",),
    "series": ("first", "last"),
    "preferences": ("at",),
    "transitions": ("at",),
    "transition_hours": ("start",),
    "cursors": ("at",),
    "incidents": ("opened", "changed"),
    "outbox": ("not_before", "first_attempt"),
    "posted_messages": ("at",),
    "live_cards": ("at",),
    "confirmations": ("expires", "asked"),
    "operations": ("started", "changed", "held_until"),
    "operation_steps": ("at",),
    "uploads": ("expires",),
    "upload_tickets": ("expires",),
    "approvals": ("expires",),
    "job_runs": ("started", "ended", "read"),
    "samples": ("at",),
    "rollups": ("start",),
    "job_rollups": ("start",),
    "pool_eras": ("since",),
    "price_lists": ("as_of",),
    "prices": ("since",),
    "bill_corrections": ("at",),
    "network": ("at", "begin", "began"),
    "report_posts": ("at",),
    "advice": ("at",),
    "recommendations": ("first", "last", "over", "answered", "until"),
    "anomalies": ("found",),
    "node_boots": ("allocated",),
    "black_box": ("at", "kept"),
}
"""Columns that hold moments, by table: whole numbers since 1970 that are dates."""
ENCODED = {
    "journal": ("body", "outcome"),
    "conversations": ("body",),
    "preferences": ("value",),
    "incidents": ("body",),
    "notifications": ("body",),
    "outbox": ("address", "card"),
    "live_cards": ("request", "card"),
    "confirmations": ("shown",),
    "operations": ("arguments", "act", "outcome"),
    "operation_steps": ("result",),
    "upload_tickets": ("request",),
    "approvals": ("body",),
    "samples": ("jobs",),
    "pool_eras": ("tags",),
    "bill_readings": ("body",),
    "report_posts": ("body",),
    "advice": ("body",),
    "recommendations": ("body",),
    "anomalies": ("body", "reply"),
    "transitions": ("details",),
}
"""Columns that hold JSON, or nothing, by table. Snapshots are MessagePack: their reader leaves out what is none."""
DAYS = {"bill": ("day",), "bill_corrections": ("day",), "anomalies": ("day",)}
"""Columns that hold days, by table: ``2026-11-23``."""


def sifted(db: Database, *, held: bool) -> tuple[dict[str, int], dict[str, int]]:
    """Move what cannot be read aside, where the file is ``held``; another program may use a row until it ends.

    Returns how many rows lie aside by now, and how many are still in their places, by their table.
    """
    existing = set(db.table_names())
    left: dict[str, int] = {}
    for table in sorted(MOMENTS.keys() | ENCODED.keys() | DAYS.keys()):
        if table not in existing:
            continue
        where = _unreadable(db, table)
        (rows,) = db.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
        if rows and held:
            _put_aside(db, table, where)
        elif rows:
            left[table] = int(rows)
    counted = db.execute("SELECT source, COUNT(*) FROM unreadable GROUP BY source")
    return {str(source): int(rows) for source, rows in counted}, left


def _unreadable(db: Database, table: str) -> str:
    """The condition that fits rows nobody could read."""
    wrong = [f"{name} NOT BETWEEN 0 AND {LATEST}" for name in MOMENTS.get(table, ())]
    wrong += [f"(length({name}) > 0 AND NOT {db.dialect.json(name)})" for name in ENCODED.get(table, ())]
    wrong += [f"NOT {db.dialect.day(name)}" for name in DAYS.get(table, ())]
    return " OR ".join(wrong)


def _put_aside(db: Database, table: str, where: str) -> None:
    row = db.dialect.row(table, db.columns(table))
    with db.atomic():
        moved = db.execute(
            f"INSERT INTO unreadable (source, at, body) SELECT '{table}', ?, {row} FROM {table} WHERE {where}",  # noqa: S608
            [to_timestamp(datetime.now(UTC))],
        ).rowcount
        db.execute(f"DELETE FROM {table} WHERE {where}")  # noqa: S608
    log.error("storage.put_aside", table=table, rows=moved)
