"""Takes the lines of an audit trail that an older version wrote into the chain of hashes."""

from __future__ import annotations

from sqlite_utils import Database

from storage.port.audit import AuditEntry, chained
from storage.sql.timestamps import from_timestamp


def chain_the_audit_trail(db: Database) -> None:
    """Number the lines from 1 without a gap, in their order, and give each its hash.

    The triggers that refuse to change a line are away for as long as that takes, within the migration's transaction.
    """
    triggers = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
    ).fetchall()
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    rows = db.execute(
        "SELECT seq, at, correlation, request, person, home, conversation, account, command, target, effect, rule, "
        "result, details FROM audit ORDER BY seq"
    ).fetchall()
    previous = ""
    for number, (seq, at, *rest) in enumerate(rows, 1):
        previous = chained(previous, number, AuditEntry(from_timestamp(at), *rest))
        db.execute("UPDATE audit SET seq = ?, hash = ? WHERE seq = ?", [number, previous, seq])
    for _, sql in triggers:
        db.execute(sql)
